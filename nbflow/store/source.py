"""What can be asked of a home's XComs, whichever way leads to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyarrow as pa

    from nbflow.model.run import TaskKey
    from nbflow.model.xcom import XComValue
    from nbflow.store.catalogue import AskedTable
    from nbflow.store.people import Question
    from nbflow.store.xcom_rows import StoredXCom


class SourceGone(Exception):
    """The way to the XComs has closed under a question: look for another. Never shown."""


class XComReader(Protocol):
    """The reading methods of `XComStore`."""

    def get(
        self, task: TaskKey, key: str, *, try_number: int | None = None, folder: Path
    ) -> XComValue | None:
        """See `XComStore.get`."""
        ...

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
        ...

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
        ...


class Source(XComReader, Protocol):
    """One way to the XComs, as long as it lasts. Whatever is asked may raise `SourceGone`."""

    def tables(self) -> list[AskedTable]:
        """What there is to ask in SQL."""
        ...

    def answer(
        self, question: Question
    ) -> AbstractContextManager[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        """The result of people's SQL, batch by batch, while the block lasts."""
        ...

    def stop(self, number: str) -> None:
        """Stop the question of that number, if it still runs. For any thread."""
        ...
