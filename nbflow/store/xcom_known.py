"""What the one writer of an XCom file knows of it without asking: free numbers, keys, tries of its runs.

A small query costs DuckDB as much as a small insert, and only the writer changes what is kept here. None
of it outlives a transaction that failed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbflow.model.xcom import HIDDEN, RETURN_VALUE
from nbflow.store.sql import queries
from nbflow.store.xcom_view import schema_name, view_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from duckdb import DuckDBPyConnection

    from nbflow.model.run import RunKey
    from nbflow.store.xcom_statements import Statements

_NUMBERS_AT_ONCE = 256
_RUNS_KEPT = 64  # more than one DAG has open at once


class Numbers:
    """Numbers that no row has yet, taken from the file's sequence by the hundred."""

    def __init__(self, cursor: DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._free: list[int] = []

    def reserve(self, count: int) -> None:
        """Have at least so many ready. To be called outside of transactions: one that is rolled back and
        a crash after it would make DuckDB give the same numbers again.
        """
        if len(self._free) < count:
            query = queries("xcom.sql")["take_numbers"]
            rows = self._cursor.execute(query, {"count": max(count, _NUMBERS_AT_ONCE)}).fetchall()
            self._free = sorted((number for (number,) in rows), reverse=True)

    def take(self) -> int:
        """The lowest of those that are ready."""
        return self._free.pop()


@dataclass(slots=True)
class Key:
    """One name that a task hands on: its number, and the view that shows it."""

    name: str
    number: int
    schema: str
    view: str
    has_json: bool


class Keys:
    """Every key of the file. There are as many as the notebooks' tasks have names to hand on."""

    def __init__(self, cursor: DuckDBPyConnection) -> None:
        self._keys: dict[tuple[str, str, str], Key] = {}
        self._schemas: dict[str, str] = {}  # schema → DAG
        self._views: dict[str, list[str]] = {}  # by schema
        self._namesakes: dict[tuple[str, str], list[Key]] = {}  # by schema and name, folded
        for dag_id, task_id, *row in cursor.execute(queries("xcom.sql")["keys"]).fetchall():
            self.add(dag_id, task_id, Key(*row))

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def without_a_view(self, cursor: DuckDBPyConnection) -> dict[int, Key]:
        """By number, the keys with single values that no view shows yet: their writer came no further."""
        unmarked = {key.number: key for key in self._keys.values() if not key.has_json}
        if not unmarked:
            return {}
        rows = cursor.execute(queries("xcom.sql")["keys_with_json"], {"keys": list(unmarked)}).fetchall()
        return {number: unmarked[number] for (number,) in rows}

    def find(self, dag_id: str, task_id: str, key: str) -> Key | None:
        """The key, None when nothing was handed on under it yet."""
        return self._keys.get((dag_id, task_id, key))

    def of_numbers(self, numbers: Collection[int]) -> list[Key]:
        """The keys with these numbers."""
        return [key for key in self._keys.values() if key.number in numbers]

    def new(self, dag_id: str, task_id: str, key: str, number: int) -> Key:
        """A key that is not there yet, with a name for its view that is free. `add` it once it is stored."""
        schema = schema_name(dag_id, self._schemas)
        view = view_name(task_id, key, self._views.get(schema, ()))
        return Key(key, number, schema, view, has_json=False)

    def add(self, dag_id: str, task_id: str, key: Key) -> None:
        """Take note of a key that is stored."""
        self._keys[dag_id, task_id, key.name] = key
        self._schemas[key.schema] = dag_id
        self._views.setdefault(key.schema, []).append(key.view)
        self._namesakes.setdefault((key.schema, key.name.casefold()), []).append(key)

    def has_short_view(self, key: Key) -> bool:
        """Whether its name alone says what is meant: no other task of its DAG hands on one like it, and no
        task is called so.
        """
        return self._could_be_short(key) and len(self._namesakes[key.schema, key.name.casefold()]) == 1

    def is_second_of_its_name(self, key: Key) -> bool:
        """Whether the first one's name has said what is meant, until this one was added."""
        return self._could_be_short(key) and len(self._namesakes[key.schema, key.name.casefold()]) == 2

    def _could_be_short(self, key: Key) -> bool:
        views = {view.casefold() for view in self._views[key.schema]}
        own = key.name == RETURN_VALUE or key.name.startswith(HIDDEN)
        return not own and key.name.casefold() not in views


@dataclass(slots=True)
class RunTries:
    """The numbers of a run's committed tries: by token, and of those that are current by task instance."""

    by_token: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    current: dict[tuple[str, int], list[int]] = field(default_factory=dict[tuple[str, int], list[int]])

    def add(self, number: int, token: str, instance: tuple[str, int], *, is_current: bool) -> None:
        """Take note of a try that is stored."""
        self.by_token.setdefault(token, []).append(number)
        if is_current:
            self.current.setdefault(instance, []).append(number)


class Tries:
    """The tries of the runs that were written last."""

    def __init__(self, cursor: DuckDBPyConnection, statements: Statements) -> None:
        self._cursor = cursor
        self._statements = statements
        self._runs: OrderedDict[RunKey, RunTries] = OrderedDict()

    def of(self, run: RunKey) -> RunTries:
        """The run's tries, asked for the first time it is written."""
        found = self._runs.get(run)
        if found is None:
            found = self._runs[run] = RunTries()
            names = {"dag_id": run.dag_id, "run_id": run.run_id}
            query = self._statements.of(self._cursor, queries("xcom.sql")["tries_of_run"])
            for row in self._cursor.execute(query, names).fetchall():
                number, token, task_id, map_index, is_current = row
                found.add(number, token, (task_id, map_index), is_current=is_current)
        self._runs.move_to_end(run)
        return found

    def drop(self, runs: Iterable[RunKey]) -> None:
        """Forget these runs: their tries are gone."""
        for run in runs:
            self._runs.pop(run, None)

    def trim(self) -> None:
        """Forget all but the latest runs. To be called between transactions: what one has not stored yet
        would not be found again.
        """
        while len(self._runs) > _RUNS_KEPT:
            self._runs.popitem(last=False)
