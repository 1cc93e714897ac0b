"""Clearing and marking from a board: which task instances are meant, and having it done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbflow.errors import OptionError
from nbflow.model.state import RunState, TaskState
from nbflow.service.board_asking import obeyed, started, wait_for_owner
from nbflow.service.bodies import cleared, marked, run_marked
from nbflow.service.choosing import Choice, chosen_to_clear, chosen_to_mark, count_of, task_keys
from nbflow.service.lookup import open_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nbflow.model.run import RunKey
    from nbflow.service.choosing import Chosen
    from nbflow.service.lookup import Target
    from nbflow.store.state import StateStore

    Body = Mapping[str, Any]
    Choose = Callable[[StateStore, Target, Choice], list[Chosen]]

_FLAGS = ("upstream", "downstream", "past", "future", "only_failed", "stale")
_MARKS = (TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED)
_NO_RUNS = "say which runs: run_ids, a list of their ids, or from and to."
_NOT_A_LIST = "{name} is a list of texts, and is {found!r}."
_NO_STATE = "a task is marked as success, failed or skipped, not as {state!r}."
_OVER = "the run is over: choose the tasks that are to count as failed."
_NOTHING_TO_CLEAR = "Nothing to clear: no task is as you say."
_NOTHING_TO_MARK = "Nothing to mark: all that is meant is {state} already."


def preview_clear(target: Target, body: Body) -> dict[str, Any]:
    """What would run again."""
    chosen = _chosen(target, body, chosen_to_clear)
    said = f"{_counted(chosen)} would run again." if chosen else _NOTHING_TO_CLEAR
    return {"said": said, "count": count_of(chosen), "rows": list(_rows(chosen, None))}


def preview_mark(target: Target, body: Body) -> dict[str, Any]:
    """What would be marked."""
    becomes = _mark_of(body)
    chosen = _to_mark(target, body, becomes)
    said = f"{_counted(chosen)} would be marked {becomes}."
    return {
        "said": said if chosen else _NOTHING_TO_MARK.format(state=becomes),
        "count": count_of(chosen),
        "rows": list(_rows(chosen, becomes)),
    }


def clear(target: Target, body: Body) -> dict[str, Any]:
    """Have tasks run again, with the notebook as saved."""
    chosen = _chosen(target, body, chosen_to_clear)
    if not chosen:
        return {"said": _NOTHING_TO_CLEAR}
    _carry(
        target,
        "clear",
        chosen,
        lambda some: cleared(target.dag_id, task_keys(some)),
        lambda one: ["clear", *_words(target, one, body), "--yes"],
    )
    return {"said": f"Cleared {_counted(chosen)}."}


def mark(target: Target, body: Body) -> dict[str, Any]:
    """Say how tasks have ended, whatever they did; without tasks, how whole runs have."""
    becomes = _mark_of(body)
    chosen = _to_mark(target, body, becomes)
    if not chosen:
        return {"said": _NOTHING_TO_MARK.format(state=becomes)}
    reason = f"marked {becomes}"

    def command(some: Sequence[Chosen]) -> dict[str, Any]:
        if not _whole(body, becomes):
            return marked(target.dag_id, task_keys(some), becomes, reason)
        ends = becomes is TaskState.FAILED
        return run_marked((one.run.key for one in some), RunState(becomes.value), reason, unless_over=ends)

    _carry(
        target,
        "mark",
        chosen,
        command,
        lambda one: ["mark", becomes.value, *_words(target, one, body), "--yes"],
    )
    return {"said": f"Marked {_counted(chosen)} as {becomes}."}


def _carry(
    target: Target,
    verb: str,
    chosen: list[Chosen],
    command: Callable[[Sequence[Chosen]], dict[str, Any]],
    words: Callable[[Chosen], list[str]],
) -> None:
    """Have whoever holds the home do it. Where nobody does, a process begins with the first run, and is asked for the
    others when it is there.
    """
    left = list(chosen)
    while left and obeyed(target.home, verb, command(left)) is None:
        started(target, words(left.pop(0)))
        if left:
            wait_for_owner(target.home)


def _words(target: Target, one: Chosen, body: Body) -> list[str]:
    """The same for one run on a command line. What else is chosen in it follows by the same rules."""
    flags = [
        f"--{name.replace('_', '-')}" for name in _FLAGS if name not in ("past", "future") and body.get(name)
    ]
    return [str(target.path), one.run.key.run_id, *_tasks(body), *flags]


def _to_mark(target: Target, body: Body, becomes: TaskState) -> list[Chosen]:
    def choose(state: StateStore, target: Target, choice: Choice) -> list[Chosen]:
        return chosen_to_mark(state, target, choice, becomes)

    chosen = _chosen(target, body, choose)
    if not _whole(body, becomes) or becomes is not TaskState.FAILED:
        return chosen
    under_way = [one for one in chosen if not one.run.state.finished]
    if chosen and not under_way:
        raise OptionError(_OVER)
    return under_way


def _chosen(target: Target, body: Body, choose: Choose) -> list[Chosen]:
    """The task instances that are meant, run by run in order of date."""
    found: dict[RunKey, Chosen] = {}
    with open_state(target) as state:
        for choice in _choices(body):
            for one in choose(state, target, choice):
                found.setdefault(one.run.key, one)
    return sorted(found.values(), key=lambda one: (one.run.interval.logical_date, one.run.variant))


def _choices(body: Body) -> Iterator[Choice]:
    """One for each run that is named, or one for a stretch of dates."""
    flags: dict[str, Any] = {name: bool(body.get(name)) for name in _FLAGS}
    choice = Choice(tasks=tuple(_tasks(body)), **flags)
    first, last = body.get("from"), body.get("to")
    if first is not None or last is not None:
        yield replace(
            choice, start=None if first is None else str(first), end=None if last is None else str(last)
        )
        return
    run_ids = _texts(body, "run_ids")
    if not run_ids:
        raise OptionError(_NO_RUNS)
    for run_id in run_ids:
        yield replace(choice, date=run_id)


def _tasks(body: Body) -> list[str]:
    tasks, index = _texts(body, "tasks"), body.get("map_index")
    if len(tasks) == 1 and isinstance(index, int) and index >= 0:
        return [f"{tasks[0]}[{index}]"]
    return tasks


def _texts(body: Body, name: str) -> list[str]:
    found = body.get(name, [])
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise OptionError(_NOT_A_LIST.format(name=name, found=found))
    return list(found)


def _mark_of(body: Body) -> TaskState:
    for state in _MARKS:
        if state.value == body.get("state"):
            return state
    raise OptionError(_NO_STATE.format(state=body.get("state")))


def _whole(body: Body, becomes: TaskState) -> bool:
    """Whether whole runs are marked."""
    chosen = _texts(body, "tasks") or body.get("only_failed") or body.get("stale")
    return not chosen and becomes is not TaskState.SKIPPED


def _rows(chosen: Sequence[Chosen], becomes: TaskState | None) -> Iterator[dict[str, Any]]:
    for one in chosen:
        for key, reason in one.tasks.items():
            yield {
                "run_id": one.run.key.run_id,
                "label": one.label,
                "task_id": key.task_id,
                "map_index": key.map_index,
                "state": one.states[key].value,
                "becomes": reason if becomes is None else becomes.value,
                "reason": reason,
            }


def _counted(chosen: Sequence[Chosen]) -> str:
    """«3 tasks of 2 runs»."""
    tasks = count_of(chosen)
    said = "1 task" if tasks == 1 else f"{tasks} tasks"
    return f"{said} of {chosen[0].label}" if len(chosen) == 1 else f"{said} of {len(chosen)} runs"
