"""Who may be skipped although nothing failed: below branches, by rules, without items."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

from nbflow.model.problem import Problem, Severity
from nbflow.model.task import SKIPPERS, TaskKind, TriggerRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbflow.model.graph import Graph
    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft

_SKIPPING_RULES = (
    TriggerRule.ALL_FAILED,
    TriggerRule.ALL_SKIPPED,
    TriggerRule.ONE_FAILED,
)
"""Rules that skip a task although everything above it went well."""

_BY_ONE = frozenset({TriggerRule.ALL_SUCCESS, TriggerRule.NONE_SKIPPED, TriggerRule.ALL_FAILED})
"""Rules that skip a task as soon as one task above it is skipped and none failed."""

_BY_ALL = frozenset(
    {
        TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
        TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
        TriggerRule.ONE_SUCCESS,
        TriggerRule.ONE_FAILED,
        TriggerRule.ONE_DONE,
    }
)
"""Rules that skip a task when all tasks above it are skipped."""


def skippable_tasks(pairs: Iterable[tuple[str, str]], tasks: Mapping[str, TaskSpec]) -> frozenset[str]:
    """The tasks that may be skipped although nothing failed, and what stands below them.

    Those directly below a branch or short circuit; those whose own rule or option says so; mapped ones, which
    are skipped when there are no items. A teardown is skipped only with its setups.
    """
    down: defaultdict[str, list[str]] = defaultdict(list)
    for upstream, downstream in pairs:
        down[upstream].append(downstream)
    has_above = {name for below in down.values() for name in below}
    stack = [name for task_id, spec in tasks.items() if spec.kind in SKIPPERS for name in down[task_id]]
    stack += [task_id for task_id, spec in tasks.items() if spec.mapped or spec.latest_only or spec.soft_fail]
    stack += [
        task_id
        for task_id, spec in tasks.items()
        if spec.trigger_rule in _SKIPPING_RULES and task_id in has_above
    ]
    found: set[str] = set()
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack += [below for below in down[name] if name in tasks[below].setups or not tasks[below].setups]
    return frozenset(found)


def branch_problems(drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], graph: Graph) -> list[Problem]:
    """Warnings about branches and short circuits: nothing to choose from, out of reach, never joined."""
    heads = {draft.task_id: draft for draft in reversed(drafts) if draft.own and draft.task_id}
    found: list[Problem] = []
    for task_id, spec in tasks.items():
        if spec.kind in SKIPPERS and not graph.downstream(task_id):
            found.append(_nothing_below(task_id, spec.kind, heads[task_id]))
        if spec.kind is TaskKind.BRANCH:
            found += _out_of_reach(task_id, drafts, tasks, graph)
            found += _joins(task_id, tasks, graph, heads)
    return found


def _nothing_below(task_id: str, kind: TaskKind, head: Draft) -> Problem:
    what = "chooses among the tasks" if kind is TaskKind.BRANCH else "skips the tasks"
    return Problem(
        severity=Severity.WARNING,
        code="no-arms",
        message=f"`{task_id}` {what} directly below it, and there is none. Give them --after {task_id}.",
        cell=head.number,
        task=task_id,
    )


def _out_of_reach(
    branch: str, drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], graph: Graph
) -> Iterator[Problem]:
    """A branch names a task, in a text, that doesn't stand directly below it: choosing it would fail."""
    arms, place = graph.downstream(branch), graph.place(branch)
    for draft in drafts:
        if not draft.own or draft.task_id != branch:
            continue
        for node in _texts(draft.tree):
            name = str(node.value)
            if name in tasks and name not in arms and graph.place(name) > place:
                yield Problem(
                    severity=Severity.WARNING,
                    code="no-arm",
                    message=f"branch `{branch}` names `{name}`, which doesn't stand directly below it, and only such "
                    f"tasks can be chosen ({', '.join(arms) or 'there is none'}). Give `{name}` --after {branch}.",
                    cell=draft.number,
                    line=node.lineno,
                    task=branch,
                )


def _joins(
    branch: str, tasks: Mapping[str, TaskSpec], graph: Graph, heads: Mapping[str, Draft]
) -> Iterator[Problem]:
    """Tasks below several arms whose rule skips them whichever one is chosen."""
    arms = {arm: _skipped_with(arm, tasks, graph) for arm in graph.downstream(branch)}
    said: set[str] = set()
    for task_id in graph.order:
        above = [arm for arm, gone in arms.items() if task_id in gone and arm != task_id]
        if len(above) < 2 and not (above and task_id in arms):
            continue
        if said.isdisjoint(graph.upstream(task_id)):
            message = (
                f"`{task_id}` follows the arms {', '.join(above)} of branch `{branch}`; as long as one of them is "
                "skipped, it is skipped too. Give it --trigger-rule none_failed_min_one_success."
                if len(above) > 1
                else f"`{task_id}` is an arm of branch `{branch}` and follows its arm {above[0]}; chosen alone, it is "
                "skipped with that. Give it --trigger-rule none_failed_min_one_success."
            )
            yield Problem(
                severity=Severity.WARNING,
                code="join-skipped",
                message=message,
                cell=heads[task_id].number,
                task=task_id,
            )
        said.add(task_id)


def _skipped_with(arm: str, tasks: Mapping[str, TaskSpec], graph: Graph) -> set[str]:
    """An arm and the tasks that their rules skip when it is skipped and everything else goes well."""
    gone = {arm}
    for task_id in graph.order:
        above, rule = graph.upstream(task_id), tasks[task_id].trigger_rule
        if tasks[task_id].kind is TaskKind.TEARDOWN or gone.isdisjoint(above):
            continue
        if rule in _BY_ONE or (rule in _BY_ALL and gone.issuperset(above)):
            gone.add(task_id)
    return gone


def _texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """The text constants of a cell that may be its result, each where it stands first.

    Not what is looked up (`df["report"]`) or passed to a call: those are no ids of tasks.
    """
    other: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(slice=given):
                other |= {id(part) for part in ast.walk(given)}
            case ast.Call(args=args, keywords=words):
                given = (*args, *(word.value for word in words))
                other |= {id(part) for value in given for part in ast.walk(value)}
            case _:
                pass
    seen: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in other or not isinstance(node, ast.Constant):
            continue
        if isinstance(node.value, str) and node.value not in seen:
            seen.add(node.value)
            yield node
