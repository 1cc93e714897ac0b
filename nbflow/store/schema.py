"""The version of state.sqlite: a new file gets the tables, an old one is brought up to date."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from nbflow.errors import StoreTooNew
from nbflow.store.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA_VERSION = 1

_TOO_NEW = """\
{path} was written by a newer nbflow (schema {found}, this one knows {known}). Install that nbflow, \
or set NBFLOW_HOME to another folder."""


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the file to `SCHEMA_VERSION`, step by step: each step is the query `create_N`.

    Raises:
        StoreTooNew: a newer nbflow wrote the file; it is left as it is.
    """
    found = _version(db)
    if found > SCHEMA_VERSION:
        raise StoreTooNew(_TOO_NEW.format(path=path, found=found, known=SCHEMA_VERSION))
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    if found == SCHEMA_VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been quicker: the version counts that stands under the lock.
        for version in range(_version(db), SCHEMA_VERSION):
            for statement in _statements(queries("state.sql")[f"create_{version + 1}"]):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION:d}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int:
    return db.execute("PRAGMA user_version").fetchone()[0]


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one (`executescript` would end the transaction)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
