"""`%nbflow`, `%nbflow grid`, `%nbflow graph`: the board in a cell's output, live while the kernel is."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError
from nbflow.magics.notebook import find_notebook
from nbflow.service.board import LAST
from nbflow.service.board_target import fresh_target
from nbflow.service.views import grid_view, run_states
from nbflow.store.state import StateStore
from nbflow.widgets import graph
from nbflow.widgets.grid import grid_html
from nbflow.widgets.terminal import grid_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nbflow.model.grid import GridView
    from nbflow.service.lookup import Target
    from nbflow.widgets.board.widget import Board

    Pull = Callable[[Mapping[str, Any]], str]

VIEWS = ("all", "grid", "graph")
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_STATIC_RUNS = 30  # in a picture that doesn't scroll


@dataclass(slots=True)
class _Shown:
    """A board with the outputs it stands in."""

    board: Board
    displays: set[str] = field(default_factory=set[str])


_SHOWN: dict[tuple[Path, str, int], _Shown] = {}


def show_board(
    notebook: Path,
    view: str,
    namespace: Mapping[str, object],
    *,
    last: int = LAST,
    ds: str | None = None,
    pull: Pull | None = None,
) -> None:
    """Put a notebook's board into the output of the cell that runs.

    Shown again, the same board gets one more view. Without a front end that could bring it to life (a notebook
    executed by papermill or nbconvert, say) the output is a picture and nothing else.

    Args:
        notebook: of the DAG.
        view: one of `VIEWS`.
        namespace: the kernel's user namespace.
        last: how many runs.
        ds: the date the kernel works on, where a person has chosen one.
        pull: see `Board`.

    Raises:
        NbflowError: the notebook can't be read as a workflow, or its home's state can't be.
    """
    from IPython.display import display

    path = notebook.resolve()
    still = static(fresh_target(path), view, last=last)
    if find_notebook(namespace, os.environ) is None:
        display(still, raw=True)
        return
    shown = _SHOWN.get((path, view, last))
    if shown is None or shown.board.comm is None:
        shown = _SHOWN[path, view, last] = _Shown(_new(path, view, last, pull))
    shown.board.tell(ds=ds)
    model = {"version_major": 2, "version_minor": 0, "model_id": shown.board.model_id}
    # The metadata lets nbflow's server extension know it again once the kernel is gone.
    bundle = {_WIDGET_VIEW: model, **still}
    handle = display(bundle, raw=True, display_id=True, metadata={"nbflow": "board"})
    if handle is not None:
        shown.displays.add(handle.display_id)


def tell_date(ds: str | None) -> None:
    """Have all boards say which date the kernel works on; None: on no chosen one."""
    for shown in _SHOWN.values():
        shown.board.tell(ds=ds)


def leave_pictures() -> None:
    """Leave a picture in place of each board: a stored notebook that refers to a widget of a kernel long gone shows
    an error there.

    The boards aren't closed: a page that was loaded since no longer knows which output is meant, and a closed
    board would leave nothing in it; as it is, what it last showed stays.
    """
    from IPython.display import update_display

    for (path, view, last), shown in _SHOWN.items():
        with suppress(NbflowError, OSError):
            still = static(fresh_target(path), view, last=last)
            for display_id in shown.displays:
                update_display(still, display_id=display_id, raw=True)
    _SHOWN.clear()


def static(target: Target, view: str, *, last: int = LAST) -> dict[str, str]:
    """The board as a picture and as text: what shows where no widget does, in untrusted notebooks too."""
    grid, states = _stored(target, min(last, _STATIC_RUNS))
    htmls, texts = [], []
    if view != "graph":
        htmls.append(grid_html(grid))
        texts.append(grid_lines(grid))
    if view != "grid":
        htmls.append(graph.html(target.flow, states))
        texts.append(graph.text(target.flow, states))
    return {"text/html": "\n".join(htmls), "text/plain": "\n\n".join(texts)}


def _stored(target: Target, last: int) -> tuple[GridView, Any]:
    """The grid, and the tasks' states in the latest run; None where nothing has run."""
    if not target.home.state.exists():
        from nbflow.model.grid import GridView

        groups = {task_id: spec.group for task_id, spec in target.flow.tasks.items() if spec.group}
        empty = GridView(
            dag_id=target.dag_id, title="no runs yet", tasks=tuple(target.flow.tasks), groups=groups
        )
        return empty, None
    with StateStore(target.home.state) as state:
        grid = grid_view(state, target.flow, last=last)
        latest = state.runs(target.dag_id, most=1)
        return grid, run_states(state.instances(latest[0].key)) if latest else None


def _new(path: Path, view: str, last: int, pull: Pull | None) -> Board:
    from nbflow.widgets.board.place import server_place
    from nbflow.widgets.board.widget import Board

    if not _SHOWN and "ipykernel" in sys.modules:
        atexit.register(leave_pictures)
    server, notebook = server_place(path, os.environ)
    return Board(path, view=view, last=last, server=server, notebook=notebook, pull=pull)
