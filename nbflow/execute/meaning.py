"""What the value of a task's last expression means, by the task's kind."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from nbflow.errors import BadValue
from nbflow.model.poke import PokeReturnValue
from nbflow.model.task import TaskKind
from nbflow.model.work import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

JUDGED = frozenset({TaskKind.SENSOR, TaskKind.BRANCH, TaskKind.SHORT_CIRCUIT})
"""Kinds whose value says how the run goes on."""

_NOT_BELOW = "branch {task_id!r} follows {wrong}, which stands not directly below it.{guess} {known}"
_NO_IDS = (
    "branch {task_id!r} ends with {found}, and takes the id of a task directly below it, a list of such ids, or "
    "None for none of them. {known}"
)
_NO_TRUTH = (
    "the value of {kind} {task_id!r} is {article} {type}, which is neither true nor false ({error}). End its cell "
    "with an expression that is, such as len(x) > 0."
)
_SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What follows from a value.

    Attributes:
        result: SUCCESS, or WAITING for a sensor that has to look again.
        reason: in words, or "".
        follow: of a branch or short circuit: the tasks directly below that are to run; None otherwise.
        returned: what is kept as the task's return value.
    """

    result: Result
    reason: str = ""
    follow: tuple[str, ...] | None = None
    returned: object = None


def meaning_of(kind: TaskKind, value: object, *, task_id: str, below: Sequence[str] | None) -> Meaning:
    """What follows from the value of a task's last expression (semantics.md: sensors, branch, short circuit).

    Args:
        kind: of the task.
        value: None where there is no expression.
        task_id: of the task, for messages.
        below: the tasks directly below it, in the notebook's order; None where they aren't known: then a branch
            may name any, and `follow` of a short circuit that is true is None.

    Raises:
        BadValue: a branch doesn't name tasks directly below it, or a value is neither true nor false.
    """
    match kind:
        case TaskKind.SENSOR:
            if not _truth(kind, value, task_id):
                return Meaning(result=Result.WAITING, reason=f"its value was {_short(value)}: not there yet")
            returned = value.xcom_value if isinstance(value, PokeReturnValue) else value
            return Meaning(result=Result.SUCCESS, returned=returned)
        case TaskKind.BRANCH:
            follow = _chosen(value, task_id, below)
            return Meaning(
                result=Result.SUCCESS, reason=f"chose {_list(follow)}", follow=follow, returned=value
            )
        case TaskKind.SHORT_CIRCUIT:
            if _truth(kind, value, task_id):
                reason = f"its value was {_short(value)}: what follows runs"
                follow = None if below is None else tuple(below)
                return Meaning(result=Result.SUCCESS, reason=reason, follow=follow, returned=value)
            reason = f"its value was {_short(value)}: what follows is skipped"
            return Meaning(result=Result.SUCCESS, reason=reason, follow=(), returned=value)
        case _:
            return Meaning(result=Result.SUCCESS, returned=value)


def ends_in_value(body: Sequence[ast.stmt]) -> bool:
    """Whether a cell ends in an expression whose value counts: no call of `print` or `display`, which only
    shows something.
    """
    match body[-1:]:
        case [ast.Expr(value=ast.Call(func=ast.Name(id="print" | "display")))]:
            return False
        case [ast.Expr()]:
            return True
        case _:
            return False


def _chosen(value: object, task_id: str, below: Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    ids = (
        [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple | set) else None
    )
    if ids is None or not all(isinstance(name, str) for name in ids):
        raise BadValue(_NO_IDS.format(task_id=task_id, found=_short(value), known=_known(below)))
    chosen = dict.fromkeys(str(name) for name in ids)
    if below is None:
        return tuple(sorted(chosen) if isinstance(value, set) else chosen)
    if wrong := sorted(name for name in chosen if name not in below):
        near = get_close_matches(wrong[0], list(below), n=1, cutoff=0.6)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        named = ", ".join(repr(name) for name in wrong)
        raise BadValue(_NOT_BELOW.format(task_id=task_id, wrong=named, guess=guess, known=_known(below)))
    return tuple(name for name in below if name in chosen)


def _truth(kind: TaskKind, value: object, task_id: str) -> bool:
    try:
        return bool(value)
    except Exception as error:
        made = type(value).__name__
        said = str(error).partition(". ")[0] or type(error).__name__
        message = _NO_TRUTH.format(
            kind="short circuit" if kind is TaskKind.SHORT_CIRCUIT else kind.value,
            task_id=task_id,
            article="an" if made[:1].lower() in "aeiou" else "a",
            type=made,
            error=said,
        )
        raise BadValue(message) from error


def _known(below: Sequence[str] | None) -> str:
    if below is None:
        return ""
    return f"Directly below it: {', '.join(below)}." if below else "Nothing stands directly below it."


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none of the tasks below"


def _short(value: object) -> str:
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 somebody's own __repr__
        text = f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
