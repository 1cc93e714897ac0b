"""`nbflow pause`."""

from __future__ import annotations

import click

from nbflow.cli.pausing import set_paused


@click.command("pause")
@click.argument("dag", metavar="DAG|NOTEBOOK")
def command(dag: str) -> None:
    """Let nothing new of a DAG start: no run, no task. What runs now finishes."""
    set_paused(dag, paused=True)
