"""The notebook that the browser's tests tell their story with: it fails on one day, for a reason that can be mended."""

from __future__ import annotations

LOAD = "%load_ext nbflow"
TASK = "%%task load\nday = logical_date.timetuple().tm_yday\nday"
BROKEN = "%%task mean\ntotal = 100\nmean = total / (day - 17)\nmean"
FIXED = "%%task mean\ntotal = 100\nmean = total / max(day - 17, 1)\nmean"
# Both run until the test says so.
BUSY = """\
%%scratch
from pathlib import Path
from time import sleep

Path("began").touch()
while not Path("go").exists():
    sleep(0.02)"""
PATIENT = BUSY.replace("%%scratch", "%%task wait --after load")

SHOW = "%nbflow"
MEAN_CELL, SHOW_CELL = 3, 4


def dag(name: str) -> str:
    return f"%dag {name} --schedule @daily --start-date 2026-01-01"


def run_id(day: int) -> str:
    """Of the run of a day in January 2026."""
    return f"2026-01-{day:02d}T00:00:00Z"


FAILED = run_id(17)


def story(name: str) -> tuple[str, ...]:
    """The cells of a DAG that fails on 17 January."""
    return LOAD, dag(name), TASK, BROKEN, SHOW
