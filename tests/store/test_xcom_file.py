"""The file itself: who may open it, what is refused, what it says."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

from nbflow.codec import decode, encode
from nbflow.errors import HomeError, StoreTooNew, XComError
from nbflow.model.run import RunKey, TaskKey
from nbflow.store.xcom import TryXComs, XComStore, open_briefly
from nbflow.store.xcom_file import VERSION, XCOM_FILE

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 2, 17, tzinfo=UTC)
TASK = TaskKey(RunKey("dag", "2026-02-17T00:00:00Z"), "task")


def put(
    store: XComStore, value: object, folder: Path, task: TaskKey = TASK, key: str = "x", number: int = 1
) -> None:
    folder.mkdir(exist_ok=True)
    encoded = encode(key, value, folder=folder, shared={}, namespace={})
    token = f"{task} {number}"
    entry = TryXComs(key=task, try_number=number, ds="2026-02-17", token=token, xcoms=(encoded,), at=AT)
    store.commit([entry])


def test_values_survive_closing(tmp_path: Path) -> None:
    with XComStore.open(tmp_path) as store:
        put(store, {1}, tmp_path / "in")
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(XCOM_FILE)] == [XCOM_FILE]
    with open_briefly(tmp_path) as store:
        found = store.get(TASK, "x", folder=tmp_path)
        assert found is not None
        assert decode(found, namespace={}) == {1}


def test_a_checkpoint_takes_a_long_log_into_the_file_while_somebody_reads(tmp_path: Path) -> None:
    log = tmp_path / f"{XCOM_FILE}.wal"
    with XComStore.open(tmp_path) as store:
        put(store, "short", tmp_path / "in")
        store.checkpoint()
        assert log.stat().st_size > 0
        put(store, "x" * 2_000_000, tmp_path / "in", task=TaskKey(TASK.run, "other"))
        with store._snapshot() as reader:
            seen = reader.execute("SELECT count(*) FROM nbflow.value").fetchall()
            store.checkpoint()
            assert reader.execute("SELECT count(*) FROM nbflow.value").fetchall() == seen
        assert not log.exists() or log.stat().st_size < 1000
        found = store.get(TASK, "x", folder=tmp_path)
        assert found is not None
        assert decode(found, namespace={}) == "short"


def test_a_home_without_the_file_reads_as_an_empty_store(tmp_path: Path) -> None:
    with open_briefly(tmp_path) as store:
        assert store.list_values("dag") == []
        assert store.get(TASK, "x", folder=tmp_path) is None
    assert list(tmp_path.iterdir()) == []


HOLD = """
import sys
from pathlib import Path
from nbflow.store.xcom import XComStore
with XComStore.open(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("read_only", [True, False])
def test_a_home_held_by_another_process_is_named_and_free_again_when_that_ends(
    tmp_path: Path, read_only: bool
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(HomeError) as refused, open_briefly(tmp_path, read_only=read_only):
            pass
        message = str(refused.value)
        assert f"{tmp_path / XCOM_FILE} is held by another process (PID {holder.pid})" in message
        assert "Try again when it has ended" in message
    finally:
        holder.communicate()
    with open_briefly(tmp_path, read_only=read_only) as store:
        assert store.list_values("dag") == []


def test_an_owner_in_the_same_process_is_named_too(tmp_path: Path) -> None:
    with (
        XComStore.open(tmp_path),
        pytest.raises(HomeError, match="held by another process or another part of this one"),
        open_briefly(tmp_path),
    ):
        pass


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / XCOM_FILE).write_text("hello, I am a text file\n" * 1000)
    with pytest.raises(HomeError, match=r"xcom\.duckdb cannot be opened: .*[Mm]ove it away"):
        XComStore.open(tmp_path)


def test_a_file_of_a_newer_nbflow_is_refused(tmp_path: Path) -> None:
    XComStore.open(tmp_path).close()
    with duckdb.connect(str(tmp_path / XCOM_FILE)) as connection:
        connection.execute("UPDATE nbflow.home SET version = ?", [VERSION + 1])
    with pytest.raises(StoreTooNew, match=r"written by a newer nbflow .*Upgrade nbflow"):
        XComStore.open(tmp_path)


def test_an_empty_file_of_duckdb_is_brought_up_to_date_by_a_reader(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / XCOM_FILE)).close()
    with open_briefly(tmp_path) as store:
        assert store.list_values("dag") == []


