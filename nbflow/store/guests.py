"""People's queries on an open XCom file: each on a connection of its own, within limits.

They run in the process that has the file open, because DuckDB lets no other one look into it, and carrying
whole tables to another process takes longer than the query. What keeps them from taking that process with them:

- DuckDB's `memory_limit` holds for all connections together; sorts and hash tables of a guest go to disk from
  half of it on (a quarter of what is free there, at most), and results are handed over batch by batch.
- A commit that finds no memory left stops the guests and is made again (`Guests.make_room`).
- At most four at once; each is stopped at its timeout, or when whoever asked has gone.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from nbflow.errors import NbflowError, SqlError
from nbflow.store.catalogue import asked_tables, known_tables
from nbflow.store.guest import Guest, GuestGone
from nbflow.store.people import check
from nbflow.store.sql import queries
from nbflow.store.state_tables import STATE_TABLES, state_table
from nbflow.store.xcom_file import READING_THREADS
from nbflow.store.xcom_rows import first_row
from nbflow.store.xcom_statements import Statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from nbflow.store.catalogue import AskedTable
    from nbflow.store.people import Query, Question

_AT_ONCE = 4
_BATCH_ROWS = 100_000
_LOOK = 0.05  # seconds between two looks at the clock and at who has gone
_LINGER = (
    2.0  # seconds for which guests' threads stay after the last one: to change their number takes a while
)
_DISK_SHARE = 4  # one part of so many that are free on the home's disk
_QUERIES_KEPT = 64
_ROOM = 10.0  # seconds for guests to let go of what they hold

_FULL = "{count} other queries run already, and none has ended within {timeout:g} s. Ask again later."
_TOO_LONG = """\
the query was stopped after {timeout:g} s. Ask for less (fewer dates, fewer columns, an aggregate), or give it \
longer: --timeout SECONDS"""
_NO_MEMORY = """\
the query needs more memory than nbflow lends ({limit} for all of its work): ask for fewer dates or columns, or \
let SQL aggregate before it sorts or collects. DuckDB says: {why}"""
_MADE_ROOM = "the query was stopped: it left no memory to store what tasks hand on. Ask for less at once."
_STOPPED = "the query was stopped"


class Guests:
    """The queries that run on one open file. For any thread."""

    def __init__(self, connection: DuckDBPyConnection, state: Path, *, idle_threads: int | None) -> None:
        """Begin without a guest.

        Args:
            connection: the open file; it is closed by whoever opened it, after `close`.
            state: state.sqlite, for `runs` and `task_instances`.
            idle_threads: how many threads DuckDB works with where there is no guest, so that others can be
                added for them; None: its number is never changed.
        """
        self._connection = connection
        self._state = state
        self._idle_threads = idle_threads
        self._places = threading.Semaphore(_AT_ONCE)
        self._changed = threading.Condition()
        self._guests: dict[str, Guest] = {}
        self._watching = False
        self._closed = False
        with connection.cursor() as cursor:
            room = shutil.disk_usage(state.parent).free // _DISK_SHARE
            cursor.execute(queries("people.sql")["room_on_disk"].format(bytes=room))
            row = first_row(cursor, queries("people.sql")["memory_limit"])
        self._limit = str(row[0]) if row else ""
        sql = queries("people.sql")
        memory = sql["operator_memory"].format(memory=_half(self._limit))
        self._beginning = (sql["no_progress"], sql["in_utc"], memory, sql["begin"])
        self._statements = Statements()
        self._queries: OrderedDict[str, Query] = OrderedDict()

    @contextmanager
    def answer(
        self, question: Question, is_gone: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        """The result of a query, batch by batch, while the block lasts. ENUMs come as texts.

        Args:
            question: what is asked.
            is_gone: whether nobody waits for the answer any more; called now and then on another thread.

        Raises:
            SqlError: it can't be run, or was stopped. Reading the batches raises it too.
            GuestGone: `is_gone` was true.
        """
        from nbflow.store.uncategorised import uncategorised  # imports pyarrow

        until = time.monotonic() + question.timeout
        if not self._places.acquire(timeout=question.timeout):
            raise SqlError(_FULL.format(count=_AT_ONCE, timeout=question.timeout))
        try:
            with self._connection.cursor() as cursor:
                guest = Guest(cursor, question, is_gone, until)
                self._let_in(guest)
                try:
                    with self._told(guest):
                        result = guest.result = self._begin(guest)
                    schema = uncategorised(result.schema)
                    yield schema, self._batches(guest, result, schema)
                finally:
                    self._let_out(guest)
        finally:
            self._places.release()

    def tables(self) -> list[AskedTable]:
        """What there is to ask."""
        with self._connection.cursor() as cursor:
            return asked_tables(cursor)

    def stop(self, number: str) -> None:
        """Stop the query of that number, if it still runs."""
        with self._changed:
            guest = self._guests.get(number)
            if guest is not None:
                guest.stop(SqlError(_STOPPED))

    def make_room(self) -> bool:
        """Stop every guest and free its memory; whether there was any."""
        return bool(self._dismiss(SqlError(_MADE_ROOM)))

    def close(self) -> None:
        """Stop every guest and let nobody in any more."""
        with self._changed:
            self._closed = True
        self._dismiss(GuestGone())
        with self._changed:
            self._changed.wait_for(lambda: not self._watching, timeout=_ROOM)

    def _dismiss(self, why: Exception) -> list[Guest]:
        with self._changed:
            found = list(self._guests.values())
            for guest in found:
                guest.stop(why)
        for guest in found:
            self._let_out(guest)
        return found

    def _begin(self, guest: Guest) -> pa.RecordBatchReader:
        cursor = guest.cursor
        for text in self._beginning:
            cursor.execute(self._statements.of(cursor, text))
        query = self._query(cursor, guest.question.sql)
        for name in STATE_TABLES:
            if name in query.tables:
                cursor.register(name, state_table(self._state, name))
        # A relation's rows come as they are asked for; `execute` would collect them all first.
        return cursor.sql(query.statement).to_arrow_reader(_BATCH_ROWS)

    def _query(self, cursor: DuckDBPyConnection, sql: str) -> Query:
        """What `check` accepts, which takes as long as a small query does: a dashboard asks the same again."""
        found = self._queries.get(sql)
        if found is None:
            found = self._queries[sql] = check(cursor, sql)
            if len(self._queries) > _QUERIES_KEPT:
                self._queries.popitem(last=False)
        return found

    def _batches(
        self, guest: Guest, result: pa.RecordBatchReader, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        while True:
            with self._told(guest):
                batch = next(result, None)
            if batch is None:
                return
            yield batch if schema is result.schema else batch.cast(schema)

    @contextmanager
    def _told(self, guest: Guest) -> Iterator[None]:
        """While DuckDB works: what it raises, in our words."""
        try:
            with guest.working:
                if guest.why is not None:
                    raise guest.why
                yield
        except (duckdb.Error, OSError, ValueError) as error:  # Arrow's readers wrap DuckDB's errors
            if isinstance(error, NbflowError):
                raise
            if guest.why is not None:
                raise guest.why from None
            if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory" in str(error):
                why = str(error).splitlines()[0]
                raise SqlError(_NO_MEMORY.format(limit=self._limit, why=why)) from error
            raise SqlError(self._explained(error)) from error

    def _explained(self, error: Exception) -> str:
        """DuckDB's message, and where it misses a table which there are."""
        text = str(error)
        if isinstance(error, duckdb.CatalogException) and "does not exist" in text:
            with self._connection.cursor() as cursor:
                names = ", ".join(known_tables(cursor))
            return f"{text}\n\nThere are: {names}."
        return text

    def _let_in(self, guest: Guest) -> None:
        with self._changed:
            if self._closed:
                raise GuestGone
            self._guests[guest.question.number] = guest
            if not self._watching:
                self._watching = True
                self._use_threads(min(READING_THREADS, os.cpu_count() or 1))
                threading.Thread(target=self._watch, name="nbflow-guests", daemon=True).start()

    def _let_out(self, guest: Guest) -> None:
        guest.let_go()
        with self._changed:
            self._guests.pop(guest.question.number, None)
            if self._closed:  # else the watch sees it soon enough, and need not take this query's processor
                self._changed.notify_all()

    def _watch(self) -> None:
        """Stop who is late or gone; again and again, since between two batches nobody hears it."""
        empty_since = time.monotonic()
        while True:
            with self._changed:
                now = time.monotonic()
                for guest in self._guests.values():
                    if guest.why is not None:
                        guest.stop(guest.why)
                    elif guest.is_gone():
                        guest.stop(GuestGone())
                    elif now > guest.until:
                        guest.stop(SqlError(_TOO_LONG.format(timeout=guest.question.timeout)))
                if self._guests:
                    empty_since = now
                elif self._closed or now > empty_since + _LINGER:
                    self._use_threads(self._idle_threads)
                    self._watching = False
                    self._changed.notify_all()
                    return
                self._changed.wait(_LOOK)

    def _use_threads(self, count: int | None) -> None:
        if self._idle_threads is not None and count is not None:
            with self._connection.cursor() as cursor:
                cursor.execute(queries("people.sql")["threads"].format(threads=count))


def _half(limit: str) -> str:
    """Half of an amount as DuckDB writes it: `5.8 GiB` → `2.9GiB`."""
    number, unit = limit.split()
    return f"{float(number) / 2:g}{unit}"
