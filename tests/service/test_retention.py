"""What is old enough goes for good, with all that only it needs; what something still looks at stays."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service.conftest import AT, CODE, Written, day

from nbflow.codec import encode
from nbflow.errors import NbflowError, OptionError
from nbflow.model.run import RunType, TaskKey
from nbflow.model.state import RunState
from nbflow.service.orders import Orders
from nbflow.service.retention import Cleaned, clean, clean_now, daily, is_time, keep_of, obey, old_runs
from nbflow.store.home import Home
from nbflow.store.state import StateStore
from nbflow.store.xcom import XComStore
from nbflow.store.xcom_rows import TryXComs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbflow.model.run import RunKey

DAY = timedelta(days=1)
S, F, R, Q = RunState.SUCCESS, RunState.FAILED, RunState.RUNNING, RunState.QUEUED
LATER = AT + 100 * DAY  # all runs of these tests ended long before


@dataclass(frozen=True)
class Case:
    """Runs of January's days, in order, and the days whose runs go."""

    name: str
    runs: tuple[tuple[int, RunState, RunType], ...]
    goes: set[int]


M, SCH, B = RunType.MANUAL, RunType.SCHEDULED, RunType.BACKFILL
CASES = [
    Case("all but the latest", ((1, S, M), (2, S, M), (3, S, M)), {1, 2}),
    Case("the latest success stays beside a later failure", ((1, S, M), (2, S, M), (3, F, M)), {1}),
    Case("one run alone stays", ((1, F, M),), set()),
    Case("what is not over stays", ((1, Q, M), (2, R, M), (3, S, M), (4, S, M)), {3}),
    Case("the schedule's latest stays: its next one follows it", ((1, S, SCH), (2, F, SCH), (3, S, M)), {1}),
    Case(
        "the run before one under way stays", ((1, S, B), (2, S, B), (3, R, B), (4, S, B), (5, S, B)), {1, 4}
    ),
]


def add(written: Written, number: int, state: RunState, kind: RunType = M, **more: Any) -> RunKey:
    flow = written.flow(*CODE)
    key = written.run(flow, day(number), {"a": "S", "b": "F"}, state, backfill=kind is B, **more)
    if kind is SCH:
        written.state._db.execute("UPDATE run SET run_type = 'scheduled' WHERE run_id = ?", (key.run_id,))
    return key


