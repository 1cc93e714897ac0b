"""Variables that hold an object together: handed on together, or a note where they come apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from nbflow.model.xcom import together_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from nbflow.execute.brief import LaterTask
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
    origins: Mapping[str, str],
    later: Sequence[LaterTask],
    shared: Mapping[str, object],
    folder: Path,
) -> Together:
    """Encode exports that share an object once more together, and note where sharing is lost.

    Args:
        task_id: whose values.
        exported: what it hands on.
        held: what else it has from other tasks and shared cells, and doesn't hand on.
        origins: where each name of `held` comes from, in words («came from task 'a'»).
        later: the tasks below, in order.
        shared: as for `encode`.
        folder: where the files go.
    """
    from nbflow.codec import encode
    from nbflow.codec.sharing import groups_of, parts_of

    needed = frozenset[str]().union(*(task.takes for task in later))
    held = {name: value for name, value in held.items() if name in needed}
    parts = parts_of({**held, **exported}, shared=shared)
    xcoms: list[XComValue] = []
    notes: list[str] = []
    for group in groups_of({name: parts[name] for name in exported if name in parts}):
        try:
            values = {name: exported[name] for name in group}
            xcoms.append(encode(together_key(group), values, folder=folder, shared=shared))
        except Exception as error:  # noqa: BLE001 each by itself is stored: whatever pickling raises is a note
            notes.append(
                _APART.format(first=group[0], second=group[1], error=type(error.__cause__ or error).__name__)
            )
    for export, other in combinations(sorted(parts), 2):
        if parts[export].keys().isdisjoint(parts[other]):
            continue
        if (export in held) != (other in held):
            if other in exported:
                export, other = other, export
            if (task := _changing({export, other}, later)) is not None:
                notes.append(
                    _LEFT_BEHIND.format(
                        export=export, other=other, origin=origins[other], later=task, task_id=task_id
                    )
                )
        elif export in exported:
            notes += _taken_alone(export, other, later) or _taken_alone(other, export, later)
    return Together(xcoms=tuple(xcoms), notes=tuple(notes))


def _changing(names: Iterable[str], later: Sequence[LaterTask]) -> str | None:
    return next((task.task_id for task in later if not task.changes.isdisjoint(names)), None)


def _taken_alone(export: str, other: str, later: Sequence[LaterTask]) -> list[str]:
    """The note on a task that changes one of two without having the other, which a task below it reads."""
    for place, task in enumerate(later):
        alone = export in task.changes & task.takes and other not in task.takes | task.gives
        if alone and any(other in below.takes for below in later[place + 1 :]):
            return [_TAKEN_ALONE.format(export=export, other=other, later=task.task_id)]
    return []
