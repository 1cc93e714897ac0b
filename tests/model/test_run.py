"""Intervals, run ids and the labels people read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.model.grid import GridColumn
from nbflow.model.run import Interval, run_id_of, run_label
from nbflow.model.state import RunState

BERLIN, HAVANA, SEOUL = "Europe/Berlin", "America/Havana", "Asia/Seoul"


@dataclass(frozen=True)
class Label:
    name: str
    logical_date: str  # UTC
    timezone: str
    label: str
    variant: str = ""


LABELS = [
    Label("midnight is a date", "2026-02-16T15:00", SEOUL, "2026-02-17"),
    Label("another time", "2026-02-16T21:00", SEOUL, "2026-02-17T06:00"),
    Label("seconds", "2026-02-17T06:00:30", "UTC", "2026-02-17T06:00:30"),
    Label("midnight and a second", "2026-02-17T00:00:01", "UTC", "2026-02-17T00:00:01"),
    Label("a variant", "2026-02-17T00:00", "UTC", "2026-02-17~big", "big"),
    Label("a time that comes twice, first", "2026-10-25T00:30", BERLIN, "2026-10-25T02:30+0200"),
    Label("a time that comes twice, second", "2026-10-25T01:30", BERLIN, "2026-10-25T02:30+0100"),
    Label("a midnight that comes twice", "2026-11-01T05:00", HAVANA, "2026-11-01-0500"),
]


@pytest.mark.parametrize("case", LABELS, ids=lambda case: case.name)
def test_a_run_is_called(case: Label) -> None:
    moment = datetime.fromisoformat(case.logical_date).replace(tzinfo=UTC)
    assert run_label(moment, case.timezone, case.variant) == case.label
    column = GridColumn(
        run_id=run_id_of(moment, case.variant),
        logical_date=moment.astimezone(ZoneInfo(case.timezone)),
        state=RunState.SUCCESS,
    )
    assert column.label == case.label, "the grid calls it the same"


@given(
    st.sampled_from([BERLIN, HAVANA, SEOUL, "Australia/Lord_Howe", "UTC"]),
    st.integers(0, 366 * 48),
    st.integers(1, 8),
)
def test_distinct_runs_have_distinct_labels(timezone: str, half_hours: int, apart: int) -> None:
    one = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * half_hours)
    other = one + timedelta(minutes=30 * apart)
    assert run_label(one, timezone) != run_label(other, timezone)


def test_a_run_id_is_the_instant_in_utc_whatever_the_zone() -> None:
    local = datetime(2026, 2, 17, tzinfo=ZoneInfo(SEOUL))
    assert run_id_of(local) == run_id_of(local.astimezone(ZoneInfo(HAVANA))) == "2026-02-16T15:00:00Z"
    assert run_id_of(local, "big") == "2026-02-16T15:00:00Z~big"


def test_times_without_a_zone_are_refused_with_the_zone_to_write() -> None:
    naive = datetime(2026, 2, 17)
    with pytest.raises(ValueError, match=r"has no time zone; write 2026-02-17T00:00:00\+00:00"):
        run_id_of(naive)
    with pytest.raises(ValueError, match="logical_date 2026-02-17"):
        Interval(logical_date=naive, start=naive, end=naive, due=naive)


def test_an_interval_is_kept_in_utc_and_cannot_run_backwards() -> None:
    start = datetime(2026, 2, 17, tzinfo=ZoneInfo(SEOUL))
    end = start + timedelta(days=1)
    interval = Interval(logical_date=start, start=start, end=end, due=end)
    assert interval.start.tzinfo is UTC
    assert interval.start == start
    with pytest.raises(ValueError, match="cannot end"):
        Interval(logical_date=end, start=end, end=start, due=end)
