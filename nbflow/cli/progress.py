"""What commands that run something show: progress while it works, the grid and where things lie at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from nbflow.cli.next_steps import after_failure, after_success, short, while_they_go_on
from nbflow.model.messages import Move, RunMove
from nbflow.model.state import RunState, TaskState
from nbflow.service.lookup import name_of
from nbflow.service.session import STOPPED
from nbflow.service.submit import Standing, Submission
from nbflow.widgets.look import duration as in_words
from nbflow.widgets.terminal import glyph, grid_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from rich.console import Console, RenderableType

    from nbflow.model.flow import Flow
    from nbflow.model.record import RunRecord
    from nbflow.model.run import RunKey, TaskKey
    from nbflow.service.scheduler import Moves
    from nbflow.store.home import Home

_SHOWN_RUNNING = 8


class Progress:
    """The live display of runs. In a terminal it moves; else it prints a line a run.

    Attributes:
        detached: whether the runs go on without whoever watches.
    """

    def __init__(
        self,
        home: Home,
        flow: Flow,
        notebook: Path,
        out: Console,
        *,
        left_out: int = 0,
        again: bool = False,
    ) -> None:
        """Show nothing yet.

        Args:
            home: where the runs are.
            flow: the notebook as read.
            notebook: its path, as people write it.
            out: where to print.
            left_out: how many intervals were left out because they have not ended.
            again: whether the same command again does what failed once more.
        """
        self._again = again
        self._home = home
        self._flow = flow
        self._notebook = notebook
        self._left_out = left_out
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
        self.detached = False
        self._totals: dict[str, int] = {}
        self._bar_ids: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if self._out.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._out.is_terminal:
            self._live.stop()

    def handed_to(self, owner: str) -> None:
        """Another process does the work."""
        self._out.print(f"run by {owner}", style="dim", markup=False, soft_wrap=True)

    def taken_over(self, owner: str) -> None:
        """That one has ended before the work was done."""
        self._stopped = False
        self._running.clear()
        self._out.print(
            f"{owner} has ended: going on without it", style="yellow", markup=False, soft_wrap=True
        )

    def stopping(self) -> None:
        """The runs are being stopped, though another process works on them."""
        self._stopped = True
        self._out.print(f"{STOPPED} Ctrl-C: waiting for running tasks to end", style="yellow")

    def left(self, labels: Sequence[str]) -> None:
        """The runs go on, but nobody watches any more."""
        self.detached = True
        for line in while_they_go_on(self._flow.dag.dag_id, labels):
            self._out.print(line, soft_wrap=True)

    def begin(self, todo: list[Submission]) -> None:
        """Say what will be done."""
        flow = self._flow
        counts = {standing: [s for s in todo if s.standing is standing] for standing in Standing}
        work = counts[Standing.NEW] + counts[Standing.CONTINUES]
        self._labels = {submission.key: submission.label for submission in todo}
        first, last = todo[0].label, todo[-1].label
        span = first if len(todo) == 1 else f"{first} to {last}, {len(todo)} runs"
        tasks = _count(len(flow.tasks), "task")
        self._out.print(
            Text.assemble(
                (flow.dag.dag_id, "bold"),
                f"  {span} of {tasks}  ",
                (f"home {short(self._home.root)}", "dim"),
            )
        )
        if self._left_out:
            self._out.print(f"left out: {self._left_out} intervals that have not ended yet", style="yellow")
        for submission in counts[Standing.CONTINUES]:
            self._goes_on(submission)
        if counts[Standing.DONE]:
            self._done_before(counts[Standing.DONE])
        total = sum(submission.to_do if submission.to_do >= 0 else len(flow.tasks) for submission in work)
        if work:
            self._totals = {"runs": len(work), "tasks": total}
            self._bar_ids = {
                name: self._bars.add_task(name, total=count) for name, count in self._totals.items()
            }

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

        out = self._out
        if not runs:
            return
        dates = [run.interval.logical_date for run in runs]
        with StateStore(self._home.state) as state:
            view = grid_view(state, self._flow, between=(min(dates), max(dates)))
            notes = all_notes(state, runs)
        out.print()
        out.print(grid_text(view))
        out.print()
        for (task_id, note), noted in notes.items():
            more = f" and {len(noted) - 1} more" if len(noted) > 1 else ""
            where = f"{self._label(noted[0].key)}{more}  {task_id}: "
            out.print(Text.assemble(("note  ", "yellow"), (where, "bold"), note), soft_wrap=True)
        notebook = self._home.run_notebook(runs[-1].key.dag_id, self._label(runs[-1].key))
        where = notebook if len(runs) == 1 else notebook.parent
        out.print(Text.assemble(("executed notebooks  ", "dim"), short(where)), soft_wrap=True)
        for line in self._next_steps(runs):
            out.print(line, soft_wrap=True)

    def _next_steps(self, runs: list[RunRecord]) -> list[Text]:
        failed = [key for key, state in self._states.items() if state is TaskState.FAILED]
        lines: list[Text] = []
        if self._stopped:
            lines.append(Text("stopped; the same command again goes on from here", style="yellow"))
        else:
            lines += [
                Text(f"{self._label(run.key)}: {run.reason}", style="yellow")
                for run in runs
                if not run.state.finished
            ]
        if failed:
            lines += after_failure(self._notebook, self._label(failed[0].run), failed, again=self._again)
        return lines or [after_success(self._notebook, self._label(runs[-1].key))]

    def _run_moved(self, move: RunMove) -> None:
        label = self._label(move.run)
        if move.new is RunState.RUNNING:
            self._started[move.run] = move.at
        elif move.new.finished:
            if move.run in self._labels:
                self._advance("runs")
            began = self._started.get(move.run)
            took = in_words(None if began is None else (move.at - began).total_seconds())
            if not self._out.is_terminal:
                said = [text for text in (label, move.new.value, took, move.reason) if text]
                self._out.print("  ".join(said), markup=False)
        elif move.old is RunState.RUNNING and move.run in self._started:
            self._held_or_stopped(label, move.reason)

    def _held_or_stopped(self, label: str, reason: str) -> None:
        if not reason.startswith(STOPPED):
            self._out.print(f"{label}  waits: {reason}", style="yellow", markup=False)
        elif not self._stopped:
            self._stopped = True
            self._out.print(f"{reason}: waiting for running tasks to end", style="yellow")

    def _task_moved(self, move: Move) -> None:
        self._states[move.key] = move.new
        if move.new is TaskState.RUNNING:
            self._running[move.key] = move.at
        else:
            self._running.pop(move.key, None)
        if move.new.finished and not move.old.finished:
            self._count_task(move.key)
        if move.new in (TaskState.FAILED, TaskState.UP_FOR_RETRY):
            where = f"{self._label(move.key.run)}  {name_of(move.key)}: {move.reason}"
            self._out.print(Text.assemble(glyph(move.new), "  ", where), soft_wrap=True)

    def _count_task(self, key: TaskKey) -> None:
        """One more is done; instances of mapped tasks, which nobody knew of before, add to what is to do."""
        if key.run not in self._labels:
            return
        if key.map_index >= 0 and "tasks" in self._bar_ids:
            self._totals["tasks"] += 1
            self._bars.update(self._bar_ids["tasks"], total=self._totals["tasks"])
        self._advance("tasks")

    def _advance(self, name: str) -> None:
        if name in self._bar_ids:
            self._bars.advance(self._bar_ids[name])

    def _goes_on(self, submission: Submission) -> None:
        said = f"{submission.label} goes on: {_count(submission.to_do, 'task')} to do"
        stale = [key.task_id for key in submission.again if key.task_id in submission.stale]
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
        dag_id = done[0].key.dag_id
        dates = done[0].label if len(done) == 1 else f"--from {done[0].label} --to {done[-1].label}"
        said += f". All of it again: nbflow clear {dag_id} {dates}"
        self._out.print(said, markup=False, soft_wrap=True)

    def _picture(self) -> RenderableType:
        running = sorted(self._running.items(), key=lambda item: item[1])[:_SHOWN_RUNNING]
        lines = [
            Text.assemble("  ", glyph(TaskState.RUNNING), f" {self._label(key.run)}  {name_of(key)}")
            for key, _ in running
        ]
        return Group(*lines, self._bars) if self._bars.tasks else Text("")

    def _label(self, key: RunKey) -> str:
        """A run as people read it; one that a task of ours has triggered with its DAG's name."""
        return self._labels.get(key) or f"{key.dag_id} {key.run_id}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
