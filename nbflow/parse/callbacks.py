"""Functions that options name: callbacks of tasks and of the DAG, filters and macros of templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.problem import Problem, Severity
from nbflow.parse.dag_options import line_of
from nbflow.parse.header import HeaderKind
from nbflow.parse.option import nearest
from nbflow.parse.options import CALLBACKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbflow.model.dag import DagSpec
    from nbflow.parse.draft import Draft

_DAG_CALLBACKS = ("on_success_callback", "on_failure_callback", "on_deadline_callback")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """An option names something of the notebook.

    Attributes:
        name: what it names.
        option: the option, as written.
        cell: the cell that says so, None where it isn't known.
        line: the line there.
        task: the task it is an option of, None for the DAG.
    """

    name: str
    option: str
    cell: Draft | None
    line: int | None
    task: str | None = None


def mentions(drafts: Sequence[Draft], dag: DagSpec) -> list[Mention]:
    """All of them: the tasks' in order of the cells, then the DAG's."""
    return [*_of_tasks(drafts), *_of_dag(drafts, dag)]


def unknown_functions(drafts: Sequence[Draft], named: Sequence[Mention]) -> list[Problem]:
    """Errors for names that no shared cell defines.

    A callback runs in a process of its own and a template is rendered in each task's; shared cells run there.
    """
    shared = [draft for draft in drafts if draft.shared]
    if any(draft.names.star or draft.names.opaque for draft in shared):
        return []
    defined = {name for draft in shared for name in draft.names.defines}
    in_tasks = {name: draft for draft in drafts if draft.own for name in draft.names.defines}
    problems: list[Problem] = []
    for mention in named:
        if mention.name in defined:
            continue
        if (where := in_tasks.get(mention.name)) is not None:
            text = (
                f"which only task `{where.task_id}` defines (cell {where.number}); only shared cells run where it is "
                "called. Move it to a cell above the first task."
            )
        else:
            text = f"which no cell defines.{nearest(mention.name, defined)} Define it in a cell above the first task."
        problems.append(
            Problem(
                severity=Severity.ERROR,
                code="unknown-function",
                message=f"{mention.option} names `{mention.name}`, {text}",
                cell=mention.cell.number if mention.cell else None,
                line=mention.line,
                task=mention.task,
            )
        )
    return problems


def _of_tasks(drafts: Sequence[Draft]) -> Iterator[Mention]:
    for draft in drafts:
        header = draft.header
        if header is None or header.kind is not HeaderKind.TASK or "scratch" in draft.tags:
            continue
        for field in CALLBACKS:
            if name := header.options.get(field):
                option = "--" + field.replace("_", "-")
                yield Mention(name=str(name), option=option, cell=draft, line=header.lines, task=header.name)


def _of_dag(drafts: Sequence[Draft], dag: DagSpec) -> Iterator[Mention]:
    says = [draft for draft in drafts if draft.header and draft.header.kind is HeaderKind.DAG]
    cell = says[0] if says else None
    options = [(field, field, str(getattr(dag, field))) for field in _DAG_CALLBACKS]
    options += [(field, f"default_args.{field}", str(dag.default_args.get(field, ""))) for field in CALLBACKS]
    for field in ("user_defined_filters", "user_defined_macros"):
        options += [(field, field, name) for name in getattr(dag, field).values()]
    for field, shown, name in options:
        if name:
            line = line_of(cell, field) if cell else None
            yield Mention(name=name, option=f"{shown} in %%dag", cell=cell, line=line)
