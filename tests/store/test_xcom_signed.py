"""Pickles run what is in them when they are read: one that isn't as this home's owner stored it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pytest

from nbflow.codec import decode, encode
from nbflow.errors import HomeError, XComError
from nbflow.model.run import RunKey, TaskKey
from nbflow.store.xcom import TryXComs, XComStore, open_briefly
from nbflow.store.xcom_file import XCOM_FILE

if TYPE_CHECKING:
    from pathlib import Path

RUN = RunKey("dag", "2026-02-17T00:00:00Z")
TASK = TaskKey(RUN, "task")
CHANGED, UNSIGNED = "does not fit its signature", "is not signed"


def put(home: Path, value: object, *, key: str = "x", task: TaskKey = TASK) -> None:
    files = home / "files"
    with XComStore.open(home) as store:
        encoded = encode(key, value, folder=files, shared={}, namespace={})
        at = datetime(2026, 2, 17, tzinfo=UTC)
        token = f"{task} {key}"
        store.commit(
            [TryXComs(key=task, try_number=1, ds="2026-02-17", token=token, xcoms=(encoded,), at=at)]
        )


@dataclass(frozen=True)
class Case:
    """What somebody did to the file, and where the value is then looked for."""

    name: str
    statement: str
    message: str
    task: TaskKey = TASK
    key: str = "x"
    try_number: int | None = None


CASES = [
    Case("changed", "UPDATE nbflow.chunk SET content = 'cposix\nsystem\n.'::BLOB", CHANGED),
    Case("made-longer", "UPDATE nbflow.chunk SET content = content || '.'::BLOB", CHANGED),
    Case("one-byte", "UPDATE nbflow.chunk SET content = content[:-2] || '\\x00'::BLOB", CHANGED),
    Case("all-gone", "DELETE FROM nbflow.chunk", CHANGED),
    Case("a-chunk-more", "INSERT INTO nbflow.chunk SELECT value_id, 1, content FROM nbflow.chunk", CHANGED),
    Case("unsigned", "UPDATE nbflow.value SET signature = NULL", UNSIGNED),
    Case("empty-signature", "UPDATE nbflow.value SET signature = ''::BLOB", UNSIGNED),
    Case("other-signature", "UPDATE nbflow.value SET signature = repeat('x', 32)::BLOB", CHANGED),
    Case("short-signature", "UPDATE nbflow.value SET signature = signature[1:4]", CHANGED),
    Case("another-key", "UPDATE nbflow.key SET key = 'y'", CHANGED, key="y"),
    Case(
        "another-task",
        "UPDATE nbflow.key SET task_id = 'other'; UPDATE nbflow.try SET task_id = 'other'",
        CHANGED,
        task=TaskKey(RUN, "other"),
    ),
    Case(
        "another-dag",
        "UPDATE nbflow.key SET dag_id = 'other'; UPDATE nbflow.try SET dag_id = 'other'",
        CHANGED,
        task=TaskKey(RunKey("other", RUN.run_id), "task"),
    ),
    Case(
        "another-run",
        "UPDATE nbflow.try SET run_id = '2026-02-18T00:00:00Z'",
        CHANGED,
        task=TaskKey(RunKey("dag", "2026-02-18T00:00:00Z"), "task"),
    ),
    Case("another-instance", "UPDATE nbflow.try SET map_index = 3", CHANGED, task=TaskKey(RUN, "task", 3)),
    Case("another-try", "UPDATE nbflow.try SET try_number = 2", CHANGED, try_number=2),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_pickle_that_is_not_as_it_was_stored_is_refused(case: Case, tmp_path: Path) -> None:
    put(tmp_path, {1})
    with duckdb.connect(str(tmp_path / XCOM_FILE)) as connection:
        connection.execute(case.statement)
    out = tmp_path / "out"
    out.mkdir()
    with open_briefly(tmp_path) as store, pytest.raises(XComError, match=case.message):
        store.get(case.task, case.key, try_number=case.try_number, folder=out)
    assert list(out.iterdir()) == []


def test_a_pickle_that_is_called_a_frame_is_not_read_as_a_pickle(tmp_path: Path) -> None:
    put(tmp_path, {1})
    with duckdb.connect(str(tmp_path / XCOM_FILE)) as connection:
        connection.execute("UPDATE nbflow.value SET form = 'arrow', signature = NULL")
    with open_briefly(tmp_path) as store:
        found = store.get(TASK, "x", folder=tmp_path)
    assert found is not None
    with pytest.raises(XComError, match=r"`x` .* cannot be read here"):
        decode(found, namespace={})


def test_the_refusal_says_where_the_value_is_and_what_to_do(tmp_path: Path) -> None:
    put(tmp_path, {1})
    with duckdb.connect(str(tmp_path / XCOM_FILE)) as connection:
        connection.execute("UPDATE nbflow.value SET signature = NULL")
    with open_briefly(tmp_path) as store, pytest.raises(XComError) as refused:
        store.get(TASK, "x", folder=tmp_path)
    assert str(refused.value) == (
        "`x` of task 'task' in run 2026-02-17T00:00:00Z of 'dag': the stored pickle is not signed: it was changed, "
        "or stored with another home's key. It is not read, because that would run what is in it. Run its task again"
    )


def test_a_pickle_exchanged_for_another_of_the_same_home_is_refused(tmp_path: Path) -> None:
    put(tmp_path, {1})
    put(tmp_path, {2}, task=TaskKey(RUN, "other"))
    with duckdb.connect(str(tmp_path / XCOM_FILE)) as connection:
        connection.execute(
            """
            UPDATE nbflow.value v SET signature = o.signature, size = o.size FROM nbflow.value o WHERE o.id != v.id;
            UPDATE nbflow.chunk c SET value_id = o.id FROM nbflow.value o WHERE o.id != c.value_id;
            """
        )
    with open_briefly(tmp_path) as store, pytest.raises(XComError, match=CHANGED):
        store.get(TASK, "x", folder=tmp_path)


def test_a_pickle_signed_with_another_home_s_key_is_refused(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    for folder in (home, other):
        folder.mkdir()
        put(folder, {1})
    (other / XCOM_FILE).replace(home / XCOM_FILE)  # a file somebody sent
    with open_briefly(home) as store, pytest.raises(XComError, match="another home's key"):
        store.get(TASK, "x", folder=tmp_path)


def test_a_pickle_is_refused_after_the_key_was_lost_and_made_anew(tmp_path: Path) -> None:
    put(tmp_path, {1})
    (tmp_path / "key").unlink()
    with open_briefly(tmp_path) as store, pytest.raises(XComError, match="another home's key"):
        store.get(TASK, "x", folder=tmp_path)


def test_the_key_is_private_made_once_and_refused_when_others_can_read_it(tmp_path: Path) -> None:
    put(tmp_path, {1})
    key = tmp_path / "key"
    assert (key.stat().st_mode & 0o777, len(key.read_bytes())) == (0o600, 32)
    before = key.read_bytes()
    put(tmp_path, {2}, key="y")
    assert key.read_bytes() == before
    key.chmod(0o644)
    with pytest.raises(HomeError, match=r"can be read by other users.*chmod 600"):
        put(tmp_path, {3}, key="z")
