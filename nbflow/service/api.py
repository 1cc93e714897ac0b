"""What every face calls to run a notebook. Reading is in `lookup` and `views`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from nbflow.model.state import RunState
from nbflow.service.clock import now
from nbflow.service.dates import one_interval
from nbflow.service.errand import Errand
from nbflow.service.params import same_params
from nbflow.service.request import Prepared, RunRequest, prepare, submissions_of
from nbflow.service.submit import Submission, new
from nbflow.store.home import HomeLock
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from nbflow.model.record import RunRecord
    from nbflow.model.run import Interval
    from nbflow.service.watcher import Watcher

__all__ = ["Prepared", "RunRequest", "exit_status", "prepare", "preview", "run"]


def preview(prepared: Prepared) -> list[Submission]:
    """What running it would do, without holding the home or writing anything."""
    request = prepared.request
    if not prepared.home.state.exists():
        return [
            new(prepared.flow, it, run_type=prepared.run_type, params=request.params, variant=request.variant)
            for it in prepared.intervals or (one_interval(prepared.flow.dag, None, now=now()),)
        ]
    with StateStore(prepared.home.state) as state:
        return submissions_of(prepared, state, prepared.intervals or (_latest(prepared, state),))


def run(prepared: Prepared, *, what: str, watcher: Watcher, stop: bool = False) -> list[RunRecord]:
    """Have it run: by whoever holds the home, which this process then follows, or by this process.

    Where the owner ends before the runs have, this process goes on with them.

    Args:
        prepared: what.
        what: the command, shown to others who want the home.
        watcher: told of everything.
        stop: whether an interrupt stops runs that another process works on, and not only the watching.

    Returns:
        The runs as they stand at the end, in the order of its intervals.

    Raises:
        KeyboardInterrupt: this process was interrupted, and the runs go on without it.
        NbflowError: they can't be run.
    """
    prepared.home.create()
    with HomeLock(prepared.home) as lock, StateStore(prepared.home.state) as state:
        # What a DAG without a schedule is run for is decided once, not again by whoever does the work.
        chosen = replace(prepared, intervals=prepared.intervals or (_latest(prepared, state),))
        return Errand(chosen, lock, state, watcher, what=what, stop=stop).run()


def exit_status(runs: list[RunRecord]) -> int:
    """0: every run succeeded; 1: one did not."""
    states = Counter(run.state for run in runs)
    return 0 if states[RunState.SUCCESS] == len(runs) else 1


def _latest(prepared: Prepared, state: StateStore) -> Interval:
    """What a request without a date means where no schedule says it: the latest run goes on, or a new one begins."""
    unfinished = _unfinished(prepared, state)
    return one_interval(prepared.flow.dag, None, now=now()) if unfinished is None else unfinished.interval


def _unfinished(prepared: Prepared, state: StateStore) -> RunRecord | None:
    """The latest run, where it failed or was stopped: the same command goes on with it."""
    variant, params = prepared.request.variant, prepared.request.params
    runs = state.runs(prepared.flow.dag.dag_id)
    latest = next((run for run in runs if run.variant == variant), None)
    if latest is None or latest.state is RunState.SUCCESS:
        return None
    return latest if not params or same_params(params, latest.params) else None
