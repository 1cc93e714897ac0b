"""What stays inside the instances of mapped tasks, and who looks for it outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.problem import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft
    from nbflow.parse.reach import Need
    from nbflow.parse.wiring import Wiring

_COLLECT = "End that cell with the value, and name the list of all of them by --collect."


def inside_problems(drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], wiring: Wiring) -> list[Problem]:
    """Cells that read, outside of a mapped task, what stays inside; and inside, the list that comes after it.

    An error where nothing else gives the name; a warning where an earlier cell does, for a loop over the items
    would have changed it.
    """
    hidden = [draft for draft in drafts if draft.mapped and draft.own]
    found: list[Problem] = []
    for task_id, needs in wiring.needs.items() if hidden else ():
        spec = tasks[task_id]
        for name, need in needs.items():
            cell = need.cell
            if cell is None:
                continue
            if spec.collect == name and cell.header is None:
                found.append(_too_early(name, cell, need))
            elif (source := _source(name, cell, need, hidden)) is not None:
                found.append(_outside(name, cell, need, source))
    return found + list(_of_shared(drafts, hidden))


def _source(name: str, cell: Draft, need: Need, hidden: Sequence[Draft]) -> Draft | None:
    """The mapped cell between a use and the nearest definition it can see that binds or changes the name."""
    origin = need.origin
    if origin.statement:
        return None
    seen = [*origin.producers.values(), *([origin.shared] if origin.shared else [])]
    nearest = max((draft.index for draft in seen), default=-1)
    between = [
        draft
        for draft in hidden
        if nearest < draft.index < cell.index
        and draft.task_id != cell.task_id
        and name in (draft.names.defines | draft.names.mutates) - set(draft.names.imports)
    ]
    return between[-1] if between else None


def _outside(name: str, cell: Draft, need: Need, source: Draft) -> Problem:
    known = need.origin.known
    text = (
        f"task `{cell.task_id}` reads `{name}` as it was before mapped task `{source.task_id}` (cell {source.number}), "
        f"for what that does with it stays inside its instances. {_COLLECT}"
        if known
        else f"task `{cell.task_id}` reads `{name}`, which only mapped task `{source.task_id}` (cell {source.number}) "
        f"defines, and that stays inside its instances. {_COLLECT}"
    )
    return _problem(Severity.ERROR if need.certain and not known else Severity.WARNING, text, cell, need.line)


def _too_early(name: str, cell: Draft, need: Need) -> Problem:
    text = (
        f"this cell runs in each instance of mapped task `{cell.task_id}`, where the list `{name}` isn't there yet. "
        "Head it %%task NAME, to run it once when all have finished."
    )
    return _problem(Severity.ERROR, text, cell, need.line)


def _of_shared(drafts: Sequence[Draft], hidden: Sequence[Draft]) -> Iterator[Problem]:
    """A shared cell below a mapped task that reads what stays inside."""
    for cell in drafts:
        if not cell.shared:
            continue
        for name in sorted(cell.names.uses):
            above = [draft for draft in drafts if draft.index < cell.index and name in draft.names.defines]
            if above and above[-1] in hidden and name not in above[-1].names.imports:
                source = above[-1]
                text = (
                    f"this shared cell reads `{name}`, which mapped task `{source.task_id}` (cell {source.number}) "
                    f"defines, and that stays inside its instances. {_COLLECT}"
                )
                yield _problem(Severity.ERROR, text, cell, cell.names.lines.get(name))


def _problem(severity: Severity, message: str, cell: Draft, line: int | None) -> Problem:
    return Problem(
        severity=severity,
        code="stays-inside",
        message=message,
        cell=cell.number,
        line=line,
        task=cell.task_id,
    )
