"""The DuckDB file of a home: opened, brought up to date, closed."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from nbflow.errors import HomeError, HomeHeld, StoreTooNew
from nbflow.store.sql import queries
from nbflow.store.xcom_columns import frame_table
from nbflow.store.xcom_known import Keys
from nbflow.store.xcom_rows import first_row
from nbflow.store.xcom_show import kinds_of, show

XCOM_FILE = "xcom.duckdb"
VERSION = 3  # the newest `migrate_<n>` in xcom.sql
READING_THREADS = 4
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,  # nothing from the network
    "autoload_known_extensions": False,
    "enable_external_access": False,  # people's SQL reads no other file and writes none
    "memory_limit": "25%",
    "preserve_insertion_order": True,
    "python_enable_replacements": False,  # a name in a query is a table, never a Python variable
}
_HELD = (
    "{path} is held by another process{holder}: the XComs of a home are open in one process while a run "
    "goes on. Try again when it has ended, or choose another home with NBFLOW_HOME"
)
_UNUSABLE = "{path} cannot be opened: {error}. {advice}"
_DAMAGED = """\
It is left as it is. Move it away to begin with an empty store (tasks whose values are missed then can be cleared), or \
put a sound copy of it back"""
_UNREACHABLE = "Nothing is lost: once that is put right, the same command goes on"
# Of what the system says, not of what is in the file.
_NOT_ITS_FAULT = (
    "Permission denied",
    "Read-only file system",
    "No space left",
    "Is a directory",
    "Input/output",
)


def open_file(home: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """The home's XCom file, made or brought up to date.

    A home without the file, read only, is an empty store in memory.

    Raises:
        HomeHeld: another process holds it.
        HomeError: it is no DuckDB file.
        StoreTooNew: a newer nbflow wrote it.
    """
    path = home / XCOM_FILE
    if read_only and not path.exists():
        connection = _connect(Path(":memory:"), read_only=False)
        _migrate(connection, path)
        return connection
    connection = _connect(path, read_only=read_only)
    if not read_only:
        path.chmod(0o600)  # DuckDB makes it as the umask says
    try:
        if read_only and _version(connection) < VERSION:
            connection.close()
            open_file(home, read_only=False).close()
            return open_file(home, read_only=True)
        _migrate(connection, path)
    except duckdb.Error as error:
        connection.close()
        raise _unusable(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    # One more thread makes a commit of single values a quarter slower and that of a large frame no faster.
    threads = min(READING_THREADS, os.cpu_count() or 1) if read_only else 1
    try:
        return duckdb.connect(str(path), read_only=read_only, config=_CONFIG | {"threads": threads})
    except duckdb.ConnectionException as error:
        raise HomeHeld(_HELD.format(path=path, holder=" or another part of this one")) from error
    except duckdb.Error as error:
        text = str(error)
        if "Could not set lock" in text:
            start = text.find("PID ")
            holder = (
                f" ({text[start:].split(' ', 2)[0]} {text[start:].split(' ', 2)[1].rstrip('.')})"
                if start >= 0
                else ""
            )
            raise HomeHeld(_HELD.format(path=path, holder=holder)) from error
        raise _unusable(path, error) from error


def _unusable(path: Path, error: duckdb.Error) -> HomeError:
    said = str(error).splitlines()[0].rstrip("!.")
    advice = _UNREACHABLE if any(words in said for words in _NOT_ITS_FAULT) else _DAMAGED
    return HomeError(_UNUSABLE.format(path=path, error=said, advice=advice))


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    """The version the file has; 0 for one without tables."""
    try:
        row = first_row(connection, queries("xcom.sql")["version"])
    except duckdb.CatalogException:  # asking the catalog for the table takes twenty times as long
        return 0
    return int(row[0]) if row else 0


def _migrate(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    found = _version(connection)
    if found > VERSION:
        msg = f"{path} was written by a newer nbflow (version {found} of the store, this one knows {VERSION}). Upgrade nbflow"
        raise StoreTooNew(msg)
    if found == VERSION:
        return
    sql = queries("xcom.sql")
    connection.begin()
    for step in range(found + 1, VERSION + 1):
        connection.execute(sql[f"migrate_{step}"])
        if step == 3:
            _widen_frames(connection)
    connection.execute(sql["write_version"], [VERSION])
    connection.commit()


def _widen_frames(connection: duckdb.DuckDBPyConnection) -> None:
    """Give each row of a frame the columns of its run: `migrate_3`."""
    sql = queries("xcom.sql")
    for (frame_id,) in connection.execute(sql["frames"]).fetchall():
        table = frame_table(frame_id)
        found = connection.execute(sql["columns_of_table"].format(table=table)).fetchall()
        columns = ", ".join(f"{name} {kind}" for name, kind, *_ in found[2:])
        connection.execute(sql["migrate_3_frame"].format(table=table, columns=columns))
    keys = Keys(connection)
    for key in keys:
        show(connection, keys, key, kinds_of(connection, key.number))
