"""People's SQL asked on a thread beside: while DuckDB or the network works, no interrupt is heard."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from nbflow.store.people import Question
    from nbflow.store.source import Source

    Ask = Callable[[Callable[[Source], None], threading.Event], None]
    """Calls a function with the way to the XComs there is; again with another one where that closes under it.
    The event says that nobody waits any more."""

T = TypeVar("T")

_AHEAD = 4  # batches that are fetched before they are wanted
_PAUSE = 0.1  # seconds
_PATIENCE = 5.0  # seconds for a question that is stopped to end


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


class _Begins:
    """Stands before a schema: what came before it counts no more."""


class _Ends:
    """Follows the last batch."""


class _BegunAgain(Exception):
    """Another answer has begun in the middle of this one."""


def pumped(ask: Ask, question: Question, take: Callable[[pa.Schema, Iterator[pa.RecordBatch]], T]) -> T:
    """What `take` makes of the schema and the batches of an answer; called again where the answer begins again.

    Whatever ends it early (an interrupt, an error, enough rows) stops the question.

    Raises:
        SqlError: the question can't be answered.
        HomeError: nobody answers.
    """
    pump = _Pump(ask, question)
    try:
        while True:
            try:
                return take(pump.schema(), pump.batches())
            except _BegunAgain:
                continue
    finally:
        pump.close()


class _Pump:
    def __init__(self, ask: Ask, question: Question) -> None:
        self._ask = ask
        self._question = question
        self._items: Queue[pa.Schema | pa.RecordBatch | _Failed | _Begins | _Ends] = Queue(_AHEAD)
        self._source: Source | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="nbflow-sql", daemon=True)
        self._thread.start()

    def schema(self) -> pa.Schema:
        """Of the answer that begins; to be asked for first."""
        found: Any = self._next()
        while isinstance(found, _Begins):
            found = self._next()
        return found

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Of the answer.

        Raises:
            _BegunAgain: it will not come to its end.
        """
        while not isinstance(found := self._next(), _Ends):
            if isinstance(found, _Begins):
                raise _BegunAgain
            batch: Any = found
            yield batch

    def close(self) -> None:
        """Stop the question, again until it has stopped: it may not have begun to run yet."""
        self._closed.set()
        for _ in range(round(_PATIENCE / _PAUSE)):
            if not self._thread.is_alive():
                return
            if self._source is not None:
                self._source.stop(self._question.number)
            self._thread.join(_PAUSE)

    def _next(self) -> object:
        while True:
            try:
                found = self._items.get(timeout=_PAUSE)
            except Empty:  # a signal that came to another thread is heard now
                continue
            if isinstance(found, _Failed):
                raise found.error
            return found

    def _work(self) -> None:
        try:
            self._ask(self._answer, self._closed)
        except BaseException as error:  # noqa: BLE001 it belongs to the thread that asked
            self._put(_Failed(error))

    def _answer(self, source: Source) -> None:
        self._source = source
        self._put(_Begins())
        with source.answer(self._question) as (schema, batches):
            self._put(schema)
            for batch in batches:
                self._put(batch)
                if self._closed.is_set():
                    return
        self._put(_Ends())

    def _put(self, item: pa.Schema | pa.RecordBatch | _Failed | _Begins | _Ends) -> None:
        while not self._closed.is_set():
            try:
                self._items.put(item, timeout=_PAUSE)
            except Full:
                continue
            return
