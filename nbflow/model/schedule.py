"""Schedules as values: what `@daily`, a cron line or a duration says. croniter reads cron."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from nbflow.errors import DateError
from nbflow.model.duration import duration

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}

# Cron's fields as croniter orders them (seconds last), with how many values each has.
_FIELDS = {"minute": 60, "hour": 24, "day of the month": 31, "month": 12, "day of the week": 7, "second": 60}
_STEP = re.compile(r"/(\d+)")
_EQUAL_RANGE = re.compile(r"(\w+)-(\w+)(/\d+)?")
_CHANCE = re.compile(r"[hr](\(.*\))?(/\d+)?", re.IGNORECASE)
_LONGEST = timedelta(days=36_525)

_BAD_SCHEDULE = """\
schedule {text!r} is not understood ({why}). Write a cron line of 5 fields ("30 6 * * 1-5"; 6 with \
seconds first), one of {presets}, or a duration such as "6h" or "15m"."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron line, evaluated on the local wall clock.

    Attributes:
        line: as croniter reads it (seconds, if any, last).
        elapsed: whether it names every hour, so that it steps in elapsed time across DST changes.
    """

    line: str
    elapsed: bool


@dataclass(frozen=True, slots=True)
class Every:
    """A duration: ticks of elapsed time, aligned to the start date."""

    step: timedelta


@dataclass(frozen=True, slots=True)
class Once:
    """`@once`: one run, at the start date; without one, now."""


@dataclass(frozen=True, slots=True)
class Continuous:
    """`@continuous`: a run begins where the one before it ended."""


Schedule = Cron | Every | Once | Continuous

_WORDS: dict[str, Schedule] = {"@once": Once(), "@continuous": Continuous()}


@lru_cache(maxsize=256)  # whoever schedules asks for the same few over and over
def read_schedule(text: str | timedelta) -> Schedule:
    """What a schedule says.

    Args:
        text: a cron line of 5 fields or of 6 with seconds first (names, ranges, steps, `L`, `L5` for the
            last Friday, `FRI#3` for the third, `15W`, `?`), a preset, or a duration.

    Raises:
        DateError: it is not understood, or never occurs.
    """
    if isinstance(text, timedelta):
        return _every(text, str(text))
    written = text.strip()
    if written in _WORDS:
        return _WORDS[written]
    line = PRESETS.get(written, written)
    if line.startswith("@"):
        raise DateError(_bad(text, "no such preset"))
    fields = line.split()
    if len(fields) == 1:
        try:
            return _every(duration(line), text)
        except DateError:
            raise
        except ValueError as error:
            raise DateError(_bad(text, "neither cron nor a duration")) from error
    if len(fields) not in (5, 6):
        raise DateError(_bad(text, f"cron has 5 or 6 fields, this has {len(fields)}"))
    if len(fields) == 6:  # croniter wants the seconds last
        fields = [*fields[1:], fields[0]]
    return _cron(fields, text)


def _every(step: timedelta, text: str) -> Every:
    if step <= timedelta():
        raise DateError(_bad(text, "a duration must be longer than nothing"))
    if step > _LONGEST:
        raise DateError(_bad(text, "a duration must be shorter than 100 years"))
    return Every(step)


def _cron(fields: list[str], text: str) -> Cron:
    from croniter import croniter  # a run without a schedule doesn't need it

    for (name, size), field in zip(_FIELDS.items(), fields, strict=False):
        if problem := _problem(name, size, field):
            raise DateError(_bad(text, problem))
    line = " ".join(fields)
    try:
        hours = croniter.expand(line)[0][1]
    except (ValueError, KeyError) as error:  # croniter's errors are ValueErrors
        raise DateError(_bad(text, _unreadable(fields))) from error
    try:
        croniter(line, datetime(2000, 1, 1)).get_next(datetime)  # noqa: DTZ001 the wall clock has no zone
    except ValueError as error:
        raise DateError(_bad(text, "it names a date that never comes")) from error
    return Cron(line, elapsed="*" in hours or len(set(hours)) == 24)


def _problem(name: str, size: int, field: str) -> str:
    """What croniter would let pass and do something else with than the person meant, or ""."""
    for part in field.split(","):
        if _CHANCE.fullmatch(part):
            return f"the {name} {part!r} is left to chance; write a number"
        if any(not 1 <= int(step) <= size for step in _STEP.findall(part)):
            return f"the {name} {part!r} has a step that never repeats: there are {size}"
        if (found := _EQUAL_RANGE.fullmatch(part)) and found[1].lower() == found[2].lower():
            return f"the {name} {part!r} is a range of one; write {found[1]}"
    return ""


def _unreadable(fields: list[str]) -> str:
    """Which field croniter stumbles over."""
    from croniter import croniter

    for at, (name, field) in enumerate(zip(_FIELDS, fields, strict=False)):
        alone = ["*"] * len(fields)
        alone[at] = field
        try:
            croniter.expand(" ".join(alone))
        except (ValueError, KeyError):
            hint = "; the last Friday is L5, the third FRI#3" if name == "day of the week" else ""
            return f"the {name} {field!r} cannot be read{hint}"
    return "its fields do not go together"


def _bad(text: str, why: str) -> str:
    presets = " ".join((*PRESETS, *_WORDS))
    return _BAD_SCHEDULE.format(text=text, why=why, presets=presets)
