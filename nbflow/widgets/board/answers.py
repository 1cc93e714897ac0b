"""What a board's page asks by comm: the same questions that the Jupyter server answers under `/nbflow/api`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbflow.errors import OptionError
from nbflow.service.board import LAST, updates
from nbflow.service.board_actions import act, preview
from nbflow.service.board_panel import log_after, run_panel, square_panel, task_panel
from nbflow.service.board_target import fresh_target
from nbflow.widgets.board.data import board
from nbflow.widgets.board.graph import graph

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nbflow.service.lookup import Target

    Details = Mapping[str, Any]

_UNKNOWN = "a board's page can't ask {what!r}; it asks {known}."
_MISSING = "{what} needs {name}."


def answer(notebook: Path, what: str, details: Details) -> dict[str, Any]:
    """The answer to one question.

    Args:
        notebook: of the DAG.
        what: which question: a key of `_QUESTIONS`.
        details: its arguments by name, as the functions of `service.board…` name them.

    Raises:
        NbflowError: it can't be answered.
    """
    asked = _QUESTIONS.get(what)
    if asked is None:
        raise OptionError(_UNKNOWN.format(what=what, known=", ".join(_QUESTIONS)))
    try:
        return asked(fresh_target(notebook), details)
    except KeyError as error:
        if error.args[0] in _NAMES and error.args[0] not in details:
            raise OptionError(_MISSING.format(what=what, name=error.args[0])) from None
        raise


_NAMES = frozenset({"run_id", "task_id", "verb", "since"})


def _square_panel(target: Target, asked: Details) -> dict[str, Any]:
    index, number = asked.get("map_index", -1), asked.get("try_number")
    return square_panel(target, asked["run_id"], asked["task_id"], -1 if index is None else index, number)


def _log_after(target: Target, asked: Details) -> dict[str, Any]:
    index, number = asked.get("map_index", -1), asked.get("try_number") or 1
    return log_after(target, asked["run_id"], asked["task_id"], index, number, asked.get("offset", 0))


_QUESTIONS: Mapping[str, Callable[[Target, Details], dict[str, Any]]] = {
    "board": lambda target, asked: board(target, last=asked.get("last", LAST)),
    "updates": lambda target, asked: updates(target, asked["since"]),
    "graph": lambda target, asked: graph(target.flow, asked.get("shut")),
    "square_panel": _square_panel,
    "run_panel": lambda target, asked: run_panel(target, asked["run_id"]),
    "task_panel": lambda target, asked: task_panel(target, asked["task_id"], asked.get("last", LAST)),
    "log_after": _log_after,
    "preview": lambda target, asked: preview(target, asked["verb"], asked.get("body") or {}),
    "act": lambda target, asked: act(target, asked["verb"], asked.get("body") or {}),
}
