"""Values that don't fit into one of DuckDB's or Arrow's pieces come back whole.

DuckDB silently cuts a BLOB of 4 GiB or more; Arrow's text columns hold 2 GiB in one piece.
"""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from nbflow.codec import decode, encode
from nbflow.model.run import RunKey, TaskKey
from nbflow.store import xcom_blob, xcom_native
from nbflow.store.sql import queries
from nbflow.store.xcom import TryXComs, XComStore

TASK = TaskKey(RunKey("dag", "2026-02-17T00:00:00Z"), "task")
GIB = 1 << 30


def entry(value: object, folder: Path, number: int = 1) -> TryXComs:
    encoded = encode("x", value, folder=folder, shared={}, namespace={})
    at = datetime(2026, 2, 17, tzinfo=UTC)
    return TryXComs(key=TASK, try_number=number, ds="2026-02-17", token=f"{number}", xcoms=(encoded,), at=at)


def fetched(store: XComStore, folder: Path) -> Any:
    found = store.get(TASK, "x", folder=folder)
    assert found is not None
    return decode(found, namespace={})


def test_a_chunk_is_far_below_what_duckdb_cuts() -> None:
    assert xcom_blob.CHUNK_SIZE <= GIB


@pytest.mark.parametrize("pickled", [True, False], ids=["pickle", "arrow-file"])
@pytest.mark.parametrize("beyond", [-1, 0, 1, 500, 1000])
def test_a_file_is_cut_into_chunks_and_put_together_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beyond: int, pickled: bool
) -> None:
    content = random.Random(1).randbytes(100_500)
    value: Any = {content} if pickled else pa.table({"a": pa.array([content], pa.binary_view())})
    made = entry(value, tmp_path / "in")
    monkeypatch.setattr(xcom_blob, "CHUNK_SIZE", made.xcoms[0].size // 100 + beyond)
    with XComStore.open(tmp_path) as store:
        store.commit([made])
        assert fetched(store, tmp_path) == value
        cursor = store._connection.cursor()
        assert cursor.execute(
            "SELECT count(*) > 40, count(DISTINCT value_id) FROM nbflow.chunk"
        ).fetchall() == [(True, 1)]


def test_an_empty_value_has_no_chunks(tmp_path: Path) -> None:
    with XComStore.open(tmp_path) as store:
        store.commit([entry(b"", tmp_path / "in")])
        assert fetched(store, tmp_path) == b""


def test_a_batch_with_more_text_than_arrow_can_point_at_is_read_in_smaller_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({"n": list(range(1000))})
    sizes: list[int] = []
    real = xcom_native._copy

    def copy(cursor: Any, query: str, frame: Any, batch_rows: int, path: Path) -> int:
        sizes.append(batch_rows)
        if batch_rows > 50:
            msg = (
                "Arrow Appender: The maximum total string size for regular string buffers is 2147483647 but …"
            )
            raise OSError(msg)
        return real(cursor, query, frame, batch_rows, path)

    monkeypatch.setattr(xcom_native, "_copy", copy)
    with XComStore.open(tmp_path) as store:
        store.commit([entry(table, tmp_path / "in")])
        assert fetched(store, tmp_path) == table
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= 50


@pytest.mark.parametrize(("length", "native"), [(1, True), (1000, False)])
def test_a_frame_with_texts_too_large_for_duckdb_is_kept_as_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int, native: bool
) -> None:
    monkeypatch.setattr(xcom_native, "_VECTOR_BYTES", 1_000_000)
    table = pa.table({"s": ["x"] * 100_000 + ["y" * length] * 2000})
    with XComStore.open(tmp_path) as store:
        store.commit([entry(table, tmp_path / "in")])
        assert fetched(store, tmp_path) == table
        kept = store._connection.cursor().execute("SELECT frame_id IS NOT NULL FROM nbflow.value").fetchall()
    assert kept == [(native,)]


def test_rows_that_come_out_of_order_are_sorted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"n": [3, 1, 2, 1]})
    sql = dict(queries("xcom.sql"))
    sql["read_frame_rows"] = sql["read_frame_rows"].replace(";", " ORDER BY rowid DESC;")
    monkeypatch.setattr(xcom_native, "queries", lambda _: sql)
    with XComStore.open(tmp_path) as store:
        store.commit([entry(table, tmp_path / "in")])
        assert fetched(store, tmp_path) == table


STEPS = Path(__file__).parent / "large_value.py"


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("kind", "mapped"), [("bytes", 0), ("texts", 1)])
def test_a_value_of_more_than_two_gib_goes_through_a_store_that_may_use_one(
    kind: str, mapped: int, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    peaks: dict[str, int] = {}
    for step in ("encode", "commit", "fetch", "decode"):
        command = [sys.executable, str(STEPS), step, kind, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        peaks[step] = int(done.stdout)
    # A frame's file is mapped, which counts as memory though the system can take it back at any time.
    assert max(peaks["commit"], peaks["fetch"]) < (mapped * 2_200 + 2_000) << 20, peaks
