"""What a home refuses before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.errors import HomeError, NbflowError

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.store.state_reader import StateReader

PAUSED = "{dag_id} is paused{why}: nothing new of it starts. Go on with: nbflow unpause {dag_id}"
_TAKEN = """\
the DAG {dag_id!r} is the notebook {other}. Give this one another name: %%dag NAME in a cell of its own."""


def check_unpaused(state: StateReader, dag_id: str) -> None:
    """Refuse to start anything of a DAG that is paused.

    Raises:
        NbflowError: it is.
    """
    record = state.dag(dag_id)
    if record is not None and record.paused:
        why = f" ({record.pause_reason})" if record.pause_reason else ""
        raise NbflowError(PAUSED.format(dag_id=dag_id, why=why))


def check_dag_id(state: StateReader, dag_id: str, notebook: Path) -> None:
    """Refuse a second notebook of a DAG's name, which would mix their runs: the first keeps it.

    Raises:
        HomeError: it belongs to another notebook that is still there.
    """
    path = notebook.resolve()
    record = state.dag(dag_id)
    if record is not None and record.path != path and record.path.exists():
        raise HomeError(_TAKEN.format(dag_id=record.dag_id, other=record.path))
