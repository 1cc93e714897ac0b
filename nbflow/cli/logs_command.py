"""`nbflow logs`."""

from __future__ import annotations

import shutil
import sys

import click

from nbflow.cli.dated import DatedCommand
from nbflow.model.work import LOG_FILE


@click.command("logs", cls=DatedCommand)
@click.argument("dag", metavar="DAG|NOTEBOOK")
@click.argument("date", metavar="DATE|latest|RUN_ID")
@click.argument("task", metavar="TASK[INDEX]")
@click.option(
    "--try", "number", type=click.IntRange(min=1), metavar="N", help="Which try [default: the latest]."
)
@click.option("--path", "only_path", is_flag=True, help="Print where the log lies instead.")
def command(dag: str, date: str, task: str, number: int | None, *, only_path: bool) -> None:
    """Print what a task printed, and its error's traceback."""
    from nbflow.service.lookup import find_instance, find_run, find_target, find_try, open_state

    target = find_target(dag)
    with open_state(target) as state:
        run = find_run(state, target, date)
        key = find_instance(state, target, run, task)
        found = find_try(state, target, run, key, number)
    log = found.folder / LOG_FILE
    if only_path:
        click.echo(log)
        return
    if log.exists():
        with log.open("rb") as file:
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)
    if found.result not in ("success", None):
        click.echo(f"[try {found.try_number}: {found.result}: {found.reason}]", err=True)
    elif not log.exists() or not log.stat().st_size:
        click.echo(f"[try {found.try_number}: {found.result or 'running'}; it printed nothing]", err=True)
