"""state.sqlite: what is stored comes back as the same values; owners shut each other out."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbflow.errors import HomeError, StoreTooNew
from nbflow.model.instance import Instance
from nbflow.model.messages import Expand, Move, RunMove
from nbflow.model.run import Interval, RunKey, RunType, TaskKey, run_id_of
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import ErrorPlace, Result, TaskOutcome
from nbflow.store.schema import SCHEMA_VERSION
from nbflow.store.sql import queries
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 11, 20, 3, 28, 49, 123456, tzinfo=UTC)
DAY = Interval(
    logical_date=datetime(2013, 1, 1, tzinfo=UTC),
    start=datetime(2013, 1, 1, tzinfo=UTC),
    end=datetime(2013, 1, 2, tzinfo=UTC),
    due=datetime(2013, 1, 2, tzinfo=UTC),
)
RUN = RunKey("추출 {dag}", run_id_of(DAY.logical_date))
LOAD = TaskKey(RUN, "load")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with StateStore(tmp_path / "state.sqlite") as store:
        store.take_ownership("pytest", AT)
        yield store


def add_run(state: StateStore, key: RunKey = RUN, interval: Interval = DAY, variant: str = "") -> None:
    with state.writing():
        state.save_dag(
            key.dag_id, path=Path("/n.ipynb"), version="v1", timezone="Asia/Seoul", notebook="{}", at=AT
        )
        state.save_run(
            key,
            interval=interval,
            run_type=RunType.BACKFILL,
            variant=variant,
            params={"n": 3, "name": "é"},
            version="v1",
            max_tries={"load": 3, "clean": 1},
            at=AT,
        )


def move(key: TaskKey, old: TaskState, new: TaskState, at: datetime, **instance: int) -> Move:
    return Move(
        at=at, key=key, old=old, new=new, reason=f"to {new}", instance=Instance(state=new, **instance)
    )


def test_a_run_comes_back_as_it_was_stored(state: StateStore) -> None:
    add_run(state)
    run = state.run(RUN)
    assert run is not None
    assert (run.key, run.interval, run.run_type, run.state) == (RUN, DAY, RunType.BACKFILL, RunState.QUEUED)
    assert (run.params, run.version, run.created) == ({"n": 3, "name": "é"}, "v1", AT)
    assert [(i.key.task_id, i.state, i.max_tries) for i in state.instances(RUN)] == [
        ("load", TaskState.NONE, 3),
        ("clean", TaskState.NONE, 1),
    ]
    assert [dag.dag_id for dag in state.dags()] == [RUN.dag_id]
    assert state.notebook(RUN.dag_id, "v1") == "{}"
    assert state.notebook(RUN.dag_id, "v2") is None


def test_moves_set_states_times_and_history(state: StateStore) -> None:
    add_run(state)
    later = AT + timedelta(seconds=5)
    with state.writing():
        state.record(
            [
                RunMove(at=AT, run=RUN, old=RunState.QUEUED, new=RunState.RUNNING, reason="room"),
                move(LOAD, TaskState.NONE, TaskState.SCHEDULED, AT),
                move(LOAD, TaskState.SCHEDULED, TaskState.QUEUED, AT, try_number=1, max_tries=3),
                move(LOAD, TaskState.QUEUED, TaskState.RUNNING, AT, try_number=1, max_tries=3),
                move(LOAD, TaskState.RUNNING, TaskState.SUCCESS, later, try_number=1, max_tries=3),
                RunMove(at=later, run=RUN, old=RunState.RUNNING, new=RunState.SUCCESS, reason="done"),
            ]
        )
    load = state.instances(RUN)[0]
    assert (load.state, load.try_number, load.started, load.ended) == (TaskState.SUCCESS, 1, AT, later)
    run = state.run(RUN)
    assert run is not None
    assert (run.state, run.started, run.ended, run.reason) == (RunState.SUCCESS, AT, later, "done")
    assert [(t.task_id, t.new) for t in state.transitions(RUN)] == [
        (None, "running"),
        ("load", "scheduled"),
        ("load", "queued"),
        ("load", "running"),
        ("load", "success"),
        (None, "success"),
    ]


def test_a_try_keeps_its_token_group_hash_error_and_notes(state: StateStore) -> None:
    add_run(state)
    error = ErrorPlace(type="KeyError", message="'x'", cell=9, cell_id="abc", line=2)
    with state.writing():
        state.add_try(LOAD, 1, token="t1", code_hash="h1", version="v1", folder="tries/1", at=AT)
        state.start_try("t1", process_group=4711, at=AT)
        outcome = TaskOutcome(
            token="t1",
            result=Result.FAILED,
            reason=str(error),
            error=error,
            xcoms=(),
            notes=("output cut",),
            started=AT,
            ended=AT + timedelta(seconds=1),
        )
        state.end_try(outcome)
    (tried,) = state.tries(LOAD)
    assert (tried.token, tried.process_group, tried.code_hash, tried.result) == ("t1", 4711, "h1", "failed")
    assert (tried.error, tried.notes, tried.reason) == (
        error,
        ("output cut",),
        "KeyError: 'x' (cell 9, line 2)",
    )
    assert tried.folder == state.path.parent / "tries/1"
    assert state.instances(RUN)[0].code_hash == "h1"


def test_of_a_dead_session_the_tries_are_open_that_had_not_ended(state: StateStore) -> None:
    add_run(state)
    outcome = TaskOutcome(
        token="t1", result=Result.FAILED, reason="boom", error=None, xcoms=(), notes=(), started=AT, ended=AT
    )
    with state.writing():
        for number in (1, 2):
            state.add_try(LOAD, number, token=f"t{number}", code_hash="", version="", folder="", at=AT)
        state.end_try(outcome)
    (left,) = state.schedules.open_tries()
    assert left.token == "t2"
    with state.writing():
        state.schedules.lose(left.token, "its scheduler ended before it did", AT)
    assert [(tried.result, tried.reason, tried.ended) for tried in state.tries(LOAD)] == [
        ("failed", "boom", AT),
        ("lost", "its scheduler ended before it did", AT),
    ]


def test_a_token_counts_once(state: StateStore) -> None:
    add_run(state)

    def add(number: int) -> None:
        state.add_try(LOAD, number, token="same", code_hash="", version="", folder="", at=AT)

    with state.writing():
        add(1)
    with pytest.raises(sqlite3.IntegrityError):
        add(2)
    assert [tried.try_number for tried in state.tries(LOAD)] == [1]


def test_a_transaction_is_stored_as_a_whole_or_not_at_all(state: StateStore) -> None:
    add_run(state)

    def half() -> None:
        with state.writing():
            state.add_try(LOAD, 1, token="t1", code_hash="", version="", folder="", at=AT)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert state.tries(LOAD) == []


def test_a_full_disk_is_said_and_nothing_is_stored_by_half(state: StateStore) -> None:
    add_run(state)
    pages = state._db.execute("PRAGMA page_count").fetchone()[0]
    state._db.execute(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        with state.writing():
            for number in range(1, 100_000):
                state.add_try(
                    LOAD, number, token=f"t{number}", code_hash="h" * 64, version="v", folder="", at=AT
                )

    with pytest.raises(HomeError, match=r"state\.sqlite cannot be written \(database or disk is full\)"):
        fill()
    assert state.tries(LOAD) == []
    state._db.execute("PRAGMA max_page_count = 1000000")
    with state.writing():
        state.add_try(LOAD, 1, token="t1", code_hash="", version="v", folder="", at=AT)
    assert len(state.tries(LOAD)) == 1


def test_a_locked_file_is_said_and_the_store_stays_usable(state: StateStore) -> None:
    add_run(state)
    state._db.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(state.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HomeError, match="locked"), state.writing():
        pass
    other.execute("ROLLBACK")
    other.close()
    with state.writing():
        state.add_try(LOAD, 1, token="t1", code_hash="", version="v", folder="", at=AT)


OPENS = """
import sys, time
from pathlib import Path
from nbflow.store.state import StateStore
folder = Path(sys.argv[1])
print("ready", flush=True)
while not (folder / "go").exists():
    pass
