"""After a scheduler that was killed: what it left running is ended, what had ended is not lost.

Recovery comes before anything is opened: process groups first, then outcomes. A try whose outcome is whole
on disk and says that it succeeded (or skipped itself) counts, though nobody had stored it; a failure may
be one that the death of the scheduler caused, so it doesn't, and its try is lost, as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.execute.orphans import end_group, group_noted
from nbflow.execute.outcome import read_outcome
from nbflow.model.work import Result
from nbflow.service.clock import now

if TYPE_CHECKING:
    from nbflow.model.record import TryRecord
    from nbflow.model.work import TaskOutcome
    from nbflow.store.state import StateStore

_DIED = "its scheduler ended before it did"
_COUNTS = (Result.SUCCESS, Result.SKIPPED)


def recover(state: StateStore) -> None:
    """End what a dead owner's tries left running; those that left no outcome that counts are lost.

    The others stay open, for whoever opens their runs next (`RunOpened.landed`).

    Args:
        state: open for writing, of a home that this process has just come to hold.
    """
    tries = state.schedules.open_tries()
    if not tries:
        return
    for tried in tries:
        # The store is told of a start a moment after the cells have begun, its folder before.
        noted = group_noted(tried.folder)
        if noted is not None:
            end_group(*noted)
        elif tried.process_group is not None and tried.started is not None:
            end_group(tried.process_group, tried.started)
    with state.writing():
        for tried in tries:
            if outcome_left_by(tried) is None:
                state.schedules.lose(tried.token, _DIED, now())


def outcome_left_by(tried: TryRecord) -> TaskOutcome | None:
    """The outcome that a try left on disk; None where there is none that counts."""
    outcome = read_outcome(tried.folder)
    if outcome is None or outcome.token != tried.token or outcome.result not in _COUNTS:
        return None
    return outcome
