"""`ti.xcom_pull("load")`: what a task pulls from another by its id makes an edge."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.problem import Problem, Severity
from nbflow.parse.option import nearest
from nbflow.parse.reached import Reached
from nbflow.parse.templates import expressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft

_PULL = "xcom_pull"
_IN_TEMPLATE = re.compile(rf"\b{_PULL}\s*(\([^()]*\))")


@dataclass(frozen=True, slots=True)
class _Pull:
    """A task's cell pulls from the task of this id."""

    task_id: str
    cell: Draft
    line: int | None


def pulled(
    drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], dag_id: str
) -> tuple[dict[tuple[str, str], str], list[Problem]]:
    """The edges from tasks whose id stands in a task's `xcom_pull`, with reasons; and ids of no task.

    Ids that are computed, and those of another DAG or run, make no edge.
    """
    pairs: dict[tuple[str, str], str] = {}
    problems: list[Problem] = []
    if not any(_PULL in draft.source for draft in drafts if draft.runs):
        return pairs, problems
    reached = Reached(drafts)
    for draft in drafts:
        task_id = draft.task_id
        if not draft.own or task_id is None or task_id not in tasks:
            continue
        templated = not tasks[task_id].no_template
        for pull in _pulls(draft, reached, dag_id, templated=templated):
            if pull.task_id not in tasks:
                problems.append(_unknown(pull, tasks))
            elif pull.task_id != task_id:
                where = f"cell {draft.number}" + (f", line {pull.line}" if pull.line else "")
                reason = f"`{task_id}` pulls an XCom of `{pull.task_id}` in {where}"
                pairs.setdefault((pull.task_id, task_id), reason)
    return pairs, problems


def _pulls(draft: Draft, reached: Reached, dag_id: str, *, templated: bool) -> Iterator[_Pull]:
    own = set(map(id, draft.tree.body))
    for root in reached.of(draft):
        for node in ast.walk(root):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == _PULL
            ):
                line = node.lineno if id(root) in own else None  # a function's line is of another cell
                yield from (_Pull(name, draft, line) for name in _ids(node, dag_id))
    for expression, line in expressions(draft.body) if templated else ():
        for arguments in _IN_TEMPLATE.findall(expression):
            yield from (_Pull(name, draft, line) for name in _ids(_call(arguments), dag_id))


def _ids(call: ast.Call | None, dag_id: str) -> Iterable[str]:
    """The task ids that a call of `xcom_pull` names: its first argument, or `task_ids`."""
    if call is None:
        return ()
    given = {word.arg: word.value for word in call.keywords}
    given |= dict(zip(("task_ids", "dag_id"), call.args, strict=False))
    other = given.get("dag_id")
    here = other is None or (isinstance(other, ast.Constant) and other.value in (None, dag_id))
    if not here or "run_id" in given:
        return ()
    match given.get("task_ids"):
        case ast.Constant(value=str(name)):
            return (name,)
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return [p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)]
        case _:
            return ()


def _call(arguments: str) -> ast.Call | None:
    """The call with these arguments, `('load', key='x')`, of a template: near enough to Python."""
    try:
        node = ast.parse(f"f{arguments}", mode="eval").body
    except (SyntaxError, ValueError):
        return None
    return node if isinstance(node, ast.Call) else None


def _unknown(pull: _Pull, tasks: Mapping[str, TaskSpec]) -> Problem:
    return Problem(
        severity=Severity.WARNING,
        code="unknown-pull",
        message=f"xcom_pull names `{pull.task_id}`, which is no task here.{nearest(pull.task_id, tasks)} "
        f"There are {', '.join(tasks)}; for a task of another DAG say dag_id too.",
        cell=pull.cell.number,
        line=pull.line,
        task=pull.cell.task_id,
    )
