"""`nbflow why`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import console, json_option, print_json, print_table

if TYPE_CHECKING:
    from nbflow.service.lookup import Target
    from nbflow.service.why import Why


@click.command("why", cls=DatedCommand)
@click.argument("dag", metavar="DAG|NOTEBOOK")
@click.argument("date", metavar="DATE|latest|RUN_ID")
@click.argument("task", metavar="TASK[INDEX]")
@json_option("what is said")
def command(dag: str, date: str, task: str, *, as_json: bool) -> None:
    """Say why a task is in its state, what it waits for, and how it came there."""
    from nbflow.service.lookup import find_instance, find_run, find_target, label_of, open_state
    from nbflow.service.why import why

    target = find_target(dag)
    with open_state(target) as state:
        run = find_run(state, target, date)
        key = find_instance(state, target, run, task)
        said = why(state, target, run, key)
    if as_json:
        print_json(_json(said))
    else:
        _print(said, target, label_of(run, target.timezone))


def _print(said: Why, target: Target, label: str) -> None:
    from nbflow.cli.times import local_time
    from nbflow.service.lookup import name_of
    from nbflow.widgets.terminal import glyph

    out, record = console(), said.record
    head = f"{target.dag_id} {label} {name_of(record.key)}"
    out.print(
        Text.assemble((head, "bold"), "  ", glyph(record.state), f" {record.state}  {record.reason}"),
        soft_wrap=True,
    )
    for sentence in said.waits:
        out.print(Text(f"waits: {sentence}"), soft_wrap=True)
    out.print(Text(f"its trigger rule says {said.rule}"), soft_wrap=True)
    if said.upstream:
        print_table(
            ((glyph(one.state), one.task_id, one.state.value, Text(one.reason)) for one in said.upstream),
            {"": "left", "ABOVE IT": "left", "STATE": "left", "WHY": "fold"},
        )
    if said.moves:
        print_table(
            (
                (local_time(move.at, target.timezone), f"{move.old} → {move.new}", Text(move.reason))
                for move in said.moves
            ),
            {"WHEN": "left", "MOVE": "left", "WHY": "fold"},
        )


def _json(said: Why) -> dict[str, object]:
    record = said.record
    return {
        "task_id": record.key.task_id,
        "map_index": record.key.map_index,
        "state": record.state.value,
        "reason": record.reason,
        "waits": said.waits,
        "rule": said.rule,
        "upstream": [
            {"task_id": one.task_id, "state": one.state.value, "reason": one.reason} for one in said.upstream
        ],
        "moves": [
            {"at": move.at, "old": move.old, "new": move.new, "reason": move.reason} for move in said.moves
        ],
    }
