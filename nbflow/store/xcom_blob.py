"""Files in DuckDB, in pieces, with a signature where reading them runs code."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from nbflow.errors import XComError
from nbflow.store.sql import queries
from nbflow.store.xcom_rows import first_row

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

CHUNK_SIZE = 64 << 20  # bytes; DuckDB silently cuts a BLOB of 4 GiB or more


def store_file(cursor: DuckDBPyConnection, value_id: int, path: Path, sign: hmac.HMAC | None) -> bytes | None:
    """Store the file's bytes as chunks of the value; their signature if there is a signer."""
    sql = queries("xcom.sql")
    number = 0
    with path.open("rb") as file:
        while content := file.read(CHUNK_SIZE):
            cursor.execute(sql["add_chunk"], {"value_id": value_id, "number": number, "content": content})
            number += 1
            if sign is not None:
                sign.update(content)
    return None if sign is None else sign.digest()


def fetch_file(
    cursor: DuckDBPyConnection,
    value_id: int,
    path: Path,
    sign: hmac.HMAC | None,
    signature: bytes | None,
    size: int,
) -> None:
    """Write the value's chunks into a file.

    Args:
        cursor: where the chunks are.
        value_id: whose.
        path: the file, written over.
        sign: what made the signature; None for files that need none.
        signature: the stored one; None is refused like a wrong one.
        size: of the file that was stored, in bytes.

    Raises:
        XComError: cut, unsigned, changed, or signed with another key; the file is then not to be used.
    """
    sql = queries("xcom.sql")
    number = 0
    with path.open("wb") as file:
        while row := first_row(cursor, sql["read_chunk"], {"value_id": value_id, "number": number}):
            file.write(row[0])
            number += 1
            if sign is not None:
                sign.update(row[0])
    if sign is not None and not hmac.compare_digest(sign.digest(), signature or b""):
        found = "does not fit its signature" if signature else "is not signed"
        msg = (
            f"the stored pickle {found}: it was changed, or stored with another home's key. "
            "It is not read, because that would run what is in it. Run its task again"
        )
        raise XComError(msg)
    if (found := path.stat().st_size) != size:
        msg = f"{size:,} bytes were stored and {found:,} were found. Run its task again"
        raise XComError(msg)
