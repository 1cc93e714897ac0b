"""Files in DuckDB, in pieces, with a signature where reading them runs code."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from nbflow.errors import XComError
from nbflow.store.sql import queries
from nbflow.store.xcom_target import emptied, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _duckdb import Appender
    from duckdb import DuckDBPyConnection

    from nbflow.store.xcom_target import Target

CHUNK_SIZE = 128 << 10
"""Bytes. DuckDB silently cuts a BLOB of 4 GiB or more, and it needs memory for 2,048 rows at once: larger
chunks than these can make a commit fail on a small machine.
"""
_AT_ONCE = 16 << 20  # bytes that wait to be handed to DuckDB, or are asked of it


def store_file(chunks: Appender, value_id: int, path: Path, sign: hmac.HMAC | None) -> bytes | None:
    """Append the file's bytes as chunks of the value; their signature if there is a signer."""
    number = 0
    with path.open("rb") as file:
        while content := file.read(CHUNK_SIZE):
            chunks.append_row(value_id, number, content)
            number += 1
            if number % (_AT_ONCE // CHUNK_SIZE) == 0:
                chunks.flush()
            if sign is not None:
                sign.update(content)
    return None if sign is None else sign.digest()


def fetch_file(
    cursor: DuckDBPyConnection,
    value_id: int,
    target: Target,
    sign: hmac.HMAC | None,
    signature: bytes | None,
    size: int,
) -> None:
    """Write the value's chunks.

    Args:
        cursor: where the chunks are.
        value_id: whose.
        target: written over.
        sign: what made the signature; None for files that need none.
        signature: the stored one; None is refused like a wrong one.
        size: of the file that was stored, in bytes.

    Raises:
        XComError: cut, unsigned, changed, or signed with another key; what was written is then not to be used.
    """
    with emptied(target) as file:
        for content in _chunks(cursor, value_id):
            file.write(content)
            if sign is not None:
                sign.update(content)
    if sign is not None and not hmac.compare_digest(sign.digest(), signature or b""):
        found = "does not fit its signature" if signature else "is not signed"
        msg = (
            f"the stored pickle {found}: it was changed, or stored with another home's key. "
            "It is not read, because that would run what is in it. Run its task again"
        )
        raise XComError(msg)
    if (found := size_of(target)) != size:
        msg = f"{size:,} bytes were stored and {found:,} were found. Run its task again"
        raise XComError(msg)


def _chunks(cursor: DuckDBPyConnection, value_id: int) -> Iterator[bytes]:
    """A value's chunks in order: the first, then as many at once as its size allows."""
    query = queries("xcom.sql")["read_chunks"]
    first, count = 0, 1
    while True:
        names = {"value_id": value_id, "first": first, "last": first + count - 1}
        found = cursor.execute(query, names).fetchall()
        if not found:
            return
        yield from (content for (content,) in found)
        first += count
        count = max(1, _AT_ONCE // max(len(found[0][0]), 1))
