"""Two `nbflow` on one home, as real processes: the first does the work of both, and the second can end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import venv
from typing import TYPE_CHECKING

import pytest

import nbflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Project

WAITS = """\
%%task a
import pathlib, time
pathlib.Path('here').touch()
while not pathlib.Path('go').exists():
    time.sleep(0.02)
x = 1"""
DATE = "2026-01-01"


class Pair:
    """An owner whose task waits until `go`, and whoever comes then."""

    def __init__(self, project: Project) -> None:
        self.project = project
        project.notebook("n.ipynb", WAITS, "%%task b\nx")
        self.processes: list[subprocess.Popen[str]] = []
        self.owner = self.start("run", "n.ipynb", DATE)
        while not (project.folder / "here").exists():
            assert self.owner.poll() is None, self.owner.communicate()[0]
            time.sleep(0.02)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = self.project.start(*arguments)
        self.processes.append(process)
        return process

    def follower(self, *arguments: str) -> tuple[subprocess.Popen[str], list[str]]:
        """A process that follows the owner by now, and what it has said."""
        process, said = self.start(*arguments), list[str]()
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("run by "):
                return process, said
        raise AssertionError("".join(said))

    def go(self) -> None:
        (self.project.folder / "go").touch()

    def results(self, task: str) -> list[str]:
        tries = self.project.nbflow("show", "n", DATE, task, "--json").json()
        return [tried["result"] for tried in tries]


@pytest.fixture
def pair(project: Project) -> Iterator[Pair]:
    found = Pair(project)
    yield found
    for process in found.processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_the_second_of_two_runs_of_a_date_follows_the_first(pair: Pair) -> None:
    second, said = pair.follower("run", "n.ipynb", DATE)
    assert said[-1].startswith("run by nbflow run n.ipynb 2026-01-01 (process ")
    pair.go()
    out, _ = second.communicate()
    first, _ = pair.owner.communicate()
    assert (pair.owner.returncode, second.returncode) == (0, 0), first + out
    assert "nbflow-runs/n/2026-01-01.ipynb" in out
    assert (pair.results("a"), pair.results("b")) == (["success"], ["success"])


def test_when_the_first_is_killed_the_second_goes_on(pair: Pair) -> None:
    second, _ = pair.follower("run", "n.ipynb", DATE)
    pair.owner.kill()
    pair.go()
    out, _ = second.communicate()
    assert second.returncode == 0, out
    assert "has ended: going on without it" in out
    assert pair.results("a")[-1] == "success"
    assert set(pair.results("a")[:-1]) <= {"lost"}
    assert pair.results("b") == ["success"]


def test_when_the_first_is_stopped_the_second_goes_on(pair: Pair) -> None:
    second, _ = pair.follower("trigger", "n.ipynb", DATE)
    pair.owner.send_signal(signal.SIGINT)
    first, _ = pair.owner.communicate()
    pair.go()
    out, _ = second.communicate()
    assert (pair.owner.returncode, second.returncode) == (1, 0), first + out
    assert "stopped; the same command again" not in out
    assert pair.results("a") == ["stopped", "success"]


def test_ctrl_c_leaves_the_run_to_its_owner_and_the_command_it_names_stops_it(pair: Pair) -> None:
    second, said = pair.follower("run", "n.ipynb", DATE)
    second.send_signal(signal.SIGINT)
    out, _ = second.communicate()
    assert second.returncode == 130, said
    assert "the run goes on without this command" in out
    assert pair.owner.poll() is None
    stop = next(line for line in out.splitlines() if line.startswith("stop it  nbflow "))
    stopped = pair.project.nbflow(*stop.removeprefix("stop it  nbflow ").split())
    assert stopped.status == 1, stopped.all
    first, _ = pair.owner.communicate()
    assert pair.owner.returncode == 1, first
    assert pair.results("a") == ["stopped"]
    assert pair.project.states("n", DATE) == {"a": "failed", "b": "skipped"}


def test_ctrl_c_with_stop_stops_the_run_and_the_same_command_goes_on(pair: Pair) -> None:
    second, _ = pair.follower("run", "n.ipynb", DATE, "--stop", "--json")
    second.send_signal(signal.SIGINT)
    out, _ = second.communicate()
    assert second.returncode == 1, out
    assert '"reason": "stopped by Ctrl-C"' in out
    pair.owner.communicate()
    assert pair.owner.returncode == 1
    pair.go()
    again = pair.project.nbflow("run", "n.ipynb", DATE)
    assert again.status == 0, again.all
    assert pair.project.states("n", DATE) == {"a": "success", "b": "success"}


def test_a_run_from_another_environment_runs_there_whoever_does_the_work(
    pair: Pair, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "venv"
    venv.create(other, symlinks=True)
    places = [os.path.dirname(os.path.dirname(nbflow.__file__)), *sys.path]  # noqa: PTH120
    site = next(other.glob("lib/python*/site-packages"))
    found = [path for path in places if os.path.isdir(path) and "lib-dynload" not in path]  # noqa: PTH112
    (site / "ours.pth").write_text("\n".join(found))
    folder = pair.project.folder
    pair.project.notebook("m.ipynb", "%%task where\nimport os, sys\n(sys.prefix, os.environ['FOO'])")
    done = subprocess.run(
        [other / "bin" / "python", "-m", "nbflow", "run", "m.ipynb", DATE],
        cwd=folder,
        env=os.environ | {"FOO": "1 und 2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "run by nbflow run n.ipynb" in done.stdout
    assert "1 und 2" not in done.stdout
    pair.go()
    pair.owner.communicate()
    value = pair.project.nbflow("xcom", "m", DATE, "where", "return_value", "--json").json()
    assert str(other) in str(value["value"])
    assert "1 und 2" in str(value["value"])
