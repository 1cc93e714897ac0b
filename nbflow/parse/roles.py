"""What each cell is for: task, continues, shared, scratch, ... (design.md, «Roles of code cells»)."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from nbflow.model.cell import Role
from nbflow.model.problem import Problem, Severity
from nbflow.model.task import SKIPPERS
from nbflow.parse.draft import dag_lines
from nbflow.parse.header import HeaderKind
from nbflow.parse.known import Known, after
from nbflow.parse.names import names_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nbflow.parse.draft import Draft
    from nbflow.parse.header import Header

PARAMETERS_TAG = "parameters"
SCRATCH_TAG = "scratch"
_BY_OPTION = sys.maxsize
"""Where an option uses a name: below every cell, for a callback is called when its task has ended."""


def assign_roles(drafts: Sequence[Draft], *, whole: str, named: Iterable[str] = ()) -> list[Problem]:
    """Give every cell its role, task and names.

    Args:
        drafts: all cells; they are filled in.
        whole: the task's name when no cell is marked.
        named: names that options use, such as callbacks: a cell that defines one is used.

    Returns:
        What is wrong: a continuation with nothing above it.
    """
    _marked(drafts)
    _read_names(drafts)
    if not any(draft.own for draft in drafts):
        return _single(drafts, whole)
    problems = _unmarked(drafts, frozenset(named))
    first = next((draft.index for draft in drafts if draft.role is Role.TASK), len(drafts))
    if any(draft.shared and draft.index > first for draft in drafts):
        _read_names(drafts)  # now that it is known which cells are shared
    return problems


def is_parameters(draft: Draft) -> bool:
    """Whether a cell gives the notebook's parameters."""
    return (
        draft.code and draft.header is None and PARAMETERS_TAG in draft.tags and SCRATCH_TAG not in draft.tags
    )


def _marked(drafts: Sequence[Draft]) -> None:
    """The roles that a header or a tag says."""
    for draft in drafts:
        if not draft.code:
            continue
        kind = draft.header.kind if draft.header else None
        if SCRATCH_TAG in draft.tags or kind is HeaderKind.SCRATCH:
            draft.role, draft.reason = Role.SCRATCH, "marked scratch: never run"
        elif kind is HeaderKind.DAG:
            draft.role, draft.reason = Role.DAG, "says what the DAG is: read, not run"
        elif kind is HeaderKind.TASK and draft.header is not None:
            draft.role, draft.task_id = Role.TASK, draft.header.name
            draft.reason = f"headed %%task {draft.header.name}"
        elif kind is HeaderKind.CONTINUES:
            draft.role, draft.reason = Role.CONTINUES, "headed %%task +"
        elif is_parameters(draft):
            draft.role, draft.reason = Role.PARAMETERS, "tagged parameters"
        elif draft.only_installs:
            if dag_lines(draft):
                draft.role, draft.reason = Role.DAG, "says what the DAG is: read, not run"
            else:
                draft.role, draft.reason = Role.INSTALL, "only installs: not repeated in runs"
        elif not draft.tree.body:
            draft.role, draft.reason = Role.TEXT, "only comments"


def _read_names(drafts: Sequence[Draft]) -> None:
    """What each cell does with names, given the cells above.

    Objects are the same only within one process: what a task's cells and the shared cells above make.
    A cell whose role isn't known yet counts as one of the task above it.
    """
    every, shared, current = Known(), {}, {}
    marked, rendered = False, True
    skips = any(draft.header and _may_skip(draft.header) for draft in drafts)
    for draft in drafts:
        if draft.role in (Role.SCRATCH, Role.DAG, Role.INSTALL) or not draft.tree.body:
            continue
        if draft.role is Role.TASK:
            marked, current = True, {}
            rendered = draft.header is None or not draft.header.options.get("no_template", False)
        known = replace(every, points={**every.points, **shared, **current}, rendered=rendered)
        draft.names = names_of(draft.tree, known)
        every = after(every, draft.names, pointers=False, replaces=draft.shared or not skips)
        mine = shared if draft.shared or not marked else current
        for name in draft.names.binds:
            mine.pop(name, None)
            current.pop(name, None)
        mine.update({name: roots for name, roots in draft.names.points.items() if roots})


