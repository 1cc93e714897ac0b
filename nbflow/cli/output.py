"""What every command prints with."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from nbflow.model.json_text import json_text
from nbflow.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import ConsoleOptions, RenderableType

# What JSON leaves as it is, and a terminal obeys.
_LEFT_BY_JSON = re.compile(r"[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# Piped output is for programs and files: not wrapped to a terminal that isn't there.
_PIPED_WIDTH = 200


class _Console(Console):
    """A console that shows control characters in what it prints, and sends none but its own."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control is None and segment.text:
                yield Segment(printable(segment.text, lines=True), segment.style)
            else:
                yield segment


def console(*, stderr: bool = False) -> Console:
    """A console on standard output, as wide as the terminal; when piped, as wide as COLUMNS says, else wide."""
    found = _Console(stderr=stderr, highlight=False)
    if found.is_terminal or os.environ.get("COLUMNS"):
        return found
    return _Console(stderr=stderr, highlight=False, width=_PIPED_WIDTH)


def json_option(what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`--json`, for commands that print a table."""
    return click.option("as_json", "--json", is_flag=True, help=f"Print {what} as JSON.")


def print_json(value: object) -> None:
    """Print a value as JSON; datetimes, paths and the numbers that JSON doesn't have as text."""
    text = json_text(value, indent=2, default=str)
    click.echo(_LEFT_BY_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


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
        cells = (cell if isinstance(cell, Text) else Text(printable(str(cell), lines=True)) for cell in row)
        table.add_row(*cells)
    console().print(table)
