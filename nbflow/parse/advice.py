"""Warnings and hints: what the text can't show, and what would run in parallel."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbflow.model.problem import Problem, Severity
from nbflow.model.task import TaskKind
from nbflow.parse.aliases import two_names
from nbflow.parse.randomness import SEEDS, advanced_twice, random_state
from nbflow.parse.skips import branch_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbflow.model.flow import Flow
    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft
    from nbflow.parse.wiring import Wiring

_EVERYWHERE = ("%cd", "%env", "%set_env", "%pushd", "%popd")
_MOVE = "Move it to a shared cell above the first task."
_SEED = "Seed in each task that draws, or pass random_state."


def advice(
    drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], wiring: Wiring, flow: Flow
) -> list[Problem]:
    """Every warning and hint about a notebook that makes a DAG."""
    own = [draft for draft in drafts if draft.own]
    return [
        *_unmarked(own),
        *_hidden(drafts),
        *_process(own),
        *two_names(drafts),
        *_shared_code(drafts, own),
        *random_state(drafts),
        *advanced_twice(drafts, wiring),
        *_perhaps_deleted(own, wiring),
        *branch_problems(drafts, tasks, flow.graph),
        *_positions(drafts, tasks, wiring),
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
            seed = what.rpartition(".")[2] in SEEDS
            reader = next(
                (
                    other
                    for other in own
                    if other.index > draft.index
                    and other.task_id != draft.task_id
                    and not (seed and what in other.names.process)
                    and (what in _EVERYWHERE or root in other.names.uses or root in other.names.imports)
                ),
                None,
            )
            if reader is not None:
                yield _warning(
                    draft,
                    "process-state",
                    f"`{what}` changes the process, and task `{reader.task_id}` (cell {reader.number}) runs in "
                    f"another one, which doesn't see it. {_SEED if seed else _MOVE}",
                    line,
                )


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


def _perhaps_deleted(own: Sequence[Draft], wiring: Wiring) -> Iterator[Problem]:
    """A name deleted on some paths only: a later task can't know."""
    for draft in own:
        for name in sorted(draft.names.may_delete) if not draft.mapped else ():
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


def _positions(drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], wiring: Wiring) -> Iterator[Problem]:
    """Tasks that may be free to run earlier. Below a branch, a sensor or a setup the place is the point."""
    heads = {draft.task_id: draft for draft in reversed(drafts) if draft.own}
    for (upstream, downstream), reason in wiring.positions.items():
        if not reason and tasks[upstream].kind is TaskKind.TASK:
            yield Problem(
                severity=Severity.HINT,
                code="position",
                message=f"`{downstream}` waits for `{upstream}` only because it stands below it. If it needs "
                "no file or table of it, --after none lets both run at once.",
                cell=heads[downstream].number,
                task=downstream,
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
