"""A callback: a function of the notebook that is told how a run or a task went, in a process of its own.

An executor takes a callback as it takes a try: `TaskRequest(callback=Callback(...))`. The shared cells run, then
the function is called with the context. Its outcome says whether it worked; it hands on nothing.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from nbflow.errors import BadValue
from nbflow.model.context import DagRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.model.work import Callback

_NO_FUNCTION = "{event} names `{function}`, which no shared cell of the notebook defines"
_NOT_CALLABLE = "{event} names `{function}`, which is a {type} and can't be called"
_A_COROUTINE = "{event} names `{function}`, which is an async function; write a plain one"


def call(callback: Callback, context: Mapping[str, object], namespace: Mapping[str, object]) -> None:
    """Call the function with the context.

    Beside the names of the run the context has `reason` and `exception` (texts), `state`, `event` (the
    option that names the function), `dag_run`, and `task_instance`, another name for `ti`.

    Args:
        callback: which function, and why.
        context: the names of the run and task.
        namespace: the notebook's variables.

    Raises:
        BadValue: there is no such function.
    """
    words = {"event": callback.event, "function": callback.function}
    if callback.function not in namespace:
        raise BadValue(_NO_FUNCTION.format(**words))
    function = namespace[callback.function]
    if not callable(function):
        raise BadValue(_NOT_CALLABLE.format(**words, type=type(function).__name__))
    if inspect.iscoroutinefunction(function):
        raise BadValue(_A_COROUTINE.format(**words))
    function(
        {
            **context,
            "task_instance": context["ti"],
            "dag_run": DagRun.of(context),
            "reason": callback.reason,
            "exception": callback.exception,
            "state": callback.state,
            "event": callback.event,
        }
    )
