"""The example: read, run for a day, and run by hand from top to bottom, to the same table."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from nbflow.parse.flow import read_flow

FLIGHTS = Path(__file__).parent.parent / "notebooks" / "flights.ipynb"
DAY = "2013-01-03"  # the day that the notebook chooses by hand
FLIGHTS_OF_THE_DAY = 904  # of 914 planned; ten were cancelled


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copy(FLIGHTS, tmp_path))


def loaded(folder: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(folder / "flights.sqlite")) as database:
        return database.execute("SELECT date, sum(departures) FROM delays GROUP BY date").fetchall()


def test_its_edges_are_its_names() -> None:
    flow = read_flow(FLIGHTS)
    assert flow.problems == ()
    assert {(edge.upstream, edge.downstream, *sorted(edge.names)) for edge in flow.edges} == {
        ("extract_flights", "clean", "raw"),
        ("clean", "sum_delays", "flights"),
        ("clean", "join_weather", "flights"),
        ("extract_weather", "join_weather", "weather"),
        ("sum_delays", "plot_delays", "delays"),
        ("sum_delays", "summarise", "delays"),
        ("join_weather", "summarise", "wind"),
        ("clean", "summarise", "cancelled", "flights"),
        ("sum_delays", "load", "delays"),
        ("load", "verify", "rows"),
        ("summarise", "verify", "summary"),
    }


def test_a_run_loads_its_day(copy: Path) -> None:
    command = [sys.executable, "-m", "nbflow", "run", copy.name, DAY, "--parallelism", "2"]
    environment = os.environ | {"NBFLOW_HOME": str(copy.parent / "home")}
    run = subprocess.run(
        command, cwd=copy.parent, env=environment, text=True, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert loaded(copy.parent) == [(DAY, FLIGHTS_OF_THE_DAY)]

    executed = nbformat.read(copy.parent / "nbflow-runs" / "flights" / f"{DAY}.ipynb", as_version=4)
    (plot,) = (cell for cell in executed.cells if cell.source.startswith("%%task plot_delays"))
    assert any("image/png" in output.get("data", {}) for output in plot.outputs)


def test_by_hand_from_top_to_bottom_twice_loads_the_day_once(copy: Path) -> None:
    notebook = nbformat.read(copy, as_version=4)
    for _ in range(2):
        NotebookClient(notebook, resources={"metadata": {"path": str(copy.parent)}}).execute()
    assert loaded(copy.parent) == [(DAY, FLIGHTS_OF_THE_DAY)]
    assert notebook.cells[-2].outputs[0].text == f"{DAY}: {FLIGHTS_OF_THE_DAY} flights in 32 rows\n"
