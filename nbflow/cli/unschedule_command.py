"""`nbflow unschedule`."""

from __future__ import annotations

import click

from nbflow.cli.running import what


@click.command("unschedule")
@click.argument("dags", metavar="DAG|NOTEBOOK...", nargs=-1, required=True)
def command(dags: tuple[str, ...]) -> None:
    """Take DAGs off the schedule: no new runs are made of them. What runs goes on; nothing is removed."""
    from nbflow.service.registered import find_registered
    from nbflow.service.scheduling import unschedule

    homes = [find_registered(dag) for dag in dags]
    for home, dag_id in homes:
        unschedule(home, [dag_id], what=what())
        click.echo(f"{dag_id} is off the schedule")
