"""Zones of moments as plain values, and back as an object of the same kind."""

from __future__ import annotations

import datetime as dt
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

_MINUTE = dt.timedelta(minutes=1)


def zone_spec(zone: dt.tzinfo | None) -> dict[str, Any] | None:
    """How to rebuild the zone, plain JSON types: `zone` is its name for Arrow. None for a kind not known here.

    Known are `datetime.UTC`, offsets of whole minutes without a name of their own, zoneinfo, and pytz, which
    pandas 2 makes of a name.
    """
    if zone is dt.UTC:
        return {"zone": "UTC", "utc": True}
    if isinstance(zone, ZoneInfo):
        return {"zone": zone.key, "utc": False} if zone.key else None
    if type(zone) is dt.timezone:
        return _offset_spec(zone)
    if type(zone).__module__.partition(".")[0] == "pytz" and "pytz" in sys.modules:
        name = getattr(zone, "zone", None)
        known = name is not None and import_module("pytz").timezone(name) is zone
        return {"zone": name, "utc": False, "pytz": True} if known else None
    return None


def zone_of(spec: Mapping[str, Any]) -> dt.tzinfo:
    """The inverse of `zone_spec`."""
    if spec["utc"]:
        return dt.UTC
    if "minutes" in spec:
        return dt.timezone(spec["minutes"] * _MINUTE)
    return import_module("pytz").timezone(spec["zone"]) if spec.get("pytz") else ZoneInfo(spec["zone"])


def _offset_spec(zone: dt.timezone) -> dict[str, Any] | None:
    offset = zone.utcoffset(None)
    minutes, rest = divmod(offset, _MINUTE)
    if rest or zone.tzname(None) != dt.timezone(offset).tzname(None):
        return None
    hours, left = divmod(abs(minutes), 60)
    return {"zone": f"{'-' if minutes < 0 else '+'}{hours:02}:{left:02}", "utc": False, "minutes": minutes}
