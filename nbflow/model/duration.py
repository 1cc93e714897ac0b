"""Durations as people write them: `30s`, `1h30m`, `2 days`, `PT6H`, `300`; and `14 days ago`."""

from __future__ import annotations

import re
from datetime import timedelta

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001}
_WORDS = r"weeks?|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?"
_PART = re.compile(rf"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>{_WORDS}|ms|[wdhms])(?![^\W\d_])")
_WHOLE = re.compile(rf"(?:{_PART.pattern.replace('?P<count>', '?:').replace('?P<unit>', '?:')}\s*)+")
_ISO = re.compile(
    r"P(?=[\dT])(?:(?P<w>\d+(?:\.\d+)?)W)?(?:(?P<d>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_AGO = re.compile(r"(?P<span>.+?)\s+ago", re.IGNORECASE)


def duration(text: str) -> timedelta:
    """The elapsed time a person wrote.

    Accepts `30s 5m 6h 1d 2w 250ms`, the same in words (`2 weeks`, `1 hour 30 minutes`), several together from
    large to small or not (`1h30m`, `1d 6h`), ISO 8601 without months and years (`PT6H`, `P1DT12H`), and a plain
    number of seconds.

    Raises:
        ValueError: anything else, a negative duration included, or one beyond what a timedelta holds.
    """
    written = text.strip()
    try:
        if _NUMBER.fullmatch(written):
            return timedelta(seconds=float(written))
        if iso := _ISO.fullmatch(written.upper()):
            parts = {unit.lower(): count for unit, count in iso.groupdict().items() if count}
            return timedelta(seconds=sum(float(count) * _SECONDS[unit] for unit, count in parts.items()))
        if _WHOLE.fullmatch(written.lower()):
            found = _PART.finditer(written.lower())
            return timedelta(
                seconds=sum(float(part["count"]) * _SECONDS[_unit(part["unit"])] for part in found)
            )
    except OverflowError as error:
        msg = f"{text!r} is longer than a duration can be"
        raise ValueError(msg) from error
    msg = f"{text!r} is no duration; write 30s, 5m, 6h, 1d, 1h30m, PT6H, or a number of seconds"
    raise ValueError(msg)


def ago(text: str) -> timedelta | None:
    """How long before now `14 days ago` is; None for a text that doesn't end in «ago».

    Raises:
        ValueError: what stands before «ago» is no duration.
    """
    match = _AGO.fullmatch(text.strip())
    return None if match is None else duration(match["span"])


def _unit(written: str) -> str:
    """The short form of a unit: `days` → `d`."""
    return written if written == "ms" else written[0]
