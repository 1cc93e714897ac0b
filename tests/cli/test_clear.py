"""`nbflow clear` and `mark`: what people do when something has failed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project

DAILY = '%%dag n\nschedule = "@daily"'
BROKEN = "%%task clean\nif ds == '2026-01-02':\n    raise KeyError('x')\nclean = sum(rows)"
CELLS = [
    DAILY,
    "%%task load\nrows = [int(ds[-2:])] * 3",
    BROKEN,
    "%%task aside --after load\n1",
    "%%task report\nclean",
]
DAYS = ("--from", "2026-01-01", "--to", "2026-01-03")


def broken(project: Project) -> None:
    project.notebook("n.ipynb", *CELLS)
    assert project.nbflow("run", "n.ipynb", *DAYS).status == 1


def mended(project: Project) -> None:
    cells = [*CELLS]
    cells[2] = "%%task clean\nclean = sum(rows)"
    project.notebook("n.ipynb", *cells)


def test_a_task_is_mended_cleared_and_runs_with_what_hung_on_it(project: Project) -> None:
    broken(project)
    mended(project)
    preview = project.nbflow("clear", "n", "2026-01-02", "clean", "--dry-run")
    assert preview.status == 0, preview.all
    assert "failed → none" in preview.out
    assert "it did not run because of `clean`, which runs again" in preview.out
    assert project.states("n", "2026-01-02")["clean"] == "failed", "a preview changes nothing"
    cleared = project.nbflow("clear", "n", "2026-01-02", "clean")
    assert cleared.status == 0, cleared.all
    assert project.states("n", "2026-01-02") == dict.fromkeys(("load", "clean", "aside", "report"), "success")
    assert project.tries("n", "2026-01-02") == {"load": 1, "clean": 2, "aside": 1, "report": 1}
    value = project.nbflow("xcom", "n", "2026-01-02", "report", "return_value", "--json").json()
    assert value["value"] == 6, "from the values of what had succeeded"
    assert "KeyError" in project.nbflow("logs", "n", "2026-01-02", "clean", "--try", "1").out, (
        "its past is kept"
    )


def test_what_is_cleared_without_a_run_is_what_the_next_run_does(project: Project) -> None:
    broken(project)
    mended(project)
    assert project.nbflow("clear", "n", "2026-01-02", "clean", "--no-run").status == 0
    assert project.states("n", "2026-01-02")["clean"] == "none"
    assert project.nbflow("run", "n.ipynb", "2026-01-02").status == 0
    assert project.tries("n", "2026-01-02") == {"load": 1, "clean": 2, "aside": 1, "report": 1}


def test_clear_over_dates_by_state_as_json(project: Project) -> None:
    broken(project)
    listed = project.nbflow("clear", "n", *DAYS, "--only-failed", "--dry-run", "--json").json()
    assert [(row["date"], row["task_id"], row["state"]) for row in listed] == [
        ("2026-01-02", "clean", "failed"),
        ("2026-01-02", "report", "upstream_failed"),
    ]
    listed = project.nbflow("clear", "n", *DAYS, "aside", "--state", "success", "--dry-run", "--json").json()
    assert [row["date"] for row in listed] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    nothing = project.nbflow("clear", "n", "2026-01-01", "--only-failed")
    assert (nothing.status, nothing.out) == (0, "nothing to clear: no task instance is as you say\n")


def test_a_task_is_marked_and_what_hung_on_it_runs(project: Project) -> None:
    project.notebook("n.ipynb", DAILY, "%%task load\nraise OSError('away')", "%%task report --after load\n1")
    assert project.nbflow("run", "n.ipynb", "2026-01-01").status == 1
    marked = project.nbflow("mark", "success", "n", "2026-01-01", "load")
    assert marked.status == 0, marked.all
    assert project.states("n") == {"load": "success", "report": "success"}
    assert project.tries("n") == {"load": 1, "report": 1}
    moves = project.nbflow("show", "n", "2026-01-01", "load").out
    assert "failed → success" in moves
    assert "marked success" in moves


def test_a_whole_run_is_marked(project: Project) -> None:
    broken(project)
    assert project.nbflow("mark", "success", "n", "2026-01-02").status == 0
    assert set(project.states("n", "2026-01-02").values()) == {"success"}
    assert project.tries("n", "2026-01-02")["report"] == 0
    refused = project.nbflow("mark", "failed", "n", "2026-01-02")
    assert refused.status == 2
    assert "is over: name the tasks" in refused.err
    assert project.nbflow("mark", "failed", "n", "2026-01-02", "report").status == 1
    shown = project.nbflow("show", "n", "2026-01-02", "--json").json()
    assert (shown["state"], shown["reason"]) == ("failed", "failed: report")


def test_while_a_run_lives_clear_and_pause_are_obeyed_by_it(project: Project) -> None:
    """The one who holds the home does it, and the caller follows."""
    wait = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.02)"
    project.notebook("n.ipynb", DAILY, "%%task quick\n1", f"%%task slow\n{wait}")
    with project.start("run", "n.ipynb", "2026-01-01") as run:
        while not (project.folder / ".nbflow").exists() or "success" not in states_now(project).values():
            time.sleep(0.05)
        clear = project.start("clear", "n", "2026-01-01", "quick", "--json")
        while project.tries("n")["quick"] < 2:
            time.sleep(0.05)
        paused = project.nbflow("pause", "n")
        assert paused.out == "n is paused\n", paused.all
        (project.folder / "go").touch()
        out, _ = clear.communicate()
        run.communicate()
    assert '"state": "success"' in out, out
    assert "run by nbflow run n.ipynb 2026-01-01 (process" in out.replace("\n", " ")
    assert project.states("n") == {"quick": "success", "slow": "success"}


def states_now(project: Project) -> dict[str, str]:
    answer = project.nbflow("show", "n", "--json")
    return {} if answer.status else {task["task_id"]: task["state"] for task in answer.json()["tasks"]}


def test_what_is_not_there_is_said_and_nothing_happens(project: Project) -> None:
    project.notebook("m.ipynb", "%%task each --map 'p in [1, 2]'\np", "%%task last\n1")
    assert project.nbflow("run", "m.ipynb", "2026-01-01").status == 0
    for words in (("clear",), ("mark", "failed")):
        for task, said in (("each[9]", "it has [0] to [1]"), ("last[0]", "it is not mapped")):
            wrong = project.nbflow(*words, "m", "2026-01-01", task)
            assert (wrong.status, said in wrong.err) == (2, True), wrong.all
    both = project.nbflow("clear", "m", "2026-01-01", "--from", "2026-01-01")
    assert (both.status, "not both" in both.err) == (2, True), both.all
    unnamed = project.nbflow("trigger", "m", "2026-01-01", "--as", "")
    assert (unnamed.status, "a variant's name" in unnamed.err) == (2, True), unnamed.all


def test_a_run_goes_on_with_what_a_teardown_has_removed_set_up_again(project: Project) -> None:
    work = "%%task work --after up\nfrom pathlib import Path\n"
    cells = [
        "%%task.setup up\nfrom pathlib import Path\nPath('db').write_text('')",
        f"{work}raise KeyError('x')",
        "%%task.teardown down --setups up\nfrom pathlib import Path\nPath('db').unlink()",
    ]
    project.notebook("t.ipynb", *cells)
    assert project.nbflow("run", "t.ipynb", "2026-01-01").status == 1
    cells[1] = f"{work}assert Path('db').exists()"
    project.notebook("t.ipynb", *cells)
    again = project.nbflow("run", "t.ipynb", "2026-01-01")
    assert again.status == 0, again.all


def test_a_run_may_run_again_by_the_notebook_it_ran(project: Project) -> None:
    project.notebook("o.ipynb", "%%task first\nx = 1", "%%task last\nx + 1")
    assert project.nbflow("run", "o.ipynb", "2026-01-01").status == 0
    project.notebook("o.ipynb", "%%task first\nx = 10", "%%task last\nx + 1")
    again = project.nbflow("clear", "o", "2026-01-01", "last", "--original", "--json")
    assert again.status == 0, again.all
    kept = project.nbflow("xcom", "o", "2026-01-01", "last", "return_value", "--json").json()
    assert kept["value"] == 2
    assert project.nbflow("clear", "o", "2026-01-01", "last", "--json").status == 0
    kept = project.nbflow("xcom", "o", "2026-01-01", "last", "return_value", "--json").json()
    assert kept["value"] == 11
