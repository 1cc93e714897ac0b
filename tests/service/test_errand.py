"""`run` beside an owner: it is asked, followed, and succeeded when it ends; nothing is lost or done twice."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from service.conftest import AT, CODE, day
from service.fakes import FakeExecutor
from service.test_scheduler import Stage, stage

from nbflow.errors import HomeError, NbflowError, ParameterError
from nbflow.model.messages import RunMove
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import Result
from nbflow.plan.selection import Reprocess
from nbflow.service import api, errand, run_order
from nbflow.service.api import RunRequest
from nbflow.service.asking import settle
from nbflow.service.bodies import paused
from nbflow.service.submit import Standing, Submission
from nbflow.service.surroundings import announce
from nbflow.store.home import HomeLock
from nbflow.store.notebooks import write_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from service.conftest import Written

    from nbflow.model.record import RunRecord
    from nbflow.model.work import TaskRequest
    from nbflow.service.scheduler import Moves
    from nbflow.store.state import StateStore

DAILY = "%%dag n\nschedule = '@daily'"
CELLS = (DAILY, *CODE)


@dataclass
class Told:
    """A watcher that remembers, and is interrupted as by Ctrl-C when it is told something for the first time."""

    interrupted_by: str = ""
    todo: list[Submission] = field(default_factory=list)
    moves: list[Any] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    going_on: list[str] = field(default_factory=list)
    started: Event = field(default_factory=Event)

    def begin(self, todo: list[Submission]) -> None:
        assert not self.todo, "told once"
        self.todo = todo
        self._note("begin")

    def moved(self, moves: Moves) -> None:
        self.moves += moves
        self._note("moved")

    def handed_to(self, owner: str) -> None:
        self._note(f"handed to {owner.partition(' (')[0]}")
        self.started.set()

    def taken_over(self, owner: str) -> None:
        self._note(f"taken over from {owner.partition(' (')[0]}")

    def stopping(self) -> None:
        self._note("stopping")

    def left(self, labels: Sequence[str]) -> None:
        self.going_on = list(labels)
        self._note("left")

    def _note(self, said: str) -> None:
        if said not in self.said:
            self.said.append(said)
            if self.interrupted_by and said.startswith(self.interrupted_by):
                raise KeyboardInterrupt

    @property
    def standings(self) -> list[str]:
        return [one.standing.value for one in self.todo]


def notebook(folder: Path, *cells: str) -> Path:
    write_notebook(new_notebook(cells=[new_code_cell(cell) for cell in cells]), folder / "n.ipynb")
    return folder / "n.ipynb"


def run(path: Path, told: Told, *, stop: bool = False, **options: Any) -> list[RunRecord]:
    options = options or {"date": "2026-01-01"}
    prepared = api.prepare(RunRequest(notebook=path, **options))
    return api.run(prepared, what="nbflow run", watcher=told, stop=stop)


@contextmanager
def owner(folder: Path, executor: FakeExecutor) -> Iterator[Stage]:
    """A scheduler at work in another thread, until the end of the block."""
    ended = Event()
    with stage(folder, executor) as s:
        announce(s.home.root)

        def work() -> None:
            while not ended.wait(0.01):
                s.scheduler.run_until_idle()

        with ThreadPoolExecutor(1) as pool:
            working: Future[None] = pool.submit(work)
            try:
                yield s
            finally:
                s.scheduler.ask_to_stop("stopped by the test")
                ended.set()
                working.result()


def begun(executor: FakeExecutor, count: int = 1) -> list[TaskRequest]:
    """The tries that have been submitted, once there are so many."""
    while len(executor.requests) < count:
        time.sleep(0.005)
    return executor.requests


# The owner does it


def test_the_owner_runs_what_is_asked_for_and_every_move_is_told(tmp_path: Path) -> None:
    executor, told = FakeExecutor(), Told()
    path = notebook(tmp_path, *CELLS)
    with owner(tmp_path, executor) as s:
        (record,) = run(path, told)
        assert (record.state, record.key.run_id) == (RunState.SUCCESS, "2026-01-01T00:00:00Z")
        assert s.states(record.key) == dict.fromkeys("abc", TaskState.SUCCESS)
    assert [request.key.task_id for request in executor.requests] == ["a", "b", "c"]
    assert {(request.python, *request.environment) for request in executor.requests} == {("",)}
    assert told.said == ["begin", "handed to pytest", "moved"]
    assert told.standings == ["new"]
    moves = [move.new for move in told.moves if isinstance(move, RunMove)]
    assert moves == [RunState.RUNNING, RunState.SUCCESS]


def test_what_differs_in_the_environment_comes_with_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = FakeExecutor()
    path = notebook(tmp_path, *CELLS)
    monkeypatch.delenv("FOO", raising=False)
    with owner(tmp_path, executor) as s:
        monkeypatch.setattr(run_order, "environment_asked", _without_foo(run_order.environment_asked))
        monkeypatch.setenv("FOO", "1")
        (record,) = run(path, Told(), date="2026-01-01", max_active_runs=3)
        assert record.environment == {"variables": {"FOO": "1"}, "max_active_runs": 3}
        assert s.run_state(record.key) is RunState.SUCCESS
    assert [dict(request.environment) for request in executor.requests] == [{"FOO": "1"}] * 3


def _without_foo(read: Any) -> Any:
    """The owner is this same process: have it be one that lacks the variable."""

    def found(root: Path, asked: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("FOO")
            return read(root, asked)

    return found


def test_a_second_who_asks_for_the_same_follows(tmp_path: Path) -> None:
    executor = FakeExecutor(does=lambda _: None)
    path = notebook(tmp_path, DAILY, CODE[0])
    first, second = Told(), Told()
    with owner(tmp_path, executor), ThreadPoolExecutor(2) as pool:
        one = pool.submit(run, path, first)
        (request,) = begun(executor)
        two = pool.submit(run, path, second, date="2026-01-01", reprocess=Reprocess.COMPLETED)
        second.started.wait()
        executor.end(request, Result.SUCCESS)
        assert [record.state for record in (*one.result(), *two.result())] == [RunState.SUCCESS] * 2
    assert second.standings == ["open"]
    assert len(executor.requests) == 1


def test_what_has_succeeded_is_not_asked_for_again(tmp_path: Path) -> None:
    executor, told = FakeExecutor(), Told()
    path = notebook(tmp_path, *CELLS)
    with owner(tmp_path, executor):
        run(path, Told())
        (record,) = run(path, told)
    assert (record.state, told.standings, told.said) == (RunState.SUCCESS, ["done"], ["begin"])
    assert len(executor.requests) == 3


def test_many_runs_are_asked_for_in_portions_of_one_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errand, "PORTION", 2)
    read: list[Path] = []

    def reading(path: Path, *more: Any) -> Any:
        read.append(path)
        return original(path, *more)

    original = run_order.read_workflow
    monkeypatch.setattr(run_order, "read_workflow", reading)
    executor, told = FakeExecutor(), Told()
    path = notebook(tmp_path, DAILY, CODE[0])
    with owner(tmp_path, executor):
        records = run(path, told, start="2026-01-01", end="2026-01-05", max_active_runs=1)
    assert [record.state for record in records] == [RunState.SUCCESS] * 5
    assert told.standings == ["new"] * 5
    assert [request.interval.logical_date.day for request in executor.requests] == [1, 2, 3, 4, 5]
    assert len(read) == 1


def test_in_reverse_the_latest_is_the_first_for_an_owner_too(tmp_path: Path) -> None:
    executor = FakeExecutor()
    path = notebook(tmp_path, DAILY, CODE[0])
    options: dict[str, Any] = {
        "start": "2026-01-01",
        "end": "2026-01-03",
        "reverse": True,
        "max_active_runs": 1,
    }
    with owner(tmp_path, executor):
        records = run(path, Told(), **options)
    assert [request.interval.logical_date.day for request in executor.requests] == [3, 2, 1]
    assert records[0].environment == {"latest_first": True, "max_active_runs": 1}


def test_a_paused_dag_and_other_parameters_are_refused(tmp_path: Path) -> None:
    path = notebook(tmp_path, DAILY, "#parameters\nn = 1", *CODE)
    with owner(tmp_path, FakeExecutor()) as s:
        run(path, Told())
        with pytest.raises(ParameterError, match="has no parameter 'm'"):
            run(path, Told(), date="2026-01-01", params={"m": 2})
        settle(s.home, "pause", paused("n", paused=True, path=""), what="pytest")
        with pytest.raises(NbflowError, match=r"n is paused: .*nbflow unpause n"):
            run(path, Told(), date="2026-01-02")


def test_what_the_owner_refuses_is_an_error_and_nothing_more_is_asked(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errand, "PORTION", 1)
    path = notebook(written.folder, *CELLS)
    home = api.prepare(RunRequest(notebook=path)).home
    with HomeLock(home) as lock, ThreadPoolExecutor(1) as pool:
        assert lock.acquire()
        asking = pool.submit(run, path, Told(), start="2026-01-01", end="2026-01-03")
        answered(written.state, [{"error": "not with me"}])
        with pytest.raises(NbflowError, match="not with me"):
            asking.result()
    assert written.state.commands.open() == []


def test_another_notebook_of_the_same_name_is_refused(tmp_path: Path) -> None:
    executor = FakeExecutor()
    path = notebook(tmp_path, *CELLS)
    with owner(tmp_path, executor):
        run(path, Told())
        other = path.with_name("m.ipynb")
        other.write_bytes(path.read_bytes())
        with pytest.raises(HomeError, match=r"the DAG 'n' is the notebook .*n\.ipynb"):
            run(other, Told())


# Interrupts


def test_an_interrupt_ends_the_watching_alone(tmp_path: Path) -> None:
    executor = FakeExecutor(does=lambda _: None)
    path = notebook(tmp_path, DAILY, CODE[0])
    told = Told(interrupted_by="moved")
    with owner(tmp_path, executor) as s:
        with pytest.raises(KeyboardInterrupt):
            run(path, told)
        assert told.going_on == ["2026-01-01"]
        (request,) = begun(executor)
        executor.end(request, Result.SUCCESS)
        while s.run_state(request.key.run) is not RunState.SUCCESS:
            time.sleep(0.005)
    assert told.said == ["begin", "handed to pytest", "moved", "left"]


def test_an_interrupt_stops_the_runs_where_that_is_wanted_and_they_can_go_on(tmp_path: Path) -> None:
    executor = FakeExecutor(does=lambda _: None)
    path = notebook(tmp_path, *CELLS)
    told = Told(interrupted_by="moved")
    with owner(tmp_path, executor) as s:
        (record,) = run(path, told, stop=True)
        assert (record.state, record.reason) == (RunState.FAILED, "stopped by Ctrl-C")
        assert told.said == ["begin", "handed to pytest", "moved", "stopping"]
        assert s.states(record.key)["c"] is TaskState.SKIPPED
        executor.does = lambda _: Result.SUCCESS
        (again,) = run(path, Told())
        assert again.state is RunState.SUCCESS
        assert s.states(record.key) == dict.fromkeys("abc", TaskState.SUCCESS), "what the stop skipped too"


# The owner ends


def answered(state: StateStore, answers: Sequence[dict[str, object]]) -> None:
    """Answer the commands that come, as an owner would, one after another."""
    for answer in answers:
        while not (commands := state.commands.open()):
            time.sleep(0.005)
        with state.writing():
            state.commands.answer(commands[0].id, answer, AT)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Submission]:
    """What comes to be run by the process itself, which doesn't run it."""
    found: list[Submission] = []
    monkeypatch.setattr(errand, "execute", lambda _h, _s, _w, todo, **_: found.extend(todo))
    return found


