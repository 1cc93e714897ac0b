"""`nbflow sql`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import click
from rich.text import Text

from nbflow.cli.output import console, json_option, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from nbflow.store.catalogue import AskedTable
    from nbflow.store.home import Home

_COUNTED = 1_000_000  # rows beyond those shown that are counted at most
_TWO_QUERIES = "give the query once: as words, with -f FILE, or with - from standard input"
_TWO_FORMS = "--json, --csv and -o FILE: choose one"
_EPILOG = """\
\b
Examples:
  nbflow sql                                    what there is to ask
  nbflow sql "FROM xcom.flights.daily LIMIT 5"
  nbflow sql "SELECT ds, avg(delay) FROM xcom.flights.delays
              WHERE ds BETWEEN '2026-01-01' AND '2026-01-31' GROUP BY ds ORDER BY ds"
  nbflow sql "SELECT task_id, median(seconds) FROM task_instances GROUP BY task_id" --json
  nbflow sql -f report.sql -o report.parquet

xcom.DAG.VARIABLE is what a task handed on under that name, on every date: the current try of each run. Where several
tasks hand on one of that name it is xcom.DAG.TASK__VARIABLE; a task's return value is xcom.DAG.TASK. `ds`, `run_id`,
`map_index` and `try` say which run a row is of. `runs` and `task_instances` lie beside them."""


@click.command("sql", epilog=_EPILOG)
@click.argument("query", required=False, metavar="[QUERY|-]")
@click.option(
    "-f", "--file", type=click.Path(path_type=Path, dir_okay=False), help="Read the query from a file."
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=20, show_default=True, help="How many rows to show."
)
@click.option("--csv", "as_csv", is_flag=True, help="Print all rows as CSV.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all rows into a .parquet, .csv, .arrow or .json file.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop the query after so long.",
)
@json_option("all rows, or the tables,")
def command(
    query: str | None,
    file: Path | None,
    limit: int,
    output: Path | None,
    timeout: float,
    *,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Ask in SQL what tasks handed on, over all dates; without QUERY list what there is to ask.

    Works while runs go on. The query only reads; DuckDB answers it.
    """
    from nbflow.service.sql import ask
    from nbflow.service.sql_file import check_name, json_rows, write_file
    from nbflow.store.home import find_home

    home = find_home(Path.cwd())
    if as_json + as_csv + (output is not None) > 1:
        raise click.UsageError(_TWO_FORMS)
    sql = _query(query, file)
    if sql is None:
        _list_tables(home, as_json=as_json)
        return
    if output is not None:
        check_name(output)
        rows = ask(home, sql, lambda *result: write_file(output, *result), timeout=timeout)
        click.echo(f"{rows:,} rows in {output}")
    elif as_csv:
        _print_csv(home, sql, timeout)
    elif as_json:
        print_json(ask(home, sql, lambda _, batches: list(json_rows(batches)), timeout=timeout))
    else:
        _show(*ask(home, sql, lambda *result: _first(limit, *result), timeout=timeout))


def _query(query: str | None, file: Path | None) -> str | None:
    if query is not None and file is not None:
        raise click.UsageError(_TWO_QUERIES)
    if file is not None:
        return file.read_text("utf-8")
    return sys.stdin.read() if query == "-" else query


def _print_csv(home: Home, sql: str, timeout: float) -> None:
    from nbflow.service.sql import ask
    from nbflow.service.sql_file import write_csv

    # By way of a file: what `ask` calls may be called again from the start, and what is printed stays.
    with TemporaryFile("w+", encoding="utf-8", newline="") as file:

        def spool(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
            file.seek(0)
            file.truncate()
            write_csv(file, schema, batches)

        ask(home, sql, spool, timeout=timeout)
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout)


def _first(
    limit: int, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> tuple[pa.Schema, list[list[object]], int]:
    """The first rows, and how many more there are (counted up to a point)."""
    shown: list[list[object]] = []
    more = 0
    for batch in batches:
        head = batch.slice(0, limit - len(shown))
        shown += [list(row) for row in zip(*(column.to_pylist() for column in head.columns), strict=True)]
        more += batch.num_rows - head.num_rows
        if more > _COUNTED:
            break
    return schema, shown, more


def _show(schema: pa.Schema, rows: list[list[object]], more: int) -> None:
    import pyarrow as pa
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for field in schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        table.add_column(Text(field.name), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console().print(table)
    if more > _COUNTED:
        click.echo(f"… more than {_COUNTED:,} other rows: --limit, --csv or -o FILE show more")
    elif more:
        click.echo(f"… {more:,} more rows: --limit, --csv or -o FILE show them")


def _cell(value: object) -> Text:
    return Text("NULL", "dim") if value is None else Text(str(value))


def _list_tables(home: Home, *, as_json: bool) -> None:
    from nbflow.service.sql import asked_tables

    tables = asked_tables(home)
    if as_json:
        print_json(
            [
                {
                    "table": table.name,
                    "dates": table.dates,
                    "first": table.first or None,
                    "last": table.last or None,
                    "columns": dict(table.columns),
                }
                for table in tables
            ]
        )
        return
    print_table(
        (
            (table.name, "" if table.dates is None else table.dates, _span(table), _columns(table))
            for table in tables
        ),
        {"TABLE": "left", "DATES": "right", "FROM … TO": "left", "COLUMNS": "fold"},
    )
    if all(table.dates is None for table in tables):
        click.echo(f"no task has handed on anything in {home.root} yet")


def _span(table: AskedTable) -> str:
    return f"{table.first} … {table.last}" if table.last and table.first != table.last else table.first


def _columns(table: AskedTable) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in table.columns)
