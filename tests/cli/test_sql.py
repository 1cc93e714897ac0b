"""`nbflow sql`, and `nbflow xcom` beside an owner."""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from asked_home import AskedHome, asked_home
from cli.conftest import COMMAND
from cli.inside import nbflow

from nbflow.service.serving import owned_xcoms
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from cli.inside import Call

__all__ = ["nbflow"]  # a fixture


@pytest.fixture
def made(tmp_path: Path) -> AskedHome:
    made = asked_home(tmp_path)
    with XComStore.open(made.home.root) as store:
        for day in (1, 2):
            made.hand_on(store, pa.table({"n": [day, None], "s": ["a", "b"]}), day=day)
    made.add_runs(1, 2)
    return made


def test_without_a_query_it_lists_what_there_is(made: AskedHome, nbflow: Call) -> None:
    listed = nbflow("sql")
    assert listed.status == 0
    line = next(line for line in listed.out.splitlines() if line.startswith("xcom."))
    assert line.split(maxsplit=5)[:5] == ["xcom.flights.df", "2", "2026-01-01", "…", "2026-01-02"]
    assert "n BIGINT, s VARCHAR" in line
    assert {"runs", "task_instances"} <= {line.split(" ")[0] for line in listed.out.splitlines()}
    found = nbflow("sql", "--json").json()
    assert [table["table"] for table in found] == ["xcom.flights.df", "runs", "task_instances"]
    assert (found[0]["dates"], found[0]["columns"]["n"], found[1]["first"]) == (2, "BIGINT", None)


def test_a_result_is_a_table_that_tells_how_many_more_there_are(made: AskedHome, nbflow: Call) -> None:
    shown = nbflow("sql", "SELECT ds, n FROM xcom.flights.clean__df ORDER BY ds, n", "--limit", "2")
    assert [line.split() for line in shown.out.splitlines()[:3]] == [
        ["ds", "n"],
        ["2026-01-01", "1"],
        ["2026-01-01", "NULL"],
    ]
    assert "… 2 more rows: --limit, --csv or -o FILE show them" in shown.out
    assert "more" not in nbflow("sql", "FROM xcom.flights.clean__df").out
    assert "… more than 1,000,000 other rows" in nbflow("sql", "FROM range(100000000)").out


def test_json_csv_and_files_hold_all_rows(made: AskedHome, nbflow: Call, tmp_path: Path) -> None:
    sql = "SELECT ds, n FROM xcom.flights.clean__df ORDER BY ds, n"
    rows = [{"ds": f"2026-01-0{day}", "n": n} for day in (1, 2) for n in (day, None)]
    assert nbflow("sql", sql, "--json").json() == rows
    read = list(csv.DictReader(io.StringIO(nbflow("sql", sql, "--csv").out)))
    assert read == [{"ds": row["ds"], "n": "" if row["n"] is None else str(row["n"])} for row in rows]
    assert nbflow("sql", sql, "-o", "out.parquet").out == "4 rows in out.parquet\n"
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == rows


def test_a_query_comes_from_a_file_or_from_standard_input(
    made: AskedHome, nbflow: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "q.sql").write_text("-- runs\nSELECT count(*) n FROM runs")
    assert nbflow("sql", "-f", "q.sql", "--json").json() == [{"n": 2}]
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 7 n"))
    assert nbflow("sql", "-", "--json").json() == [{"n": 7}]


WRONG = {
    "an unknown table": (
        ["FROM xcom.flights.cleen"],
        "There are: xcom.flights.df, runs, task_instances.",
    ),
    "no reading": (["DROP SCHEMA flights"], "DROP is refused: here people only read"),
    "two queries": (["SELECT 1", "-f", "q.sql"], "give the query once"),
    "two forms": (["SELECT 1", "--json", "--csv"], "choose one"),
    "a strange file": (["SELECT 1", "-o", "out.xlsx"], ".parquet, .csv, .arrow or .json"),
    "no file": (["-f", "nope.sql"], "nope.sql"),
    "too slow": (
        [
            "SELECT count(*) FROM range(100000000) a, range(1000000) b WHERE a.range + b.range = 3",
            "--timeout",
            "0.1",
        ],
        "stopped after 0.1 s",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(made: AskedHome, nbflow: Call, name: str) -> None:
    arguments, said = WRONG[name]
    answer = nbflow("sql", *arguments)
    assert answer.status == 2
    assert said in answer.err


def test_a_project_without_runs_says_so(nbflow: Call) -> None:
    answer = nbflow("sql")
    assert (answer.status, "knows no runs yet" in answer.err) == (2, True)


def test_ctrl_c_stops_a_query(made: AskedHome) -> None:
    process = subprocess.Popen(
        [
            *COMMAND,
            "sql",
            "SELECT count(*) FROM range(100000000) a, range(1000000) b WHERE a.range + b.range = 3",
        ],
        cwd=made.home.project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        _wait_until_open(process.pid, made.home.xcom)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (process.returncode, said.strip()) == (130, "stopped")


def _wait_until_open(pid: int, path: Path) -> None:
    """Until a process has opened a file: then it asks on another thread, and hears signals."""
    while path not in {link.resolve() for link in Path(f"/proc/{pid}/fd").iterdir()}:
        threading.Event().wait(0.01)


def test_values_are_shown_while_a_run_goes_on(made: AskedHome, nbflow: Call, tmp_path: Path) -> None:
    (tmp_path / "flights.ipynb").write_text(NOTEBOOK)
    with owned_xcoms(made.home):
        listed = nbflow("xcom", "flights", "2026-01-01", "--json")
        shown = nbflow("xcom", "flights", "2026-01-01", "clean", "df", "--json")
        asked = nbflow("sql", "SELECT sum(n) n FROM xcom.flights.clean__df", "--json")
    assert [value["key"] for value in listed.json()] == ["df"]
    assert shown.json()["value"] == [{"n": 1, "s": "a"}, {"n": None, "s": "b"}]
    assert asked.json() == [{"n": 3}]


NOTEBOOK = """
{"cells": [{"cell_type": "code", "execution_count": null, "id": "a", "metadata": {}, "outputs": [],
  "source": "%%dag flights\\ntimezone = 'Asia/Seoul'\\nschedule = '@daily'\\nstart_date = '2026-01-01'"},
 {"cell_type": "code", "execution_count": null, "id": "b", "metadata": {}, "outputs": [],
  "source": "%%task clean\\ndf = 1"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
"""
