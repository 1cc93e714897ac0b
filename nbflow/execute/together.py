"""Variables that hold an object together: handed on together, or a note where they come apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

from nbflow.model.xcom import together_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set
    from pathlib import Path

    from nbflow.execute.brief import LaterTask, Ties
    from nbflow.model.xcom import XComValue

_APART = (
    "`{first}` and `{second}` hold an object together, but can't be stored as one value ({error}); a later "
    "task gets two separate objects."
)
_LEFT_BEHIND = (
    "`{export}` holds a part of `{other}`, which {origin}; task {later!r} changes one of them, and the other "
    "won't show it. Hand both on: `--exports {other}` on the line of task {task_id!r}."
)
_TAKEN_ALONE = (
    "`{export}` and `{other}` hold an object together, and task {later!r} changes `{export}` without having "
    "`{other}`. Write `--uses {other} --exports {other}` on its line."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Values of several names in one, and what to say."""

    xcoms: tuple[XComValue, ...]
    notes: tuple[str, ...]


def keep_together(
    task_id: str,
    exported: Mapping[str, object],
    held: Mapping[str, object],
    *,
    ties: Ties,
    shared: Mapping[str, object],
    folder: Path,
) -> Together:
    """Encode exports that share an object once more together, and note where sharing is lost.

    Args:
        task_id: whose values.
        exported: what it hands on.
        held: what else it has from other tasks and shared cells, and doesn't hand on.
        ties: what is known of these names beyond the task's cells.
        shared: as for `encode`.
        folder: where the files go.
    """
    from nbflow.codec import encode
    from nbflow.codec.sharing import groups_of, parts_of

    needed = frozenset[str]().union(*(task.takes for task in ties.later))
    values = {name: value for name, value in held.items() if name in needed} if exported else {}
    values |= exported
    parts = parts_of(values, shared=shared)
    xcoms: list[XComValue] = []
    notes: list[str] = []
    for group in groups_of({name: parts[name] for name in exported if name in parts}):
        try:
            together = {name: exported[name] for name in group}
            xcoms.append(encode(together_key(group), together, folder=folder, shared=shared))
        except Exception as error:  # noqa: BLE001 each by itself is stored: whatever pickling raises is a note
            kind = type(error.__cause__ or error).__name__
            notes.append(_APART.format(first=group[0], second=group[1], error=kind))
    pairs = [pair for group in groups_of(parts) for pair in permutations(group, 2)]
    for export, other in pairs:
        if export not in exported or parts[export].keys().isdisjoint(parts[other]):
            continue
        # A change of `export` shows in `other`, and the other way round. A change of what only holds the
        # other is seldom one of the other.
        inside = id(values[export]) in parts[other]
        around = id(values[other]) in parts[export]
        if other in exported:
            if inside or not around:
                notes += _taken_alone(export, other, ties.later)
        elif inside or around or other in ties.given:
            changed = {
                name
                for name, shows in ((export, inside or not around), (other, around or not inside))
                if shows
            }
            notes += _left_behind(task_id, export, other, changed, ties)
    return Together(xcoms=tuple(xcoms), notes=tuple(notes))


def _left_behind(task_id: str, export: str, other: str, changed: Set[str], ties: Ties) -> list[str]:
    """The note on a task that hands on one of two, where it or one below changes one of `changed`."""
    changing = [task_id] if export in ties.changes & changed else []
    changing += [task.task_id for task in ties.later if not task.changes.isdisjoint(changed)]
    origin = ties.origins[other]
    return [
        _LEFT_BEHIND.format(export=export, other=other, origin=origin, later=later, task_id=task_id)
        for later in changing[:1]
    ]


def _taken_alone(export: str, other: str, later: Sequence[LaterTask]) -> list[str]:
    """The note on a task that changes one of two without having the other, which a task below it reads."""
    for place, task in enumerate(later):
        alone = export in task.changes & task.takes and other not in task.takes | task.gives
        if alone and any(other in below.takes for below in later[place + 1 :]):
            return [_TAKEN_ALONE.format(export=export, other=other, later=task.task_id)]
    return []
