"""What the names of a run are: `ds` and its family, in the DAG's zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nbflow.model.context import CONTEXT_NAMES, context_of
from nbflow.model.run import Interval, RunKey, TaskKey, run_id_of

SEOUL, NEW_YORK = "Asia/Seoul", "America/New_York"


def interval(start: str, hours: float = 24) -> Interval:
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    end = begin + timedelta(hours=hours)
    return Interval(logical_date=begin, start=begin, end=end, due=end)


def context(about: Interval, timezone: str = "UTC", **more: object) -> dict[str, object]:
    key = TaskKey(RunKey("flights", run_id_of(about.logical_date)), "load", 2)
    return context_of(key, about, timezone=timezone, **{"params": {"n": 1}, **more})  # type: ignore[arg-type]


def test_the_names_are_those_of_the_page() -> None:
    page = (
        "ds ds_nodash ts ts_nodash logical_date data_interval_start data_interval_end "
        "prev_data_interval_start_success prev_data_interval_end_success run_id dag_id task_id try_number "
        "map_index params var conn ti"
    )
    assert list(CONTEXT_NAMES) == page.split()
    assert list(context(interval("2026-02-17"))) == page.split()[:-3], "the last three need a process"


@dataclass(frozen=True)
class Case:
    name: str
    about: Interval
    timezone: str
    expected: dict[str, str]


CASES = [
    Case(
        "a day in UTC",
        interval("2026-02-17"),
        "UTC",
        {
            "ds": "2026-02-17",
            "ds_nodash": "20260217",
            "ts": "2026-02-17T00:00:00+00:00",
            "ts_nodash": "20260217T000000",
            "run_id": "2026-02-17T00:00:00Z",
        },
    ),
    Case(
        "the day that a person in Seoul means",
        interval("2026-02-16T15:00"),
        SEOUL,
        {
            "ds": "2026-02-17",
            "ts": "2026-02-17T00:00:00+09:00",
            "ts_nodash": "20260217T000000",
            "run_id": "2026-02-16T15:00:00Z",
        },
    ),
    Case(
        "an hour in New York, of the day before",
        interval("2026-02-17T01:00", 1),
        NEW_YORK,
        {"ds": "2026-02-16", "ds_nodash": "20260216", "ts": "2026-02-16T20:00:00-05:00"},
    ),
    Case(
        "a run without schedule has them all: a moment",
        interval("2026-02-17T08:30:05", 0),
        "UTC",
        {"ds": "2026-02-17", "ts_nodash": "20260217T083005"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_dates_are_those_of_the_dag_s_zone(case: Case) -> None:
    found = context(case.about, case.timezone)
    assert {name: found[name] for name in case.expected} == case.expected
    for name, moment in (
        ("logical_date", case.about.logical_date),
        ("data_interval_start", case.about.start),
        ("data_interval_end", case.about.end),
    ):
        value = found[name]
        assert isinstance(value, datetime)
        assert (value, value.tzinfo) == (moment, ZoneInfo(case.timezone))


def test_the_latest_success_before_it_is_told_in_the_zone_and_is_none_where_there_is_none() -> None:
    names = ("prev_data_interval_start_success", "prev_data_interval_end_success")
    assert [context(interval("2026-02-17"))[name] for name in names] == [None, None]
    found = context(interval("2026-02-16T15:00"), SEOUL, previous_success=interval("2026-02-13T15:00"))
    assert [str(found[name]) for name in names] == ["2026-02-14 00:00:00+09:00", "2026-02-15 00:00:00+09:00"]


def test_who_and_which_try_it_is() -> None:
    found = context(interval("2026-02-17"), try_number=3)
    assert {name: found[name] for name in ("dag_id", "task_id", "try_number", "map_index", "params")} == {
        "dag_id": "flights",
        "task_id": "load",
        "try_number": 3,
        "map_index": 2,
        "params": {"n": 1},
    }
