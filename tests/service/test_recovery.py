"""A scheduler that dies under its tries: nothing that succeeded is lost, nothing runs on, nothing counts twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from service.fakes import FakeExecutor
from service.test_scheduler import Stage, stage

from nbflow.execute.orphans import end_group, note_group
from nbflow.execute.outcome import write_outcome
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import Result, TaskOutcome
from nbflow.model.xcom import Form, XComValue
from nbflow.parse.flow import flow_of
from nbflow.service.open_run import openings
from nbflow.service.submit import going_on
from nbflow.service.workflow import Workflow
from nbflow.store.notebooks import without_outputs

NOW = datetime(2026, 11, 20, tzinfo=UTC)
CELLS = ("%%task a --retries 0\nx = 1", "%%task b\ny = x")
X = XComValue(key="x", form=Form.JSON, kind="int", text="1", size=1, preview="1", wanted=True)


def outcome(token: str, result: Result = Result.SUCCESS) -> TaskOutcome:
    return TaskOutcome(
        token=token,
        result=result,
        reason="",
        error=None,
        xcoms=(X,) if result is Result.SUCCESS else (),
        notes=(),
        started=NOW,
        ended=NOW,
    )


def abandoned(folder: Path) -> tuple[RunKey, str, Path]:
    """A run whose scheduler died while its first task ran: the run, the try's token and folder."""
    with stage(folder, FakeExecutor(does=lambda _: None)) as s:
        (run,) = s.open(*CELLS)
        while s.states(run)["a"] is not TaskState.RUNNING:
            s.scheduler._work(None)
        (tried,) = s.state.tries(TaskKey(run, "a"))
        return run, tried.token, tried.folder


def open_again(s: Stage, run: RunKey, *cells: str, again: dict[TaskKey, str] | None = None) -> None:
    notebook = without_outputs(new_notebook(cells=[new_code_cell(cell) for cell in cells]))
    flow = flow_of(notebook, str(s.home.project / "n.ipynb"))
    record = s.state.run(run)
    assert record is not None
    todo = [going_on(record, s.state.instances(run), "UTC", again or {})]
    s.scheduler.open(openings(s.state, Workflow(flow=flow, notebook=notebook, cwd=s.home.project), todo))
    s.scheduler.run_until_idle()


def results(s: Stage, run: RunKey, task_id: str = "a") -> list[str | None]:
    return [tried.result for tried in s.state.tries(TaskKey(run, task_id))]


def test_a_success_that_nobody_had_stored_counts_with_its_values(tmp_path: Path) -> None:
    run, token, folder = abandoned(tmp_path)
    write_outcome(outcome(token), folder)
    with stage(tmp_path, FakeExecutor()) as s:
        open_again(s, run, *CELLS)
        assert s.run_state(run) is RunState.SUCCESS
        assert results(s, run) == ["success"]
        assert [request.key.task_id for request in s.executor.requests] == ["b"]
        assert s.executor.requests[0].inputs["x"].text == "1"
        value = s.xcoms.get(TaskKey(run, "a"), "x", folder=tmp_path)
        assert value is not None


@pytest.mark.parametrize(
    "left",
    ["nothing", "half an outcome", "another try's outcome", "a failure", "a stop", "a loss"],
)
def test_any_other_end_is_a_lost_try_that_runs_again_without_using_a_retry(tmp_path: Path, left: str) -> None:
    run, token, folder = abandoned(tmp_path)
    match left:
        case "half an outcome":
            (folder / "outcome.json").write_text('{"token": "')
        case "another try's outcome":
            write_outcome(outcome("another"), folder)
        case "a failure":
            write_outcome(outcome(token, Result.FAILED), folder)
        case "a stop":
            write_outcome(outcome(token, Result.STOPPED), folder)
        case "a loss":
            write_outcome(outcome(token, Result.LOST), folder)
        case _:
            pass
    with stage(tmp_path, FakeExecutor(hands_on=lambda r: (X,) if r.key.task_id == "a" else ())) as s:
        assert results(s, run) == ["lost"]
        open_again(s, run, *CELLS)
        assert s.run_state(run) is RunState.SUCCESS
        assert results(s, run) == ["lost", "success"]
        (instance, _) = s.state.instances(run)
        assert (instance.try_number, instance.losses) == (2, 1)


