"""Rows of semantics.md, Time, that `%%dag` decides when it is read."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from nbformat import v4

from nbflow.errors import FlowError
from nbflow.model.dag import DagSpec, TimetableKind
from nbflow.model.schedule import Continuous, Cron, Every, Once, read_schedule
from nbflow.parse.flow import flow_of


def dag(*lines: str) -> DagSpec:
    cells = ["\n".join(("%%dag", *lines)), "%%task a\n1"]
    return flow_of(v4.new_notebook(cells=[*map(v4.new_code_cell, cells)])).dag


def test_where_it_says_nothing_there_is_no_schedule_the_zone_is_utc_and_runs_have_intervals() -> None:
    found = dag()
    assert (found.schedule, found.timezone, found.catchup) == (None, "UTC", False)
    assert (found.timetable, found.start_date, found.end_date) == (TimetableKind.INTERVAL, None, None)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        *((preset, Cron) for preset in ["@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly"]),
        ("30 6 * * 1-5", Cron),
        ("15 30 6 * * *", Cron),
        *((duration, Every) for duration in ["6h", "1d", "15m", "PT6H"]),
        ("@once", Once),
        ("@continuous", Continuous),
    ],
)
def test_a_schedule_may_be_written(written: str, kind: type) -> None:
    found = dag(f'schedule = "{written}"').schedule
    assert found == written
    assert isinstance(read_schedule(found), kind)


@pytest.mark.parametrize("none", ['""', '"none"'])
def test_or_none(none: str) -> None:
    assert dag(f"schedule = {none}").schedule is None


@pytest.mark.parametrize("never", ["0 0 30 2 *", "*/100 * * * *"])
def test_what_never_comes_or_never_repeats_is_refused_when_it_is_read(never: str) -> None:
    with pytest.raises(FlowError, match="is not understood"):
        dag(f'schedule = "{never}"')


@pytest.mark.parametrize("date", ["2026-02-17T06:00:00", '"2026-02-17T06:00"'])
@pytest.mark.parametrize("name", ["start_date", "end_date"])
def test_dates_are_read_in_the_dag_s_zone_wherever_that_is_written(name: str, date: str) -> None:
    zone = "America/New_York"
    found = getattr(dag(f"{name} = {date}", f'timezone = "{zone}"'), name)
    assert (found, found.tzinfo) == (datetime(2026, 2, 17, 6, tzinfo=ZoneInfo(zone)), ZoneInfo(zone))


def test_a_relative_start_date_stays_relative_until_it_is_registered() -> None:
    found = dag('start_date = "14 days ago"')
    assert (found.start_date, found.start_ago) == (None, timedelta(days=14))


@pytest.mark.parametrize("lines", [(), ("max_active_runs = 1",)], ids=["nothing said", "one"])
@pytest.mark.parametrize("first", [True, False])
def test_one_run_of_a_continuous_dag_is_active_at_a_time(lines: tuple[str, ...], *, first: bool) -> None:
    schedule = ('schedule = "@continuous"',)
    assert dag(*(schedule + lines if first else lines + schedule)).max_active_runs == 1


def test_more_is_refused_and_other_schedules_may_have_it() -> None:
    with pytest.raises(
        FlowError, match=r"max_active_runs is 4, but with @continuous one run is active at a time"
    ):
        dag('schedule = "@continuous"', "max_active_runs = 4")
    assert dag('schedule = "@daily"', "max_active_runs = 4").max_active_runs == 4
