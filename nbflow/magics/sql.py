"""`%%nbflow sql` and `%nbflow sql`: what tasks handed on, over all dates, as a frame in the kernel."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import OptionError
from nbflow.magics.notebook import find_notebook
from nbflow.service.sql import ask, asked_tables, table_of
from nbflow.store.home import find_home
from nbflow.store.people import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from nbflow.store.home import Home

KINDS = ("pandas", "polars", "arrow")

_USAGE = "%%nbflow sql [NAME] [--as pandas|polars|arrow] [--timeout SECONDS], the query in the lines below"
_NO_NAME = f"{{name!r}} can't name a variable. It is: {_USAGE}"
_TOO_MUCH = f"{{words!r}} is too much. It is: {_USAGE}"
_NO_KIND = "--as takes pandas, polars or arrow, and got {kind!r}"
_NOT_INSTALLED = "--as {kind}: {kind} is not installed in this kernel's environment"
_NO_TIME = "--timeout takes seconds, and got {text!r}"
_NO_VALUE = "{flag} needs a value. It is: {usage}"
_UNFIT = "the result can't be a {kind} frame ({why}): cast that column to another type, or take --as arrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    kind: str
    timeout: float
    rest: str


def sql_cell(line: str, body: str, namespace: dict[str, object]) -> None:
    """Carry out a `%%nbflow sql [NAME]` cell: the frame becomes NAME, or is displayed where there is none.

    Args:
        line: what follows `sql`.
        body: the query.
        namespace: the kernel's user namespace.

    Raises:
        NbflowError: the call is wrong, or the query can't be run.
        KeyboardInterrupt: the kernel was interrupted; the query has stopped.
    """
    name, _, rest = line.strip().partition(" ")
    asked = _options(line if name.startswith("--") else rest)
    if name.startswith("--"):
        name = asked.rest
    elif asked.rest:
        raise OptionError(_TOO_MUCH.format(words=asked.rest))
    if name and not name.isidentifier():
        raise OptionError(_NO_NAME.format(name=name))
    frame = _frame(_home(namespace), body, asked)
    if name:
        namespace[name] = frame
    else:
        _display(frame)


def sql_line(line: str, namespace: Mapping[str, object]) -> None:
    """Carry out `%nbflow sql QUERY`: the frame is displayed. Without a query, what there is to ask.

    Args:
        line: what follows `sql`.
        namespace: the kernel's user namespace.

    Raises:
        NbflowError, KeyboardInterrupt: see `sql_cell`.
    """
    asked = _options(line)
    home = _home(namespace)
    if asked.rest:
        _display(_frame(home, _unquoted(asked.rest), asked))
        return
    for table in asked_tables(home):
        dates = "" if table.dates is None else f"  {table.dates} dates, {table.first} to {table.last}"
        print(f"{table.name}{dates}")
        print("    " + ", ".join(f"{name} {kind}" for name, kind in table.columns))


def _options(line: str) -> _Asked:
    """The options that a line begins with, and what follows them as it stands."""
    kind, timeout, rest = "", TIMEOUT, line.strip()
    while rest.startswith("--"):
        word, *after = rest.split(maxsplit=1)
        flag, equals, value = word.partition("=")
        if flag not in ("--as", "--timeout"):
            break  # a comment of SQL
        rest = after[0] if after else ""
        if not equals:
            value, *after = rest.split(maxsplit=1) or [""]
            rest = after[0] if after else ""
        if not value:
            raise OptionError(_NO_VALUE.format(flag=flag, usage=_USAGE))
        if flag == "--as":
            kind = _kind(value)
        else:
            timeout = _seconds(value)
    return _Asked(kind=kind, timeout=timeout, rest=rest)


def _kind(text: str) -> str:
    if text not in KINDS:
        raise OptionError(_NO_KIND.format(kind=text))
    if text != "arrow" and find_spec(text) is None:
        raise OptionError(_NOT_INSTALLED.format(kind=text))
    return text


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise OptionError(_NO_TIME.format(text=text)) from None


def _home(namespace: Mapping[str, object]) -> Home:
    """Of the kernel's notebook; where no front end says which that is, of the working directory."""
    return find_home(find_notebook(namespace, os.environ) or Path.cwd())


def _unquoted(text: str) -> str:
    """The query without the quotes that a shell would want around it."""
    if text[0] not in "\"'" or text[-1] != text[0]:
        return text
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    return words[0] if len(words) == 1 else text


def _frame(home: Home, sql: str, asked: _Asked) -> object:
    table = ask(home, sql, table_of, timeout=asked.timeout)
    return frame_of(table, asked.kind or next((kind for kind in KINDS[:2] if find_spec(kind)), "arrow"))


def frame_of(table: pa.Table, kind: str) -> object:
    """The table as a frame of one of `KINDS`. What SQL makes of sums of integers become integers there.

    Raises:
        OptionError: it has a type that such frames have not.
    """
    import pyarrow as pa

    try:
        match kind:
            case "pandas":
                return _with_integers(table).to_pandas()
            case "polars":
                import polars as pl

                return pl.from_arrow(_with_integers(table))
            case _:
                return table
    except (pa.ArrowException, NotImplementedError, ValueError, TypeError) as error:
        raise OptionError(_UNFIT.format(kind=kind, why=error)) from error


def _with_integers(table: pa.Table) -> pa.Table:
    """Whole numbers of 38 digits as int64, where all of a column fit: `sum` of integers gives such."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if field.type == pa.decimal128(38, 0):
            try:
                column = table.column(place).cast(pa.int64())
            except pa.ArrowInvalid:
                continue
            table = table.set_column(place, field.name, column)
    return table


def _display(frame: object) -> None:
    from IPython.display import display

    display(frame)
