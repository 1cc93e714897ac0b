"""Times as commands print them: in the DAG's zone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import datetime


def local_time(moment: datetime, timezone: str, *, seconds: bool = True) -> str:
    """`2026-02-17 06:00:30` on the zone's clock; without its seconds if they don't matter."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d %H:%M:%S}" if seconds else f"{local:%Y-%m-%d %H:%M}"
