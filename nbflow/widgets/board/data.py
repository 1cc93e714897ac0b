"""The board's data with the graph laid out: what a page draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbflow.service import board as grid
from nbflow.service.board import LAST
from nbflow.widgets.board.graph import graph

if TYPE_CHECKING:
    from nbflow.service.lookup import Target


def board(target: Target, *, last: int = LAST) -> dict[str, Any]:
    """As `service.board.board`, with `graph` (see `board.graph`)."""
    return grid.board(target, last=last) | {"graph": graph(target.flow)}
