"""The loop as a scheduler of schedules, with real stores and a fake executor."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from nbformat.v4 import new_code_cell, new_notebook
from service.fakes import FakeExecutor

from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import RunState
from nbflow.model.work import Result
from nbflow.service.bodies import cleared
from nbflow.service.clock import now
from nbflow.service.orders import Orders
from nbflow.service.planner import Planner
from nbflow.service.publishing import ScheduleRequest, put_on_schedule
from nbflow.service.scheduler import Scheduler
from nbflow.service.session import owned_home
from nbflow.store.home import Home
from nbflow.store.notebooks import write_notebook
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbflow.store.state import StateStore

THREE_DAYS = "schedule = '@daily'\nstart_date = 2026-01-01\nend_date = 2026-01-03\ncatchup = true"


@dataclass
class Stage:
    """A scheduler of schedules."""

    folder: Path
    state: StateStore
    scheduler: Scheduler
    executor: FakeExecutor

    def schedule(self, name: str, options: str, *cells: str) -> dict[str, object]:
        """Save a notebook, and ask for it to be on the schedule."""
        path = self.save(name, options, *cells)
        request = ScheduleRequest(paths=(path,), follow=False, options={}, environment={})
        return dict(self.scheduler.obey("schedule", request.to_json()))

    def save(self, name: str, options: str, *cells: str) -> Path:
        path = self.folder / f"{name}.ipynb"
        sources = (f"%%dag {name}\n{options}", *cells)
        write_notebook(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
        return path

    def serve(self) -> None:
        self.scheduler.serve(Planner(self.state, now()), until_idle=True)

    def states(self, dag_id: str) -> list[RunState]:
        return [run.state for run in reversed(self.state.runs(dag_id))]


@contextmanager
def stage(folder: Path, executor: FakeExecutor, *, grace: float = 0) -> Iterator[Stage]:
    home = Home(folder / ".nbflow", folder)
    with owned_home(home, what="pytest") as state, XComStore.open(home.root) as xcoms:
        scheduler = Scheduler(
            home,
            state,
            xcoms,
            executor,  # type: ignore[arg-type]
            parallelism=4,
            exchange=None,
            listener=lambda _: None,
            orders=Orders(state, xcoms, serves=True),
            grace=timedelta(seconds=grace),
        )
        with closing(scheduler):
            yield Stage(folder, state, scheduler, executor)


def test_what_is_due_runs_to_its_end(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor()) as s:
        s.schedule("a", THREE_DAYS, "%%task t\n1")
        s.schedule("b", "schedule = '@once'\nstart_date = 2026-01-01", "%%task t\n1")
        s.serve()
        assert s.states("a") == [RunState.SUCCESS] * 3
        assert s.states("b") == [RunState.SUCCESS]
        assert not s.scheduler._turns._runs  # nothing is remembered of what is over


def test_no_more_runs_are_made_than_may_be_active(tmp_path: Path) -> None:
    most: list[int] = []

    def look(_: object) -> Result:
        with_state = [run for run in s.state.runs("a") if not run.state.finished]
        most.append(len(with_state))
        return Result.SUCCESS

    with stage(tmp_path, FakeExecutor(does=look)) as s:
        s.schedule("a", f"{THREE_DAYS}\nmax_active_runs = 1", "%%task t\n1")
        s.serve()
        assert most == [1, 1, 1]
        assert s.states("a") == [RunState.SUCCESS] * 3


def test_runs_of_which_nothing_has_begun_follow_what_is_published(tmp_path: Path) -> None:
    sound: list[bool] = []
    task = "%%task t --depends-on-past\n"
    with stage(tmp_path, FakeExecutor(does=lambda _: Result.SUCCESS if sound else Result.FAIL)) as s:
        s.schedule("a", THREE_DAYS, f"{task}1")
        s.scheduler._planner = planner = Planner(s.state, now())
        s.scheduler._make_due(planner)
        while not s.scheduler._turns.idle:
            s.scheduler._work(None)
        first, *held = [run.key for run in reversed(s.state.runs("a"))]
        assert s.states("a") == [RunState.FAILED, RunState.QUEUED, RunState.QUEUED]
        s.save("a", THREE_DAYS, f"{task}new = 1", "%%task more\nnew + 1")
        sound.append(True)
        version = s.scheduler.obey("publish", {"dag_id": "a"})["version"]
        assert [getattr(s.state.run(run), "version", None) for run in held] == [version, version]
        s.scheduler.obey("clear", cleared("a", {TaskKey(first, "t"): "mended"}))
        while not s.scheduler._turns.idle:
            s.scheduler._work(None)
        assert s.states("a") == [RunState.SUCCESS] * 3
        for run in held:
            assert {one.key.task_id for one in s.state.instances(run)} == {"t", "more"}


def test_a_failing_dag_stops_no_other_and_its_failures_are_its_own(tmp_path: Path) -> None:
    with stage(
        tmp_path, FakeExecutor(does=lambda r: Result.FAIL if r.key.run.dag_id == "bad" else Result.SUCCESS)
    ) as s:
        s.schedule("bad", THREE_DAYS, "%%task t\n1")
        s.schedule("good", THREE_DAYS, "%%task t\n1")
        s.serve()
        assert s.states("bad") == [RunState.FAILED] * 3
        assert s.states("good") == [RunState.SUCCESS] * 3


def test_a_dag_that_a_rule_has_paused_makes_no_more_runs(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor(does=lambda _: Result.FAIL)) as s:
        s.schedule("a", f"{THREE_DAYS}\nmax_active_runs = 1\nmax_consecutive_failed_runs = 2", "%%task t\n1")
        s.serve()
        assert s.states("a") == [RunState.FAILED] * 2
        record = s.state.dag("a")
        assert record is not None
        assert record.paused
        s.scheduler.obey("pause", {"dag_id": "a", "paused": False, "path": ""})
        s.serve()
        assert len(s.states("a")) == 3


def test_with_grace_a_stop_waits_and_without_time_left_it_stops(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor(does=lambda _: None), grace=0.2) as s:
        s.schedule("a", "schedule = '@once'\nstart_date = 2026-01-01", "%%task t\n1", "%%task u\n1")
        s.scheduler.ask_to_stop("stopped by SIGTERM")
        planner = Planner(s.state, now())
        s.scheduler.open(planner.due(now(), is_open=lambda _: False))
        s.scheduler.serve(planner)
        (run,) = s.state.runs("a")
        assert run.state is RunState.QUEUED
        tries = s.state.tries(TaskKey(RunKey("a", run.key.run_id), "t"))
        assert [tried.result for tried in tries] == ["stopped"]


def test_what_was_asked_of_it_is_answered(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor()) as s:
        (tmp_path / "broken.ipynb").write_text("{")
        request = ScheduleRequest(
            paths=(tmp_path / "broken.ipynb",), follow=False, options={}, environment={}
        )
        (placed,) = put_on_schedule(s.state, request)
        assert placed.error
        answer = s.schedule("a", THREE_DAYS, "%%task t\n1")
        assert answer["serves"] is True
        assert "knows no DAG" in str(s.scheduler.obey("publish", {"dag_id": "z"})["error"])
        assert "not on the schedule" in str(s.scheduler.obey("unschedule", {"dag_ids": ["z"]})["error"])
        assert s.scheduler.obey("unschedule", {"dag_ids": ["a"]}) == {"serves": True}
