"""The one line above a board: how many of how many, what failed and where, today's run and the next."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from nbflow.model.run import run_label
from nbflow.model.state import RunState

if TYPE_CHECKING:
    from datetime import datetime

    from nbflow.service.lookup import Target
    from nbflow.store.board import BoardFailure
    from nbflow.store.state import StateStore

_LISTED = 20  # failures
_LONGEST = 200  # characters of an error
# Not strftime: that follows the locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def headline(
    target: Target, state: StateStore | None, next_due: datetime | None, *, at: datetime
) -> dict[str, Any]:
    """What is to be said first.

    Args:
        target: the DAG.
        state: of its home; None where nothing has run there.
        next_due: when the schedule's next run is due; None where it makes none.
        at: now; aware.

    Returns:
        `text`: «59 of 60 succeeded · 1 running»; `failures`, the latest first, and whether there are `more`;
        `today`: the run that was due today; `next`: when the next is due, «06:00», «tomorrow 06:00», «24 Nov 06:00».
    """
    zone = ZoneInfo(target.timezone)
    coming = None if next_due is None else clock(next_due.astimezone(zone), at.astimezone(zone))
    if state is None:
        return {"text": "no runs yet", "failures": [], "more": False, "today": None, "next": coming}
    counts = state.board.states(target.dag_id)
    found = state.board.failures(target.dag_id, most=_LISTED + 1)
    midnight = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    today = state.board.due_between(target.dag_id, midnight, midnight + timedelta(days=1))
    return {
        "text": _counted(counts),
        "failures": [_failure(target, one) for one in found[:_LISTED]],
        "more": len(found) > _LISTED,
        "today": None
        if today is None
        else {
            "run_id": today.run_id,
            "label": run_label(today.logical_date, target.timezone),
            "state": today.state.value,
        },
        "next": coming,
    }


def clock(moment: datetime, at: datetime) -> str:
    """A time as people say it beside another, both in one zone: the day where it isn't the same."""
    days = (moment.date() - at.date()).days
    time = f"{moment:%H:%M}"
    if days == 0:
        return time
    return f"tomorrow {time}" if days == 1 else f"{moment.day} {_MONTHS[moment.month - 1]} {time}"


def _counted(counts: dict[RunState, int]) -> str:
    whole = sum(counts.values())
    if not whole:
        return "no runs yet"
    said = [f"{counts.get(RunState.SUCCESS, 0)} of {whole} succeeded"]
    said += [f"{counts[state]} {state}" for state in (RunState.RUNNING, RunState.QUEUED) if state in counts]
    return " · ".join(said)


def _failure(target: Target, failure: BoardFailure) -> dict[str, Any]:
    error = failure.error
    said = failure.reason if error is None else f"{error['type']}: {error['message']}"
    lines = said.strip().splitlines() or [""]
    line = lines[0].removesuffix(": ") if len(lines[0]) <= _LONGEST else lines[0][: _LONGEST - 1] + "…"
    return {
        "run_id": failure.run_id,
        "label": run_label(failure.logical_date, target.timezone, failure.variant),
        "task_id": failure.task_id,
        "map_index": failure.map_index,
        "error": line,
        "cell": None if error is None else error.get("cell"),
        "line": None if error is None else error.get("line"),
    }
