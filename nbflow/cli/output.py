"""What every command prints with."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# Piped output is for programs and files: not wrapped to a terminal that isn't there.
_PIPED_WIDTH = 200


def console(*, stderr: bool = False) -> Console:
    """A console on standard output, as wide as the terminal; when piped, as wide as COLUMNS says, else wide."""
    found = Console(stderr=stderr, highlight=False)
    if found.is_terminal or os.environ.get("COLUMNS"):
        return found
    return Console(stderr=stderr, highlight=False, width=_PIPED_WIDTH)


def json_option(what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`--json`, for commands that print a table."""
    return click.option("as_json", "--json", is_flag=True, help=f"Print {what} as JSON.")


def print_json(value: object) -> None:
    """Print a value as JSON; datetimes and paths as text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(rows: Iterable[Sequence[object]], columns: Mapping[str, str]) -> None:
    """Print a plain table.

    Args:
        rows: cells in the order of the columns; `Text` keeps its style, anything else is shown as it is.
        columns: heading → `left`, `right` or `fold` (left, long texts wrapped).
    """
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading, how in columns.items():
        justify = "right" if how == "right" else "left"
        table.add_column(heading, justify=justify, no_wrap=how != "fold", overflow="fold")
    for row in rows:
        cells = (cell if isinstance(cell, Text) else Text(str(cell)) for cell in row)
        table.add_row(*cells)
    console().print(table)
