"""`nbflow variables`."""

from __future__ import annotations

from pathlib import Path

import click

from nbflow.cli.output import json_option, print_json, print_table


@click.group("variables", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List, get, set or delete variables: values that all DAGs of this project share (`var.value.KEY`).

    The environment's NBFLOW_VAR_KEY goes before the variable KEY.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(listing)


@command.command("list")
@json_option("the variables")
def listing(*, as_json: bool = False) -> None:
    """List the variables; those whose name speaks of a secret show none."""
    from nbflow.service.settings import masked, settings_of

    with settings_of(Path.cwd()) as settings:
        found = {key: masked(key, value) for key, value in settings.variables().items()}
    if as_json:
        print_json(found)
    else:
        print_table(found.items(), {"VARIABLE": "left", "VALUE": "fold"})


@command.command("get")
@click.argument("key")
@click.option("-d", "--default", metavar="VALUE", help="What to print where there is no such variable.")
def get(key: str, default: str | None) -> None:
    """Print a variable's value."""
    from nbflow.service.settings import settings_of, variable

    with settings_of(Path.cwd()) as settings:
        click.echo(variable(settings, key, default))


@command.command("set")
@click.argument("key")
@click.argument("value")
def set_(key: str, value: str) -> None:
    """Make a variable, or change it. VALUE is a text; `var.json.KEY` reads it as JSON."""
    from nbflow.service.settings import settings_of

    with settings_of(Path.cwd(), make=True) as settings:
        settings.set_variable(key, value)
    click.echo(f"variable {key} is set")


@command.command("delete")
@click.argument("key")
def delete(key: str) -> None:
    """Delete a variable."""
    from nbflow.service.settings import check_known, settings_of

    with settings_of(Path.cwd()) as settings:
        check_known(settings.delete_variable(key), "variable", key, settings.variables())
    click.echo(f"deleted: variable {key}")
