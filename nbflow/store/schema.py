"""The version of state.sqlite: a new file gets the tables, an old one is brought up to date."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from nbflow.errors import StoreTooNew
from nbflow.store.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA_VERSION = 3
_PATIENCE = 30.0  # seconds, as for any other lock of the file

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
    _use_wal(db)
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


def _use_wal(db: sqlite3.Connection) -> None:
    """Turn the write-ahead log on. SQLite doesn't wait here while another process opens the same new file."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


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
