"""Times as commands print them: in the DAG's zone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import datetime, timedelta


def local_time(moment: datetime, timezone: str, *, seconds: bool = True) -> str:
    """`2026-02-17 06:00:30` on the zone's clock; without its seconds if they don't matter."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d %H:%M:%S}" if seconds else f"{local:%Y-%m-%d %H:%M}"


def clock(local: datetime) -> str:
    """`Sat 2026-11-21 06:00 CET`, with the seconds where there are any."""
    seconds = f":{local:%S}" if local.second else ""
    return f"{local:%a %Y-%m-%d %H:%M}{seconds} {local:%Z}"


def wait(left: timedelta) -> str:
    """`2 h 10 min`, `3 days 4 h`; `now` for what is due already."""
    seconds = left.total_seconds()
    if seconds <= 0:
        return "now"
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{int(seconds)} s"
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} day{'s' if days > 1 else ''} {hours} h"
    return f"{hours} h {minutes % 60:02d} min" if hours else f"{minutes} min"
