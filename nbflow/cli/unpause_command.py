"""`nbflow unpause`."""

from __future__ import annotations

import click

from nbflow.cli.pausing import set_paused


@click.command("unpause")
@click.argument("dag", metavar="DAG|NOTEBOOK")
def command(dag: str) -> None:
    """Let a DAG that was paused go on."""
    set_paused(dag, paused=False)
