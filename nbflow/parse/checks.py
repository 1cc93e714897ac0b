"""What must hold of the names: nobody reads what nobody defines. And what a run watches."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.cell import Role
from nbflow.model.context import CONTEXT_NAMES
from nbflow.model.problem import Problem, Severity
from nbflow.parse.inside import inside_problems
from nbflow.parse.names import analyse
from nbflow.parse.option import nearest
from nbflow.parse.reached import Behind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft
    from nbflow.parse.wiring import Wiring

SET_BY_NBFLOW = frozenset(CONTEXT_NAMES) | {"var", "conn", "macros"}
"""Names that every task finds without defining them."""


@dataclass(frozen=True, slots=True)
class _Missing:
    """A use of a name that nothing above defines."""

    name: str
    cell: Draft
    line: int | None
    certain: bool
    deleted: Draft | None = None


def undefined(drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], wiring: Wiring) -> list[Problem]:
    """Names that are read and that nothing above defines: errors where that is certain, else warnings.

    What a mapped task keeps inside its instances counts as undefined outside of them. A use that a `try` guards
    against NameError is neither; after a star import or `exec` nothing is certain.
    """
    places: defaultdict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        for name in draft.names.defines if not draft.mapped else draft.names.imports:
            places[name].append(draft)
        if draft.header is not None and draft.header.collects:
            places[draft.header.collects].append(draft)
    hidden = next((draft.index for draft in drafts if draft.runs and draft.names.opaque), len(drafts))
    star = next((draft.index for draft in drafts if draft.runs and draft.names.star), len(drafts))
    found = [*_of_tasks(drafts, tasks, wiring), *_of_shared(drafts)]
    inside = inside_problems(drafts, tasks, wiring)
    said = {(problem.cell, problem.line) for problem in inside}
    return inside + [
        _problem(missing, places, drafts, certain=missing.certain and missing.cell.index < hidden)
        for missing in found
        if missing.cell.index < star
        and (missing.cell.number, missing.line) not in said
        and missing.name not in SET_BY_NBFLOW
        and missing.name not in missing.cell.names.guarded
    ]


def _of_tasks(drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], wiring: Wiring) -> Iterator[_Missing]:
    own: defaultdict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.task_id is not None:
            own[draft.task_id].append(draft)
    for task_id in tasks:
        for name, need in wiring.needs[task_id].items():
            if need.origin.known or (need.cell is None and not need.certain):
                continue
            cell = need.cell or own[task_id][0]
            earlier = (draft for draft in own[task_id] if draft.index < cell.index)
            if not any(name in draft.names.may_define for draft in earlier):
                yield _Missing(name, cell, need.line, need.certain, need.origin.deleted)


def _of_shared(drafts: Sequence[Draft]) -> Iterator[_Missing]:
    defined: set[str] = set()
    for draft in drafts:
        if not draft.shared:
            continue
        names = draft.names
        for name in sorted(names.uses - defined):
            yield _Missing(name, draft, names.lines.get(name), name not in names.may_use)
        defined |= names.defines


def _problem(
    missing: _Missing, places: Mapping[str, list[Draft]], drafts: Sequence[Draft], *, certain: bool
) -> Problem:
    name, cell = missing.name, missing.cell
    who = f"task `{cell.task_id}`" if cell.task_id else "this shared cell"
    reads = f"{who} reads `{name}`" if certain else f"on some paths {who} reads `{name}`"
    below = [draft for draft in places.get(name, ()) if draft.index > cell.index and draft.runs]
    above = {other for other, found in places.items() if any(d.index < cell.index and d.runs for d in found)}
    scratch = next((draft for draft in drafts if _only_there(draft, name)), None)
    if missing.deleted is not None:
        code = "deleted-name"
        text = f"{reads}, which cell {missing.deleted.number} has deleted. Take the del away, or define it again."
    elif below:
        code = "defined-below"
        text = f"{reads}, which only cell {below[0].number}, further down, defines. Move that cell up."
    else:
        code = "undefined-name"
        text = f"{reads}, which no earlier cell defines.{nearest(name, above)}"
        text += f" Scratch cell {scratch.number} does, but is never run." if scratch else " Define it above."
    return Problem(
        severity=Severity.ERROR if certain else Severity.WARNING,
        code=code,
        message=text,
        cell=cell.number,
        line=missing.line,
        task=cell.task_id,
    )


def _only_there(draft: Draft, name: str) -> bool:
    """Whether a scratch cell, which nobody has read yet, defines a name."""
    if draft.role is not Role.SCRATCH or name not in draft.body:
        return False
    try:
        return name in analyse(draft.body).defines
    except SyntaxError:
        return False


def star_imports(drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec]) -> dict[str, tuple[str, ...]]:
    """For each task the star imports of other tasks' cells above it: any name may come from them."""
    found: list[tuple[str, str]] = []
    result: dict[str, tuple[str, ...]] = {}
    for draft in drafts:
        if draft.role is Role.TASK and draft.task_id is not None and draft.task_id in tasks:
            result[draft.task_id] = tuple(text for task, text in found if task != draft.task_id)
        if draft.own and draft.task_id:
            found += [(draft.task_id, text) for text in draft.names.star]
    return result


def watched(
    drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], wiring: Wiring
) -> dict[str, frozenset[str]]:
    """For each task the names it can reach, doesn't say it changes, and that a later task reads past it.

    The classes of shared cells are among them, however a task reaches them: by name, through a function or
    through an instance, for their state would be lost. Functions and modules are not.
    """
    own: defaultdict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.own and draft.task_id:
            own[draft.task_id].append(draft)
    classes, functions = _classes(drafts), _functions(drafts)
    behind = Behind(drafts)
    later: set[str] = set()
    result: dict[str, frozenset[str]] = {}
    for task_id in reversed(list(tasks)):
        changed: set[str] = set().union(
            *(draft.names.defines | draft.names.mutates for draft in own[task_id])
        )
        given = {tasks[task_id].collect} if tasks[task_id].mapped else changed
        needs = wiring.needs[task_id]
        seen = {name for name, need in needs.items() if need.origin.producers or need.origin.shared}
        seen |= behind.of(needs) & classes
        result[task_id] = frozenset((seen & later) - changed - functions)
        later = (later - {name for name in given if name not in needs}) | seen
    return {task_id: result[task_id] for task_id in tasks}


def _classes(drafts: Sequence[Draft]) -> frozenset[str]:
    """The classes that shared cells define."""
    return frozenset(
        node.name
        for draft in drafts
        if draft.shared
        for node in draft.tree.body
        if isinstance(node, ast.ClassDef)
    )


def _functions(drafts: Sequence[Draft]) -> frozenset[str]:
    """Names of functions and modules, and of classes that tasks define."""
    found = {name for draft in drafts for name in draft.names.imports}
    for draft in drafts:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef) + (() if draft.shared else (ast.ClassDef,))
        found |= {node.name for node in draft.tree.body if isinstance(node, kinds)}
    return frozenset(found)