for number in range(100):
    StateStore(folder / f"{number}.sqlite").close()
"""


def test_a_new_file_can_be_opened_by_several_processes_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPENS, str(tmp_path)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    (tmp_path / "go").touch()
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors


def test_a_new_owner_shuts_the_old_one_out(state: StateStore) -> None:
    with StateStore(state.path) as other:
        other.take_ownership("nbflow run other.ipynb", AT)
        with pytest.raises(HomeError, match=r"nbflow run other\.ipynb \(process \d+ on .+, since 2026-11-20"):
            add_run(state)
        add_run(other)
    assert state.run(RUN) is not None, "reading is for everybody"


def test_the_previous_success_is_of_an_earlier_ordinary_run(state: StateStore) -> None:
    for day, variant, succeeds in ((1, "", True), (2, "big", True), (3, "", False)):
        start = datetime(2013, 1, day, tzinfo=UTC)
        end = start + timedelta(days=1)
        interval = Interval(logical_date=start, start=start, end=end, due=end)
        key = RunKey("dag", run_id_of(start, variant))
        add_run(state, key, interval, variant)
        if succeeds:
            with state.writing():
                state.record([RunMove(at=AT, run=key, old=RunState.RUNNING, new=RunState.SUCCESS, reason="")])
    found = state.previous_success("dag", datetime(2013, 1, 5, tzinfo=UTC))
    assert found is not None
    assert found.start.day == 1
    assert state.previous_success("dag", datetime(2013, 1, 1, tzinfo=UTC)) is None
    first, last = datetime(2013, 1, 2, tzinfo=UTC), datetime(2013, 1, 3, tzinfo=UTC)
    assert [run.variant for run in state.runs_between("dag", first, last)] == ["big", ""]
    assert [run.interval.start.day for run in state.runs("dag", most=2)] == [3, 2]


def test_a_file_of_the_first_schema_is_brought_up_to_date_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    raw = sqlite3.connect(path, isolation_level=None)
    raw.executescript(queries("state.sql")["create_1"])
    raw.execute("INSERT INTO dag VALUES ('d', '/n.ipynb', 'v', 'UTC', 0, '2026-01-01T00:00:00.000000Z')")
    raw.execute(
        "INSERT INTO task_instance VALUES ('d', 'r', 'a', -1, 'success', 1, 1, 0, 'done', 'h', NULL, NULL)"
    )
    raw.execute("PRAGMA user_version = 1")
    raw.close()
    with StateStore(path) as state:
        (known,) = state.dags()
        (instance,) = state.instances(RunKey("d", "r"))
    assert (known.dag_id, known.paused, known.pause_reason, known.start_date) == ("d", False, "", None)
    assert (instance.state, instance.looks, instance.follow, instance.items) == (
        TaskState.SUCCESS,
        0,
        None,
        None,
    )


def test_what_a_sensor_a_branch_and_a_mapped_task_know_comes_back(state: StateStore) -> None:
    add_run(state)
    instance = Instance(
        state=TaskState.RUNNING, try_number=1, looks=3, first_look=AT, follow=("clean",), items=2, label="p=1"
    )
    with state.writing():
        state.record(
            [Move(at=AT, key=LOAD, old=TaskState.QUEUED, new=TaskState.RUNNING, reason="", instance=instance)]
        )
    load = state.instances(RUN)[0]
    assert (load.looks, load.first_look, load.follow, load.items, load.label) == (3, AT, ("clean",), 2, "p=1")


def test_instances_of_a_mapped_task_stand_after_it_and_keep_their_tries(state: StateStore) -> None:
    add_run(state)
    with state.writing():
        state.record([Expand(key=LOAD, instances=(Instance(label="old"), Instance(max_tries=3)))])
        state.record([move(LOAD._replace(map_index=0), TaskState.NONE, TaskState.SUCCESS, AT, try_number=2)])
        state.record([Expand(key=LOAD, instances=tuple(Instance(label=name) for name in "xyz"))])
    found = state.instances(RUN)
    assert [(one.key.task_id, one.key.map_index) for one in found] == [
        ("load", -1),
        ("load", 0),
        ("load", 1),
        ("load", 2),
        ("clean", -1),
    ]
    assert [(one.label, one.try_number) for one in found[1:4]] == [("x", 2), ("y", 0), ("z", 0)]
    assert found[0].items == 3


def test_a_look_takes_the_place_of_the_one_before_it(state: StateStore) -> None:
    add_run(state)
    first = TaskOutcome(
        token="t1",
        result=Result.WAITING,
        reason="not there yet",
        error=None,
        xcoms=(),
        notes=(),
        started=AT,
        ended=AT,
    )

    def look(number: int) -> None:
        token = f"t{number}"
        state.add_try(LOAD, 1, token=token, code_hash="h", version="v", folder="f", at=AT, look=number)

    with state.writing():
        look(1)
        state.end_try(first)
        look(2)
    (tried,) = state.tries(LOAD)
    assert (tried.try_number, tried.token, tried.result, tried.reason, tried.ended) == (
        1,
        "t2",
        None,
        "",
        None,
    )


def test_the_run_before_is_the_latest_scheduled_or_backfill_one_whatever_its_state(state: StateStore) -> None:
    def added(day: int, run_type: RunType, variant: str = "") -> RunKey:
        start = datetime(2026, 1, day, tzinfo=UTC)
        interval = Interval(logical_date=start, start=start, end=start, due=start)
        key = RunKey("d", run_id_of(start, variant))
        with state.writing():
            state.save_run(
                key,
                interval=interval,
                run_type=run_type,
                variant=variant,
                params={},
                version="v",
                max_tries={},
                at=AT,
            )
        return key

    backfilled = added(1, RunType.BACKFILL)
    added(2, RunType.SCHEDULED, "variant")
    scheduled = added(3, RunType.SCHEDULED)
    added(4, RunType.MANUAL)

    def before(day: int) -> RunKey | None:
        found = state.prior_run("d", datetime(2026, 1, day, tzinfo=UTC))
        return None if found is None else found.key

    assert [before(day) for day in (1, 3, 5)] == [None, backfilled, scheduled]


def test_failures_in_a_row_are_counted_from_the_latest_success(state: StateStore) -> None:
    for day, ended in ((1, "failed"), (2, "success"), (3, "failed"), (4, "failed"), (5, "")):
        start = datetime(2026, 1, day, tzinfo=UTC)
        interval = Interval(logical_date=start, start=start, end=start, due=start)
        key = RunKey("dag", run_id_of(start))
        add_run(state, key, interval)
        if ended:
            with state.writing():
                state.record([RunMove(at=AT, run=key, old=RunState.RUNNING, new=RunState(ended), reason="")])
    counts = [state.failed_before("dag", datetime(2026, 1, day, tzinfo=UTC)) for day in (1, 2, 3, 4, 6)]
    assert counts == [0, 1, 0, 1, 2]


def test_a_pause_is_kept_whatever_is_registered_afterwards(state: StateStore) -> None:
    add_run(state)
    with state.writing():
        state.pause(RUN.dag_id, paused=True, reason="its last 3 runs failed")
    add_run(state)
    known = state.dag(RUN.dag_id)
    assert known is not None
    assert (known.paused, known.pause_reason) == (True, "its last 3 runs failed")
    with state.writing():
        state.pause(RUN.dag_id, paused=False, reason="a person")
    known = state.dag(RUN.dag_id)
    assert known is not None
    assert (known.paused, known.pause_reason) == (False, "")


def test_what_a_dag_was_when_it_was_first_seen_counts(state: StateStore) -> None:
    def save(paused: bool, start: datetime) -> None:
        with state.writing():
            state.save_dag(
                "d",
                path=Path("/n"),
                version="v",
                timezone="UTC",
                notebook="{}",
                at=AT,
                paused=paused,
                start_date=start,
            )

    save(True, AT)
    save(False, AT + timedelta(days=9))
    known = state.dag("d")
    assert known is not None
    assert (known.paused, known.pause_reason, known.start_date) == (True, "is_paused_upon_creation", AT)


def test_failures_come_with_their_place_in_the_notebook(state: StateStore) -> None:
    add_run(state)
    error = ErrorPlace(type="KeyError", message="'x'", cell=9, cell_id="abc", line=2)
    outcome = TaskOutcome(
        token="t1",
        result=Result.FAILED,
        reason=str(error),
        error=error,
        xcoms=(),
        notes=(),
        started=AT,
        ended=AT,
    )
    with state.writing():
        state.add_try(LOAD, 1, token="t1", code_hash="h", version="v", folder="f", at=AT)
        state.end_try(outcome)
        state.record([move(LOAD, TaskState.RUNNING, TaskState.FAILED, AT, try_number=1)])
    (failure,) = state.failures(RUN.dag_id, DAY.start, DAY.start)
    assert (failure.instance.key, failure.logical_date, failure.error) == (LOAD, DAY.start, error)
    assert state.failures(RUN.dag_id, DAY.end, DAY.end) == []


def test_moves_after_the_last_known_one_are_told_in_order(state: StateStore) -> None:
    add_run(state)
    with state.writing():
        state.record([move(LOAD, TaskState.NONE, TaskState.SCHEDULED, AT)])
    known = state.last_transition()
    with state.writing():
        state.record([RunMove(at=AT, run=RUN, old=RunState.QUEUED, new=RunState.RUNNING, reason="room")])
        state.record([move(LOAD, TaskState.SCHEDULED, TaskState.QUEUED, AT)])
    assert [(one.run, one.task_id, one.new) for one in state.transitions_after(known)] == [
        (RUN, None, "running"),
        (RUN, "load", "queued"),
    ]


def test_a_reason_is_noted_of_runs_that_are_not_over_only(state: StateStore) -> None:
    add_run(state)

    def noted(reason: str) -> str:
        with state.writing():
            state.note_run(RUN, reason)
        found = state.run(RUN)
        assert found is not None
        return found.reason

    assert noted("its DAG is paused") == "its DAG is paused"
    with state.writing():
        state.record([RunMove(at=AT, run=RUN, old=RunState.QUEUED, new=RunState.SUCCESS, reason="done")])
    assert noted("late") == "done"


def test_only_what_others_write_is_news(state: StateStore) -> None:
    state.changed_outside()
    add_run(state)
    assert not state.changed_outside(), "our own"
    with StateStore(state.path) as other:
        other.settings.set_variable("k", "v")
    assert state.changed_outside()
    assert not state.changed_outside()


def test_a_file_of_a_newer_nbflow_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    StateStore(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    raw.close()
    with pytest.raises(StoreTooNew, match="newer nbflow"):
        StateStore(path)


def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(HomeError, match=r"state\.sqlite cannot be read"):
        StateStore(path)
    assert path.read_bytes().startswith(b"this is no database")