def test_an_owner_that_ends_without_a_look_leaves_it_to_whoever_asks(
    written: Written, here: list[Submission]
) -> None:
    path = notebook(written.folder, *CELLS)
    home = api.prepare(RunRequest(notebook=path)).home
    told = Told()
    with HomeLock(home) as lock, ThreadPoolExecutor(1) as pool:
        assert lock.acquire()
        done = pool.submit(run, path, told)
        while not written.state.commands.open():
            time.sleep(0.005)
        lock.release()
        done.result()
    assert [one.standing for one in here] == [Standing.NEW]
    assert written.state.commands.open() == []
    assert told.said == ["begin"]


def test_of_what_an_owner_had_begun_only_what_is_not_over_goes_on(
    written: Written, here: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errand, "PORTION", 2)
    path = notebook(written.folder, *CELLS)
    home = api.prepare(RunRequest(notebook=path)).home
    flow = written.flow(*CELLS)
    done = {"a": "S", "b": "S", "c": "S"}
    for number in (1, 3, 4):  # the first has run again for us already, the others have not
        written.run(flow, day(number), done, RunState.SUCCESS)
    written.run(flow, day(2), {"a": "S", "b": ".", "c": "."}, RunState.RUNNING)
    told = Told()
    with HomeLock(home) as lock, ThreadPoolExecutor(1) as pool:
        assert lock.acquire()
        asking = pool.submit(
            run, path, told, start="2026-01-01", end="2026-01-04", reprocess=Reprocess.COMPLETED
        )
        begun = [[f"2026-01-0{number}T00:00:00Z", "continues"] for number in (1, 2)]
        answered(written.state, [{"runs": begun}])
        lock.release()
        asking.result()
    what = [(one.label, one.standing.value, "".join(key.task_id for key in one.again)) for one in here]
    assert what == [
        ("2026-01-01", "done", ""),
        ("2026-01-02", "continues", ""),
        ("2026-01-03", "continues", "abc"),
        ("2026-01-04", "continues", "abc"),
    ]


