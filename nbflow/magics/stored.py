"""What the store knows of this notebook's runs, for a person's kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.errors import AddressError

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.model.grid import GridView
    from nbflow.model.state import TaskState

_NO_RUNS = "{path} has not run yet (home {home}). Run it: %nbflow run"


def stored_grid(notebook: Path, *, last: int) -> GridView:
    """The grid of the notebook's latest runs.

    Raises:
        NbflowError: the notebook can't be read, or it has no runs.
    """
    from nbflow.service.lookup import find_target
    from nbflow.service.views import grid_view
    from nbflow.store.state import StateStore

    target = find_target(str(notebook))
    if not target.home.state.exists():
        raise AddressError(_NO_RUNS.format(path=notebook, home=target.home.root))
    with StateStore(target.home.state) as state:
        return grid_view(state, target.flow, last=last)


def run_states(notebook: Path, run: str) -> dict[str, TaskState]:
    """Task id → state in one run.

    Args:
        notebook: the file.
        run: a date, `latest`, or a run id.

    Raises:
        NbflowError: the notebook can't be read, or it has no such run.
    """
    from nbflow.service.lookup import find_run, find_target
    from nbflow.service.views import run_states as states_of
    from nbflow.store.state import StateStore

    target = find_target(str(notebook))
    if not target.home.state.exists():
        raise AddressError(_NO_RUNS.format(path=notebook, home=target.home.root))
    with StateStore(target.home.state) as state:
        return states_of(state.instances(find_run(state, target, run).key))
