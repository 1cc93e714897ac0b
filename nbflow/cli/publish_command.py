"""`nbflow publish`."""

from __future__ import annotations

import click

from nbflow.cli.running import what


@click.command("publish")
@click.argument("dags", metavar="DAG|NOTEBOOK...", nargs=-1, required=True)
def command(dags: tuple[str, ...]) -> None:
    """Have a DAG's schedule run its notebook as it is saved now.

    Runs under way go on as they began; those that are queued and of which nothing has begun follow the new version.
    """
    from nbflow.service.registered import find_registered
    from nbflow.service.scheduling import publish

    for dag in dags:
        home, dag_id = find_registered(dag)
        version, was = publish(home, dag_id, what=what())
        if version == was:
            click.echo(f"{dag_id}: version {version[:12]} is published already")
        else:
            before = f", before it {was[:12]}" if was else ""
            click.echo(f"{dag_id}: version {version[:12]} is published{before}")
