"""`nbflow logs`: of one task, of all of a run, of the scheduler; never more than text and colours."""

from __future__ import annotations

import json
import logging
import signal
import time
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from cli.inside import nbflow, written
from service.conftest import day

from nbflow.cli.log_lines import LogLines
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import RunState
from nbflow.model.work import LOG_FILE
from nbflow.service.journal import journal
from nbflow.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.conftest import Project
    from cli.inside import Call
    from service.conftest import Written

__all__ = ["nbflow", "written"]
CODE = ("%%task load\nx = 1", "%%task clean\ny = x", "%%task c\n3")


@pytest.fixture
def run(written: Written) -> RunKey:
    flow = written.flow(*CODE)
    reasons = {"clean": "KeyError: '\x1b]0;owned\x07'"}
    key = written.run(flow, day(1), {"load": "S", "clean": "F", "c": "U"}, RunState.FAILED, reasons=reasons)
    written.state._db.execute(
        "UPDATE try SET result = iif(task_id = 'load', 'success', 'failed'), reason = ?", (reasons["clean"],)
    )
    for task, text in (("load", "one\n\x1b[31mred\x1b[0m\x1b]0;x\x07\n"), ("clean", "10%\r20%\nboom")):
        log = written.folder / ".nbflow" / "tries" / key.run_id / task / LOG_FILE
        log.parent.mkdir(parents=True)
        log.write_text(text)
    return key


@pytest.mark.usefixtures("run")
class TestOfARun:
    @pytest.mark.parametrize("follow", [(), ("-f",)], ids=["printed", "followed"])
    def test_one_task_is_printed_as_it_printed(self, follow: tuple[str, ...], nbflow: Call) -> None:
        found = nbflow("logs", "n.ipynb", "latest", "load", *follow)
        assert (found.status, found.out, found.err) == (0, "one\nred\n", "")

    @pytest.mark.parametrize("follow", [(), ("--follow",)], ids=["printed", "followed"])
    def test_all_tasks_stand_line_by_line_under_their_names(
        self, follow: tuple[str, ...], nbflow: Call
    ) -> None:
        found = nbflow("logs", "n", "2026-01-01", *follow)
        assert found.out == "load  | one\nload  | red\nclean | 20%\nclean | boom\n"
        assert found.err == "clean | [try 1: failed: KeyError: '\\x1b]0;owned\\x07']\n"

    def test_a_failure_says_how_it_ended(self, nbflow: Call) -> None:
        found = nbflow("logs", "n", "latest", "clean", "--try", "1")
        assert found.out == "10%\r20%\nboom"
        assert "[try 1: failed: KeyError" in found.err

    def test_where_it_lies_is_said(self, nbflow: Call, written: Written) -> None:
        assert nbflow("logs", "n", "latest", "load", "--path").out.strip() == str(
            written.folder / ".nbflow" / "tries" / "2026-01-01T00:00:00Z" / "load" / LOG_FILE
        )

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ((), "name a DAG or notebook"),
            (("n", "--scheduler"), "--scheduler stands alone"),
            (("n", "latest", "--try", "1"), "about one task"),
            (("n", "latest", "c"), "has not run"),
            (("n", "latest", "laod"), "did you mean 'load'"),
        ],
    )
    def test_a_call_that_cannot_be_meant(self, words: tuple[str, ...], says: str, nbflow: Call) -> None:
        found = nbflow("logs", *words)
        assert found.status == 2
        assert says in found.err


def test_the_scheduler_has_a_log_of_its_own(nbflow: Call, written: Written) -> None:
    missing = nbflow("logs", "--scheduler")
    assert missing.status == 0
    assert "no scheduler has run here yet" in missing.err
    with journal(Home(written.folder / ".nbflow", written.folder), stream=StringIO()):
        logging.getLogger("nbflow.scheduler").info("run finished", extra={"dag_id": "n", "why": "\x9b2J"})
    assert r"INFO    run finished dag_id=n why=\x9b2J" in nbflow("logs", "--scheduler").out
    assert json.loads(nbflow("logs", "--scheduler", "--json").out.replace("\\x9b", "?"))["dag_id"] == "n"
    assert nbflow("logs", "--scheduler", "--path").out.strip().endswith(".nbflow/scheduler.log")


def test_pieces_that_come_in_halves_are_put_together(capfd: pytest.CaptureFixture[str]) -> None:
    run = RunKey("d", "r")
    one, other = TaskKey(run, "a"), TaskKey(run, "b", 2)
    lines = LogLines([one, other])
    lines.printed(one, "x\x1b]0;ti")
    lines.printed(other, "whole\nha")
    lines.printed(one, "tle\x07y\n")
    lines.remark(other, "try 1: lost: killed")
    lines.end()
    out, err = capfd.readouterr()
    assert out == "b[2] | whole\na    | xy\nb[2] | ha\n"
    assert err == "b[2] | [try 1: lost: killed]\n"


def test_what_one_task_prints_is_shown_before_its_line_ends(capfd: pytest.CaptureFixture[str]) -> None:
    key = TaskKey(RunKey("d", "r"), "a")
    lines = LogLines([key])
    lines.printed(key, "...")
    lines.printed(key, "\x1b[")
    assert capfd.readouterr().out == "..."
    lines.printed(key, "2Jdone")
    lines.end()
    assert capfd.readouterr().out == "done"


def test_a_task_that_runs_is_followed_to_its_end_and_ctrl_c_ends_only_the_looking(project: Project) -> None:
    waits = "%%task a\nimport os, time\nprint('begun', flush=True)\nwhile not os.path.exists('go'):\n    time.sleep(0.01)\nprint('done')"
    project.notebook("n.ipynb", waits, "%%task b\nprint('second')")
    run = project.start("run", "n.ipynb")
    state = project.folder / ".nbflow" / "state.sqlite"
    until(lambda: state.exists() and project.nbflow("show", "n", "latest").status == 0)
    looking, following = project.start("logs", "n", "latest", "a", "-f"), project.start("logs", "n", "-f")
    assert looking.stdout is not None
    assert following.stdout is not None
    lines = [
        next(line for line in one.stdout if "begun" in line) for one in (looking, following) if one.stdout
    ]
    assert lines == ["begun\n", "a | begun\n"]
    looking.send_signal(signal.SIGINT)
    assert (looking.wait(), looking.stdout.read()) == (130, "")
    (project.folder / "go").touch()
    rest = [line for line in following.stdout.read().splitlines() if "[" not in line]
    assert (following.wait(), rest) == (0, ["a | done", "b | second"])
    assert run.wait() == 0
    for one in (run, looking, following):
        assert one.stdout is not None
        one.stdout.close()


def until(happened: Callable[[], bool]) -> None:
    while not happened():
        time.sleep(0.02)
