"""What is next, and what a person is told about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from nbflow.model.dag import DagSpec
from nbflow.model.run import Interval
from nbflow.service.agenda import MOST_COUNTED, agenda

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dag(schedule: str | None, *, start: str = "", end: str = "", catchup: bool = False) -> DagSpec:
    return DagSpec(
        dag_id="d",
        schedule=schedule,
        start_date=utc(start) if start else None,
        end_date=utc(end) if end else None,
        catchup=catchup,
    )


def past(start: str, end: str) -> Interval:
    return Interval(logical_date=utc(start), start=utc(start), end=utc(end), due=utc(end))


@dataclass(frozen=True)
class Case:
    name: str
    dag: DagSpec
    remarks: tuple[str, ...]  # how each begins
    runs: int = 3
    due: int = 0
    last: Interval | None = None


CASES = [
    Case("no schedule", dag(None), ("d has no schedule: it runs when somebody starts it.",), runs=0),
    Case("to come", dag("@daily", start="2026-12-01"), ("start_date 2026-12-01 is still to come",)),
    Case("over", dag("@daily", end="2026-11-01"), ("end_date 2026-11-01 has passed",), runs=0),
    Case("the last ones", dag("@daily", start="2026-11-20", end="2026-11-21"), ("The last of these",), runs=2),
    Case("none left", dag("@weekly", start="2026-11-23", end="2026-11-25"), ("start_date", "no further run starts by end_date 2026-11-25"), runs=0),
    Case("catchup", dag("@daily", start="2026-11-01", catchup=True), ("catchup is on: 19 runs are due by now, from 2026-11-01 on",), due=19),
    Case("catchup of one", dag("@daily", start="2026-11-19", catchup=True), ("catchup is on: 1 run is due by now",), due=1),
    Case("catchup of many", dag("* * * * *", start="2026-01-01", catchup=True), (f"catchup is on: more than {MOST_COUNTED:,} runs are due",), due=MOST_COUNTED + 1),
    Case("catchup after some", dag("@daily", start="2026-11-01", catchup=True), ("catchup is on: 2 runs are due by now, from 2026-11-18 on",), due=2, last=past("2026-11-17", "2026-11-18")),
    Case("catchup, all done", dag("@daily", start="2026-11-01", catchup=True), (), last=past("2026-11-19", "2026-11-20")),
    Case("no catchup", dag("@daily", start="2026-11-01"), ("catchup is off: of the runs that are due only the latest is made, 2026-11-19.",), due=1),
    Case("no catchup, nothing earlier", dag("@daily", start="2026-11-19"), (), due=1),
    Case("no catchup, after some", dag("@daily", start="2026-11-01"), (), last=past("2026-11-19", "2026-11-20")),
    Case("once", dag("@once", start="2026-11-01"), (), runs=1, due=1),
    Case("once, done", dag("@once", start="2026-11-01"), ("@once: it had its one run, 2026-11-01.",), runs=0, last=past("2026-11-01", "2026-11-01")),
    Case("continuous", dag("@continuous"), ("@continuous: the run after this one",), runs=1, due=1),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_unusual_is_said_and_nothing_else(case: Case) -> None:
    found = agenda(case.dag, notebook="d.ipynb", now=NOW, count=3, last=case.last)
    assert len(found.runs) == case.runs
    assert found.due == case.due
    assert len(found.remarks) == len(case.remarks), found.remarks
    for remark, beginning in zip(found.remarks, case.remarks, strict=True):
        assert remark.startswith(beginning)
