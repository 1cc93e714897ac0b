"""Warnings and hints: what the text can't show, and what would run in parallel."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

from nbflow.model.flow import EdgeKind
from nbflow.model.problem import Problem, Severity
from nbflow.model.task import TaskKind, TriggerRule
from nbflow.parse import mutators

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbflow.model.flow import Flow
    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft
    from nbflow.parse.wiring import Wiring

_EVERYWHERE = ("%cd", "%env", "%set_env", "%pushd", "%popd")
_STRICT_RULES = (TriggerRule.ALL_SUCCESS, TriggerRule.NONE_SKIPPED)


def advice(
    drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], wiring: Wiring, flow: Flow
) -> list[Problem]:
    """Every warning and hint about a notebook that makes a DAG."""
    own = [draft for draft in drafts if draft.own]
    return [
        *_unmarked(own),
        *_hidden(drafts),
        *_process(own),
        *_two_names(own),
        *_shared_code(drafts, own),
        *_advanced_twice(drafts, wiring),
        *_perhaps_deleted(own, wiring),
        *_joins(drafts, tasks, flow),
        *_positions(drafts, flow),
    ]


def _unmarked(own: Sequence[Draft]) -> Iterator[Problem]:
    if own and not any(draft.header for draft in own):
        yield Problem(
            severity=Severity.HINT,
            code="one-task",
            message="no cell is marked, so the whole notebook is one task. Write %%task NAME on top of the cell "
            "each step begins with, or let `nbflow suggest NOTEBOOK --write` propose it.",
        )


def _hidden(drafts: Sequence[Draft]) -> Iterator[Problem]:
    """`exec`, `globals()`, star imports: names that the text doesn't show."""
    for draft in drafts:
        if not draft.runs:
            continue
        for what, line in draft.names.opaque.items():
            yield _warning(
                draft,
                "hidden-names",
                f"{what} can read and define names that the text doesn't show. Name them by --uses and --exports.",
                line,
            )
        for statement in draft.names.star:
            yield _warning(
                draft,
                "star-import",
                f"`{statement}` may define any name; which ones, the text doesn't show. Import the names you use.",
            )


def _process(own: Sequence[Draft]) -> Iterator[Problem]:
    """State of the process that one task sets and another may rely on."""
    for draft in own:
        for what, line in draft.names.process.items():
            root = what.partition(".")[0]
            reader = next(
                (
                    other
                    for other in own
                    if other.index > draft.index
                    and other.task_id != draft.task_id
                    and (what in _EVERYWHERE or root in other.names.uses or root in other.names.imports)
                ),
                None,
            )
            if reader is not None:
                yield _warning(
                    draft,
                    "process-state",
                    f"`{what}` changes the process, and task `{reader.task_id}` (cell {reader.number}) runs in "
                    "another one, which doesn't see it. Move it to a shared cell above the first task.",
                    line,
                )


def _two_names(own: Sequence[Draft]) -> Iterator[Problem]:
    """A change through one name of an object that has another name, which another task gave it."""
    twins: dict[str, dict[str, Draft]] = {}
    for place, draft in enumerate(own):
        names = draft.names
        for name in sorted(names.mutates):
            for other, made in twins.get(name, {}).items():
                reader = next((d for d in own[place + 1 :] if other in d.names.uses), None)
                if made.task_id != draft.task_id and other not in names.mutates | names.defines and reader:
                    yield _warning(
                        draft,
                        "two-names",
                        f"`{name}` and `{other}` share an object since cell {made.number}; in a run each task has its "
                        f"own copies, so cell {reader.number} reads `{other}` without the change made here. "
                        f"Change it through `{other}`, or in the task that made both.",
                        names.lines.get(name),
                    )
        for name in names.binds:
            for other in twins.pop(name, {}):
                twins.get(other, {}).pop(name, None)
        for name, roots in names.points.items():
            for other, held in names.points.items():
                if name != other and {root for root, _ in roots} & {
                    root for root, depth in held if depth == 0
                }:
                    twins.setdefault(name, {})[other] = draft
                    twins.setdefault(other, {})[name] = draft


