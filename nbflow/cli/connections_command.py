"""`nbflow connections`."""

from __future__ import annotations

from pathlib import Path

import click

from nbflow.cli.output import json_option, print_json, print_table


@click.group("connections", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List, get, add or delete connections: where databases and services are (`conn.ID`).

    The environment's NBFLOW_CONN_ID (a URI) goes before the connection ID.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(listing)


@command.command("list")
@json_option("the connections")
def listing(*, as_json: bool = False) -> None:
    """List the connections, without their passwords."""
    from nbflow.service.settings import settings_of, shown_connections

    with settings_of(Path.cwd()) as settings:
        rows = shown_connections(settings)
    if as_json:
        print_json(rows)
        return
    columns = {"CONNECTION": "left", "TYPE": "left", "HOST": "fold", "LOGIN": "left", "SCHEMA": "left"}
    print_table(
        (
            (row["conn_id"], row["conn_type"], row["place"], row["login"] or "", row["schema"] or "")
            for row in rows
        ),
        columns,
    )


@command.command("get")
@click.argument("conn_id")
def get(conn_id: str) -> None:
    """Print a connection's URI, password and all."""
    from nbflow.service.settings import check_known, settings_of

    with settings_of(Path.cwd()) as settings:
        known = settings.connections()
    check_known(conn_id in known, "connection", conn_id, known)
    click.echo(known[conn_id])


@command.command("add")
@click.argument("conn_id")
@click.option("--conn-uri", metavar="URI", help="All of it: postgres://LOGIN:PASSWORD@HOST:PORT/SCHEMA.")
@click.option("--conn-json", metavar="JSON", help="All of it as Airflow's JSON object.")
@click.option("--conn-type", metavar="TYPE", help="What it is: postgres, http, ...")
@click.option("--conn-host", metavar="HOST", help="Where it is.")
@click.option("--conn-port", type=int, metavar="PORT", help="At which port.")
@click.option("--conn-login", metavar="LOGIN", help="Who logs in.")
@click.option("--conn-password", metavar="PASSWORD", help="With which password.")
@click.option("--conn-schema", metavar="SCHEMA", help="Which database or schema.")
@click.option("--conn-extra", metavar="JSON", help="What else there is, a JSON object.")
def add(conn_id: str, conn_uri: str | None, conn_json: str | None, **fields: str | int | None) -> None:
    """Add a connection, or change it: by its URI, as JSON, or field by field."""
    from nbflow.service.settings import connection_of, settings_of

    given = {name.removeprefix("conn_"): value for name, value in fields.items() if value is not None}
    connection = connection_of(conn_id, conn_uri or conn_json, given)
    with settings_of(Path.cwd(), make=True) as settings:
        settings.set_connection(conn_id, connection.get_uri())
    click.echo(f"connection {conn_id} is set")


@command.command("delete")
@click.argument("conn_id")
def delete(conn_id: str) -> None:
    """Delete a connection."""
    from nbflow.service.settings import check_known, settings_of

    with settings_of(Path.cwd()) as settings:
        check_known(settings.delete_connection(conn_id), "connection", conn_id, settings.connections())
    click.echo(f"deleted: connection {conn_id}")