def home_of(written: Written) -> Home:
    return Home(written.folder / ".nbflow", written.folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_of_runs_that_ended_long_ago(case: Case, written: Written) -> None:
    keys = {number: add(written, number, state, kind) for number, state, kind in case.runs}
    found = old_runs(home_of(written), 90 * DAY, at=LATER)
    assert {run.key for run in found} == {keys[number] for number in case.goes}


def test_the_end_of_a_run_counts_not_its_date(written: Written) -> None:
    add(written, 1, S)
    add(written, 2, S)
    ended = AT + timedelta(seconds=90)
    home = home_of(written)
    assert old_runs(home, DAY, at=ended + DAY) == []
    assert len(old_runs(home, DAY, at=ended + DAY + timedelta(microseconds=1))) == 1


def test_one_dag_alone_can_be_cleaned(written: Written) -> None:
    add(written, 1, S)
    add(written, 2, S)
    home = home_of(written)
    assert old_runs(home, DAY, at=LATER, dag_ids={"other"}) == []
    assert len(old_runs(home, DAY, at=LATER, dag_ids={"n"})) == 1


def test_a_variant_goes_before_the_ordinary_run(written: Written) -> None:
    add(written, 1, S)
    variant = add(written, 9, S, variant="trial")
    assert [run.key for run in old_runs(home_of(written), DAY, at=LATER)] == [variant]


@settings(max_examples=30)
@given(
    runs=st.lists(
        st.tuples(st.sampled_from([S, F, R, Q]), st.sampled_from([M, SCH, B]), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_ran_the_latest_the_latest_success_and_what_is_under_way_stay(
    runs: list[tuple[RunState, RunType, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("home")
    (folder / ".nbflow").mkdir()
    with StateStore(folder / ".nbflow" / "state.sqlite") as state:
        state.take_ownership("pytest", AT)
        written = Written(folder, state)
        keys = [
            add(written, number, run_state, kind, variant="v" if is_variant else "")
            for number, (run_state, kind, is_variant) in enumerate(runs, 1)
        ]
        gone = {run.key for run in old_runs(home_of(written), DAY, at=LATER)}
    kept = [(key, run) for key, run in zip(keys, runs, strict=True) if key not in gone]
    assert kept
    ordinary = [(key, run) for key, run in zip(keys, runs, strict=True) if not run[2]]
    stays = [ordinary[-1:], [one for one in ordinary if one[1][0] is S][-1:]]
    stays.append([one for one in ordinary if one[1][1] is SCH][-1:])
    assert not gone & {key for some in stays for key, _ in some}
    assert not gone & {key for key, run in zip(keys, runs, strict=True) if run[0] in (R, Q)}


class Owner:
    """The owner of the home: obeys `clean` as the scheduler does."""

    def __init__(self, written: Written, xcoms: XComStore | None) -> None:
        self.open: set[RunKey] = set()
        self.asked: list[Mapping[str, object]] = []
        self._orders = Orders(written.state, xcoms)

    def __call__(self, verb: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        self.asked.append(body)
        return self._orders.read(verb, body, is_open=lambda run: run in self.open).answer


def files_of(home: Home, key: RunKey) -> list[Path]:
    """A log of task a's try, and the run's executed notebook."""
    log = home.root / "tries" / key.dag_id / key.run_id / "a" / "1" / "log.txt"
    notebook = home.run_notebook(key.dag_id, key.run_id[:10])
    for path in (log, notebook):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * 100)
    return [log, notebook]


def lay_tries(written: Written, key: RunKey) -> None:
    """The tries of a run where real ones lie."""
    written.state._db.execute(
        "UPDATE try SET folder = 'tries/' || dag_id || '/' || run_id || '/' || task_id || '/1' WHERE run_id = ?",
        (key.run_id,),
    )


def counts(written: Written) -> dict[str, int]:
    tables = (
        "run",
        "task_instance",
        "try",
        "transition",
        "dag_version",
        "command",
        "module",
        "version_module",
    )
    return {
        table: written.state._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables
    }


def test_a_run_goes_with_everything_that_is_its_own_and_nothing_else(
    written: Written, tmp_path: Path
) -> None:
    home = home_of(written)
    first, last = add(written, 1, S), add(written, 2, S)
    for key in (first, last):
        lay_tries(written, key)
    (old_log, old_notebook), kept_files = files_of(home, first), files_of(home, last)
    with XComStore.open(home.root) as xcoms:
        for key in (first, last):
            value = encode("x", 3, folder=tmp_path, shared={}, namespace={})
            task = TaskKey(key, "a")
            xcoms.commit(
                [TryXComs(key=task, try_number=1, ds="2026-01-01", token=key.run_id, xcoms=(value,), at=AT)]
            )
        before = counts(written)
        owner = Owner(written, xcoms)
        runs = old_runs(home, DAY, at=LATER)
        cleaned = clean(home, runs, DAY, at=LATER, ask=owner)
        assert cleaned == Cleaned(runs=1, tries=2, values=1, bytes=100)
        assert xcoms.list_values("n", first.run_id) == []
        assert len(xcoms.list_values("n", last.run_id)) == 1
    after = counts(written)
    assert {table: before[table] - after[table] for table in ("run", "task_instance", "try")} == {
        "run": 1,
        "task_instance": 2,
        "try": 2,
    }
    assert written.state.run(first) is None
    assert written.state.transitions(first) == []
    assert written.state.run(last) is not None
    assert len(written.state.transitions(last)) == 4
    assert not old_log.exists()
    assert not old_log.parents[3].joinpath(first.run_id).exists()
    assert all(path.exists() for path in (old_notebook, *kept_files))


def test_executed_notebooks_are_the_users_unless_he_says_otherwise(written: Written) -> None:
    home = home_of(written)
    first, last = add(written, 1, S), add(written, 2, S)
    (_, old), (_, kept) = files_of(home, first), files_of(home, last)
    with XComStore.open(home.root) as xcoms:
        cleaned = clean(
            home, old_runs(home, DAY, at=LATER), DAY, at=LATER, ask=Owner(written, xcoms), notebooks=True
        )
    assert (cleaned.notebooks, old.exists(), kept.exists()) == (1, False, True)


def test_a_run_that_was_cleared_meanwhile_stays(written: Written) -> None:
    home = home_of(written)
    first, second, _ = (add(written, number, S) for number in (1, 2, 3))
    runs = old_runs(home, DAY, at=LATER)
    with XComStore.open(home.root) as xcoms:
        owner = Owner(written, xcoms)
        owner.open = {first}
        assert clean(home, runs, DAY, at=LATER, ask=owner).runs == 1
    assert written.state.run(first) is not None
    assert written.state.run(second) is None


def test_many_go_a_few_at_a_time_and_somebody_is_told(written: Written) -> None:
    home = home_of(written)
    for number in range(1, 32):
        add(written, number, S)
    told: list[int] = []
    with XComStore.open(home.root) as xcoms:
        owner = Owner(written, xcoms)
        cleaned = clean(home, old_runs(home, DAY, at=LATER), DAY, at=LATER, ask=owner, progress=told.append)
    assert (cleaned.runs, told) == (30, [20, 30])
    assert [len(body["runs"]) for body in owner.asked if "runs" in body] == [20, 10]  # type: ignore[arg-type]


def test_numbers_of_moves_and_commands_are_never_given_twice(written: Written) -> None:
    home = home_of(written)
    add(written, 2, S)
    add(written, 1, S)  # its moves are the latest, and it goes
    number = written.state.commands.add("pause", {}, AT)
    with written.state.writing():
        written.state.commands.answer(number, {}, AT)
    last = written.state.last_transition()
    with XComStore.open(home.root) as xcoms:
        assert clean(home, old_runs(home, DAY, at=LATER), DAY, at=LATER, ask=Owner(written, xcoms)).runs == 1
    assert written.state.last_transition() == last
    assert written.state.commands.add("pause", {}, AT) > number


def test_answered_commands_and_versions_that_nothing_shows_go_when_they_are_old(written: Written) -> None:
    state = written.state
    key = add(written, 1, S)
    for _ in range(2):
        number = state.commands.add("pause", {}, AT)
        with state.writing():
            state.commands.answer(number, {}, AT)
    waiting = state.commands.add("pause", {}, AT)
    with state.writing():
        for version, modules in (("unused", {"m.py": "x"}), ("published", {"m.py": "y"})):
            values = {
                "dag_id": "n",
                "version": version,
                "notebook": "{}",
                "at": "2026-01-01T00:00:00.000000Z",
            }
            state._db.execute(state._sql["save_version"], values)
            state.versions.save_modules("n", version, modules)
        state.schedules.publish("n", "published")
    body = {"before": (AT + DAY).isoformat()}
    assert obey(state, None, body, is_open=lambda _: False) == {"commands": 2, "versions": 1}
    left = counts(written)
    assert (left["command"], left["module"], left["version_module"]) == (1, 1, 1)
    assert [one.id for one in state.commands.open()] == [waiting]
    assert state.notebook("n", "unused") is None
    run = state.run(key)
    assert run is not None
    assert state.notebook("n", run.version) is not None
    assert obey(state, None, body, is_open=lambda _: False) == {"commands": 0, "versions": 0}


def test_what_dead_processes_left_goes_when_it_is_old(written: Written) -> None:
    home = home_of(written)
    home.create()
    key = add(written, 1, S)
    lay_tries(written, key)
    known, _ = files_of(home, key)
    left = [
        home.root / "detached" / "20260101.log",
        home.root / "scheduler.log.1",
        home.root / "tries" / "n" / "lost" / "a" / "1" / "log.txt",
        home.root / "callbacks" / "n" / "old" / "x",
    ]
    fresh = [home.root / "detached" / "new.log", home.root / "tries" / "n" / "new" / "log.txt", home.journal]
    for path in (*left, *fresh):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    stamp = (AT - 200 * DAY).timestamp()
    for path in (
        *left,
        home.root / "tries" / "n" / "lost",
        home.root / "callbacks" / "n" / "old",
        known.parents[2],
    ):
        os.utime(path, (stamp, stamp))
    with XComStore.open(home.root) as xcoms:
        cleaned = clean(home, [], 90 * DAY, at=AT, ask=Owner(written, xcoms))
    assert cleaned.bytes == 4
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in (known, *fresh))


@pytest.mark.parametrize(
    "folder", ["../../x/a/1", "/etc/x/a/1", "tries/../../x/1", "tries/n/../../x/1", "other/n/r/a/1"]
)
def test_a_store_that_names_another_folder_has_nothing_removed_there(folder: str, written: Written) -> None:
    home = home_of(written)
    first, _ = add(written, 1, S), add(written, 2, S)
    written.state._db.execute("UPDATE try SET folder = ? WHERE run_id = ?", (folder, first.run_id))
    outside = [written.folder / "x" / "keep", home.root / "other" / "n" / "keep"]
    for path in outside:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    with XComStore.open(home.root) as xcoms:
        clean(home, old_runs(home, DAY, at=LATER), DAY, at=LATER, ask=Owner(written, xcoms))
    assert all(path.exists() for path in outside)


def test_links_are_removed_and_not_followed(written: Written) -> None:
    home = home_of(written)
    first, _ = add(written, 1, S), add(written, 2, S)
    lay_tries(written, first)
    log, _ = files_of(home, first)
    theirs = written.folder / "theirs"
    theirs.mkdir()
    (theirs / "keep").write_text("x")
    (log.parent / "link").symlink_to(theirs)
    with XComStore.open(home.root) as xcoms:
        clean(home, old_runs(home, DAY, at=LATER), DAY, at=LATER, ask=Owner(written, xcoms))
    assert not log.exists()
    assert (theirs / "keep").exists()


def test_an_owner_that_refuses_is_heard(written: Written) -> None:
    home = home_of(written)
    with pytest.raises(NbflowError, match="of another nbflow"):
        clean(home, [], DAY, at=LATER, ask=lambda _verb, _body: {"error": "it is of another nbflow"})


@pytest.mark.parametrize(
    ("text", "keep"),
    [
        ("90d", 90 * DAY),
        ("2 weeks", 14 * DAY),
        ("never", None),
        ("0", None),
        ("Forever", None),
        ("12h", DAY / 2),
    ],
)
def test_how_long_is_kept(text: str, keep: timedelta | None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keep_of(text) == keep
    monkeypatch.setenv("NBFLOW_KEEP", text)
    assert keep_of() == keep


def test_while_the_scheduler_lives_old_runs_go_once_a_day(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_of(written)
    first = add(written, 1, S)
    add(written, 2, S)
    monkeypatch.setattr("nbflow.service.retention._LOOK", 0.001)
    monkeypatch.setattr("nbflow.service.retention.now", lambda: LATER)
    monkeypatch.setenv("NBFLOW_KEEP", "1d")
    refusals = iter(["busy"])
    cleaned = threading.Event()
    with XComStore.open(home.root) as xcoms:
        owner = Owner(written, xcoms)

        def ask(verb: str, body: Mapping[str, object]) -> Mapping[str, Any]:
            refused = next(refusals, None)
            answer = {"error": refused} if refused else owner(verb, body)
            if "before" in body:
                cleaned.set()
            return answer

        with daily(home, ask):
            assert cleaned.wait(60), "it tries again after a refusal"
    assert written.state.run(first) is None


def test_nothing_is_asked_where_everything_is_kept(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBFLOW_KEEP", "never")
    owner = Owner(written, None)
    assert clean_now(home_of(written), owner) is None
    assert owner.asked == []


def test_ninety_days_are_kept_where_nobody_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBFLOW_KEEP", raising=False)
    assert keep_of() == 90 * DAY
    monkeypatch.setenv("NBFLOW_KEEP", "soon")
    with pytest.raises(OptionError, match=r"NBFLOW_KEEP: 'soon' is no duration.*never"):
        keep_of()


def test_the_day_counts_by_the_wall_clock_and_a_clock_put_back_begins_anew(tmp_path: Path) -> None:
    home = Home(tmp_path / ".nbflow", tmp_path)
    home.create()
    assert is_time(home, AT)
    mark = home.root / "cleaned"
    mark.touch()
    os.utime(mark, (AT.timestamp(), AT.timestamp()))
    assert not is_time(home, AT + DAY - timedelta(seconds=1))
    assert is_time(home, AT + DAY)
    assert is_time(home, AT - timedelta(hours=1))
