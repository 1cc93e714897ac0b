"""Two names of one object: each task has its own copies, so a change through one isn't seen through the other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbflow.model.problem import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbflow.parse.draft import Draft


@dataclass(slots=True, eq=False)
class _Sharing:
    """Names that share an object since one cell.

    Attributes:
        made: the cell.
        are: names whose value may be the object itself.
        hold: names whose value only holds it.
    """

    made: Draft
    are: set[str] = field(default_factory=set)
    hold: set[str] = field(default_factory=set)

    def discard(self, name: str) -> None:
        self.are.discard(name)
        self.hold.discard(name)


def two_names(drafts: Sequence[Draft]) -> Iterator[Problem]:
    """A change through one name of an object that a later cell reads through another.

    Args:
        drafts: all cells. Names that share an object within one process are changed together
            (`Names.mutates`); this is about those that another task made or was given.
    """
    own = [draft for draft in drafts if draft.own]
    modules = frozenset(name for draft in drafts for name in draft.names.imports)
    shared: defaultdict[str, list[_Sharing]] = defaultdict(list)
    for place, draft in enumerate(own):
        names = draft.names
        found: dict[int, list[str]] = {}
        for name in sorted(names.mutates):
            for sharing in shared.get(name, ()):
                if sharing.made.task_id == draft.task_id:
                    continue
                if id(sharing) not in found:
                    everyone = (sharing.are | sharing.hold) - names.mutates - names.defines
                    found[id(sharing)] = sorted(everyone)
                for other in found[id(sharing)]:
                    reader = _reader(own[place + 1 :], other)
                    if reader is not None and (name in sharing.are or other in sharing.are):
                        yield _problem(draft, name, other, sharing.made, reader)
        for name in names.binds:
            for sharing in shared.pop(name, ()):
                sharing.discard(name)
        _share(draft, modules, shared)


def _share(draft: Draft, modules: frozenset[str], shared: defaultdict[str, list[_Sharing]]) -> None:
    """Note what the names that a cell binds share, with one another and with what they were taken from."""
    made: dict[str, _Sharing] = {}
    for name, roots in draft.names.points.items():
        for root, depth in roots:
            if root.startswith("$") or root in modules:
                continue
            sharing = made.setdefault(root, _Sharing(draft, set() if root.startswith("#") else {root}))
            (sharing.hold if depth else sharing.are).add(name)
    for sharing in made.values():
        if sharing.are and len(sharing.are | sharing.hold) > 1:
            for name in sharing.are | sharing.hold:
                shared[name].append(sharing)


def _reader(later: Sequence[Draft], name: str) -> Draft | None:
    """The next cell that reads a name before it is bound anew."""
    for draft in later:
        if name in draft.names.uses:
            return draft
        if name in draft.names.binds:
            return None
    return None


def _problem(draft: Draft, name: str, other: str, made: Draft, reader: Draft) -> Problem:
    return Problem(
        severity=Severity.WARNING,
        code="two-names",
        message=f"`{name}` and `{other}` may share an object since cell {made.number}; in a run each task has its own "
        f"copies, so cell {reader.number} reads `{other}` without the change made here. Change it through "
        f"`{other}`, or in the task that made both.",
        cell=draft.number,
        line=draft.names.lines.get(name),
        task=draft.task_id,
    )
