"""What is served: one row a route.

Every request says which DAG it is about: `notebook=PATH`, or `dag=ID` and `home=PATH` (see `places`). Answers are JSON
objects, times in UTC (ISO 8601); their shapes are those of `nbflow.service.board` and its neighbours.

| request | further arguments | answer |
| --- | --- | --- |
| GET board | last (60) | headline, tasks, runs, squares and graph |
| GET updates | since: a mark | what has moved after that mark |
| GET graph | shut: groups, a JSON list | the graph with these groups as one box each |
| GET square_panel | run_id, task_id, map_index (-1), try_number (latest) | a task instance: state, tries, outputs, values |
| GET run_panel | run_id | a run: reason, parameters, its tasks over time |
| GET task_panel | task_id, last (60) | a task over its runs |
| GET log_after | run_id, task_id, map_index (-1), try_number, offset (0) | what a try's log has from that byte on |
| GET preview | verb, body (JSON) | what the verb would do; nothing changes |
| POST act | verb, body, in a JSON object | what was done, in words |

Errors are `{"message": …}`: 400 the request makes no sense, 403 without rights, or a path out of the server's root, 404
there is no such notebook, DAG, run, task or try. Also 404 (Jupyter's own rule): a request from another origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbflow.server.arguments import Arguments
    from nbflow.service.lookup import Target

API = "nbflow/api"
_LAST = 60
_RUN = "the id of a run, as the board gives it"
_TASK = "the id of a task"
_VERB = "what to do, such as clear, mark or pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One thing that can be asked for.

    Attributes:
        name: the last part of its address.
        changes: whether it does something: then it is POSTed, with the right to write.
        answer: reads the arguments, and answers; blocking, for a worker thread. Raises `NbflowError`.
    """

    name: str
    changes: bool = False
    answer: Callable[[Target, Arguments], Mapping[str, object]]


def _board(target: Target, given: Arguments) -> Mapping[str, object]:
    from nbflow.widgets.board.data import board

    return board(target, last=given.number("last", _LAST))


def _updates(target: Target, given: Arguments) -> Mapping[str, object]:
    from nbflow.service.board import updates

    return updates(target, given.number("since", 0))


def _graph(target: Target, given: Arguments) -> Mapping[str, object]:
    from nbflow.widgets.board.graph import graph

    return graph(target.flow, given.texts_or_none("shut"))


def _square_panel(target: Target, given: Arguments) -> Mapping[str, object]:
    from nbflow.service.board_panel import square_panel

    return square_panel(
        target,
        given.text("run_id", _RUN),
        given.text("task_id", _TASK),
        given.number("map_index", -1),
        given.number_or_none("try_number"),
    )


def _run_panel(target: Target, given: Arguments) -> Mapping[str, object]:
    from nbflow.service.board_over import run_panel

    return run_panel(target, given.text("run_id", _RUN))


def _task_panel(target: Target, given: Arguments) -> Mapping[str, object]:
    from nbflow.service.board_over import task_panel

    return task_panel(target, given.text("task_id", _TASK), last=given.number("last", _LAST))


def _log_after(target: Target, given: Arguments) -> Mapping[str, object]:
    from nbflow.service.board_log import log_after

    return log_after(
        target,
        given.text("run_id", _RUN),
        given.text("task_id", _TASK),
        given.number("map_index", -1),
        given.number("try_number", 1),
        given.number("offset", 0),
    )


def _preview(target: Target, given: Arguments) -> Mapping[str, object]:
    from nbflow.service.board_actions import preview

    return preview(target, given.text("verb", _VERB), given.mapping("body"))


def _act(target: Target, given: Arguments) -> Mapping[str, object]:
    from nbflow.service.board_actions import act

    return act(target, given.text("verb", _VERB), given.mapping("body"))


ROUTES = (
    Route(name="board", answer=_board),
    Route(name="updates", answer=_updates),
    Route(name="graph", answer=_graph),
    Route(name="square_panel", answer=_square_panel),
    Route(name="run_panel", answer=_run_panel),
    Route(name="task_panel", answer=_task_panel),
    Route(name="log_after", answer=_log_after),
    Route(name="preview", answer=_preview),
    Route(name="act", changes=True, answer=_act),
)
