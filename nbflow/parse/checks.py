"""What must hold of the names: nobody reads what nobody defines; what is watched; star imports."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from nbflow.model.cell import Role
from nbflow.model.context import CONTEXT_NAMES
from nbflow.model.problem import Problem, Severity
from nbflow.parse.options import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft
    from nbflow.parse.wiring import Wiring

GIVEN = frozenset(CONTEXT_NAMES) | {"var", "conn", "macros"}
"""Names that nbflow sets in every task."""


def undefined(drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], wiring: Wiring) -> list[Problem]:
    """Names that are read and that nothing above defines: errors where it is certain, else warnings."""
    problems: list[Problem] = []
    defined: set[str] = set()
    places = _places(drafts)
    star = False
    heads: set[str] = set()
    for draft in drafts:
        if not draft.runs:
            continue
        names = draft.names
        if draft.task_id in tasks and draft.task_id not in heads:
            heads.add(draft.task_id)
            star = star or bool(names.star)
            for name, need in wiring.needs[draft.task_id].items():
                origin = need.origin
                if need.cell is None and need.line is None and not need.certain:
                    continue
                where = need.cell or draft
                star_here = star or any(d.names.star for d in drafts if d.task_id == draft.task_id)
                if not origin.known and name not in GIVEN and not star_here:
                    certain = need.certain and not _opaque_above(drafts, where)
                    own = any(d.task_id == draft.task_id and d.index < where.index and name in d.names.may_define for d in drafts)
                    if not own:
                        problems.append(_missing(name, where, need.line, places, origin.deleted, certain=certain, task=draft.task_id))
        elif draft.shared:
            for name in sorted(names.uses - defined - GIVEN):
                if star or any(name in other.names.imports for other in places.get(name, ()) if other.index < draft.index):
                    continue
                certain = name not in names.may_use and not _opaque_above(drafts, draft)
                problems.append(_missing(name, draft, names.lines.get(name), places, None, certain=certain, task=None))
        star = star or bool(names.star)
        if draft.shared:
            defined |= names.defines
    return problems


def _places(drafts: Sequence[Draft]) -> Mapping[str, list[Draft]]:
    """For each name the cells that define it, scratch cells too."""
    found: defaultdict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        for name in draft.names.defines:
            found[name].append(draft)
    return found


def _opaque_above(drafts: Sequence[Draft], place: Draft) -> bool:
    return any(draft.names.opaque for draft in drafts[: place.index + 1] if draft.runs)


def _missing(
    name: str,
    place: Draft,
    line: int | None,
    places: Mapping[str, list[Draft]],
    deleted: Draft | None,
    *,
    certain: bool,
    task: str | None,
) -> Problem:
    who = f"task `{task}`" if task else "this shared cell"
    below = [draft for draft in places.get(name, ()) if draft.index > place.index and draft.runs]
    code = "undefined-name"
    if deleted is not None:
        code = "deleted-name"
        text = f"{who} reads `{name}`, which cell {deleted.number} has deleted. Take the del away, or define it again."
    elif below:
        code = "defined-below"
        text = (
            f"{who} reads `{name}`, which only cell {below[0].number}, further down, defines. "
            "A notebook runs from top to bottom: move that cell up."
        )
    else:
        near = nearest(name, {other for other, cells in places.items() if any(d.index <= place.index for d in cells)})
        text = f"{who} reads `{name}`, which no cell defines.{near} Define it above"
        text += ", or name it in --uses of nobody: a run can't guess it." if False else "."
    if not certain:
        text += " (Only some paths read it.)"
    return Problem(
        severity=Severity.ERROR if certain else Severity.WARNING,
        code=code,
        message=text,
        cell=place.number,
        line=line,
        task=task,
    )


def star_imports(drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec]) -> dict[str, tuple[str, ...]]:
    """For each task the star imports of other tasks' cells above it: any name may come from them."""
    found: list[tuple[str, str]] = []
    result: dict[str, tuple[str, ...]] = {}
    for draft in drafts:
        if draft.role is Role.TASK and draft.task_id in tasks:
            result[draft.task_id] = tuple(text for task, text in found if task != draft.task_id)
        if draft.own and draft.task_id:
            found += [(draft.task_id, text) for text in draft.names.star]
    return result


def watched(
    drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], wiring: Wiring
) -> dict[str, frozenset[str]]:
    """For each task the names it reads, doesn't say it changes, and that a later task reads past it."""
    own: defaultdict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.own and draft.task_id:
            own[draft.task_id].append(draft)
    given = {name for draft in drafts for name in (*draft.names.deferred, *draft.names.imports)}
    later: set[str] = set()
    result: dict[str, frozenset[str]] = {}
    for task_id in reversed(tasks):
        changed: set[str] = set().union(*(draft.names.defines | draft.names.mutates for draft in own[task_id]))
        needs = wiring.needs[task_id]
        seen = {name for name, need in needs.items() if need.origin.producers or need.origin.shared}
        result[task_id] = frozenset((seen & later) - changed - given)
        later = (later - {name for name in changed if name not in needs}) | seen
    return {task_id: result[task_id] for task_id in tasks}
