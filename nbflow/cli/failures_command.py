"""`nbflow failures`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from nbflow.cli.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from nbflow.model.record import FailureRecord


@click.command("failures")
@click.argument("dag", metavar="DAG|NOTEBOOK")
@click.option("--start-date", "--from", "start", metavar="DATE", help="First date.")
@click.option("--end-date", "--to", "end", metavar="DATE", help="Last date [default: now].")
@json_option("the list")
def command(dag: str, start: str | None, end: str | None, *, as_json: bool) -> None:
    """List every task that failed: date, task, try, error, cell and line.

    Exit status: 0, whether there are any or not.
    """
    from nbflow.model.run import run_label
    from nbflow.service.clock import now
    from nbflow.service.dates import read_date
    from nbflow.service.lookup import find_target, name_of, open_state

    target = find_target(dag)
    zone = target.timezone
    first = read_date(start or "1970-01-01", timezone=zone, now=now()).at
    last = read_date(end or "now", timezone=zone, now=now()).last
    with open_state(target) as state:
        found = state.failures(target.dag_id, first, last)
    labels = [run_label(one.logical_date, zone, one.variant) for one in found]
    if as_json:
        print_json([_json(one, label) for one, label in zip(found, labels, strict=True)])
    elif not found:
        click.echo(f"{target.dag_id}: no task has failed")
    else:
        print_table(
            (
                (
                    label,
                    name_of(one.instance.key),
                    one.instance.try_number or "",
                    "" if one.error is None or one.error.cell is None else one.error.cell,
                    "" if one.error is None or one.error.line is None else one.error.line,
                    Text(_error(one)),
                )
                for one, label in zip(found, labels, strict=True)
            ),
            {
                "DATE": "left",
                "TASK": "left",
                "TRY": "right",
                "CELL": "right",
                "LINE": "right",
                "ERROR": "fold",
            },
        )


def _error(one: FailureRecord) -> str:
    if one.error is None:
        return one.instance.reason
    head = (one.error.message.strip().splitlines() or [""])[0]
    return f"{one.error.type}: {head}" if head else one.error.type


def _json(one: FailureRecord, label: str) -> dict[str, object]:
    error = one.error
    return {
        "run_id": one.instance.key.run.run_id,
        "date": label,
        "task_id": one.instance.key.task_id,
        "map_index": one.instance.key.map_index,
        "try_number": one.instance.try_number,
        "reason": one.instance.reason,
        "error": None if error is None else {"type": error.type, "message": error.message},
        "cell": None if error is None else error.cell,
        "line": None if error is None else error.line,
    }
