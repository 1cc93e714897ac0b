"""Which finished task instances have to run again: when a run goes on, and when a person clears some."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nbflow.model.run import TaskKey
from nbflow.model.state import TaskState
from nbflow.model.task import TaskKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbflow.model.graph import Graph
    from nbflow.model.run import RunKey
    from nbflow.model.task import TaskSpec


# How the reason begins of whatever a run's timeout skipped: it tells such skips from decided ones.
RUN_TIMED_OUT = "the run took longer than its dagrun_timeout"
# The same for all that a run's end has skipped, whoever ended it: the rules had not decided it.
RUN_ENDED = (RUN_TIMED_OUT, "stopped by ", "marked failed")

_FAILED = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)


class Reprocess(StrEnum):
    """What is done again of runs that exist already; Airflow's names."""

    NONE = "none"  # nothing
    FAILED = "failed"  # what failed or was stopped, and what is stale beside it
    COMPLETED = "completed"  # everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which task instances of a run a person means; Airflow's flags of `tasks clear`.

    Attributes:
        tasks: ids, or `clean[3]` as (id, index); with no tasks and no groups all are meant.
        groups: all tasks in these groups and the groups within them.
        upstream, downstream: with all that these stand on, and all that stands on them.
        states: only those in one of these states; empty: in any.
        stale: only those whose code has changed, and what stands on them.
    """

    tasks: tuple[tuple[str, int], ...] = ()
    groups: tuple[str, ...] = ()
    upstream: bool = False
    downstream: bool = False
    states: frozenset[TaskState] = frozenset()
    stale: bool = False


def selected(
    run: RunKey,
    tasks: Mapping[str, TaskSpec],
    graph: Graph,
    states: Mapping[TaskKey, TaskState],
    selection: Selection,
    *,
    stale: frozenset[str] = frozenset(),
) -> dict[TaskKey, str]:
    """The task instances of a run that a selection means and that have something to clear or mark.

    Args:
        run: which.
        tasks: of the DAG as it is now.
        graph: of them.
        states: of the run's task instances.
        selection: what the person said.
        stale: the tasks whose code has changed since their latest try.

    Returns:
        Task instance → why it is among them, upstream first. Clearing a task clears its setup and its teardown
        with it (semantics.md, setup and teardown).
    """
    reasons = _named(tasks, selection)
    if selection.stale:
        kept = {task_id for task_id in reasons if task_id in stale}
        kept |= {below for task_id in kept for below in graph.descendants(task_id)}
        reasons = {
            task_id: "its code, or code it stands on, has changed" for task_id in reasons if task_id in kept
        }
    _spread(reasons, graph, selection)
    wanted = selection.states
    found: dict[TaskKey, str] = {}
    indexes = {task_id: {index for name, index in selection.tasks if name == task_id} for task_id in reasons}
    for task_id in graph.order:
        if task_id not in reasons:
            continue
        only = indexes[task_id] - {-1}
        for key in sorted(key for key in states if key.task_id == task_id):
            state = states[key]
            if state in (TaskState.NONE, TaskState.REMOVED) or (wanted and state not in wanted):
                continue
            if (only and key.map_index in only) or (not only and key.map_index == -1):
                found[key] = reasons[task_id]
    return found | _around(run, tasks, graph, states, found)


def continuation(
    tasks: Mapping[str, TaskSpec],
    graph: Graph,
    states: Mapping[TaskKey, TaskState],
    *,
    stale: frozenset[str],
    timed_out: frozenset[TaskKey] = frozenset(),
    everything: bool = False,
) -> dict[TaskKey, str]:
    """The finished task instances that must run again when a run goes on, each with the reason.

    Args:
        tasks: of the DAG as it is now; of them the setups and teardowns count.
        graph: of them.
        states: of the run's task instances; tasks that are missing are new.
        stale: tasks whose code, or the code they stand on, has changed since their latest try.
        timed_out: task instances that were skipped because their run took too long.
        everything: whether all of them run again.

    Returns:
        Task instance → reason, upstream first. What stands on a task that runs again runs again too. Of a mapped
        task only the instances that failed run again, unless all of it has to. What a task needs and a teardown
        has removed already is set up again for it, and torn down once more.
    """
    again: dict[TaskKey, str] = {}
    redone: set[str] = set()
    of_task: dict[str, list[TaskKey]] = {}
    for key in sorted(states):
        of_task.setdefault(key.task_id, []).append(key)
    for task_id in graph.order:
        keys = of_task.get(task_id, ())
        whole = next((key for key in keys if key.map_index == -1), None)
        above = [up for up in graph.upstream(task_id) if up in redone]
        if whole is None:
            continue
        if reason := _whole_again(whole, states[whole], above, task_id in stale, everything=everything):
            again[whole] = reason
        else:
            again |= _parts_again([key for key in keys if key is not whole] or [whole], states, timed_out)
            if not again.keys() & keys:  # it has failed itself: it found no items anew
                again |= _parts_again([whole], states, timed_out)
        if any(key in again for key in keys):
            redone.add(task_id)
    if more := _removed(graph, tasks, states, again):
        again |= more
        place = {task_id: number for number, task_id in enumerate(graph.order)}
        return dict(sorted(again.items(), key=lambda item: (place[item[0].task_id], item[0].map_index)))
    return again


def stale_above(graph: Graph, chosen: Iterable[str], stale: frozenset[str]) -> dict[str, str]:
    """The tasks above what runs again whose code has changed: they run first (semantics.md, which code).

    Args:
        graph: of the DAG as it is now.
        chosen: the tasks that run again.
        stale: the tasks whose code, or the code they stand on, has changed since their latest try.

    Returns:
        Task id → reason.
    """
    again = set(chosen)
    return {
        above: f"its code, or code it stands on, has changed, and `{task_id}` below it runs again"
        for task_id in sorted(again, key=graph.place)
        for above in sorted(graph.ancestors(task_id) & stale - again, key=graph.place)
    }


def not_kept(
    chosen: Iterable[str],
    producers: Mapping[str, Mapping[str, tuple[str, ...]]],
    optional: Mapping[str, frozenset[str]],
    states: Mapping[str, TaskState],
    kept: Mapping[str, frozenset[str]],
) -> dict[str, str]:
    """The tasks that have to run too, because what runs again needs a value that their tries did not keep.

    Args:
        chosen: the tasks that run again.
        producers: of the `Flow`.
        optional: of the `Flow`.
        states: of the run's tasks.
        kept: task → the names of the values its latest try handed on.

    Returns:
        Task id → reason.
    """
    found: dict[str, str] = {}
    todo = list(chosen)
    again = set(todo)
    while todo:
        task_id = todo.pop()
        for name, sources in producers.get(task_id, {}).items():
            if name in optional.get(task_id, frozenset()) or again.intersection(sources):
                continue
            ran = [source for source in sources if states.get(source) is TaskState.SUCCESS]
            if ran and not any(name in kept.get(source, frozenset()) for source in ran):
                found[ran[0]] = f"`{task_id}` needs `{name}` now, which its latest try did not hand on"
                again.add(ran[0])
                todo.append(ran[0])
    return found


def _named(tasks: Mapping[str, TaskSpec], selection: Selection) -> dict[str, str]:
    if not selection.tasks and not selection.groups:
        return dict.fromkeys(tasks, "all tasks are meant")
    found = {task_id: "named" for task_id, _ in selection.tasks}
    for group in selection.groups:
        for task_id, spec in tasks.items():
            if spec.group == group or spec.group.startswith(f"{group}."):
                found.setdefault(task_id, f"in group {group}")
    return found


def _spread(reasons: dict[str, str], graph: Graph, selection: Selection) -> None:
    named = list(reasons)
    for task_id in named:
        if selection.upstream:
            for above in graph.ancestors(task_id):
                reasons.setdefault(above, f"upstream of `{task_id}`")
        if selection.downstream:
            for below in graph.descendants(task_id):
                reasons.setdefault(below, f"downstream of `{task_id}`")


def _around(
    run: RunKey,
    tasks: Mapping[str, TaskSpec],
    graph: Graph,
    states: Mapping[TaskKey, TaskState],
    found: Mapping[TaskKey, str],
) -> dict[TaskKey, str]:
    """The setups and teardowns of what was found; of a setup alone its teardowns."""
    more: dict[TaskKey, str] = {}
    ids = {key.task_id for key in found}
    for task_id, spec in tasks.items():
        if spec.kind is not TaskKind.TEARDOWN:
            continue
        between = graph.ancestors(task_id).intersection(
            below for setup in spec.setups for below in graph.descendants(setup)
        )
        around: dict[str, str] = {}
        if inside := sorted(ids & between - {*spec.setups, task_id}):
            around = dict.fromkeys(spec.setups, f"the setup of `{inside[0]}`")
            around[task_id] = f"the teardown of `{inside[0]}`"
        elif again := sorted(ids.intersection(spec.setups)):
            around[task_id] = f"the teardown of `{again[0]}`"
        for other, reason in around.items():
            key = TaskKey(run, other)
            if key not in found and states.get(key, TaskState.NONE) is not TaskState.NONE:
                more[key] = reason
    return more


def _removed(
    graph: Graph,
    tasks: Mapping[str, TaskSpec],
    states: Mapping[TaskKey, TaskState],
    again: Mapping[TaskKey, str],
) -> dict[TaskKey, str]:
    """The setups and teardowns of what runs again, where the teardown has been."""
    if not again:
        return {}
    over = {key.task_id for key, state in states.items() if state.finished}
    been = {task_id: spec for task_id, spec in tasks.items() if task_id in over}
    return _around(next(iter(again)).run, been, graph, states, again)


def _whole_again(key: TaskKey, state: TaskState, above: list[str], stale: bool, *, everything: bool) -> str:
    """Why a task, with all its instances, has to run again; "" when it needn't."""
    if not state.finished and state is not TaskState.RUNNING:
        return ""
    if everything:
        return "asked to run everything again"
    if stale:
        return "its code, or code it stands on, has changed"
    if above:
        return f"{', '.join(above)} runs again"
    return ""


def _parts_again(
    keys: Iterable[TaskKey], states: Mapping[TaskKey, TaskState], timed_out: frozenset[TaskKey]
) -> dict[TaskKey, str]:
    return {key: reason for key in keys if (reason := _one_again(states[key], key in timed_out))}


def _one_again(state: TaskState, timed_out: bool) -> str:
    if state is TaskState.FAILED:
        return "it failed before"
    if state is TaskState.UPSTREAM_FAILED:
        return "a task before it had failed"
    return "its run had taken too long" if timed_out else ""
