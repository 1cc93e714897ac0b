"""Relative start dates: `14 days ago` means one date, seen from when the DAG was first registered."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nbflow.errors import DateError

_TOO_FAR = "a start_date {days} days ago lies before the calendar begins; write a smaller number."
_DAY = timedelta(days=1)


def pinned_start(back: timedelta, *, now: datetime, timezone: str) -> datetime:
    """The start date that lies `back` before a DAG is first registered.

    Whole days are counted on the zone's calendar, from midnight to midnight, so that intervals begin with
    days; anything else is elapsed time, to the minute.

    Args:
        back: how long before (`DagSpec.start_ago`).
        now: when it is first registered, aware.
        timezone: IANA name of the DAG's zone.

    Returns:
        An aware datetime in the zone.

    Raises:
        DateError: it lies too far back.
    """
    zone = ZoneInfo(timezone)
    try:
        if back % _DAY:
            return (now - back).astimezone(zone).replace(second=0, microsecond=0)
        day = now.astimezone(zone).date() - back
    except OverflowError as error:
        raise DateError(_TOO_FAR.format(days=back.days)) from error
    return datetime(day.year, day.month, day.day, tzinfo=zone)
