"""Reading a home's XComs, whoever has them open.

While an owner (the scheduler, or a `nbflow run`) lives, it alone has the file; it answers through Arrow Flight.
Else the file is opened for a moment. Owners come and go while somebody reads; callers can't tell.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

from nbflow.errors import HomeError, HomeHeld
from nbflow.store.address import announced, knock
from nbflow.store.home import is_held
from nbflow.store.pump import pumped
from nbflow.store.reading_file import FileSource
from nbflow.store.source import SourceGone
from nbflow.store.ways import Way, forget, keep, kept_way

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyarrow as pa

    from nbflow.model.run import TaskKey
    from nbflow.model.xcom import XComValue
    from nbflow.store.address import Address
    from nbflow.store.catalogue import AskedTable
    from nbflow.store.home import Home
    from nbflow.store.people import Question
    from nbflow.store.source import Source
    from nbflow.store.xcom_rows import StoredXCom

T = TypeVar("T")
PATIENCE = 30.0  # seconds for an owner that begins or ends
_SHORT_PATIENCE = 5.0  # where no nbflow holds the home: something else has the file open
_PAUSE = 0.02  # seconds between two attempts
_MOST_GONE = 10  # owners that may end under one question
_GONE = "the process that has the XComs of {home} open broke off its answer every time it was asked ({why})"


class _GivenUp(Exception):
    """Nobody waits for the answer any more."""


@contextmanager
def reading_xcoms(home: Home, *, patience: float = PATIENCE) -> Iterator[HomeReader]:
    """A reader of this home's XComs, for one thread. A home without any is an empty store.

    Args:
        home: whose.
        patience: seconds for which a question is asked again, while the owner has the file and doesn't answer.

    Raises:
        HomeHeld: something has the file open that doesn't answer (a database browser, say).
        HomeError: the owner breaks off every answer.
    """
    with HomeReader(home, patience) as reader:
        yield reader


class HomeReader:
    """An `XComReader` that finds its way anew when an owner comes or goes."""

    def __init__(self, home: Home, patience: float) -> None:
        self._home = home
        self._patience = patience
        self._way: Way | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if self._way is not None and kind is None:
            keep(self._way)
            self._way = None
        self._leave()

    def get(
        self, task: TaskKey, key: str, *, try_number: int | None = None, folder: Path
    ) -> XComValue | None:
        """See `XComStore.get`."""
        return self._asked(lambda source: source.get(task, key, try_number=try_number, folder=folder))

    def pull(
        self,
        dag_id: str,
        run_id: str | None,
        task_ids: Sequence[str] | None,
        key: str,
        *,
        map_indexes: Sequence[int] | None = None,
        include_prior_dates: bool = False,
        folder: Path,
    ) -> list[tuple[TaskKey, XComValue]]:
        """See `XComStore.pull`."""
        return self._asked(
            lambda source: source.pull(
                dag_id,
                run_id,
                task_ids,
                key,
                map_indexes=map_indexes,
                include_prior_dates=include_prior_dates,
                folder=folder,
            )
        )

    def list_values(
        self,
        dag_id: str,
        run_id: str | None = None,
        task_id: str | None = None,
        key: str | None = None,
        *,
        hidden: bool = False,
    ) -> list[StoredXCom]:
        """See `XComStore.list_values`."""
        return self._asked(lambda source: source.list_values(dag_id, run_id, task_id, key, hidden=hidden))

    def tables(self) -> list[AskedTable]:
        """What there is to ask in SQL."""
        return self._asked(lambda source: source.tables())

    def ask(self, question: Question, take: Callable[[pa.Schema, Iterator[pa.RecordBatch]], T]) -> T:
        """The result of people's SQL. Ctrl-C, or a kernel's interrupt, stops it.

        Args:
            question: what is asked.
            take: makes something of the result's schema and batches. Called again from the start where an owner
                comes or goes meanwhile.

        Raises:
            SqlError: it can't be run, or was stopped.
        """
        return pumped(self._asked, question, take)

    def _asked(self, work: Callable[[Source], T], given_up: threading.Event | None = None) -> T:
        since = time.monotonic()
        gone = 0
        while True:
            try:
                return work(self._found())
            except SourceGone as error:
                if self._way is not None and self._way.address is not None:
                    forget(self._way.address)
                self._leave()
                gone += 1
                if gone > _MOST_GONE:
                    raise HomeError(_GONE.format(home=self._home.root, why=error.__cause__)) from error
            except HomeHeld:
                self._leave()
                if time.monotonic() - since > (self._patience if is_held(self._home) else _SHORT_PATIENCE):
                    raise
            if given_up is not None and given_up.is_set():
                raise _GivenUp
            time.sleep(_PAUSE)

    def _found(self) -> Source:
        """The way there is now: the owner where one answers, else the file.

        Raises:
            HomeHeld: neither. An owner that begins or ends has the file and doesn't answer yet, or any more.
        """
        if self._way is None:
            self._way = self._found_way()
        return self._way.source

    def _leave(self) -> None:
        way, self._way = self._way, None
        if way is not None:
            way.close()

    def _found_way(self) -> Way:
        address = announced(self._home.root)
        if address is not None:
            if (kept := kept_way(address)) is not None:
                return kept
            said = knock(address)
            if said:
                raise HomeHeld(said)
            if said is not None:
                from nbflow.store.reading_flight import FlightSource  # imports Arrow Flight

                return _way(address, FlightSource(self._home, address))
        return _way(None, FileSource(self._home))


def _way(address: Address | None, source: AbstractContextManager[Source]) -> Way:
    closing = ExitStack()
    return Way(address, closing.enter_context(source), closing)
