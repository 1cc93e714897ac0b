"""`nbflow schedule` as processes of its own: the runs of schedules, handed over, stopped, killed."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cli.conftest import Project, write_notebook

from nbflow.errors import AddressError
from nbflow.model.run import RunKey
from nbflow.service.scheduling import find_notebooks
from nbflow.store.home import Home, is_held
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

ONCE = "schedule = '@once'\nstart_date = 2026-01-03"
CATCHUP = "schedule = '@daily'\nstart_date = 2026-01-01\nend_date = 2026-01-03\ncatchup = true"
WAITS = """\
%%task a
import pathlib, time
pathlib.Path(f"begun-{ds}").touch()
while not pathlib.Path("go").exists():
    time.sleep(0.01)
x = 1"""


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for something that another process does."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail(f"never came: {what}")


@contextmanager
def scheduler(project: Project, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A living scheduler; killed where the test left it."""
    process = project.start("schedule", *arguments)
    try:
        home = Home(project.folder / ".nbflow", project.folder)
        until(lambda: process.poll() is not None or (home.state.exists() and is_held(home)), "the scheduler")
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def states(project: Project, dag_id: str) -> list[str]:
    with StateStore(project.folder / ".nbflow" / "state.sqlite") as state:
        return [run.state.value for run in reversed(state.runs(dag_id))]


def test_what_is_due_runs_and_until_idle_ends_then(project: Project) -> None:
    project.notebook("a.ipynb", f"%%dag a\n{CATCHUP}", "%%task t\nprint(ds)")
    project.notebook("b.ipynb", "%%task t\n1")
    said = project.nbflow("schedule", ".", "--until-idle")
    assert said.status == 0, said.all
    assert "3 runs start now, from 2026-01-01 on" in said.out
    assert "b.ipynb: it has no schedule" in said.err
    assert "run succeeded dag_id=a run_id=2026-01-03T00:00:00Z" in said.err
    assert states(project, "a") == ["success"] * 3
    again = project.nbflow("schedule", "--until-idle")
    assert "run is due" not in again.all
    assert states(project, "a") == ["success"] * 3


def test_a_living_scheduler_takes_notebooks_on_and_commands_are_obeyed(project: Project) -> None:
    project.notebook("a.ipynb", f"%%dag a\n{ONCE}", "%%task t\n1")
    second = project.notebook("b.ipynb", f"%%dag b\n{ONCE}", "%%task t\nx = 1")
    with scheduler(project, "a.ipynb"):
        said = project.nbflow("schedule", "b.ipynb")
        assert said.status == 0, said.all
        assert "their runs are made by nbflow schedule a.ipynb (process" in said.out
        until(lambda: states(project, "b") == ["success"], "the run of b")
        assert "is published already" in project.nbflow("publish", "b").out
        write_notebook(second, f"%%dag b\n{ONCE}", "%%task t\nx = 2")
        assert ", before it " in project.nbflow("publish", "b.ipynb").out
        assert "b is off the schedule" in project.nbflow("unschedule", "b").out
        said = project.nbflow("unschedule", "b")
        assert (said.status, "b is not on the schedule" in said.err) == (2, True)
        broken = project.folder / "c.ipynb"
        broken.write_text("{")
        said = project.nbflow("schedule", "c.ipynb")
        assert (said.status, "not scheduled: " in said.err) == (2, True)
        cleared = project.nbflow("clear", "a", "2026-01-03", "t", "--yes")
        assert cleared.status == 0, cleared.all
        assert project.tries("a", "2026-01-03") == {"t": 2}


def test_asked_to_stop_it_lets_what_runs_end_and_starts_nothing_more(project: Project) -> None:
    project.notebook("a.ipynb", f"%%dag a\n{ONCE}", WAITS, "%%task b\ny = x")
    with scheduler(project, "a.ipynb") as process:
        until((project.folder / "begun-2026-01-03").exists, "the task")
        os.kill(process.pid, signal.SIGTERM)
        until(lambda: states(project, "a") == ["queued"], "the stop")
        (project.folder / "go").touch()
        said, _ = process.communicate()
    assert process.returncode == 0, said
    assert project.states("a", "2026-01-03") == {"a": "success", "b": "none"}
    assert project.nbflow("schedule", "--until-idle").status == 0
    assert project.states("a", "2026-01-03") == {"a": "success", "b": "success"}
    assert project.tries("a", "2026-01-03") == {"a": 1, "b": 1}


