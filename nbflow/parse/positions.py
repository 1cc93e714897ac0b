"""What only the place in the notebook orders: tasks that nothing ties, and tasks that share a file."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.task import TaskKind
from nbflow.parse.files import Touches, modules_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft
    from nbflow.parse.reach import Need

Above = defaultdict[str, set[str]]
"""For each task those directly above it."""


@dataclass(frozen=True, slots=True)
class _Event:
    """A task's cell touches a file."""

    task_id: str
    cell: Draft
    shown: str
    writes: bool


def positions(
    pairs: Iterable[tuple[str, str]],
    tasks: Mapping[str, TaskSpec],
    needs: Mapping[str, Mapping[str, Need]],
    drafts: Sequence[Draft],
    touches: Mapping[int, Touches],
) -> dict[tuple[str, str], str]:
    """The edges that only the place in the notebook gives, with a reason for those that a file gives.

    A task that no other edge orders follows the task above it; a task follows each one above that
    touches a file it touches too, when one of the two writes it and nothing orders them yet. `--after none`
    frees a task from both.

    Args:
        pairs: the edges there are.
        tasks: all of them, in order.
        drafts: all cells.
        needs: what each task needs from others, for the imports it repeats.
        touches: the files of each cell.
    """
    above: Above = defaultdict(set)
    for upstream, downstream in pairs:
        above[downstream].add(upstream)
    found: dict[tuple[str, str], str] = {}
    earlier: list[str] = []
    for task_id, spec in tasks.items():
        if earlier and spec.after is None and not above[task_id]:
            follow = next((name for name in reversed(earlier) if task_id not in ancestors(name, above)), None)
            if follow is not None:
                found[follow, task_id] = ""
                above[task_id].add(follow)
        earlier.append(task_id)
    events = _events(tasks, needs, drafts, touches)
    place = {task_id: index for index, task_id in enumerate(tasks)}
    for task_id, spec in tasks.items():
        if spec.after == ():
            continue
        over = ancestors(task_id, above)
        reasons = _reasons(task_id, events, place)
        for upstream in sorted(reasons, key=place.__getitem__, reverse=True):
            if upstream in over or task_id in ancestors(upstream, above):
                continue
            if not _exclusive(upstream, task_id, tasks, above):
                found[upstream, task_id] = reasons[upstream]
                above[task_id].add(upstream)
                over |= {upstream} | ancestors(upstream, above)
    return found


def _events(
    tasks: Mapping[str, TaskSpec],
    needs: Mapping[str, Mapping[str, Need]],
    drafts: Sequence[Draft],
    touches: Mapping[int, Touches],
) -> dict[str, list[_Event]]:
    """For each file that a task writes who touches it, in order of the cells.

    A shared cell reads with each task below it; what it writes, each task writes for itself.
    """
    own = [draft for draft in drafts if draft.own and draft.task_id in tasks]
    found: dict[str, list[_Event]] = {file: [] for draft in own for file in touches[draft.index].writes}
    if not found:
        return found
    last = {draft.task_id: draft.index for draft in own if draft.task_id}
    for draft in drafts:
        if draft.index not in touches:
            continue
        those = touches[draft.index]
        for file in those.mentions.keys() & found.keys():
            shown = those.mentions[file]
            if draft.own and draft.task_id:
                found[file].append(_Event(draft.task_id, draft, shown, file in those.writes))
            elif file not in those.writes:
                found[file] += [
                    _Event(task, draft, shown, False) for task, at in last.items() if at > draft.index
                ]
    first = {draft.task_id: draft for draft in reversed(own)}
    for task_id, names in needs.items():
        for need in names.values():
            for node in ast.parse(need.origin.statement).body:
                for file in found.keys() & set(modules_of(node)):
                    found[file].append(_Event(task_id, need.cell or first[task_id], file, False))
    return found


def _reasons(
    task_id: str, events: Mapping[str, Sequence[_Event]], place: Mapping[str, int]
) -> dict[str, str]:
    """The tasks above that touch a file of this one, with the reason to follow each."""
    found: dict[str, str] = {}
    for those in events.values():
        for mine in [event for event in those if event.task_id == task_id]:
            for event in those:
                if place[event.task_id] >= place[task_id] or event.cell.index >= mine.cell.index:
                    continue
                if event.writes or mine.writes:
                    found.setdefault(event.task_id, _because(event, mine))
    return found


def _because(earlier: _Event, later: _Event) -> str:
    done = "written" if earlier.writes else "read"
    then = "written" if later.writes else "read"
    return (
        f"`{later.shown}`: {done} in cell {earlier.cell.number}, {then} in cell {later.cell.number}; "
        "a file gives no other edge"
    )


def _exclusive(one: str, other: str, tasks: Mapping[str, TaskSpec], above: Above) -> bool:
    """Whether two tasks stand in different arms of a branch: only one of them runs."""
    for branch, spec in tasks.items():
        if spec.kind is TaskKind.BRANCH:
            arms = {task for task in tasks if branch in above[task]}
            first, second = ({task, *ancestors(task, above)} & arms for task in (one, other))
            if first and second and not first & second:
                return True
    return False


def ancestors(task: str, above: Above) -> set[str]:
    """Every task that a task stands on, near or far."""
    stack, seen = [task], set[str]()
    while stack:
        for name in above[stack.pop()]:
            if name not in seen:
                seen.add(name)
                stack.append(name)
    return seen
