"""Schedules in a real store: what is published runs, what is broken stops nobody, nothing is made twice."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from service.conftest import day

from nbflow.errors import AddressError, NotebookUnreadable
from nbflow.model.run import RunKey, RunType
from nbflow.model.state import RunState
from nbflow.service.open_run import register
from nbflow.service.planner import Planner
from nbflow.service.publishing import Placed, ScheduleRequest, publish, put_on_schedule, take_off_schedule
from nbflow.service.session import owned_home
from nbflow.service.submit import submissions
from nbflow.service.workflow import read_workflow
from nbflow.store.home import Home
from nbflow.store.notebooks import write_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbflow.store.state import StateStore

START = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = "schedule = '@hourly'\nstart_date = 2026-11-20"


@dataclass
class Project:
    """A folder with notebooks, and its home."""

    folder: Path
    state: StateStore

    def save(self, name: str, *cells: str, options: str = HOURLY) -> Path:
        path = self.folder / f"{name}.ipynb"
        header = [f"%%dag {name}\n{options}"] if options is not None else []
        write_notebook(new_notebook(cells=[new_code_cell(cell) for cell in (*header, *cells)]), path)
        return path

    def schedule(
        self, *paths: Path, follow: bool = False, options: dict[str, Any] | None = None
    ) -> list[Placed]:
        request = ScheduleRequest(paths=paths, follow=follow, options=options or {}, environment={})
        return put_on_schedule(self.state, ScheduleRequest.from_json(request.to_json()))

    def made(self, planner: Planner, at: datetime) -> list[str]:
        """The runs a planner makes now, and looks after."""
        openings = planner.due(at, is_open=lambda _: False)
        planner.look_after([event.run for _, event in openings])
        return [f"{event.run.dag_id} {event.logical_date:%H:%M}" for _, event in openings]


@contextmanager
def project(folder: Path) -> Iterator[Project]:
    home = Home(folder / ".nbflow", folder)
    with owned_home(home, what="pytest") as state:
        yield Project(folder, state)


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as found:
        yield found


def test_a_run_is_made_when_it_is_due_and_not_made_again(there: Project) -> None:
    there.schedule(there.save("a", "%%task t\n1"))
    planner = Planner(there.state, START)
    assert there.made(planner, START + timedelta(minutes=59)) == []
    assert there.made(planner, START + HOUR) == ["a 00:00"]
    assert there.made(planner, START + HOUR) == []
    run = there.state.run(RunKey("a", "2026-11-20T00:00:00Z"))
    assert run is not None
    assert (run.run_type, run.state, run.unattended) == (RunType.SCHEDULED, RunState.QUEUED, True)
    assert there.made(Planner(there.state, START + HOUR), START + HOUR) == []


def test_a_run_that_somebody_started_is_the_run_of_its_date(there: Project) -> None:
    path = there.save("a", "%%task t\n1", options=f"{HOURLY}\ncatchup = true\nmax_active_runs = 1")
    there.schedule(path)
    workflow = read_workflow(path)
    planner = Planner(there.state, START)
    (opening,) = planner.due(START + HOUR, is_open=lambda _: False)
    planner.closed(opening[1].run, START + HOUR)
    later = opening[0].interval
    interval = type(later)(
        logical_date=START + HOUR, start=START + HOUR, end=START + 2 * HOUR, due=START + 2 * HOUR
    )
    todo = submissions(workflow.flow, [interval], there.state, run_type=RunType.MANUAL, params={})
    register(there.state, workflow, todo)
    assert there.made(planner, START + 3 * HOUR) == []  # it was somebody else's
    assert there.made(planner, START + 3 * HOUR) == ["a 02:00"]


def test_the_next_scheduler_goes_on_with_what_one_had_begun_by_the_version_it_began_with(
    there: Project,
) -> None:
    path = there.save("a", "%%task t\n1")
    there.schedule(path)
    there.made(Planner(there.state, START), START + HOUR)
    there.schedule(there.save("a", "%%task t\n2"))
    ((run, event),) = Planner(there.state, START + HOUR).unfinished()
    assert event.run.run_id == "2026-11-20T00:00:00Z"
    assert run.flow.cells_of("t")[0].source.endswith("1")


def test_what_a_person_stopped_is_not_gone_on_with(there: Project) -> None:
    path = there.save("a", "%%task t\n1")
    there.schedule(path)
    workflow = read_workflow(path)
    later = day(20)
    todo = submissions(workflow.flow, [later], there.state, run_type=RunType.MANUAL, params={})
    register(there.state, workflow, todo)  # nobody says that he looks after it
    assert Planner(there.state, START).unfinished() == []


def test_a_run_that_a_scheduler_died_over_before_it_opened_it_is_not_lost(there: Project) -> None:
    there.schedule(there.save("a", "%%task t\n1"))
    (opening,) = Planner(there.state, START).due(START + HOUR, is_open=lambda _: False)
    after = Planner(there.state, START + HOUR)
    assert [event.run for _, event in after.unfinished()] == [opening[1].run]
    assert there.made(after, START + HOUR) == []


def test_one_broken_notebook_stops_no_other(there: Project) -> None:
    good, bad = there.save("good", "%%task t\n1"), there.save("bad", "%%task t\n1")
    there.schedule(good, bad)
    there.state._db.execute("UPDATE dag_version SET notebook = '{' WHERE dag_id = 'bad'")
    planner = Planner(there.state, START)
    assert there.made(planner, START + HOUR) == ["good 00:00"]
    (error,) = there.state.schedules.errors()
    assert (error.dag_id, error.path) == ("bad", bad)


def test_a_notebook_that_cannot_be_read_is_an_import_error_until_it_is_mended(there: Project) -> None:
    broken = there.folder / "b.ipynb"
    broken.write_text("{")
    (placed,) = there.schedule(broken)
    assert "b.ipynb" in placed.error
    assert [error.path for error in there.state.schedules.errors()] == [broken]
    (placed,) = there.schedule(there.save("b", "%%task t\n1"))
    assert not placed.error
    assert there.state.schedules.errors() == []


def test_of_two_notebooks_with_one_name_the_first_keeps_it(there: Project) -> None:
    first = there.save("a", "%%task t\n1")
    second = there.folder / "other.ipynb"
    second.write_bytes(first.read_bytes())
    one, two = there.schedule(first, second)
    assert not one.error
    assert f"'a' is the notebook {first}" in two.error
    first.unlink()  # it has gone: the name is free
    (again,) = there.schedule(second)
    assert not again.error


def test_a_save_is_published_where_that_is_followed_and_a_broken_one_keeps_the_last(there: Project) -> None:
    path = there.save("a", "%%task t\n1")
    (first,) = there.schedule(path, follow=True)
    planner = Planner(there.state, START)
    at = START + timedelta(seconds=2)
    assert planner.look(at) == []
    path.write_text("{")
    at += timedelta(seconds=2)
    assert planner.look(at) == []
    assert [error.dag_id for error in there.state.schedules.errors()] == ["a"]
    record = there.state.dag("a")
    assert record is not None
    assert record.published == first.version
    there.save("a", "%%task t\n2")
    at += timedelta(seconds=2)
    (workflow,) = planner.look(at)
    assert workflow.flow.version != first.version
    assert there.state.schedules.errors() == []
    assert there.made(planner, START + HOUR) == ["a 00:00"]


def test_a_save_that_is_not_followed_is_not_run(there: Project) -> None:
    path = there.save("a", "%%task t\n1")
    (first,) = there.schedule(path)
    there.save("a", "%%task t\n2")
    planner = Planner(there.state, START)
    assert planner.look(START + timedelta(seconds=2)) == []
    ((run, _),) = planner.due(START + HOUR, is_open=lambda _: False)
    assert run.flow.version == first.version


def test_publishing_is_of_the_file_as_saved_and_refuses_what_is_broken(there: Project) -> None:
    path = there.save("a", "%%task t\n1")
    (first,) = there.schedule(path)
    record = there.state.dag("a")
    assert record is not None
    path.write_text("{")
    with pytest.raises(NotebookUnreadable):
        publish(there.state, record)
    there.save("a", "%%task t\n2")
    assert publish(there.state, record).flow.version != first.version
    there.save("b", "%%task t\n2").rename(path)
    with pytest.raises(AddressError, match="now holds the DAG 'b'"):
        publish(there.state, record)


def test_a_paused_dag_makes_no_runs_and_then_those_that_its_policy_says(there: Project) -> None:
    there.schedule(there.save("a", "%%task t\n1"))
    planner = Planner(there.state, START)
    with there.state.writing():
        there.state.pause("a", paused=True, reason="")
    assert there.made(planner, START + HOUR) == []
    with there.state.writing():
        there.state.pause("a", paused=False, reason="")
    planner.reload("a", START + 3 * HOUR)
    assert there.made(planner, START + 3 * HOUR) == ["a 02:00"]


def test_what_is_taken_off_the_schedule_makes_no_runs(there: Project) -> None:
    there.schedule(there.save("a", "%%task t\n1"))
    planner = Planner(there.state, START)
    take_off_schedule(there.state, ["a"])
    assert planner.reload("a", START) is None
    assert there.made(planner, START + HOUR) == []
    with pytest.raises(AddressError, match="a is not on the schedule"):
        take_off_schedule(there.state, ["a"])


def test_options_from_outside_are_for_notebooks_that_say_them_nowhere(there: Project) -> None:
    cells = ["%%task t\nlimit = 3"]
    silent = there.save("silent", *cells, options="")
    (placed,) = there.schedule(silent)
    assert "silent has no schedule" in placed.error
    given = {"schedule": "0 6 * * *", "timezone": "Europe/Berlin"}
    (placed,) = there.schedule(silent, options=given)
    assert not placed.error
    record = there.state.dag("silent")
    assert record is not None
    dag = read_workflow(silent, record).flow.dag
    assert (dag.schedule, dag.timezone) == ("0 6 * * *", "Europe/Berlin")
    (placed,) = there.schedule(there.save("loud", *cells), options=given)
    assert "loud says schedule in its own %%dag" in placed.error
    (placed,) = there.schedule(silent, options={"schedule": "every day"})
    assert "schedule" in placed.error
    assert there.state.dag("silent") == record  # nothing of it has changed


def test_parameters_given_with_the_schedule_are_those_of_its_runs(there: Project) -> None:
    path = there.save("a", "%%task t\n1", options=f"{HOURLY}\n[params]\nlimit = 3")
    (placed,) = there.schedule(path, options={"params": {"limt": 5}})
    assert "did you mean 'limit'" in placed.error
    there.schedule(path, options={"params": {"limit": 5}})
    ((run, _),) = Planner(there.state, START).due(START + HOUR, is_open=lambda _: False)
    assert run.params == {"limit": 5}


def test_a_schedule_that_changes_is_followed_from_its_publication_on(there: Project) -> None:
    there.schedule(there.save("a", "%%task t\n1"))
    planner = Planner(there.state, START)
    there.made(planner, START + HOUR)
    there.schedule(there.save("a", "%%task t\n1", options="schedule = '30m'\nstart_date = 2026-11-20"))
    planner.reload("a", START + HOUR)
    assert there.made(planner, START + 1.5 * HOUR) == ["a 01:00"]


def test_a_new_version_gets_no_more_room_than_there_is(there: Project) -> None:
    options = f"{HOURLY}\ncatchup = true\nmax_active_runs = 1"
    there.schedule(there.save("a", "%%task t\n1", options=options))
    planner = Planner(there.state, START)
    assert there.made(planner, START + 3 * HOUR) == ["a 00:00"]
    there.schedule(there.save("a", "%%task t\n2", options=options))
    planner.reload("a", START + 3 * HOUR)
    assert there.made(planner, START + 3 * HOUR) == []  # the first is still open
    planner.closed(RunKey("a", "2026-11-20T00:00:00Z"), START + 3 * HOUR)
    assert there.made(planner, START + 3 * HOUR) == ["a 01:00"]