def tamper(home: Path, statement: str) -> None:
    with duckdb.connect(str(home / XCOM_FILE)) as connection:
        connection.execute(statement)


LOSSES = {
    "rows": (
        lambda: pa.table({"n": [1, 2, 3]}),
        "DELETE FROM nbflow.frame_{} WHERE c0 = 2",
        "3 rows .* 2 were",
    ),
    "all-rows": (lambda: pa.table({"n": [1]}), "DELETE FROM nbflow.frame_{}", "1 rows .* 0 were"),
    "file": (
        lambda: pa.table({"n": pa.nulls(1)}),
        "DELETE FROM nbflow.chunk",
        "bytes were stored and 0 were",
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_value_that_is_not_all_there_is_an_error(tmp_path: Path, name: str) -> None:
    make, statement, message = LOSSES[name]
    with XComStore.open(tmp_path) as store:
        put(store, make(), tmp_path / "in")
        frames = store._connection.cursor().execute("SELECT id FROM nbflow.frame").fetchall()
    tamper(tmp_path, statement.format(*(frames[0] if frames else ())))
    out = tmp_path / "out"
    out.mkdir()
    with open_briefly(tmp_path) as store, pytest.raises(XComError, match=f"`x` of task 'task' .*{message}"):
        store.get(TASK, "x", folder=out)
    assert list(out.iterdir()) == []


# How versions 1 and 2 kept a frame; {} is its number.
NARROW = """
CREATE TABLE nbflow.narrow AS
SELECT value_id, row_number() OVER (PARTITION BY value_id ORDER BY rowid) AS row_number, COLUMNS('^c[0-9]+$')
FROM nbflow.frame_{0};
DROP TABLE nbflow.frame_{0};
ALTER TABLE nbflow.narrow RENAME TO frame_{0};
ALTER TABLE nbflow.frame DROP COLUMN table_id;
ALTER TABLE nbflow.frame DROP COLUMN places;
UPDATE nbflow.home SET version = 2;
"""


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    long = pa.table({"n": list(range(200_000)), "s": ["x"] * 200_000})
    tables = [long, pa.table({"n": [7], "s": [None]}, schema=long.schema)]
    with XComStore.open(tmp_path) as store:
        for number, table in enumerate(tables, start=1):
            put(store, table, tmp_path / "in", number=number)
        ((frame,),) = store._connection.cursor().execute("SELECT id FROM nbflow.frame").fetchall()
    tamper(tmp_path, NARROW.format(frame))
    if version == 1:
        tamper(tmp_path, "ALTER TABLE nbflow.value DROP COLUMN row_count; UPDATE nbflow.home SET version = 1")
    with open_briefly(tmp_path) as store:
        for number, table in enumerate(tables, start=1):
            found = store.get(TASK, "x", try_number=number, folder=tmp_path)
            assert found is not None
            assert decode(found, namespace={}) == table
        query = "SELECT ds, run_id, map_index, try, n, s FROM dag.task__x"
        assert store._connection.cursor().execute(query).fetchall() == [
            ("2026-02-17", TASK.run.run_id, -1, 2, 7, None)
        ]


def test_threads_read_while_one_writes(tmp_path: Path) -> None:
    problems: list[BaseException] = []

    def read(store: XComStore, number: int) -> None:
        folder = tmp_path / f"reader-{number}"
        folder.mkdir()
        try:
            for _ in range(20):
                found = store.get(TASK, "x", folder=folder)
                assert found is not None
                assert decode(found, namespace={}) in ({1}, {2})
        except BaseException as error:
            problems.append(error)

    with XComStore.open(tmp_path) as store:
        put(store, {1}, tmp_path / "in")
        readers = [threading.Thread(target=read, args=(store, number)) for number in range(3)]
        for reader in readers:
            reader.start()
        for _ in range(10):
            put(store, {2}, tmp_path / "in")
        for reader in readers:
            reader.join()
    assert problems == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_is_refused(tmp_path: Path) -> None:
    with XComStore.open(tmp_path) as store:
        pid = os.fork()
        if pid == 0:
            try:
                store.list_values("dag")
            except HomeError:
                os._exit(7)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