def test_a_success_by_code_that_has_changed_runs_again(tmp_path: Path) -> None:
    run, token, folder = abandoned(tmp_path)
    write_outcome(outcome(token), folder)
    with stage(tmp_path, FakeExecutor(hands_on=lambda r: (X,) if r.key.task_id == "a" else ())) as s:
        open_again(s, run, "%%task a --retries 0\nx = 2", CELLS[1])
        assert results(s, run) == ["lost", "success"]


def test_a_success_that_a_person_wants_again_runs_again(tmp_path: Path) -> None:
    run, token, folder = abandoned(tmp_path)
    write_outcome(outcome(token), folder)
    with stage(tmp_path, FakeExecutor(hands_on=lambda r: (X,) if r.key.task_id == "a" else ())) as s:
        open_again(s, run, *CELLS, again={TaskKey(run, "a"): "cleared"})
        assert results(s, run) == ["lost", "success"]


def test_an_outcome_waits_for_whoever_opens_its_run_next(tmp_path: Path) -> None:
    run, token, folder = abandoned(tmp_path)
    write_outcome(outcome(token), folder)
    for _ in range(3):
        with stage(tmp_path, FakeExecutor()) as s:
            assert results(s, run) == [None]
    with stage(tmp_path, FakeExecutor()) as s:
        open_again(s, run, *CELLS)
        assert results(s, run) == ["success"]


SLEEPER = (
    "import os, subprocess, sys, time; os.setsid(); print(os.getpid(), flush=True); {child}time.sleep(600)"
)
CHILD = "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True); "


def is_there(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(process: int) -> bool:
    for _ in range(1000):
        if not is_there(process):
            return True
        time.sleep(0.01)
    return False


needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells when a process began"
)


@needs_proc
@pytest.mark.parametrize("leader_dies", [False, True], ids=["with its leader", "without its leader"])
def test_what_a_try_left_running_is_killed_with_all_that_it_started(leader_dies: bool) -> None:
    began = datetime.now(UTC)
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER.format(child=CHILD)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        leader, child = int(process.stdout.readline()), int(process.stdout.readline())
        if leader_dies:
            os.kill(leader, signal.SIGKILL)
            process.wait()
        assert end_group(leader, began)
        assert gone(child)
        assert gone(leader)


@needs_proc
def test_a_child_that_was_forked_long_before_its_try_is_ended_with_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER.format(child="")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        leader = int(process.stdout.readline())
        assert end_group(leader, datetime.now(UTC) + timedelta(hours=1))
        assert process.wait() == -signal.SIGKILL


@needs_proc
def test_what_a_try_runs_is_ended_though_nobody_had_stored_that_it_began(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor(does=lambda _: None)) as s:
        (run,) = s.open(*CELLS)
        s.executor.events.get()  # the start, which nobody is told of
        (tried,) = s.state.tries(TaskKey(run, "a"))
        assert tried.process_group is None
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER.format(child="")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        note_group(tried.folder, int(process.stdout.readline()))
        with stage(tmp_path, FakeExecutor()):
            assert process.wait() == -signal.SIGKILL


@needs_proc
def test_a_group_that_has_the_number_of_an_old_one_is_left_alone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER.format(child="")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        leader = int(process.stdout.readline())
        assert not end_group(leader, datetime.now(UTC) - timedelta(hours=1))
        assert is_there(leader)
        process.kill()


@pytest.mark.parametrize("group", [0, 1, 4_000_000])
def test_where_there_is_no_group_there_is_nothing_to_kill(group: int) -> None:
    assert not end_group(group, datetime.now(UTC))
