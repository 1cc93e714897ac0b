"""Durations as people write them: `30s`, `1h30m`, `PT6H`, `300`."""

from __future__ import annotations

import re
from datetime import timedelta

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001}
_PART = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>ms|[wdhms])")
_WHOLE = re.compile(rf"(?:{_PART.pattern.replace('?P<count>', '?:').replace('?P<unit>', '?:')}\s*)+")
_ISO = re.compile(
    r"P(?=[\dT])(?:(?P<w>\d+(?:\.\d+)?)W)?(?:(?P<d>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def duration(text: str) -> timedelta:
    """The elapsed time a person wrote.

    Accepts `30s 5m 6h 1d 2w 250ms`, several together from large to small or not (`1h30m`, `1d 6h`),
    ISO 8601 without months and years (`PT6H`, `P1DT12H`), and a plain number of seconds.

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
            return timedelta(seconds=sum(float(part["count"]) * _SECONDS[part["unit"]] for part in found))
    except OverflowError as error:
        msg = f"{text!r} is longer than a duration can be"
        raise ValueError(msg) from error
    msg = f"{text!r} is no duration; write 30s, 5m, 6h, 1d, 1h30m, PT6H, or a number of seconds"
    raise ValueError(msg)