def test_a_run_that_was_followed_goes_on_when_its_owner_has_gone(
    tmp_path: Path, here: list[Submission]
) -> None:
    executor = FakeExecutor(does=lambda _: None)
    path = notebook(tmp_path, DAILY, CODE[0])
    told = Told()
    with ThreadPoolExecutor(1) as pool:
        with owner(tmp_path, executor):
            done = pool.submit(run, path, told)
            begun(executor)
            told.started.wait()
        done.result()
    assert [(one.label, one.standing.value) for one in here] == [("2026-01-01", "continues")]
    assert told.said == ["begin", "handed to pytest", "moved", "taken over from pytest"]


def test_a_question_that_was_made_for_another_owner_is_made_anew(written: Written) -> None:
    path = notebook(written.folder, *CELLS)
    home = api.prepare(RunRequest(notebook=path)).home
    key = written.run(written.flow(*CELLS), day(1), dict.fromkeys("abc", "."), RunState.RUNNING)
    with HomeLock(home) as lock, ThreadPoolExecutor(1) as pool:
        assert lock.acquire()
        asking = pool.submit(run, path, Told())
        answered(written.state, [{"again": True}, {"runs": [[key.run_id, "open"]]}])
        with written.state.writing():
            ended = RunMove(at=AT, run=key, old=RunState.RUNNING, new=RunState.SUCCESS, reason="done")
            written.state.record([ended])
        (record,) = asking.result()
    assert record.state is RunState.SUCCESS
