"""What differs between two versions of a notebook."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from itertools import zip_longest
from typing import TYPE_CHECKING

from nbflow.model.cell import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nbflow.model.cell import Cell
    from nbflow.model.flow import Flow

_MADE_UP = re.compile(r"cell-\d+")  # the id of a cell in a notebook that has no ids
_MOST_LINES = 40_000  # that are compared line by line: more take minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a version differs from an earlier one.

    Attributes:
        added, removed, changed: tasks, the first and the last in the order of the later version. A task has changed
            when its own cells or its options have, not when only those above it have.
        shared: whether cells that run before several tasks have changed.
        options: whether `%%dag` has.
        modules: path of a project-local module → `new`, `removed` or `changed`.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    shared: bool = False
    options: bool = False
    modules: Mapping[str, str]

    def __str__(self) -> str:
        """«task clean changed, task x removed, tasks y, z new, module helpers.py changed»; "" for no difference."""
        said = [_said("task", self.changed, "changed"), _said("task", self.removed, "removed")]
        said += [_said("task", self.added, "new")]
        said += ["shared cells changed" if self.shared else "", "%%dag changed" if self.options else ""]
        for how in ("changed", "removed", "new"):
            said.append(_said("module", [path for path, what in self.modules.items() if what == how], how))
        return ", ".join(filter(None, said))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A cell or a module that differs.

    Attributes:
        title: «cell 4 (task clean)», «helpers.py».
        how: `new`, `removed` or `changed`.
        lines: of a unified diff, without the names of files.
    """

    title: str
    how: str
    lines: tuple[str, ...]


def change(old: Flow, new: Flow) -> Change:
    """How `new` differs from `old`."""
    both = [task_id for task_id in new.tasks if task_id in old.tasks]
    return Change(
        added=tuple(task_id for task_id in new.tasks if task_id not in old.tasks),
        removed=tuple(task_id for task_id in old.tasks if task_id not in new.tasks),
        changed=tuple(task_id for task_id in both if _task(old, task_id) != _task(new, task_id)),
        shared=_sources(old, Role.SHARED, Role.PARAMETERS) != _sources(new, Role.SHARED, Role.PARAMETERS),
        options=_sources(old, Role.DAG) != _sources(new, Role.DAG),
        modules=_modules(old.modules, new.modules),
    )


def differences(old: Flow, new: Flow) -> list[Difference]:
    """What has changed, cell by cell in the order of the notebook, then module by module."""
    found: list[Difference] = []
    for before, after in _pairs(_code(old), _code(new)):
        title = _title(before, after)
        found += _difference(title, before and before.source, after and after.source)
    for path in sorted({*old.modules, *new.modules}):
        found += _difference(path, old.modules.get(path), new.modules.get(path))
    return found


def _said(what: str, names: Iterable[str], how: str) -> str:
    names = list(names)
    return f"{what}{'s' if len(names) > 1 else ''} {', '.join(names)} {how}" if names else ""


def _task(flow: Flow, task_id: str) -> object:
    return flow.tasks[task_id], [cell.source for cell in flow.cells_of(task_id)]


def _sources(flow: Flow, *roles: Role) -> list[str]:
    return [cell.source for cell in flow.cells if cell.role in roles and cell.task_id is None]


def _modules(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    found = {path: "changed" for path in new if path in old and old[path] != new[path]}
    found |= {path: "new" for path in new if path not in old}
    found |= {path: "removed" for path in old if path not in new}
    return dict(sorted(found.items()))


def _code(flow: Flow) -> list[Cell]:
    return [cell for cell in flow.cells if cell.number]


def _pairs(old: list[Cell], new: list[Cell]) -> Iterator[tuple[Cell | None, Cell | None]]:
    """Each cell with what became of it, in order; None for a cell that isn't there."""
    known = {cell.cell_id for cell in old} & {cell.cell_id for cell in new}
    # Some tools write all cells anew, each with another id.
    named = bool(known) and not any(map(_MADE_UP.fullmatch, known))
    keys = (_ids if named else _places)(old), (_ids if named else _places)(new)
    for what, start, end, first, last in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if what == "replace":
            yield from ((cell, None) for cell in old[start:end])
            yield from ((None, cell) for cell in new[first:last])
        else:
            yield from zip_longest(old[start:end], new[first:last])


def _ids(cells: list[Cell]) -> list[str]:
    return [cell.cell_id for cell in cells]


def _places(cells: list[Cell]) -> list[str]:
    """What tells cells without ids apart: a task's by their places in it, others by their text."""
    found: list[str] = []
    counts: Counter[str] = Counter()
    for cell in cells:
        if cell.task_id is not None:
            counts[cell.task_id] += 1
        found.append(cell.source if cell.task_id is None else f"{cell.task_id} {counts[cell.task_id]}")
    return found


def _title(before: Cell | None, after: Cell | None) -> str:
    cell = after or before
    assert cell is not None  # noqa: S101 (a pair has one at least)
    what = f"task {cell.task_id}" if cell.task_id is not None else cell.role.value
    return f"cell {cell.number} ({what})"


def _difference(title: str, before: str | None, after: str | None) -> list[Difference]:
    if before == after:
        return []
    how = "new" if before is None else "removed" if after is None else "changed"
    old, new = (before or "").splitlines(), (after or "").splitlines()
    if len(old) + len(new) > _MOST_LINES:
        lines = (f"({len(old):,} lines before, {len(new):,} after: too many to compare)",)
    else:
        lines = tuple(unified_diff(old, new, lineterm=""))[2:]
    return [Difference(title=title, how=how, lines=lines)]
