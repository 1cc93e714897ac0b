"""Which run comes before which: what `depends_on_past` looks at."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from nbflow.model.instance import Prior
    from nbflow.plan.live import LiveRun


class Past:
    """The open runs that have a past and are one, by DAG, in order of logical date.

    The previous run of one is the latest earlier scheduled or backfill run, open or not (semantics.md,
    depends_on_past). A run keeps the one before it after that has ended: its states are final then.
    """

    def __init__(self) -> None:
        self._runs: dict[str, list[LiveRun]] = {}

    def enter(self, run: LiveRun, prior: Prior | None) -> None:
        """A run has been opened.

        Args:
            run: which.
            prior: the latest earlier one that was not open when this was decided; where it is open by now, that
                counts. None: there is none.
        """
        run.prior = prior
        if not run.has_past:
            return
        runs = self._runs.setdefault(run.key.dag_id, [])
        place = bisect_left(runs, run.logical_date, key=_date)
        before = runs[place - 1] if place else None
        after = runs[place] if place < len(runs) else None
        insort(runs, run, key=_date)
        if before is not None and (prior is None or before.logical_date >= prior.logical_date):
            run.prior = before
            before.following = run
        if after is not None and (after.prior is None or after.prior.logical_date <= run.logical_date):
            after.prior = run
            run.following = after

    def leave(self, run: LiveRun) -> None:
        """A run has ended; the one after it goes on looking at it."""
        run.prior = None
        runs = self._runs.get(run.key.dag_id, [])
        if run in runs:
            runs.remove(run)


def _date(run: LiveRun) -> datetime:
    return run.logical_date
