"""Schedules as values: what `@daily`, a cron line or a duration says. croniter evaluates cron."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nbflow.errors import DateError
from nbflow.model.duration import duration

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}

_NEAR = timedelta(hours=3)

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

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first tick after `moment` (aware), in UTC."""
        from croniter import croniter  # a run without a schedule needs it neither here nor below

        local = moment.astimezone(zone)
        # Near a DST change wall-clock ticks that read earlier than the moment may still come after it.
        back = timedelta() if self.elapsed or _steady(moment, zone) else _NEAR
        ticks = croniter(self.line, local.replace(tzinfo=None) - back)
        while True:
            naive = ticks.get_next(datetime)
            if self.elapsed:
                tick = (naive - (local.utcoffset() or timedelta())).replace(tzinfo=UTC)
            else:
                tick = _at_wall_clock(naive, zone)
            if tick > moment:
                return tick


@dataclass(frozen=True, slots=True)
class Every:
    """A duration: ticks of elapsed time, aligned to the start date."""

    step: timedelta


Schedule = Cron | Every


def read_schedule(text: str | timedelta) -> Schedule:
    """What a schedule says.

    Raises:
        DateError: it is not understood, or never occurs.
    """
    from croniter import croniter

    if isinstance(text, timedelta):
        if text <= timedelta():
            raise DateError(_bad(str(text), "a duration must be longer than nothing"))
        return Every(text)
    line = PRESETS.get(text.strip(), text.strip())
    if line.startswith("@"):
        raise DateError(_bad(text, "no such preset"))
    fields = line.split()
    if len(fields) == 1:
        try:
            return read_schedule(duration(line))
        except ValueError as error:
            raise DateError(_bad(text, "neither cron nor a duration")) from error
    if len(fields) not in (5, 6):
        raise DateError(_bad(text, f"cron has 5 or 6 fields, this has {len(fields)}"))
    steps = [int(step) for step in re.findall(r"/(\d+)", line)]
    if any(step == 0 or step > 59 for step in steps):
        raise DateError(_bad(text, "a step larger than its field never repeats"))
    if len(fields) == 6:  # croniter wants the seconds last
        fields = [*fields[1:], fields[0]]
    line = " ".join(fields)
    try:
        hours = croniter.expand(line)[0][1]
        croniter(line, datetime(2000, 1, 1, tzinfo=UTC)).get_next(datetime)
    except (ValueError, KeyError) as error:  # croniter's errors are ValueErrors
        raise DateError(_bad(text, str(error))) from error
    return Cron(line, elapsed="*" in hours or len(set(hours)) == 24)


def _steady(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether the zone's clock doesn't change around this moment."""
    before, after = (moment + step for step in (-_NEAR, _NEAR))
    return before.astimezone(zone).utcoffset() == after.astimezone(zone).utcoffset()


def _at_wall_clock(naive: datetime, zone: ZoneInfo) -> datetime:
    """A local time in UTC: one that is skipped keeps the offset from before, one that occurs twice is
    taken at its second occurrence (semantics.md, DST).
    """
    first = naive.replace(tzinfo=zone)
    second = naive.replace(tzinfo=zone, fold=1)
    ambiguous = (second.utcoffset() or timedelta()) < (first.utcoffset() or timedelta())
    return (second if ambiguous else first).astimezone(UTC)


def _bad(text: str, why: str) -> str:
    return _BAD_SCHEDULE.format(text=text, why=why, presets=" ".join(PRESETS))
