"""Reading a home's XComs from the file itself, while nobody owns the home."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from nbflow.store.address import announced
from nbflow.store.source import SourceGone
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from nbflow.store.catalogue import AskedTable
    from nbflow.store.home import Home
    from nbflow.store.people import Question

_LOOK = 0.25  # seconds between two looks whether an owner wants the file


class FileSource:
    """A `Source`; a query gives way to an owner that comes, whom the open file keeps waiting.

    Raises:
        HomeHeld: another process has the file open.
        HomeError: it is unusable.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._announced_before = announced(home.root)  # and dead, else it had answered
        self._looked = time.monotonic()
        self._store = XComStore.open(home.root, read_only=True)
        self.get, self.pull, self.list_values = self._store.get, self._store.pull, self._store.list_values

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._store.close()

    def tables(self) -> list[AskedTable]:
        """See `Source`."""
        return self._store.guests(self._home.state).tables()

    @contextmanager
    def answer(self, question: Question) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        """See `Source`."""
        from nbflow.store.guest import GuestGone

        try:
            with self._store.guests(self._home.state).answer(question, self._is_wanted) as found:
                yield found
        except GuestGone as error:
            raise SourceGone from error

    def stop(self, number: str) -> None:
        """See `Source`."""
        self._store.guests(self._home.state).stop(number)

    def _is_wanted(self) -> bool:
        if time.monotonic() < self._looked + _LOOK:
            return False
        self._looked = time.monotonic()
        return announced(self._home.root) not in (None, self._announced_before)
