"""All DAGs of a home on one page, a board for each."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.service.lookup import known_dags
from nbflow.store.home import find_home
from nbflow.widgets.board.place import server_place
from nbflow.widgets.board.widget import Board

if TYPE_CHECKING:
    from collections.abc import Iterable

    import ipywidgets

    from nbflow.model.record import DagRecord

# Voilà tells its kernels nothing; the page comes from a Jupyter server all the same.
_SESSION = "JPY_SESSION_NAME"
_NOTHING = "{root} knows no DAG yet. Run one: nbflow run NOTEBOOK.ipynb"


def show_dashboard(root: str) -> None:
    """Show a board for each DAG of a home; in words what can't be shown.

    Args:
        root: the home's folder.
    """
    from IPython.display import display

    home = find_home(Path(root))
    shown = list(boards(known_dags(home)))
    for one in shown or [_said(_NOTHING.format(root=home.root))]:
        display(one)


def boards(records: Iterable[DagRecord]) -> Iterable[ipywidgets.DOMWidget]:
    """A board for each DAG; where its notebook can't be read, a sentence that says why."""
    for record in records:
        try:
            server, notebook = server_place(record.path, {**os.environ, _SESSION: str(record.path)})
            board = Board(record.path, server=server, notebook=notebook)
            # Apart from the notebook: its kernel can't pull, and the page has nothing to save.
            board.tell(apart=True)
            yield board
        except (NbflowError, OSError) as error:
            yield _said(f"{record.dag_id}: {error}")


def _said(text: str) -> ipywidgets.DOMWidget:
    import ipywidgets

    return ipywidgets.HTML(f"<pre>{html.escape(text)}</pre>")