def test_asked_twice_it_stops_what_runs_and_the_next_one_runs_it_again(project: Project) -> None:
    project.notebook("a.ipynb", f"%%dag a\n{ONCE}", WAITS)
    with scheduler(project, "a.ipynb") as process:
        until((project.folder / "begun-2026-01-03").exists, "the task")
        os.kill(process.pid, signal.SIGINT)
        until(lambda: states(project, "a") == ["queued"], "the stop")
        os.kill(process.pid, signal.SIGINT)
        said, _ = process.communicate()
    assert process.returncode == 0, said
    assert project.states("a", "2026-01-03") == {"a": "none"}
    (project.folder / "go").touch()
    assert project.nbflow("schedule", "--until-idle").status == 0
    assert project.states("a", "2026-01-03") == {"a": "success"}


def test_a_scheduler_that_is_killed_leaves_runs_that_the_next_one_finishes(project: Project) -> None:
    project.notebook("a.ipynb", f"%%dag a\n{CATCHUP}", WAITS, "%%task b\ny = x")
    with scheduler(project, "a.ipynb"):
        until((project.folder / "begun-2026-01-01").exists, "the task")
    (project.folder / "go").touch()
    assert project.nbflow("schedule", "--until-idle").status == 0
    assert states(project, "a") == ["success"] * 3
    with StateStore(project.folder / ".nbflow" / "state.sqlite") as state:
        (instance, _) = state.instances(RunKey("a", "2026-01-01T00:00:00Z"))
    assert (instance.try_number, instance.losses) == (2, 1)


def test_every_sound_save_is_published_where_that_is_asked_for(project: Project) -> None:
    path = project.notebook("a.ipynb", "%%dag a\nschedule = '1s'\nmax_active_runs = 1", "%%task t\nx = 1")
    with scheduler(project, "a.ipynb", "--follow"):
        until(lambda: "success" in states(project, "a"), "a run")
        write_notebook(path, "%%dag a\nschedule = '1s'\nmax_active_runs = 1", "%%task other\nx = 2")
        until(lambda: "other" in project.states("a"), "a run of the new version")


def test_where_nothing_is_scheduled_it_says_how(project: Project) -> None:
    said = project.nbflow("schedule")
    assert (said.status, "nothing is on the schedule" in said.err) == (2, True)
    said = project.nbflow("schedule", "none.ipynb")
    assert (said.status, "there is no notebook none.ipynb" in said.err) == (2, True)
    project.notebook("a.ipynb", "%%task t\n1")
    said = project.nbflow("schedule", "a.ipynb", "--dry-run")
    assert (said.status, "a has no schedule" in said.err) == (2, True)
    assert not (project.folder / ".nbflow").exists()
    said = project.nbflow("schedule", "a.ipynb", "--cron", "0 6 * * *", "--dry-run", "--json")
    assert [one["schedule"] for one in said.json()["scheduled"]] == ["0 6 * * *"]


def test_folders_and_patterns_give_the_notebooks_that_have_a_schedule(tmp_path: Path) -> None:
    def notebook(name: str, schedule: str = "schedule = '@daily'") -> None:
        write_notebook(tmp_path / name, f"%%dag {schedule and 'd'}\n{schedule}", "%%task t\n1")

    for name in (
        "a.ipynb",
        "deep/b.ipynb",
        "nbflow-runs/d/c.ipynb",
        ".ipynb_checkpoints/d.ipynb",
        ".x/e.ipynb",
    ):
        notebook(name)
    write_notebook(tmp_path / "plain.ipynb", "1")
    (tmp_path / "broken.ipynb").write_text("{")
    found = find_notebooks([str(tmp_path)], scheduled=False)
    assert [path.relative_to(tmp_path).as_posix() for path in found.paths] == ["a.ipynb", "deep/b.ipynb"]
    assert {path.name: why for path, why in found.left_out}["plain.ipynb"] == "it has no schedule"
    assert {path.name for path, _ in found.left_out} == {"plain.ipynb", "broken.ipynb"}
    found = find_notebooks([f"{tmp_path}/*/b*.ipynb", str(tmp_path / "plain.ipynb")], scheduled=False)
    assert [path.name for path in found.paths] == ["b.ipynb", "plain.ipynb"]


def test_notebooks_of_two_homes_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / ".nbflow").mkdir(parents=True)
        write_notebook(tmp_path / name / "a.ipynb", "%%task t\n1")
    with pytest.raises(AddressError, match="belong to different homes"):
        find_notebooks([str(tmp_path / "one/a.ipynb"), str(tmp_path / "two/a.ipynb")], scheduled=True)
