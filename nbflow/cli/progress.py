"""What `nbflow run` shows: progress while it works, the grid and where things lie at the end."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from nbflow.model.messages import Move, RunMove
from nbflow.model.state import RunState, TaskState
from nbflow.service.submit import Standing, Submission
from nbflow.widgets.look import duration as in_words
from nbflow.widgets.terminal import glyph, grid_text

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console, RenderableType

    from nbflow.model.record import RunRecord
    from nbflow.model.run import RunKey, TaskKey
    from nbflow.service.api import Prepared
    from nbflow.service.scheduler import Moves

_SHOWN_RUNNING = 8


class Progress:
    """The live display of one `nbflow run`. In a terminal it moves; else it prints a line a run."""

    def __init__(self, prepared: Prepared, out: Console) -> None:
        self._prepared = prepared
        self._out = out
        self._labels: dict[RunKey, str] = {}
        self._running: dict[TaskKey, datetime] = {}
        self._started: dict[RunKey, datetime] = {}
        self._states: dict[TaskKey, TaskState] = {}
        self._bars = Bars(
            TextColumn("{task.description}", justify="right"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=out,
        )
        self._live = Live(console=out, get_renderable=self._picture, refresh_per_second=8, transient=True)
        self._stopped = False

    def __enter__(self) -> Self:
        if self._out.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._out.is_terminal:
            self._live.stop()

    def waiting_for(self, owner: str) -> None:
        """Another process holds the home."""
        root = self._prepared.home.root
        self._out.print(f"waiting: the home {root} is held by {owner}", markup=False)

    def begin(self, todo: list[Submission]) -> None:
        """Say what will be done."""
        prepared = self._prepared
        flow = prepared.flow
        counts = {standing: [s for s in todo if s.standing is standing] for standing in Standing}
        work = counts[Standing.NEW] + counts[Standing.CONTINUES]
        self._labels = {submission.key: submission.label for submission in todo}
        first, last = todo[0].label, todo[-1].label
        span = first if len(todo) == 1 else f"{first} to {last}, {len(todo)} runs"
        tasks = _count(len(flow.tasks), "task")
        self._out.print(
            Text.assemble((flow.dag.dag_id, "bold"), f"  {span} of {tasks}  ", (self._home(), "dim"))
        )
        if prepared.left_out:
            self._out.print(
                f"left out: {prepared.left_out} intervals that have not ended yet", style="yellow"
            )
        for submission in counts[Standing.CONTINUES]:
            self._goes_on(submission)
        if counts[Standing.DONE]:
            self._done_before(counts[Standing.DONE])
        total = sum(submission.to_do if submission.to_do >= 0 else len(flow.tasks) for submission in work)
        if work:
            self._runs_bar = self._bars.add_task("runs", total=len(work))
            self._tasks_bar = self._bars.add_task("tasks", total=total)

    def moved(self, moves: Moves) -> None:
        """Take note of moves."""
        for move in moves:
            if isinstance(move, RunMove):
                self._run_moved(move)
            else:
                self._task_moved(move)

    def finish(self, runs: list[RunRecord]) -> None:
        """Show how it ended, where the executed notebooks lie, and how to look further."""
        from nbflow.service.views import all_notes, grid_view
        from nbflow.store.state import StateStore

        prepared, out = self._prepared, self._out
        dates = [run.interval.logical_date for run in runs]
        with StateStore(prepared.home.state) as state:
            view = grid_view(state, prepared.flow, between=(min(dates), max(dates)))
            notes = all_notes(state, runs)
        out.print()
        out.print(grid_text(view))
        out.print()
        for (task_id, note), noted in notes.items():
            more = f" and {len(noted) - 1} more" if len(noted) > 1 else ""
            where = f"{self._labels[noted[0].key]}{more}  {task_id}: "
            out.print(Text.assemble(("note  ", "yellow"), (where, "bold"), note), soft_wrap=True)
        notebook = prepared.home.run_notebook(runs[-1].key.dag_id, self._labels[runs[-1].key])
        where = notebook if len(runs) == 1 else notebook.parent
        out.print(Text.assemble(("executed notebooks  ", "dim"), _short(where)), soft_wrap=True)
        for line in self._next_steps(runs):
            out.print(line, soft_wrap=True)

    def _next_steps(self, runs: list[RunRecord]) -> list[Text]:
        name = _short(self._prepared.request.notebook)
        quoted = shlex.quote(name)
        failed = [key for key, state in self._states.items() if state is TaskState.FAILED]
        lines = []
        if any(not run.state.finished for run in runs):
            lines.append(Text("stopped; the same command again goes on from here", style="yellow"))
        if failed:
            label = shlex.quote(self._labels[failed[0].run])
            address = f"{quoted} {label} {shlex.quote(failed[0].task_id)}"
            lines.append(Text.assemble(("see why  ", "dim"), f"nbflow logs {address}"))
            lines.append(Text("fix the cell, save, and give the same command again", style="dim"))
        if not lines:
            label = shlex.quote(self._labels[runs[-1].key])
            lines.append(Text.assemble(("look further  ", "dim"), f"nbflow show {quoted} {label}"))
        return lines

    def _run_moved(self, move: RunMove) -> None:
        label = self._labels[move.run]
        if move.new is RunState.RUNNING:
            self._started[move.run] = move.at
        elif move.new.finished:
            self._bars.advance(self._runs_bar)
            seconds = (move.at - self._started[move.run]).total_seconds()
            if not self._out.is_terminal:
                self._out.print(f"{label}  {move.new}  {in_words(seconds)}  {move.reason}", markup=False)
        elif move.old is RunState.RUNNING and move.run in self._started and not self._stopped:
            self._stopped = True
            self._out.print(f"{move.reason}: waiting for running tasks to end", style="yellow")

    def _task_moved(self, move: Move) -> None:
        self._states[move.key] = move.new
        if move.new is TaskState.RUNNING:
            self._running[move.key] = move.at
        else:
            self._running.pop(move.key, None)
        if move.new.finished and not move.old.finished:
            self._bars.advance(self._tasks_bar)
        if move.new in (TaskState.FAILED, TaskState.UP_FOR_RETRY):
            where = f"{self._labels[move.key.run]}  {move.key.task_id}: {move.reason}"
            self._out.print(Text.assemble(glyph(move.new), "  ", where), soft_wrap=True)

    def _goes_on(self, submission: Submission) -> None:
        said = f"{submission.label} goes on: {_count(submission.to_do, 'task')} to do"
        stale = [task for task in submission.again if task in submission.stale]
        if stale:
            said += f" ({', '.join(stale)} changed since)"
        self._out.print(said, style="dim", markup=False)

    def _done_before(self, done: list[Submission]) -> None:
        labels = done[0].label if len(done) == 1 else f"{len(done)} runs"
        states = sorted({submission.state.value for submission in done})
        said = f"{labels}: {' or '.join(states)} already"
        stale = sorted({task for submission in done for task in submission.stale})
        if stale:
            said += f"; changed since: {', '.join(stale)} (--stale runs them again)"
        said += ". Everything again: --reprocess completed"
        self._out.print(said, markup=False, soft_wrap=True)

    def _picture(self) -> RenderableType:
        running = sorted(self._running.items(), key=lambda item: item[1])[:_SHOWN_RUNNING]
        lines = [
            Text.assemble("  ", glyph(TaskState.RUNNING), f" {self._labels[key.run]}  {key.task_id}")
            for key, _ in running
        ]
        return Group(*lines, self._bars) if self._bars.tasks else Text("")

    def _home(self) -> str:
        return f"home {_short(self._prepared.home.root)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _short(path: Path) -> str:
    """A path from here where it lies below, else absolute."""
    path = path.resolve()
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
