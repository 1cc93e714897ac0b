"""Missed runs: which run comes next after the machine was off, and how many were passed over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from nbflow.model.dag import DagSpec, MissedRuns
from nbflow.model.run import Interval
from nbflow.model.schedule import read_schedule
from nbflow.plan.missed import left_out, next_run
from nbflow.plan.timetable import Timetable

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
START = datetime(2026, 11, 20, tzinfo=UTC)


def hour(number: int) -> Interval:
    """The hourly interval that starts at this hour of the day."""
    start = START + timedelta(hours=number)
    end = start + timedelta(hours=1)
    return Interval(logical_date=start, start=start, end=end, due=end)


def table_of(dag: DagSpec) -> Timetable:
    return Timetable(
        schedule=read_schedule(dag.schedule or "@hourly"), timezone="UTC", start_date=dag.start_date
    )


@dataclass(frozen=True)
class Case:
    name: str
    last: int | None
    expect: int
    catchup: bool = False
    missed: MissedRuns | None = None
    max_lateness: timedelta | None = None
    start: bool = True


CASES = [
    Case("catchup begins at start_date", None, 0, catchup=True),
    Case("catchup goes on after the last", 2, 3, catchup=True),
    Case("without catchup the first is the latest", None, 7),
    Case("without catchup the latest of those missed", 2, 7),
    Case("without catchup nothing is missed: the next", 7, 8),
    Case("all without catchup begins with the latest", None, 7, missed=MissedRuns.ALL),
    Case("all without catchup then misses none", 2, 3, missed=MissedRuns.ALL),
    Case("skip: what is not too late, in order", 2, 6, max_lateness=timedelta(hours=2)),
    Case("skip: the limit is inclusive", 2, 6, max_lateness=timedelta(hours=1, minutes=30)),
    Case("skip: a moment more is too late", 2, 7, max_lateness=timedelta(hours=1, minutes=29)),
    Case("skip: all too late: the next one", 2, 8, max_lateness=timedelta(minutes=5)),
    Case("skip: nothing was missed", 6, 7, max_lateness=timedelta(hours=1)),
    Case("skip with catchup leaves the beginning out", None, 6, True, max_lateness=timedelta(hours=2)),
    Case("skip without catchup: the first is the latest", None, 7, max_lateness=timedelta(hours=3)),
    Case("skip without catchup: the latest is too late", None, 8, max_lateness=timedelta(minutes=5)),
    Case("without a start date", None, 7, start=False),
    Case("without a start date, skip", None, 8, start=False, max_lateness=timedelta(minutes=5)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_next_run_is_the_one_that_the_policy_says(case: Case) -> None:
    dag = DagSpec(
        dag_id="d",
        schedule="@hourly",
        start_date=START if case.start else None,
        catchup=case.catchup,
        missed_runs=case.missed,
        max_lateness=case.max_lateness,
    )
    last = None if case.last is None else hour(case.last)
    assert next_run(dag, table_of(dag), last=last, now=NOW) == hour(case.expect)


def test_once_that_is_too_late_is_left_out() -> None:
    dag = DagSpec(dag_id="d", schedule="@once", start_date=START, max_lateness=timedelta(hours=1))
    assert next_run(dag, table_of(dag), last=None, now=NOW) is None
    assert next_run(dag, table_of(dag), last=None, now=START + timedelta(minutes=59)) is not None


def test_a_year_asleep_costs_no_more_than_an_hour() -> None:
    dag = DagSpec(dag_id="d", schedule="* * * * *", start_date=START, max_lateness=timedelta(minutes=2))
    table = Timetable(schedule=read_schedule("* * * * *"), timezone="UTC", start_date=START)
    later = NOW + timedelta(days=365)
    last = next_run(dag, table, last=None, now=START + timedelta(minutes=1))
    found = next_run(dag, table, last=last, now=later)
    assert found is not None
    assert found.due == later - timedelta(minutes=2)


@pytest.mark.parametrize(("last", "run", "expect"), [(2, 7, 4), (2, 3, 0), (0, 7, 5)])
def test_what_is_passed_over_is_counted(last: int, run: int, expect: int) -> None:
    assert left_out(table_of(DagSpec(dag_id="d")), hour(last), hour(run), most=5) == expect
