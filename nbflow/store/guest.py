"""One of people's queries while it runs: how it is stopped, and made to let go."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from nbflow.store.people import Question

_ROOM = 10.0  # seconds for DuckDB to hear that it is to stop


class GuestGone(Exception):
    """Whoever asked has gone, or asks elsewhere; never shown."""


@dataclass(slots=True)
class Guest:
    """A query that runs.

    Attributes:
        until: when its time is over, on the monotonic clock.
        why: why it is being stopped; None while it isn't.
        working: held while DuckDB works on it, and not while its reader does something with the rows.
        result: None until it has begun.
    """

    cursor: DuckDBPyConnection
    question: Question
    is_gone: Callable[[], bool]
    until: float
    why: Exception | None = None
    working: threading.Lock = field(default_factory=threading.Lock)
    result: pa.RecordBatchReader | None = None

    def stop(self, why: Exception) -> None:
        """Have it end. Nobody hears that between two batches: to be called until it has ended."""
        self.why = self.why or why
        with suppress(duckdb.Error):  # it has let go
            self.cursor.interrupt()

    def let_go(self) -> None:
        """Free what it holds, once DuckDB works on it no more; also under a reader that has stopped reading."""
        if self.working.acquire(timeout=_ROOM):
            try:
                if self.result is not None:
                    self.result.close()
                self.cursor.close()
            finally:
                self.working.release()
