"""Pausing a DAG, and letting it go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.state import RunState
from nbflow.service.asking import settle
from nbflow.service.bodies import paused as pause_body
from nbflow.service.lookup import known_dag, label_of
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from nbflow.service.lookup import Target


def pause(target: Target, *, paused: bool, what: str) -> tuple[bool, list[str]]:
    """Pause a DAG, or let it go on.

    Args:
        target: the DAG; its home comes to know it if need be.
        paused: which of the two.
        what: the command, shown to others.

    Returns:
        Whether that changed anything, and the labels of its runs that are queued, in order of date.
    """
    known = known_dag(target.home, target.dag_id)
    body = pause_body(target.dag_id, paused=paused, path=str(target.path))
    settle(target.home, "pause", body, what=what)
    with StateStore(target.home.state) as state:
        runs = reversed(state.runs(target.dag_id))
        queued = [label_of(run, target.timezone) for run in runs if run.state is RunState.QUEUED]
    return known is None or known.paused is not paused, queued
