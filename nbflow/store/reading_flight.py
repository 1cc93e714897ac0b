"""Reading a home's XComs through the process that has them open. Importing this takes a while: see `reading`."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.flight as fl

from nbflow.errors import HomeError, NbflowError
from nbflow.store.catalogue import AskedTable
from nbflow.store.serve_flight import HEADER, STOP
from nbflow.store.source import SourceGone
from nbflow.store.token import home_token
from nbflow.store.wire import error_of, key_json, received, rows_of, stored_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from nbflow.model.run import TaskKey
    from nbflow.model.xcom import XComValue
    from nbflow.store.address import Address
    from nbflow.store.home import Home
    from nbflow.store.people import Question
    from nbflow.store.xcom_rows import StoredXCom

_REFUSED = "the process that holds {home} refuses the token of {home}/token ({why})"


class FlightSource:
    """A `Source`: the owner answers. Its methods raise what the owner's own store raised."""

    def __init__(self, home: Home, address: Address) -> None:
        self._home = home
        self._client = fl.connect(f"grpc+unix://{address.flight}")
        token = home_token(home.root)
        self._options = fl.FlightCallOptions(headers=[(HEADER.encode(), f"Bearer {token}".encode())])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def get(
        self, task: TaskKey, key: str, *, try_number: int | None = None, folder: Path
    ) -> XComValue | None:
        """See `XComStore.get`."""
        asked = {"task": key_json(task), "key": key, "try_number": try_number}
        with self._asked({"get": asked}) as (_, batches):
            return next((value for _, value in received(batches, folder)), None)

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
        asked = {
            "dag_id": dag_id,
            "run_id": run_id,
            "task_ids": None if task_ids is None else list(task_ids),
            "key": key,
            "map_indexes": None if map_indexes is None else list(map_indexes),
            "include_prior_dates": include_prior_dates,
        }
        with self._asked({"pull": asked}) as (_, batches):
            return received(batches, folder)

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
        asked = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "key": key, "hidden": hidden}
        with self._asked({"list": asked}) as (_, batches):
            return [stored_of(row) for row in rows_of(batches)]

    def tables(self) -> list[AskedTable]:
        """See `Source`."""
        with self._asked({"tables": {}}) as (_, batches):
            return [AskedTable.from_json(row) for row in rows_of(batches)]

    @contextmanager
    def answer(self, question: Question) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        """See `Source`."""
        asked = {"sql": question.sql, "timeout": question.timeout, "number": question.number}
        with self._asked({"sql": asked}) as answer:
            yield answer

    def stop(self, number: str) -> None:
        """See `Source`."""
        with suppress(pa.ArrowException, OSError):  # it has ended with its owner
            list(self._client.do_action(fl.Action(STOP, number.encode()), self._options))

    @contextmanager
    def _asked(self, question: dict[str, Any]) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        with self._told():
            stream = self._client.do_get(fl.Ticket(json.dumps(question).encode()), self._options)
        try:
            with closing(self._batches(stream)) as batches:
                yield stream.schema, batches
        finally:
            stream.cancel()

    def _batches(self, stream: fl.FlightStreamReader) -> Generator[pa.RecordBatch]:
        while True:
            with self._told():
                chunk = next(stream, None)
            if chunk is None:
                return
            yield chunk.data

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What comes back instead of an answer."""
        try:
            yield
        except fl.FlightUnauthenticatedError as error:
            why = str(error).partition(". Detail")[0]
            raise HomeError(_REFUSED.format(home=self._home.root, why=why)) from error
        except fl.FlightError as error:
            told = getattr(error, "extra_info", b"")
            if told:
                raise error_of(told) from error
            if isinstance(error, fl.FlightServerError):
                raise NbflowError(str(error).partition(". Detail")[0]) from error
            raise SourceGone from error
        except (pa.ArrowException, OSError) as error:  # the stream broke off
            raise SourceGone from error
