"""What `nbflow trigger` comes to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbflow.service.admission import check_unpaused
from nbflow.service.clock import now
from nbflow.service.dates import one_interval
from nbflow.service.lookup import notebook_path
from nbflow.service.request import Prepared, RunRequest, prepare
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Mapping


def to_trigger(name: str, date: str | None, params: Mapping[str, object], *, variant: str) -> Prepared:
    """A run that somebody wants, checked. Without a schedule and a date it is a new one, for now.

    Args:
        name: a DAG's id or notebook.
        date: as typed; None: the latest complete interval.
        params: values of its parameters.
        variant: the name of a variant, "" for the ordinary run.

    Raises:
        NbflowError: the notebook, the date or a parameter is wrong, or the DAG is paused.
    """
    request = RunRequest(notebook=notebook_path(name), date=date, params=params, variant=variant)
    prepared = prepare(request)
    if prepared.home.state.exists():
        with StateStore(prepared.home.state) as state:
            check_unpaused(state, prepared.flow.dag.dag_id)
    intervals = prepared.intervals or (one_interval(prepared.flow.dag, None, now=now()),)
    return replace(prepared, intervals=intervals)
