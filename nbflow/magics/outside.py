"""Variables, connections and other DAGs by hand: read from the home of the kernel's notebook."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbflow.errors import AddressError, OutsideError
from nbflow.magics.process import run_to_its_end
from nbflow.model.run import RunKey, run_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from nbflow.model.outside import Standing, StateQuery, TriggerQuery
    from nbflow.model.run import Interval
    from nbflow.store.state import StateStore

_NO_NOTEBOOK = """\
this kernel doesn't know its notebook, so it doesn't know where nbflow keeps {what}. Jupyter and VS Code tell it; \
elsewhere start it with the environment variable JPY_SESSION_NAME set to the notebook's path."""


class HandOutside:
    """Answers from the store; a DAG that is to run is run by `nbflow trigger`, as a person would.

    Args:
        notebook: gives the kernel's notebook, None where nobody said which it is.
    """

    def __init__(self, notebook: Callable[[], Path | None]) -> None:
        self._notebook = notebook

    def variable(self, key: str) -> str | None:
        """A variable's value, None where there is none."""
        with self._state("variables") as state:
            return None if state is None else state.settings.variables().get(key)

    def connection(self, conn_id: str) -> str | None:
        """A connection as URI, None where there is none."""
        with self._state("connections") as state:
            return None if state is None else state.settings.connections().get(conn_id)

    def standing(self, query: StateQuery) -> Standing | None:
        """How a run or a task stands; None where there is no such run yet."""
        from nbflow.service.outside import standing_in

        with self._state("runs") as state:
            key = RunKey(query.dag_id, run_id_of(query.logical_date))
            return None if state is None else standing_in(state, key, query.task_id)

    def previous_success(self, dag_id: str, logical_date: datetime) -> Interval | None:
        """The data interval of the DAG's latest earlier run that succeeded; None for none, and where the kernel
        doesn't know its notebook.
        """
        if self._notebook() is None:
            return None
        with self._state("runs") as state:
            return None if state is None else state.previous_success(dag_id, logical_date)

    def trigger(self, query: TriggerQuery) -> Standing:
        """Have a run: `nbflow trigger`, whose words go into the cell.

        Raises:
            OutsideError: it says that it can't be.
        """
        from nbflow.model.outside import StateQuery

        words = ["trigger", query.dag_id, query.logical_date.isoformat()]
        words += ["--conf", json.dumps(dict(query.conf))] if query.conf else []
        words += [] if query.wait else ["--detach"]
        status, printed = run_to_its_end(*words, cwd=self._path("runs").parent)
        asked = StateQuery(dag_id=query.dag_id, logical_date=query.logical_date)
        found = None if status == 2 else self.standing(asked)
        if found is None:
            said = printed.strip().removeprefix("nbflow: ")
            raise OutsideError(f"nbflow {' '.join(words)}: {said or f'ended with status {status}'}")
        print(f"nbflow {' '.join(words)}\n{printed}", end="")
        return found

    def _path(self, what: str) -> Path:
        path = self._notebook()
        if path is None:
            raise AddressError(_NO_NOTEBOOK.format(what=what))
        return path

    @contextmanager
    def _state(self, what: str) -> Iterator[StateStore | None]:
        """The home's store, None where nothing has run in it yet."""
        from nbflow.store.home import find_home

        home = find_home(self._path(what))
        if not home.state.exists():
            yield None
            return
        from nbflow.store.state import StateStore

        with StateStore(home.state) as state:
            yield state
