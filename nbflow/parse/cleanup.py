"""Setup and teardown: who cleans up after whom, and what stands between them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from nbflow.model.problem import Problem, Severity
from nbflow.model.task import TaskKind
from nbflow.parse.option import nearest
from nbflow.parse.positions import ancestors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft
    from nbflow.parse.positions import Above

Pair = tuple[str, str]


def with_setups(
    tasks: Mapping[str, TaskSpec], drafts: Sequence[Draft]
) -> tuple[dict[str, TaskSpec], list[Problem]]:
    """The tasks, each teardown with its setups, and what is wrong with those.

    A teardown that names none cleans up after the nearest setup task above it that no other teardown has;
    with `--setups none` after none.
    """
    heads = {draft.task_id: draft for draft in reversed(drafts) if draft.header is not None and draft.task_id}
    found = dict(tasks)
    problems: list[Problem] = []
    taken = {name for spec in tasks.values() for name in spec.setups}
    above: list[str] = []
    for task_id, spec in tasks.items():
        if spec.kind is TaskKind.TEARDOWN:
            head = heads[task_id]
            if head.header is not None and "setups" in head.header.options:
                wrong = [_wrong(name, tasks, above) for name in spec.setups]
            else:
                free = [name for name in reversed(above) if name not in taken]
                wrong = [] if free else [_no_setup(task_id, above)]
                taken.update(free[:1])
                found[task_id] = replace(spec, setups=tuple(free[:1]))
            problems += [_error(message, head, task_id) for message in wrong if message]
        elif spec.kind is TaskKind.SETUP:
            above.append(task_id)
    return found, problems


def cleaning(tasks: Mapping[str, TaskSpec], pairs: Iterable[Pair]) -> dict[Pair, str]:
    """The edges that teardowns bring, with their reasons, beside those there are.

    A teardown follows its setups, and what stands between them in the notebook and follows a setup: the last
    tasks of that. A task between them that nothing orders after the setup follows it; `--after none` frees it.
    """
    above: Above = defaultdict(set)
    for upstream, downstream in pairs:
        above[downstream].add(upstream)
    found: dict[Pair, str] = {}

    def add(upstream: str, downstream: str, reason: str) -> None:
        if upstream not in above[downstream]:
            found[upstream, downstream] = reason
            above[downstream].add(upstream)

    place = {task_id: index for index, task_id in enumerate(tasks)}
    for teardown, spec in tasks.items():
        setups = [name for name in spec.setups if name in tasks]
        if spec.kind is not TaskKind.TEARDOWN or not setups:
            continue
        first = min(place[name] for name in setups)
        between = [name for name in tasks if first < place[name] < place[teardown] and name not in setups]
        between = [name for name in between if teardown not in ancestors(name, above)]
        for name in between:
            if tasks[name].after == () or tasks[name].kind is TaskKind.TEARDOWN:
                continue
            for setup in setups:
                over = ancestors(name, above)
                if place[setup] < place[name] and setup not in over and name not in ancestors(setup, above):
                    add(setup, name, f"`{name}` stands between setup `{setup}` and its teardown `{teardown}`")
        inside = {name: over for name in between if (over := ancestors(name, above)) & set(setups)}
        passed = {name for over in inside.values() for name in over}
        what = ", ".join(f"`{name}`" for name in setups)
        for name in inside:
            if name not in passed:
                add(
                    name, teardown, f"`{teardown}` cleans up after {what}: it runs when `{name}` has finished"
                )
    return found


def after_setups(tasks: Mapping[str, TaskSpec]) -> dict[Pair, str]:
    """The edge from each setup to its teardown, with the reason."""
    return {
        (setup, task_id): f"`{task_id}` cleans up after `{setup}`"
        for task_id, spec in tasks.items()
        for setup in spec.setups
        if setup in tasks
    }


def _wrong(name: str, tasks: Mapping[str, TaskSpec], above: Sequence[str]) -> str:
    """Why a teardown can't clean up after this; "" when it can."""
    if name in above:
        return ""
    known = f" There are {', '.join(above)}." if above else " There is no setup task above it."
    if name not in tasks:
        return f"--setups names `{name}`, which is no task here.{nearest(name, above)}{known}"
    if tasks[name].kind is not TaskKind.SETUP:
        return f"--setups names `{name}`, which is no setup task; head it %%task.setup {name}.{known}"
    return f"--setups names `{name}`, which stands below its teardown; move it up."


def _no_setup(task_id: str, above: Sequence[str]) -> str:
    others = f" ({', '.join(above)} each have one)" if above else ""
    return (
        f"teardown `{task_id}` has nothing to clean up after: there is no setup task above it that no other teardown "
        f"has{others}. Head the cell that sets up %%task.setup NAME, name it by --setups, or write --setups none."
    )


def _error(message: str, head: Draft, task_id: str) -> Problem:
    return Problem(
        severity=Severity.ERROR,
        code="bad-setups",
        message=message,
        cell=head.number,
        line=head.header.lines if head.header else None,
        task=task_id,
    )
