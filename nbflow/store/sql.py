"""Named queries out of the `.sql` files beside this module.

A file is a row of blocks. Each begins with a line `-- name: foo`; the comment lines after it say what
the query is for; the rest, up to the next such line, is one or more SQL statements:

    -- name: add_run
    -- A run that did not exist before; a run with this key is an error.
    INSERT INTO runs (dag_id, run_id) VALUES (?, ?);
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"^--\s*name:\s*(?P<name>\w+)\s*$", re.MULTILINE)


def parse(text: str) -> Mapping[str, str]:
    """The queries of a file's text, name → SQL with its comments, in the file's order.

    Raises:
        ValueError: a name occurs twice, a query is empty, or SQL stands before the first name.
    """
    found: dict[str, str] = {}
    marks = list(_NAME.finditer(text))
    head = text[: marks[0].start()] if marks else text
    if not _is_comment(head):
        msg = "SQL stands before the first `-- name: …` line; give it a name"
        raise ValueError(msg)
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=True):
        name, body = mark["name"], text[mark.end() : end].strip()
        if name in found:
            msg = f"two queries are named `{name}`; rename one"
            raise ValueError(msg)
        if _is_comment(body):
            msg = f"query `{name}` has no SQL"
            raise ValueError(msg)
        found[name] = body
    return MappingProxyType(found)


@cache
def queries(file_name: str) -> Mapping[str, str]:
    """The named queries of `nbflow/store/<file_name>` (`queries("xcom.sql")["add_value"]`).

    Raises:
        FileNotFoundError: there is no such file in the package.
        ValueError: see `parse`.
    """
    return parse(resources.files("nbflow.store").joinpath(file_name).read_text("utf-8"))


def _is_comment(text: str) -> bool:
    return all(line.lstrip().startswith("--") for line in text.splitlines() if line.strip())
