"""`nbflow show`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import console, json_option, print_json, print_table
from nbflow.cli.times import local_time
from nbflow.model.state import TaskState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nbflow.model.record import InstanceRecord, RunRecord, TryRecord
    from nbflow.model.run import TaskKey
    from nbflow.service.lookup import Target
    from nbflow.store.state import StateStore


_MOST_INSTANCES = 20


@click.command("show", cls=DatedCommand)
@click.argument("dag", metavar="DAG|NOTEBOOK")
@click.argument("date", metavar="[DATE|latest|RUN_ID]", default="latest")
@click.argument("task", metavar="[TASK[INDEX]]", required=False)
@click.option(
    "--notebook", is_flag=True, help="Print the notebook as the run ran it (JSON, without outputs)."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --notebook: write it there instead.",
)
@json_option("the run, or the task's tries,")
def command(
    dag: str, date: str, task: str | None, *, notebook: bool, output: Path | None, as_json: bool
) -> None:
    """Show a run (the latest, if no date is given), or one task of it with all its tries.

    Tasks stand in the order of the version that the run ran, also those that the notebook no longer has.
    """
    from nbflow.service.lookup import find_instance, find_run, find_target, open_state

    if output is not None and not notebook:
        raise click.UsageError("-o FILE says where --notebook is written; give --notebook with it.")
    target = find_target(dag)
    with open_state(target) as state:
        run = find_run(state, target, date)
        if notebook:
            _show_notebook(target, run, state, output)
            return
        records = state.instances(run.key)
        if task is None:
            _show_run(target, run, records, state, as_json=as_json)
            return
        _show_task(target, run, find_instance(state, target, run, task), state, as_json=as_json)


def _show_run(
    target: Target, run: RunRecord, records: list[InstanceRecord], state: StateStore, *, as_json: bool
) -> None:
    from nbflow.service.lookup import label_of
    from nbflow.service.submit import stale_tasks
    from nbflow.service.versions import ran, run_flow
    from nbflow.service.views import reason_of, standing
    from nbflow.store.home import is_held
    from nbflow.widgets.look import duration
    from nbflow.widgets.terminal import glyph

    label = label_of(run, target.timezone)
    notebook = target.home.run_notebook(target.dag_id, label)
    stale = stale_tasks(target.flow, records)
    notes = state.notes(run.key)
    records = _in_order(records, run_flow(state, target, run).tasks)
    version = ran(state, target, run)
    if as_json:
        print_json(
            {
                "dag_id": target.dag_id,
                "run_id": run.key.run_id,
                "date": label,
                "state": run.state.value,
                "reason": run.reason,
                "params": run.params,
                "data_interval_start": run.interval.start,
                "data_interval_end": run.interval.end,
                "started": run.started,
                "ended": run.ended,
                "notebook": notebook if notebook.exists() else None,
                "version": run.version,
                "since": None if version.since is None else str(version.since),
                "tasks": [
                    {
                        "task_id": record.key.task_id,
                        "map_index": record.key.map_index,
                        "label": record.label,
                        "state": record.state.value,
                        "try_number": record.try_number,
                        "seconds": _seconds(record.started, record.ended),
                        "reason": record.reason,
                        "stale": record.key.task_id in stale,
                        "notes": notes.get(record.key.task_id, ()),
                    }
                    for record in records
                ],
            }
        )
        return
    out = console()
    dag = state.dag(target.dag_id)
    paused = dag is not None and dag.paused
    shown, reason = standing(run, held=is_held(target.home), paused=paused)
    out.print(Text.assemble((f"{target.dag_id} {label}", "bold"), f"  {shown}  {reason}"))
    zone = target.timezone
    start, end = (local_time(at, zone, seconds=False) for at in (run.interval.start, run.interval.end))
    out.print(Text(f"data interval {start} to {end} ({zone})", "dim"))
    if run.params:
        out.print(Text("params " + ", ".join(f"{k}={v!r}" for k, v in run.params.items()), "dim"))
    out.print(Text(str(version), "dim" if version.ago == 0 else ""), soft_wrap=True)
    print_table(
        (
            (
                glyph(record.state),
                _name(record),
                record.state.value + (" (stale)" if record.key.task_id in stale else ""),
                record.try_number or "",
                duration(_seconds(record.started, record.ended)),
                Text(reason_of(record, records), "dim" if record.state is TaskState.SUCCESS else ""),
            )
            for record in _worth_a_line(records)
        ),
        {"": "left", "TASK": "left", "STATE": "left", "TRY": "right", "TOOK": "right", "REASON": "fold"},
    )
    for task_id, said in notes.items():
        for note in said:
            out.print(Text.assemble(("note ", "yellow"), f"{task_id}: {note}"), soft_wrap=True)
    if notebook.exists():
        out.print(Text.assemble(("executed notebook  ", "dim"), str(notebook)), soft_wrap=True)


def _show_notebook(target: Target, run: RunRecord, state: StateStore, output: Path | None) -> None:
    """The notebook as a run ran it, on standard output or into a file."""
    from nbflow.service.versions import version_text

    text = version_text(state, target, run.version)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", "utf-8")
        click.echo(output)


def _in_order(records: list[InstanceRecord], tasks: Iterable[str]) -> list[InstanceRecord]:
    """The task instances in the order of these tasks; those of others after them, as they came."""
    place = {task_id: index for index, task_id in enumerate(tasks)}
    return sorted(records, key=lambda record: place.get(record.key.task_id, len(place)))


def _worth_a_line(records: list[InstanceRecord]) -> list[InstanceRecord]:
    """All of them, but of a task with many instances only some that did not succeed."""
    found: list[InstanceRecord] = []
    shown: Counter[str] = Counter()
    many = {record.key.task_id for record in records if (record.items or 0) > _MOST_INSTANCES}
    for record in records:
        if record.key.map_index >= 0 and record.key.task_id in many:
            if record.state is TaskState.SUCCESS or shown[record.key.task_id] >= _MOST_INSTANCES:
                continue
            shown[record.key.task_id] += 1
        found.append(record)
    return found


def _name(record: InstanceRecord) -> Text:
    """`clean`, and the instances of a mapped task below it: `  [3] p=0.1`."""
    if record.key.map_index < 0:
        return Text(record.key.task_id)
    return Text.assemble(f"  [{record.key.map_index}]", (f" {record.label}" if record.label else "", "dim"))


def _show_task(target: Target, run: RunRecord, key: TaskKey, state: StateStore, *, as_json: bool) -> None:
    from nbflow.service.lookup import find_try, label_of, name_of
    from nbflow.service.versions import SHORT
    from nbflow.widgets.look import duration

    find_try(state, target, run, key, None)
    tries = state.tries(key)
    moves = [
        move
        for move in state.transitions(run.key)
        if (move.task_id, move.map_index) == (key.task_id, key.map_index)
    ]
    if as_json:
        print_json([_try_json(tried) for tried in tries])
        return
    out = console()
    label = label_of(run, target.timezone)
    out.print(Text(f"{target.dag_id} {label} {name_of(key)}", "bold"))
    for tried in tries:
        took = duration(_seconds(tried.started, tried.ended))
        head = f"try {tried.try_number}  {tried.result or 'running'}  {took}"
        out.print(Text.assemble((head, "bold"), f"  {tried.reason}"), soft_wrap=True)
        for note in tried.notes:
            out.print(Text.assemble(("  note ", "yellow"), note), soft_wrap=True)
        by = f"version {tried.version[:SHORT]} of the notebook"
        out.print(Text(f"  {f'{tried.engine}, ' if tried.engine else ''}{by}", "dim"), soft_wrap=True)
        out.print(Text(f"  {tried.folder}", "dim"), soft_wrap=True)
    print_table(
        (
            (local_time(move.at, target.timezone), f"{move.old} → {move.new}", Text(move.reason))
            for move in moves
        ),
        {"WHEN": "left", "MOVE": "left", "WHY": "fold"},
    )


def _try_json(tried: TryRecord) -> dict[str, object]:
    error = tried.error
    return {
        "try_number": tried.try_number,
        "result": tried.result,
        "reason": tried.reason,
        "error": None
        if error is None
        else {"type": error.type, "message": error.message, "cell": error.cell, "line": error.line},
        "notes": tried.notes,
        "started": tried.started,
        "ended": tried.ended,
        "engine": tried.engine,
        "process_group": tried.process_group,
        "code_hash": tried.code_hash,
        "version": tried.version,
        "folder": tried.folder,
    }


def _seconds(started: datetime | None, ended: datetime | None) -> float | None:
    return (ended - started).total_seconds() if started and ended else None
