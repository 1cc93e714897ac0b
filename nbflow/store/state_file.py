"""A connection to state.sqlite whose errors say what is wrong with the file, and what to do."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nbflow.errors import HomeError

if TYPE_CHECKING:
    from pathlib import Path

_DAMAGED = """\
{path} cannot be read ({why}). It is left as it is: put a copy of it back, or move it away, with {name}-wal and \
{name}-shm, to start with an empty one. XComs, logs and executed notebooks stay where they are."""
_UNUSABLE = """\
{path} cannot be written ({why}). What was stored before is safe: once that is put right, the same command goes on."""
_GONE = """\
{path} is gone: the home was deleted or moved while this process worked on it, and nothing more can be stored. Put it \
back, or begin a new one with the same command."""
_IS_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_IS_TROUBLE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
    }
)
_PRIMARY = 0xFF  # of an extended result code
_PATIENCE = 30.0  # seconds for another process to finish writing


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, or make it, readable by its user alone.

    Raises:
        HomeError: it can't be opened; later, from any statement: it is damaged, or its disk fails or is full.
    """
    with suppress(OSError):  # SQLite's own way to make it follows the umask; -wal and -shm become like it
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        db = sqlite3.connect(
            path, isolation_level=None, timeout=_PATIENCE, check_same_thread=False, factory=_Connection
        )
    except sqlite3.DatabaseError as error:
        raise explained(error, path) from error
    db.path = path
    db.inode = path.stat().st_ino
    return db


def explained(error: sqlite3.DatabaseError, path: Path) -> Exception:
    """The error to raise for one of SQLite's: a `HomeError` where the file or its disk is the trouble."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code in _IS_DAMAGE:
        return HomeError(_DAMAGED.format(path=path, name=path.name, why=error))
    if code in _IS_TROUBLE:
        return HomeError(_UNUSABLE.format(path=path, why=error))
    return error


class _Connection(sqlite3.Connection):
    path: Path
    inode: int

    def cursor(self, factory: Any = None) -> Any:  # noqa: ANN401 as the class it overrides, like those below
        cursor = super().cursor(factory or _Cursor)
        cursor.path = self.path
        return cursor

    def execute(self, *arguments: Any) -> Any:  # noqa: ANN401
        if arguments[0].startswith("BEGIN"):
            self._check_there()
        return self.cursor().execute(*arguments)

    def _check_there(self) -> None:
        """SQLite goes on writing into a file that nobody will ever find again.

        Raises:
            HomeError: the file isn't there any more, or another is in its place.
        """
        try:
            there = self.path.stat().st_ino == self.inode
        except OSError:
            there = False
        if not there:
            raise HomeError(_GONE.format(path=self.path))

    def executemany(self, *arguments: Any) -> Any:  # noqa: ANN401
        return self.cursor().executemany(*arguments)


class _Cursor(sqlite3.Cursor):
    # A context manager for all of these would cost more than the statements do.
    path: Path

    def execute(self, *arguments: Any) -> Any:  # noqa: ANN401
        try:
            return super().execute(*arguments)
        except sqlite3.DatabaseError as error:
            raise explained(error, self.path) from error

    def executemany(self, *arguments: Any) -> Any:  # noqa: ANN401
        try:
            return super().executemany(*arguments)
        except sqlite3.DatabaseError as error:
            raise explained(error, self.path) from error

    def fetchone(self) -> Any:  # noqa: ANN401
        try:
            return super().fetchone()
        except sqlite3.DatabaseError as error:
            raise explained(error, self.path) from error

    def fetchall(self) -> Any:  # noqa: ANN401
        try:
            return super().fetchall()
        except sqlite3.DatabaseError as error:
            raise explained(error, self.path) from error

    def __iter__(self) -> Any:  # noqa: ANN401
        try:
            yield from iter(super().fetchone, None)
        except sqlite3.DatabaseError as error:
            raise explained(error, self.path) from error
