"""How a project stands, as programs and people are told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from service.conftest import AT, CODE, Written, day

from nbflow.model.run import Interval, RunType
from nbflow.model.state import RunState
from nbflow.service.open_run import register
from nbflow.service.status import MOST_FILES, slots_of, status_of
from nbflow.service.submit import submissions
from nbflow.service.surroundings import announce
from nbflow.service.workflow import read_workflow
from nbflow.store.home import Home, HomeLock

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.service.status import Status

DAILY = ('%%dag n\nschedule = "@daily"\nstart_date = "2026-11-01"', "%%task a\n1")
SECOND = timedelta(seconds=1)


def home_of(written: Written) -> Home:
    return Home(written.folder / ".nbflow", written.folder)


def schedule(written: Written, *cells: str) -> None:
    """Put the notebook of these cells on the schedule."""
    written.flow(*cells)
    workflow = read_workflow(written.folder / "n.ipynb")
    register(written.state, workflow, [])
    with written.state.writing():
        written.state.schedules.put("n", follow=False, options={}, environment={}, at=AT)
        written.state.schedules.publish("n", workflow.flow.version)


def held(written: Written, what: str, *, beat: timedelta = SECOND) -> Status:
    """The status while this command holds the home, whose last sign of life is so long ago."""
    written.state.take_ownership(what, AT - beat)
    with HomeLock(home_of(written)) as lock:
        assert lock.acquire()
        return status_of(home_of(written), at=AT)


def test_where_there_is_no_home_nothing_stands(tmp_path: Path) -> None:
    found = status_of(Home(tmp_path / ".nbflow", tmp_path), at=AT)
    assert (found.alive, found.owner, found.tasks, found.scheduled) == (False, None, (), ())
    assert found.free > 0
    assert not (tmp_path / ".nbflow").exists()


def test_runs_are_kept_as_the_owner_says_not_as_whoever_asks(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBFLOW_KEEP", "7d")
    announce(home_of(written).root)
    monkeypatch.setenv("NBFLOW_KEEP", "30d")
    assert held(written, "nbflow schedule n.ipynb").keep == timedelta(days=7)
    assert status_of(home_of(written), at=AT).keep == timedelta(days=30), "nobody holds the home any more"


@pytest.mark.parametrize(
    ("what", "beat", "alive"),
    [
        ("nbflow schedule flights.ipynb --parallelism 3", SECOND, True),
        ("nbflow schedule", timedelta(minutes=2), False),
        ("nbflow run flights.ipynb", SECOND, False),
    ],
)
def test_a_scheduler_is_alive_that_gave_a_sign_of_life(
    what: str, beat: timedelta, alive: bool, written: Written
) -> None:
    found = held(written, what, beat=beat)
    assert found.owner is not None
    assert (found.alive, found.owner.what, found.silent) == (alive, what, beat)


def test_who_let_go_of_the_home_is_not_alive(written: Written) -> None:
    written.state.take_ownership("nbflow schedule", AT)
    found = status_of(home_of(written), at=AT)
    assert (found.alive, found.owner, found.slots) == (False, None, None)
    assert found.last_owner is not None
    assert found.last_owner.what == "nbflow schedule"


def test_the_slots_are_those_of_its_command() -> None:
    assert slots_of("nbflow schedule --parallelism 3 x.ipynb") == 3
    assert slots_of("nbflow schedule --parallelism=12") == 12
    assert slots_of("nbflow schedule") >= 1


def test_the_queue_is_told_by_state_and_reason(written: Written) -> None:
    flow = written.flow(*CODE)
    written.run(flow, day(1), {"a": "S", "b": ".", "c": "."}, RunState.RUNNING)
    written.run(flow, day(2), {"a": ".", "b": "."}, RunState.QUEUED)
    written.run(flow, day(3), {"a": "F", "b": "U"}, RunState.FAILED)
    found = status_of(home_of(written), at=AT)
    assert found.states == {"none": 4}
    assert sorted((one.state, one.count) for one in found.runs) == [("queued", 1), ("running", 1)]
    assert found.taken == 0


def test_the_next_run_of_what_is_scheduled_is_told_and_how_late_it_is(written: Written) -> None:
    schedule(written, *DAILY)
    found = status_of(
        home_of(written), at=AT
    )  # 20 November, 03:30: the run of the 19th is due since midnight
    (one,) = found.scheduled
    assert one.logical_date is not None
    assert (one.dag_id, one.logical_date.day, one.due) == ("n", 19, AT.replace(hour=0, minute=0))
    assert found.lag == timedelta(hours=3, minutes=30)


def test_a_run_that_was_made_and_waits_for_its_start_is_late_too(written: Written) -> None:
    schedule(written, *DAILY)
    workflow = read_workflow(written.folder / "n.ipynb")
    (one,) = status_of(home_of(written), at=AT).scheduled
    assert one.due is not None
    start = one.due - timedelta(days=1)
    interval = Interval(logical_date=start, start=start, end=one.due, due=one.due)
    todo = submissions(workflow.flow, [interval], written.state, run_type=RunType.SCHEDULED, params={})
    register(written.state, workflow, todo)
    found = status_of(home_of(written), at=AT)
    assert found.scheduled[0].due == one.due + timedelta(days=1)
    assert found.lag == AT - one.due
    with written.state.writing():
        written.state.pause("n", paused=True, reason="")
    assert status_of(home_of(written), at=AT).lag == timedelta(0)


@pytest.mark.parametrize(
    ("cells", "remark"),
    [
        (("%%task a\n1",), "it has no schedule"),
        (('%%dag n\nschedule = "@daily"\nend_date = "2026-01-01"', "%%task a\n1"), "no further run follows"),
    ],
)
def test_where_no_run_follows_it_says_why(cells: tuple[str, ...], remark: str, written: Written) -> None:
    schedule(written, *cells)
    assert status_of(home_of(written), at=AT).scheduled[0].remark == remark


def test_one_bad_dag_hides_nothing_of_the_others(written: Written) -> None:
    schedule(written, *DAILY)
    written.state._db.execute("UPDATE dag_version SET notebook = '{}'")
    with written.state.writing():
        written.state.schedules.set_error(written.folder / "bad.ipynb", "bad", "cell 1: \x1b[2J", AT)
    found = status_of(home_of(written), at=AT)
    assert found.scheduled[0].remark
    assert [error.dag_id for error in found.errors] == ["bad"]


def test_the_parts_of_the_home_have_their_sizes(written: Written) -> None:
    home = home_of(written)
    for path, size in (
        (home.root / "tries" / "n" / "r" / "a" / "1" / "log.txt", 100),
        (home.journal, 30),
        (home.project / "nbflow-runs" / "n" / "x.ipynb", 7),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    (home.root / "tries" / "link").symlink_to("/")
    sizes = status_of(home, at=AT).sizes
    assert sizes["state"].bytes >= home.state.stat().st_size
    assert (sizes["logs"].bytes, sizes["notebooks"].bytes, sizes["xcoms"].bytes) == (30, 7, 0)
    assert 100 <= sizes["tries"].bytes < 200


def test_a_home_of_very_many_files_is_not_counted_to_the_end(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_FILES > 1000
    monkeypatch.setattr("nbflow.service.status.MOST_FILES", 3)
    folder = home_of(written).root / "tries"
    folder.mkdir(exist_ok=True)
    for number in range(9):
        (folder / str(number)).touch()
    assert not status_of(home_of(written), at=AT).sizes["tries"].whole


def test_reading_changes_nothing(written: Written) -> None:
    schedule(written, *DAILY)
    before = list(written.state._db.iterdump())
    status_of(home_of(written), at=AT)
    assert list(written.state._db.iterdump()) == before