def _shared_code(drafts: Sequence[Draft], own: Sequence[Draft]) -> Iterator[Problem]:
    """A function or class of a shared cell that a task changes: others keep their own."""
    given: dict[str, Draft] = {}
    for draft in drafts:
        if draft.shared:
            for node in draft.tree.body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    given[node.name] = draft
    for draft in own:
        for name in sorted(draft.names.mutates & set(given)):
            yield _warning(
                draft,
                "shared-code",
                f"`{name}` is a function or class of the shared cell {given[name].number}: every task has its own, "
                "so no other task sees this change. Keep the state in a variable that you hand on.",
            )


def _advanced_twice(drafts: Sequence[Draft], wiring: Wiring) -> Iterator[Problem]:
    """A random generator or iterator that several tasks advance, each its own copy."""
    sources: dict[str, tuple[Draft, int]] = {}
    for draft in drafts:
        if not draft.runs:
            continue
        for node in draft.tree.body:
            if isinstance(node, ast.Assign) and _advances(node.value):
                sources |= {
                    target.id: (draft, node.lineno) for target in node.targets if isinstance(target, ast.Name)
                }
    readers: defaultdict[str, list[str]] = defaultdict(list)
    for task_id, needs in wiring.needs.items():
        for name, need in needs.items():
            if name not in sources:
                continue
            made = sources[name][0]
            if need.origin.shared is made or need.origin.producers.get(made.task_id or "") is made:
                readers[name].append(task_id)
    for name, tasks in readers.items():
        if len(tasks) > 1:
            draft, line = sources[name]
            yield _warning(
                draft,
                "advanced-twice",
                f"`{name}` is a random generator or iterator, and each of the tasks {', '.join(tasks)} gets a copy; "
                "from top to bottom the later ones would go on where the earlier ones stopped. Make one in each task.",
                line,
            )


def _advances(value: ast.expr) -> bool:
    match value:
        case ast.GeneratorExp():
            return True
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in mutators.RANDOM_SOURCES or name in ("cycle", "count")
        case ast.Call(func=ast.Name(id=name)):
            return name in mutators.RANDOM_SOURCES | mutators.ITERATOR_SOURCES
        case _:
            return False


def _perhaps_deleted(own: Sequence[Draft], wiring: Wiring) -> Iterator[Problem]:
    """A name deleted on some paths only: a later task can't know."""
    for draft in own:
        for name in sorted(draft.names.may_delete):
            for task_id, needs in wiring.needs.items():
                need = needs.get(name)
                if need and task_id != draft.task_id and need.cell and need.cell.index > draft.index:
                    yield _warning(
                        draft,
                        "perhaps-deleted",
                        f"`{name}` is deleted here on some paths, and task `{task_id}` reads it; it would get the "
                        "value from before. Set it to None instead.",
                    )
                    break


def _joins(drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], flow: Flow) -> Iterator[Problem]:
    """A task below several arms of one branch whose rule skips it when any arm is skipped."""
    graph = flow.graph
    heads = {draft.task_id: draft for draft in reversed(drafts) if draft.own}
    for branch, spec in tasks.items():
        if spec.kind is not TaskKind.BRANCH:
            continue
        arms = {arm: graph.descendants(arm) for arm in graph.downstream(branch)}
        for task_id, joined in tasks.items():
            above = [arm for arm, below in arms.items() if task_id in below]
            if len(above) > 1 and task_id not in arms and joined.trigger_rule in _STRICT_RULES:
                yield Problem(
                    severity=Severity.WARNING,
                    code="join-skipped",
                    message=f"`{task_id}` follows the arms {', '.join(above)} of branch `{branch}`; as long as one of "
                    "them is skipped, it is skipped too. Give it --trigger-rule none_failed_min_one_success.",
                    cell=heads[task_id].number,
                    task=task_id,
                )


def _positions(drafts: Sequence[Draft], flow: Flow) -> Iterator[Problem]:
    heads = {draft.task_id: draft for draft in reversed(drafts) if draft.own}
    for edge in flow.edges:
        if edge.kind is EdgeKind.POSITION:
            yield Problem(
                severity=Severity.HINT,
                code="position",
                message=f"`{edge.downstream}` waits for `{edge.upstream}` only because it stands below it. If it needs "
                "no file or table of it, --after none lets both run at once.",
                cell=heads[edge.downstream].number,
                task=edge.downstream,
            )


def _warning(draft: Draft, code: str, message: str, line: int | None = None) -> Problem:
    return Problem(
        severity=Severity.WARNING,
        code=code,
        message=message,
        cell=draft.number,
        line=line,
        task=draft.task_id,
    )
