"""The run that this process stands in: what `from nbflow import ds` answers, and whom to ask for the rest.

A kernel runs one task, or is a person's notebook, so there is one current run at most. The bridge of a
try and `%dag --date` set it; nothing else does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.model.context import CONTEXT_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.model.outside import Outside

_NO_RUN = (
    "nbflow.{name} has no value here: this process runs no task. In a notebook run "
    "`%load_ext nbflow` first; `%dag --date 2026-02-17` chooses the date."
)

_names: dict[str, object] = {}
_outside: list[Outside] = []  # one, or none


def set_current(context: Mapping[str, object], outside: Outside | None = None) -> None:
    """Make these the values of `ds` and its family; an empty mapping ends the run.

    Args:
        context: name → value.
        outside: who answers questions about other DAGs.
    """
    _names.clear()
    _names.update(context)
    _outside[:] = [] if outside is None else [outside]


def current(name: str) -> object:
    """The value of one of `CONTEXT_NAMES` in the current run.

    Raises:
        AttributeError: it is none of these names.
        NbflowError: there is no current run.
    """
    if name in _names:
        return _names[name]
    if name in CONTEXT_NAMES:
        raise NbflowError(_NO_RUN.format(name=name))
    msg = f"module 'nbflow' has no attribute {name!r}"
    raise AttributeError(msg)


def current_outside(name: str) -> Outside:
    """Who answers the current run's questions.

    Args:
        name: of the function that asks, for the message.

    Raises:
        NbflowError: there is no current run.
    """
    if not _outside:
        raise NbflowError(_NO_RUN.format(name=name))
    return _outside[0]
