"""`nbflow next`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from nbflow.cli.output import json_option, print_json, print_table
from nbflow.cli.times import clock, wait

if TYPE_CHECKING:
    from nbflow.model.run import Interval
    from nbflow.service.agenda import Agenda


@click.command("next")
@click.argument("notebook", metavar="NOTEBOOK|DAG")
@click.option(
    "-n",
    "--count",
    type=click.IntRange(min=1, max=1000),
    default=10,
    show_default=True,
    help="How many runs.",
)
@json_option("the runs")
def command(notebook: str, count: int, *, as_json: bool) -> None:
    """Show the next runs of a DAG's schedule: what they are about and when they are due."""
    from nbflow.service.agenda import agenda_of
    from nbflow.service.clock import now
    from nbflow.service.lookup import find_target

    found = agenda_of(find_target(notebook), now=now(), count=count)
    if as_json:
        print_json(_json(found))
        return
    if found.runs:
        click.echo(f"{found.dag.dag_id}: {found.dag.schedule}, {found.dag.timezone}\n")
        _print_runs(found)
    for remark in found.remarks:
        click.echo(("\n" if remark is found.remarks[0] and found.runs else "") + remark)


def _print_runs(found: Agenda) -> None:
    """The table; with a column for the machine's zone where its clock shows another time."""
    zone = ZoneInfo(found.dag.timezone)
    elsewhere = any(
        run.due.astimezone().utcoffset() != run.due.astimezone(zone).utcoffset() for run in found.runs
    )
    exact = all(run.start == run.end for run in found.runs)
    columns = {
        "DATE" if exact else "DATA INTERVAL": "left",
        f"DUE ({found.dag.timezone})" if elsewhere else "DUE": "left",
        **({"DUE (this machine)": "left"} if elsewhere else {}),
        "IN": "left",
    }
    print_table(
        (
            (
                _covers(run, found.dag.timezone),
                clock(run.due.astimezone(zone)),
                *((clock(run.due.astimezone()),) if elsewhere else ()),
                wait(run.due - found.now),
            )
            for run in found.runs
        ),
        columns,
    )


def _covers(run: Interval, timezone: str) -> str:
    """`2026-11-20`, or for an interval `2026-11-20 to 2026-11-21`."""
    from nbflow.model.run import run_label

    start, end = run_label(run.start, timezone), run_label(run.end, timezone)
    return start if run.start == run.end else f"{start} to {end}"


def _json(found: Agenda) -> dict[str, object]:
    dag = found.dag
    return {
        "dag_id": dag.dag_id,
        "schedule": dag.schedule,
        "timetable": dag.timetable.value,
        "timezone": dag.timezone,
        "catchup": dag.catchup,
        "start_date": dag.start_date,
        "end_date": dag.end_date,
        "last": None if found.last is None else found.last.logical_date,
        "due": found.due,
        "remarks": found.remarks,
        "runs": [
            {
                "logical_date": run.logical_date,
                "data_interval_start": run.start,
                "data_interval_end": run.end,
                "due": run.due,
                "seconds": (run.due - found.now).total_seconds(),
            }
            for run in found.runs
        ],
    }
