"""Missed runs: which of those that are due start, after the machine slept or nobody scheduled.

Source: semantics.md, Time, missed runs. The wall clock after each wake says what is due; sleeps are never
counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from nbflow.model.run import Interval

_LATER_ONE = "a later run is due as well, and of those that were missed only the latest is run"
_TOO_LATE = "it was due {late} ago, longer than its max_lateness {most}"


class MissedRuns(StrEnum):
    """What becomes of runs that are due and did not start in time."""

    ALL = "all"  # every one, in order: what catchup does
    LATEST = "latest"  # only the last one: the default without catchup
    SKIP = "skip"  # those that are not later than max_lateness


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which intervals are run.

    Attributes:
        run: those, in order.
        left_out: the others that are due, in order, each with the reason.
    """

    run: tuple[Interval, ...]
    left_out: tuple[tuple[Interval, str], ...] = ()


def choose(
    candidates: Sequence[Interval],
    *,
    policy: MissedRuns,
    max_lateness: timedelta | None = None,
    now: datetime,
) -> Choice:
    """The intervals to run now, of those that have no run yet.

    Args:
        candidates: in order; those that are not due by `now` are in neither list.
        policy: of the DAG.
        max_lateness: how long after it is due a run still starts (inclusive); counts for `skip` alone.
        now: aware.

    Raises:
        ValueError: `skip` without max_lateness.
    """
    due = tuple(interval for interval in candidates if interval.due <= now)
    match policy:
        case MissedRuns.ALL:
            return Choice(run=due)
        case MissedRuns.LATEST:
            earlier = tuple((interval, _LATER_ONE) for interval in due[:-1])
            return Choice(run=due[-1:], left_out=earlier)
        case MissedRuns.SKIP:
            if max_lateness is None:
                msg = "the policy skip needs max_lateness: how late a run may start, such as 6h"
                raise ValueError(msg)
            late = tuple(
                (interval, _TOO_LATE.format(late=now - interval.due, most=max_lateness))
                for interval in due
                if now - interval.due > max_lateness
            )
            return Choice(run=due[len(late) :], left_out=late)
