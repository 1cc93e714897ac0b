"""Relative start dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nbflow.errors import DateError
from nbflow.plan.pinned import pinned_start

NOW = datetime(
    2026, 3, 30, 22, 30, 45, tzinfo=UTC
)  # 31 March 00:30 in Berlin, two days after the clock changed


@pytest.mark.parametrize(
    ("back", "timezone", "expected"),
    [
        (timedelta(days=14), "UTC", "2026-03-16T00:00:00+00:00"),
        (timedelta(days=14), "Europe/Berlin", "2026-03-17T00:00:00+01:00"),
        (timedelta(weeks=1), "Europe/Berlin", "2026-03-24T00:00:00+01:00"),
        (timedelta(days=1), "Europe/Berlin", "2026-03-30T00:00:00+02:00"),
        (timedelta(), "Europe/Berlin", "2026-03-31T00:00:00+02:00"),
        (timedelta(hours=48), "Europe/Berlin", "2026-03-29T00:00:00+01:00"),
        (timedelta(hours=36), "Europe/Berlin", "2026-03-29T12:30:00+02:00"),
        (timedelta(minutes=90), "UTC", "2026-03-30T21:00:00+00:00"),
    ],
    ids=str,
)
def test_a_start_so_long_ago_is_midnight_for_days_and_a_minute_for_less(
    back: timedelta, timezone: str, expected: str
) -> None:
    assert pinned_start(back, now=NOW, timezone=timezone).isoformat() == expected


@pytest.mark.parametrize("back", [timedelta(days=999_999), timedelta(days=999_999, hours=1)], ids=str)
def test_a_start_before_the_calendar_is_refused(back: timedelta) -> None:
    with pytest.raises(DateError, match="999999 days ago lies before the calendar begins"):
        pinned_start(back, now=NOW, timezone="UTC")
