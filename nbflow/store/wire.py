"""What goes over Arrow Flight between an owner and a reader, apart from the rows of people's SQL.

A reader asks with a ticket: JSON with one key, `get`, `pull`, `list`, `tables` or `sql`. Values come as rows of
`SCHEMA`: one with `about`, the value as JSON, then its file in pieces. Listings are rows with `about` alone.
Errors carry JSON: the name of the class in `nbflow.errors`, and the message.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from nbflow import errors
from nbflow.codec.files import new_file
from nbflow.errors import NbflowError, XComError
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.xcom import Form, XComValue
from nbflow.store.xcom_rows import StoredXCom

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

SCHEMA = pa.schema([("about", pa.string()), ("piece", pa.binary())])
PIECE = 4 << 20  # bytes of a file that are sent at once
_LISTED_AT_ONCE = 10_000
_CUT = "`{key}` came cut from the process that has the XComs open: {found:,} of {size:,} bytes"
_UNKNOWN = "the process that holds the home sent an error of another nbflow: {message}"


def abouts(rows: Iterable[object]) -> Iterator[pa.RecordBatch]:
    """A listing, each row as JSON."""
    texts: list[str] = []
    for row in rows:
        texts.append(json.dumps(row))
        if len(texts) == _LISTED_AT_ONCE:
            yield _batch(texts, [None] * len(texts))
            texts = []
    if texts:
        yield _batch(texts, [None] * len(texts))


def rows_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Any]:
    """The inverse of `abouts`."""
    for batch in batches:
        for text in batch.column("about").to_pylist():
            yield json.loads(text)


def sent(values: Iterable[tuple[TaskKey, XComValue]]) -> Iterator[pa.RecordBatch]:
    """Values with their files; each file is removed when it is on its way."""
    for task, value in values:
        yield _batch([json.dumps([key_json(task), value.to_json()])], [None])
        if value.path is None:
            continue
        with value.path.open("rb") as file:
            while piece := file.read(PIECE):
                yield _batch([None], [piece])
        value.path.unlink()


def sent_whole(task: TaskKey, value: XComValue, content: bytes) -> Iterator[pa.RecordBatch]:
    """A value and what its file would have, at once."""
    about = json.dumps([key_json(task), value.to_json()])
    yield _batch([about, None], [None, content]) if content else _batch([about], [None])


def received(batches: Iterable[pa.RecordBatch], folder: Path) -> list[tuple[TaskKey, XComValue]]:
    """The inverse of `sent` and `sent_whole`: files are made in `folder`.

    Raises:
        XComError: a file is not all there. Then, and when the batches break off, no file of it is left.
    """
    found: list[tuple[TaskKey, XComValue]] = []
    try:
        for about, piece in (row.values() for batch in batches for row in batch.to_pylist()):
            if about is not None:
                found.append(_begun(about, folder))
            elif (path := found[-1][1].path) is not None:
                with path.open("ab") as file:
                    file.write(piece)
        for _, value in found:
            _check_size(value)
    except BaseException:
        for _, value in found:
            if value.path is not None:
                value.path.unlink(missing_ok=True)
        raise
    return found


def key_json(key: TaskKey) -> list[object]:
    """A task instance in JSON's types."""
    return [key.run.dag_id, key.run.run_id, key.task_id, key.map_index]


def key_of(place: list[Any]) -> TaskKey:
    """The inverse of `key_json`."""
    dag_id, run_id, task_id, map_index = place
    return TaskKey(RunKey(dag_id, run_id), task_id, map_index)


def stored_json(stored: StoredXCom) -> dict[str, object]:
    """One line of a listing in JSON's types."""
    return {
        "task": key_json(stored.task),
        "try_number": stored.try_number,
        "current": stored.current,
        "ds": stored.ds,
        "key": stored.key,
        "form": stored.form.value,
        "kind": stored.kind,
        "size": stored.size,
        "preview": stored.preview,
        "created": stored.created.isoformat(),
    }


def stored_of(data: dict[str, Any]) -> StoredXCom:
    """The inverse of `stored_json`."""
    return StoredXCom(
        **{
            **data,
            "task": key_of(data["task"]),
            "form": Form(data["form"]),
            "created": datetime.fromisoformat(data["created"]),
        }
    )


def error_json(error: NbflowError) -> bytes:
    """An error, for the wire."""
    return json.dumps({"kind": type(error).__name__, "message": str(error)}).encode()


def error_of(data: bytes) -> NbflowError:
    """The inverse of `error_json`; an error that this nbflow doesn't know says so."""
    told = json.loads(data)
    kind = getattr(errors, told["kind"], None)
    if isinstance(kind, type) and issubclass(kind, NbflowError):
        try:
            return kind(told["message"])
        except TypeError:
            pass  # one that is made in another way
    return NbflowError(_UNKNOWN.format(message=told["message"]))


def _batch(about: Sequence[str | None], pieces: Sequence[bytes | None]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(about, pa.string()), pa.array(pieces, pa.binary())], schema=SCHEMA)


def _begun(about: str, folder: Path) -> tuple[TaskKey, XComValue]:
    """A value whose file, if it has one, is empty yet."""
    place, data = json.loads(about)
    value = XComValue.from_json(data)
    if value.form is not Form.JSON:
        value = replace(value, path=new_file(folder, value.key, value.form))
    return key_of(place), value


def _check_size(value: XComValue) -> None:
    found = value.size if value.path is None else value.path.stat().st_size
    if found != value.size:
        raise XComError(_CUT.format(key=value.key, found=found, size=value.size))
