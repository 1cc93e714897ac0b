"""What the store knows of a notebook's runs, for a person's kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.service.lookup import find_run, open_state
from nbflow.service.views import grid_view
from nbflow.service.views import run_states as states_of

if TYPE_CHECKING:
    from nbflow.model.grid import GridView
    from nbflow.model.state import TaskState
    from nbflow.service.lookup import Target


def stored_grid(target: Target, *, last: int) -> GridView:
    """The grid of a DAG's latest runs.

    Raises:
        AddressError: it has not run yet.
    """
    with open_state(target) as state:
        return grid_view(state, target.flow, last=last)


def run_states(target: Target, run: str) -> dict[str, TaskState]:
    """Task id → state in one run.

    Args:
        target: the DAG.
        run: a date, `latest`, or a run id.

    Raises:
        AddressError, DateError: it has no such run.
    """
    with open_state(target) as state:
        return states_of(state.instances(find_run(state, target, run).key))
