"""Reaching definitions: where each name that a task needs may come from."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbflow.model.cell import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft


@dataclass(slots=True)
class Origin:
    """Where the value of a name at one place may come from.

    Attributes:
        producers: the tasks that may give it, the nearest above first, with the cell that defines it.
        shared: the shared cell that gives it where no task does, or None.
        statement: the import to be repeated, or "".
        deleted: the cell that deleted it for certain, or None.
        certain: whether something above defines it for certain.
    """

    producers: dict[str, Draft] = field(default_factory=dict)
    shared: Draft | None = None
    statement: str = ""
    deleted: Draft | None = None
    certain: bool = False

    @property
    def known(self) -> bool:
        """Whether anything above may define it."""
        return bool(self.producers or self.shared or self.statement)


@dataclass(slots=True)
class Need:
    """A name that a task needs from outside of it.

    Attributes:
        origin: where it may come from.
        cell: the cell that uses it first, None when `--uses` or a conditional definition needs it.
        line: the line there.
        certain: whether the use is unconditional.
    """

    origin: Origin
    cell: Draft | None
    line: int | None
    certain: bool


class Definitions:
    """All definitions of the notebook by name, in order of the cells."""

    def __init__(self, drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec]) -> None:
        self.places: defaultdict[str, list[Draft]] = defaultdict(list)
        last: dict[str, Draft] = {}
        for draft in drafts:
            if draft.own and draft.task_id is not None:
                last[draft.task_id] = draft
            if not draft.runs:
                continue
            names = draft.names
            given = names.imports.keys() if draft.mapped else names.defines | names.deletes | names.mutates
            for name in given:
                self.places[name].append(draft)
        self.by_hand: dict[str, list[Draft]] = defaultdict(list)
        self.collected = {task_id: spec.collect for task_id, spec in tasks.items() if spec.collect}
        for task_id, spec in tasks.items():
            for name in (*spec.exports, *filter(None, [spec.collect])):
                if task_id in last and last[task_id] not in self.places[name]:
                    if name != spec.collect:
                        self.by_hand[name].append(last[task_id])
                    self.places[name].append(last[task_id])
                    self.places[name].sort(key=lambda draft: draft.index)

    def above(self, name: str, place: int, task_id: str | None, skippable: frozenset[str]) -> Origin:
        """Where a use of a name in the cell of this index may get it from, the task's own cells left out."""
        origin = Origin()
        places = self.places.get(name, [])
        for draft in reversed(places[: bisect_left(places, place, key=lambda draft: draft.index)]):
            names = draft.names
            if draft.shared:
                if name in names.deletes:
                    origin.deleted = draft if not origin.producers and origin.shared is None else None
                    return origin
                origin.shared = origin.shared or draft
                if name not in names.may_define:
                    origin.certain = True
                    return origin
                continue
            if draft.task_id == task_id or draft.task_id is None:
                continue
            collected = self.collected.get(draft.task_id) == name
            if name in names.imports and not collected:
                origin.statement = names.imports[name]
                origin.certain = True
                return origin
            sure = draft.task_id not in skippable
            if name in names.deletes and not collected:
                if sure and draft.task_id not in origin.producers and origin.shared is None:
                    origin.deleted = draft
                if sure:
                    return origin
                continue
            origin.producers.setdefault(draft.task_id, draft)
            whole = collected or name in names.uses or name not in names.may_define
            if sure and whole and draft not in self.by_hand.get(name, ()):
                origin.certain = True
                return origin
        return origin

    def shared_above(self, name: str, place: int) -> bool:
        """Whether a shared cell above this index may define a name."""
        return any(draft.shared and draft.index < place for draft in self.places.get(name, ()))

    def below(self, name: str, place: int) -> Draft | None:
        """The first cell below this index that defines a name."""
        places = self.places.get(name, [])
        found = [draft for draft in places if draft.index > place and name in draft.names.defines]
        return found[0] if found else None


def needs_of(
    cells: Sequence[Draft], spec: TaskSpec, definitions: Definitions, skippable: frozenset[str]
) -> dict[str, Need]:
    """The names a task needs from outside, by where they may come from.

    Args:
        cells: the task's own cells and the shared cells between them, in order.
        spec: its header.
        definitions: all definitions.
        skippable: tasks that a branch may skip.
    """
    needs: dict[str, Need] = {}
    have: set[str] = set()
    start = cells[0].index
    for draft in cells:
        names = draft.names
        if draft.own:
            for name in sorted(names.uses | names.guesses, key=lambda used: (names.lines.get(used, 0), used)):
                if name in have:
                    continue
                certain = name in names.uses - names.may_use and not _maybe_own(cells, draft, name)
                old = needs.get(name)
                if old is None:
                    origin = definitions.above(name, draft.index, spec.task_id, skippable)
                    if name in names.uses or origin.known:
                        needs[name] = Need(origin, draft, names.lines.get(name), certain)
                elif certain and not old.certain:
                    needs[name] = Need(old.origin, draft, names.lines.get(name), True)
        have |= names.defines - names.may_define
        have |= names.deletes
    for name in sorted(spec.uses - set(needs)):
        needs[name] = Need(definitions.above(name, start, spec.task_id, skippable), None, None, True)
    return needs


def _maybe_own(cells: Sequence[Draft], place: Draft, name: str) -> bool:
    """Whether an earlier cell of the task may have defined a name."""
    return any(draft.index < place.index and name in draft.names.may_define for draft in cells)


def body_of(drafts: Sequence[Draft], task_id: str) -> list[Draft]:
    """A task's own cells and the shared cells between them, in order."""
    own = [draft.index for draft in drafts if draft.task_id == task_id]
    return [
        draft
        for draft in drafts[own[0] : own[-1] + 1]
        if draft.task_id == task_id or draft.role in (Role.SHARED, Role.PARAMETERS)
    ]
