"""`nbflow test`."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.text import Text

from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import console
from nbflow.cli.parameters import given_parameters, parameter_options


@click.command("test", cls=DatedCommand)
@click.argument("notebook", metavar="NOTEBOOK|DAG")
@click.argument("date")
@click.argument("task", metavar="TASK[INDEX]")
@parameter_options
def command(notebook: str, date: str, task: str, **given: Any) -> None:  # noqa: ANN401 the ways to give parameters
    """Run one task of a date and print what it prints; nothing is stored (Airflow's `tasks test`).

    It gets the values that the run of this date has stored, where there is one. Exit status: 0 it
    succeeded, was skipped or waits, 1 it failed, 2 the call was wrong.
    """
    from nbflow.model.work import Result
    from nbflow.model.xcom import HIDDEN
    from nbflow.service.lookup import notebook_path
    from nbflow.service.trial import try_out

    def tell(text: bytes) -> None:
        sys.stdout.flush()
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()

    trial = try_out(notebook_path(notebook), date, task, given_parameters(**given), tell)
    outcome, out = trial.outcome, console(stderr=True)
    took = (outcome.ended - outcome.started).total_seconds()
    out.print(Text(f"[{trial.name}: {outcome.result}, {took:.1f} s{_why(outcome.reason)}]"), soft_wrap=True)
    for note in outcome.notes:
        out.print(Text(f"note  {note}"), soft_wrap=True)
    if outcome.items is not None:
        out.print(Text(f"{len(outcome.items)} items; one of them: nbflow test {notebook} {date} '{task}[0]'"))
    for value in outcome.xcoms:
        if not value.key.startswith(HIDDEN):
            out.print(Text(f"handed on  {value.key} = {value.preview}"), soft_wrap=True)
    sys.exit(0 if outcome.result in (Result.SUCCESS, Result.SKIPPED, Result.WAITING) else 1)


def _why(reason: str) -> str:
    return f": {reason}" if reason else ""
