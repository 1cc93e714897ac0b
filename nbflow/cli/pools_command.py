"""`nbflow pools`."""

from __future__ import annotations

from pathlib import Path

import click

from nbflow.cli.output import json_option, print_json, print_table
from nbflow.cli.running import what


@click.group("pools", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List, set or delete pools: so many slots for the tasks that name one (--pool NAME).

    Tasks that name none draw from default_pool.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(listing)


@command.command("list")
@json_option("the pools")
def listing(*, as_json: bool = False) -> None:
    """List the pools of this project."""
    from nbflow.service.settings import settings_of

    with settings_of(Path.cwd()) as settings:
        pools = settings.pools().values()
    if as_json:
        print_json([{"name": p.name, "slots": p.slots, "description": p.description} for p in pools])
        return
    print_table(
        ((pool.name, pool.slots, pool.description) for pool in pools),
        {"POOL": "left", "SLOTS": "right", "DESCRIPTION": "fold"},
    )


@command.command("set")
@click.argument("name")
@click.argument("slots", type=click.IntRange(min=0))
@click.argument("description", default="")
def set_(name: str, slots: int, description: str) -> None:
    """Make a pool, or change it; runs under way keep to it at once."""
    from nbflow.model.record import PoolRecord
    from nbflow.service.settings import set_pool

    set_pool(Path.cwd(), PoolRecord(name=name, slots=slots, description=description), what=what())
    click.echo(f"pool {name}: {slots} slots")


@command.command("delete")
@click.argument("name")
def delete(name: str) -> None:
    """Delete a pool; tasks that name it fail until there is one again."""
    from nbflow.service.settings import delete_pool

    delete_pool(Path.cwd(), name, what=what())
    click.echo(f"deleted: pool {name}")
