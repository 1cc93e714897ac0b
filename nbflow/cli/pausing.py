"""What `pause` and `unpause` share."""

from __future__ import annotations

import shlex

import click

from nbflow.cli.running import what


def set_paused(dag: str, *, paused: bool) -> None:
    """Pause a DAG or let it go on, and say what that means for it."""
    from nbflow.service.lookup import find_target
    from nbflow.service.pausing import pause

    target = find_target(dag)
    changed, queued = pause(target, paused=paused, what=what())
    word = "paused" if paused else "not paused"
    click.echo(f"{target.dag_id} is {word}{'' if changed else ' already'}")
    if queued and not paused:
        runs = "1 run is" if len(queued) == 1 else f"{len(queued)} runs are"
        stretch = f"--from {shlex.quote(queued[0])} --to {shlex.quote(queued[-1])}"
        click.echo(f"{runs} queued; they go on with: nbflow run {shlex.quote(str(target.path))} {stretch}")