def _may_skip(header: Header) -> bool:
    """Whether a task, or what follows it, may be skipped although nothing failed."""
    return header.task_kind in SKIPPERS or any(
        header.options.get(field) for field in ("map", "latest_only", "soft_fail")
    )


def _single(drafts: Sequence[Draft], whole: str) -> list[Problem]:
    """A notebook without a mark is one task."""
    first = True
    for draft in drafts:
        if draft.role is Role.PARAMETERS or not draft.tree.body or draft.role in (Role.SCRATCH, Role.DAG):
            continue
        draft.role = Role.TASK if first else Role.CONTINUES
        draft.task_id, draft.reason = whole, "no cell is marked %%task: the notebook is one task"
        first = False
    return []


def _unmarked(drafts: Sequence[Draft], named: frozenset[str]) -> list[Problem]:
    """Roles of the cells nothing is said of, and the tasks of those that continue one."""
    problems: list[Problem] = []
    wanted = _wanted(drafts, named)
    owned: dict[str, Draft] = {}  # names whose nearest definition or deletion stands in a task
    task: Draft | None = None
    for draft in drafts:
        if draft.role is Role.TASK:
            task = draft
        elif draft.role is Role.CONTINUES and task is None:
            problems.append(
                Problem(
                    severity=Severity.ERROR,
                    code="nothing-to-continue",
                    message="%%task + continues the task above it, and there is none. Write %%task NAME.",
                    cell=draft.number,
                    line=draft.header.lines if draft.header else None,
                )
            )
        elif draft.role is Role.TEXT and draft.tree.body:
            _decide(draft, task, owned, wanted)
        if draft.role is Role.CONTINUES and task is not None:
            draft.task_id, draft.mapped = task.task_id, task.mapped
        names = draft.names
        if draft.own:
            given = names.defines | names.mutates | names.deletes
            owned |= dict.fromkeys(given - set(names.imports), draft)
            owned |= dict.fromkeys(names.imports, draft)
            if draft.header is not None and draft.header.collects:
                owned[draft.header.collects] = draft
        elif draft.shared:
            for name in names.defines - names.may_define:
                owned.pop(name, None)
    return problems


def _decide(
    draft: Draft, task: Draft | None, owned: Mapping[str, Draft], wanted: Mapping[str, list[int]]
) -> None:
    """The role of one unmarked cell."""
    names = draft.names
    if task is None:
        draft.role, draft.reason = Role.SHARED, "stands above the first task"
        return
    touched = names.uses | names.may_define | names.deletes | names.may_delete | names.guesses
    reads = sorted((name for name in touched if name in owned), key=lambda name: names.lines.get(name, 0))
    if reads:
        name = reads[0]
        verb = "reads" if name in names.uses | names.guesses else "changes"
        draft.role = Role.CONTINUES
        owner = owned[name]
        collects = owner.header is not None and owner.header.collects == name
        does = "collects" if collects else "deletes" if name in owner.names.deletes else "defines"
        draft.reason = f"{verb} `{name}`, which task {owner.task_id} {does} in cell {owner.number}"
        return
    used = sorted(
        name
        for name in names.defines | set(names.deletes)
        if any(at > draft.index for at in wanted.get(name, ()))
    )
    if used:
        users = {at for name in used for at in wanted[name] if at > draft.index}
        by = "an option names" if users == {_BY_OPTION} else "other cells use"
        draft.role, draft.reason = Role.SHARED, f"defines `{used[0]}`, which {by}"
    elif names.star:
        draft.role, draft.reason = Role.SHARED, "imports everything from a module"
    elif draft.only_configures:
        draft.role, draft.reason = Role.SHARED, "sets IPython up for the cells below"
    else:
        draft.role, draft.reason = (
            Role.CONTINUES,
            "no other cell uses what it does: runs with the task above it",
        )


def _wanted(drafts: Sequence[Draft], named: frozenset[str]) -> Mapping[str, list[int]]:
    """For each name the cells that need it from above; `_BY_OPTION` for a name that an option uses."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for name in named:
        found[name].append(_BY_OPTION)
    for draft in drafts:
        if draft.role is Role.SCRATCH:
            continue
        uses = draft.header.options.get("uses", ()) if draft.header else ()
        extra = uses if isinstance(uses, frozenset) else frozenset[str]()
        for name in draft.names.uses | draft.names.guesses | extra:
            found[name].append(draft.index)
    return found
