"""Missed runs: which start, and why the others don't."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from nbflow.model.run import Interval
from nbflow.plan.missed import MissedRuns, choose

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def due(hours_ago: int) -> Interval:
    end = NOW - hours_ago * HOUR
    return Interval(logical_date=end - HOUR, start=end - HOUR, end=end, due=end)


@dataclass(frozen=True)
class Case:
    name: str
    policy: MissedRuns
    hours_ago: tuple[int, ...]  # of what is due, in order
    run: tuple[int, ...]
    left_out: tuple[int, ...] = ()
    max_lateness: timedelta | None = None


CASES = [
    Case("all: every one in order", MissedRuns.ALL, (3, 2, 1, 0), run=(3, 2, 1, 0)),
    Case("all: however late", MissedRuns.ALL, (999, 1), run=(999, 1), max_lateness=HOUR),
    Case("latest: the last alone", MissedRuns.LATEST, (3, 2, 1), run=(1,), left_out=(3, 2)),
    Case("latest: however late", MissedRuns.LATEST, (999,), run=(999,), max_lateness=HOUR),
    Case(
        "skip: those not too late, the limit included",
        MissedRuns.SKIP,
        (3, 2, 1),
        run=(2, 1),
        left_out=(3,),
        max_lateness=2 * HOUR,
    ),
    Case("skip: none", MissedRuns.SKIP, (3, 2), run=(), left_out=(3, 2), max_lateness=HOUR),
    *(Case(f"{p}: nothing is due", p, (), run=(), max_lateness=HOUR) for p in MissedRuns),
    *(
        Case(f"{p}: what is to come is in neither list", p, (0, -1), run=(0,), max_lateness=HOUR)
        for p in MissedRuns
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_of_what_is_due_those_run_that_the_policy_says(case: Case) -> None:
    candidates = [due(hours) for hours in case.hours_ago]
    found = choose(candidates, policy=case.policy, max_lateness=case.max_lateness, now=NOW)
    assert found.run == tuple(due(hours) for hours in case.run)
    assert [interval for interval, _ in found.left_out] == [due(hours) for hours in case.left_out]


def test_what_is_left_out_says_why() -> None:
    missed = [due(3), due(1)]
    latest = choose(missed, policy=MissedRuns.LATEST, now=NOW).left_out
    assert [reason for _, reason in latest] == [
        "a later run is due as well, and of those that were missed only the latest is run"
    ]
    skipped = choose(missed, policy=MissedRuns.SKIP, max_lateness=2 * HOUR, now=NOW).left_out
    assert [reason for _, reason in skipped] == [
        "it was due 3:00:00 ago, longer than its max_lateness 2:00:00"
    ]


def test_skip_needs_to_know_how_late_is_too_late() -> None:
    with pytest.raises(ValueError, match="skip needs max_lateness"):
        choose([], policy=MissedRuns.SKIP, now=NOW)
