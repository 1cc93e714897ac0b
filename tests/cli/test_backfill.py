"""`nbflow backfill`, `trigger`, `pause`: starting runs, or not."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project

DAILY = '%%dag n\nschedule = "@daily"'
DAYS = ("--from", "2026-01-01", "--to", "2026-01-03")
STUMBLES = (
    "%%task a\nimport pathlib\nif ds == '2026-01-02' and not pathlib.Path('go').exists():\n    raise KeyError"
)


def test_a_backfill_makes_what_is_missing_and_nothing_else(project: Project) -> None:
    project.notebook("n.ipynb", DAILY, STUMBLES)
    assert project.nbflow("run", "n.ipynb", "2026-01-02").status == 1
    preview = project.nbflow("backfill", "n.ipynb", *DAYS, "--dry-run", "--json").json()
    assert [(run["date"], run["standing"]) for run in preview] == [
        ("2026-01-01", "new"),
        ("2026-01-02", "done"),
        ("2026-01-03", "new"),
    ]
    project.nbflow("backfill", "n.ipynb", *DAYS)
    listed = {run["date"]: run for run in project.nbflow("list", "n", "--json").json()}
    assert {date: run["state"] for date, run in listed.items()} == {
        "2026-01-01": "success",
        "2026-01-02": "failed",
        "2026-01-03": "success",
    }
    assert listed["2026-01-01"]["type"] == "backfill"
    (project.folder / "go").touch()
    failed = project.nbflow("backfill", "n.ipynb", *DAYS, "--reprocess", "failed")
    assert failed.status == 0, failed.all
    tries = [project.tries("n", f"2026-01-0{day}")["a"] for day in (1, 2, 3)]
    assert tries == [1, 2, 1]
    assert project.nbflow("backfill", "n.ipynb", *DAYS, "--reprocess", "completed").status == 0
    assert [project.tries("n", f"2026-01-0{day}")["a"] for day in (1, 2, 3)] == [2, 3, 2]


def test_the_latest_date_comes_first_if_wanted_one_at_a_time(project: Project) -> None:
    project.notebook("n.ipynb", DAILY, "%%task a\nwith open('order', 'a') as f:\n    f.write(ds[-2:] + ' ')")
    done = project.nbflow("backfill", "n.ipynb", *DAYS, "--reverse", "--max-active-runs", "1")
    assert done.status == 0, done.all
    assert (project.folder / "order").read_text() == "03 02 01 "


def test_reverse_is_refused_where_a_run_waits_for_the_one_before(project: Project) -> None:
    project.notebook("n.ipynb", DAILY, "%%task a --depends-on-past\n1")
    refused = project.nbflow("backfill", "n.ipynb", *DAYS, "--reverse")
    assert refused.status == 2
    assert "task 'a' waits for the run before its own (depends_on_past)" in refused.err


def test_a_run_that_waits_for_the_past_says_so_and_the_command_ends(project: Project) -> None:
    project.notebook("n.ipynb", DAILY, STUMBLES.replace("a\n", "a --depends-on-past\n", 1))
    ended = project.nbflow("backfill", "n.ipynb", *DAYS)
    assert ended.status == 1, ended.all
    listed = {run["date"]: run for run in project.nbflow("list", "n", "--json").json()}
    assert (listed["2026-01-02"]["state"], listed["2026-01-03"]["state"]) == ("failed", "queued")
    assert "2026-01-02" in listed["2026-01-03"]["reason"]
    (project.folder / "go").touch()
    assert project.nbflow("clear", "n", "2026-01-02").status == 0
    assert project.nbflow("backfill", "n.ipynb", *DAYS).status == 0
    assert project.states("n", "2026-01-03") == {"a": "success"}


def test_a_detached_backfill_goes_on_by_itself(project: Project) -> None:
    project.notebook("n.ipynb", DAILY, "%%task a\n1")
    started = project.nbflow("backfill", "n.ipynb", *DAYS, "--detach")
    assert started.status == 0, started.all
    found = re.search(r"started as process (\d+); what it says: (.+)", started.out)
    assert found, started.out
    while project.nbflow("show", "n", "2026-01-03").status or project.states("n", "2026-01-03") != {
        "a": "success"
    }:
        time.sleep(0.1)


def test_a_trigger_runs_a_date_once_with_its_parameters(project: Project) -> None:
    project.notebook("n.ipynb", DAILY, "#parameters\nn: int = 1", "%%task a\nn * 2")
    first = project.nbflow("trigger", "n.ipynb", "2026-01-01", "--conf", '{"n": 4}')
    assert first.status == 0, first.all
    value = project.nbflow("xcom", "n", "2026-01-01", "a", "return_value", "--json").json()
    assert value["value"] == 8
    again = project.nbflow("trigger", "n", "2026-01-01")
    assert again.status == 0
    assert "success already" in again.out
    assert project.tries("n", "2026-01-01") == {"a": 1}
    beside = project.nbflow("trigger", "n", "2026-01-01", "-p", "n", "5", "--as", "five", "--json").json()
    assert [run["date"] for run in beside] == ["2026-01-01~five"]


def test_a_wrong_value_is_refused_before_anything_runs(project: Project) -> None:
    project.notebook("n.ipynb", DAILY, "#parameters\nn: int = 1\nname: str = 'x'", "%%task a\nn")
    refused = project.nbflow("trigger", "n.ipynb", "2026-01-01", "--conf", '{"n": "many"}')
    assert refused.status == 2
    assert "n: parameter 'n' is 'many': 'many' is not of type 'integer'." in refused.err
    refused = project.nbflow("run", "n.ipynb", "2026-01-01", "-p", "name", "7")
    assert "To give it as text: -r name 7" in refused.err
    assert project.nbflow("trigger", "n.ipynb", "--conf", "[1]").status == 2
    assert project.nbflow("trigger", "n.ipynb", "--conf", "{").status == 2
    assert not (project.folder / ".nbflow").exists()


def test_a_paused_dag_starts_nothing_and_says_how_to_go_on(project: Project) -> None:
    project.notebook("n.ipynb", DAILY + "\nis_paused_upon_creation = true", "%%task a\n1")
    for arguments in (("run", "n.ipynb", "2026-01-01"), ("trigger", "n", "2026-01-01")):
        refused = project.nbflow(*arguments)
        assert refused.status == 2
        assert "n is paused (is_paused_upon_creation): " in refused.err
        assert "nbflow unpause n" in refused.err
    assert "(paused)" in project.nbflow("list").out
    assert project.nbflow("unpause", "n").out == "n is not paused\n"
    assert project.nbflow("run", "n.ipynb", "2026-01-01").status == 0
    assert project.nbflow("pause", "n").out == "n is paused\n"
    assert project.nbflow("pause", "n").out == "n is paused already\n"


def test_a_dag_whose_runs_keep_failing_is_paused_and_says_why(project: Project) -> None:
    rule = "\nmax_consecutive_failed_runs = 2\nmax_active_runs = 1"
    project.notebook("n.ipynb", DAILY + rule, "%%task a\n1 / 0")
    ended = project.nbflow("backfill", "n.ipynb", *DAYS)
    assert ended.status == 1, ended.all
    states = {run["date"]: run["state"] for run in project.nbflow("list", "n", "--json").json()}
    assert states == {"2026-01-01": "failed", "2026-01-02": "failed", "2026-01-03": "queued"}
    assert "its last 2 runs failed" in project.nbflow("list", "n").out
