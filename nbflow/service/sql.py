"""People's SQL over what all runs of a project handed on, with `runs` and `task_instances` beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from nbflow.errors import AddressError, OptionError
from nbflow.store.people import TIMEOUT, Question
from nbflow.store.reading import reading_xcoms
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from nbflow.store.catalogue import AskedTable
    from nbflow.store.home import Home

T = TypeVar("T")

_NO_RUNS = "{root} knows no runs yet, so there is nothing to ask: nbflow run NOTEBOOK.ipynb"
_NO_TIME = "--timeout takes seconds, more than 0, and got {timeout:g}"


def ask(
    home: Home,
    sql: str,
    take: Callable[[pa.Schema, Iterator[pa.RecordBatch]], T],
    *,
    timeout: float = TIMEOUT,
) -> T:
    """The result of a query, as `take` has it.

    Args:
        home: of the project.
        sql: one reading statement.
        take: makes something of the schema and the batches; called again from the start where a run begins or
            ends meanwhile and with it the process that answers changes. Names of columns are distinct.
        timeout: seconds until the query is stopped.

    Raises:
        SqlError: it can't be run, or was stopped.
        AddressError: the project has no runs yet.
        OptionError: no time is given.
        HomeHeld: something that is no nbflow has the XCom file open.
    """
    if timeout <= 0:
        raise OptionError(_NO_TIME.format(timeout=timeout))
    _check_runs(home)
    with reading_xcoms(home) as xcoms:
        return xcoms.ask(
            Question(sql=sql, timeout=timeout), lambda schema, batches: take(*_distinct(schema, batches))
        )


def table_of(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> pa.Table:
    """For `ask`: the whole result."""
    import pyarrow as pa

    return pa.Table.from_batches(batches, schema)


def asked_tables(home: Home) -> list[AskedTable]:
    """What there is to ask.

    Raises:
        AddressError: the project has no runs yet.
        HomeHeld: something that is no nbflow has the XCom file open.
    """
    _check_runs(home)
    with reading_xcoms(home) as xcoms:
        return xcoms.tables()


def _distinct(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The same with a number behind names that occur again (`n`, `n_1`): most formats allow a name once."""
    import pyarrow as pa

    names: list[str] = []
    for name in schema.names:
        number, free = 1, name
        while free in names:
            free, number = f"{name}_{number}", number + 1
        names.append(free)
    if names == schema.names:
        return schema, batches
    renamed = pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])
    return renamed, (pa.RecordBatch.from_arrays(batch.columns, schema=renamed) for batch in batches)


def _check_runs(home: Home) -> None:
    if not home.state.exists():
        raise AddressError(_NO_RUNS.format(root=home.root))
    StateStore(home.state).close()  # brings a file of an older nbflow up to date
