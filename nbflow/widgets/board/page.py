"""What the board's page is made of: its scripts, put together as one module, and its styles.

There is no build step. The files in `js/` (and `css/`) are plain scripts that share one scope; a widget can load a
single module only, so they are joined in this order. Nothing in them asks the network for anything but
the Jupyter server that the page came from.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPTS = (
    "elements",  # DOM elements from data, never from markup
    "states",  # what a letter means and how it looks
    "words",  # durations, dates, counts
    "wire",  # questions to the server or the kernel
    "store",  # the data, and what changed
    "rows",  # tasks and groups as lines of the grid
    "names",  # the lines' names
    "columns",  # a run's squares as a few paths
    "bars",  # how long each run took
    "axis",  # the dates below
    "cursor",  # the keyboard's place in the grid
    "tip",  # the crosshair, and what stands at a place in words
    "scroll",  # what of the grid is in sight
    "grid",
    "boxes",  # the graph's boxes and lines
    "steps",  # the keyboard's place in the graph
    "graph",
    "headline",
    "filters",  # the legend, which filters
    "outputs",  # what a cell printed and drew
    "values",  # XComs: tables and sparklines
    "actions",  # clear, mark, pull, save
    "selection",  # the form of clear and mark
    "heads",  # what panels have in common
    "square",  # the panel of a task instance
    "tabs",  # what its tabs hold
    "run",  # the panel of a run
    "task",  # the panel of a task
    "forms",  # run and backfill
    "view",  # all of it, put together
)
STYLES = (
    "look",  # colours, squares, buttons
    "headline",
    "grid",
    "graph",
    "panel",
    "motion",
)


def script() -> str:
    """The page's one ES module."""
    return _joined("js", SCRIPTS)


def style() -> str:
    """Its CSS."""
    return _joined("css", STYLES)


def _joined(kind: str, names: Sequence[str]) -> str:
    here = files("nbflow.widgets.board") / kind
    return "\n".join((here / f"{name}.{kind}").read_text("utf-8") for name in names)
