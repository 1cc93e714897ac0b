"""Telling functions of a notebook how its runs and tasks went: each call is a process of its own.

A callback that fails is logged and harms nothing.
"""

from __future__ import annotations

import logging
import secrets
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.model.messages import MissDeadline, Move, RunMove
from nbflow.model.run import TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import LOG_FILE, Callback, Result, TaskRequest
from nbflow.store.home import safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbflow.execute.local import LocalExecutor
    from nbflow.model.messages import Action
    from nbflow.model.run import RunKey
    from nbflow.model.task import TaskSpec
    from nbflow.model.work import TaskOutcome
    from nbflow.service.prepare import OpenRun
    from nbflow.store.home import Home

_LOG = logging.getLogger("nbflow.callbacks")
_FAILED = "%s `%s` of %s %s failed: %s (what it printed: %s)"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of a notebook that is to be told something, of a run or of one of its tasks."""

    run: RunKey
    task: TaskKey | None
    callback: Callback
    try_number: int


class Callbacks:
    """Calls them, by the executor that runs the tries."""

    def __init__(self, home: Home, executor: LocalExecutor) -> None:
        self._home = home
        self._executor = executor
        self._under_way: dict[str, tuple[Call, TaskRequest]] = {}

    @property
    def busy(self) -> bool:
        """Whether one is under way."""
        return bool(self._under_way)

    def tell(
        self, actions: Iterable[Action], runs: Mapping[RunKey, OpenRun], errors: Mapping[TaskKey, str]
    ) -> None:
        """Call whoever is to be told of what has happened.

        Args:
            actions: stored by now.
            runs: the open runs.
            errors: of tries that have just ended, where they went wrong.
        """
        for call in calls(actions, runs, errors):
            self._start(call, runs[call.run])

    def owns(self, token: str) -> bool:
        """Whether a token is of a callback."""
        return token in self._under_way

    def ended(self, outcome: TaskOutcome) -> None:
        """One is over."""
        call, request = self._under_way.pop(outcome.token)
        if outcome.result is not Result.SUCCESS:
            said = call.callback
            what = call.run.run_id if call.task is None else f"{call.run.run_id} {call.task.task_id}"
            log = request.folder / LOG_FILE
            _LOG.warning(_FAILED, said.event, said.function, call.run.dag_id, what, outcome.reason, log)

    def _start(self, call: Call, run: OpenRun) -> None:
        key = call.task or TaskKey(call.run, "")
        name = safe_name(f"{key.task_id}[{key.map_index}] {call.callback.event}".strip())
        folder = self._home.root / "callbacks" / safe_name(call.run.dag_id) / safe_name(run.label) / name
        request = TaskRequest(
            key=key,
            try_number=call.try_number,
            token=secrets.token_hex(16),
            flow=run.flow,
            notebook=run.notebook,
            interval=run.interval,
            timezone=run.flow.dag.timezone,
            params=run.params,
            inputs={},
            missing={},
            cwd=run.cwd,
            folder=folder,
            python=run.environment.python,
            environment=run.environment.variables,
            kernel=run.environment.kernel,
            modules=run.modules,
            callback=call.callback,
        )
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self._executor.submit(request)
        except (OSError, RuntimeError, NbflowError) as error:
            said = call.callback
            _LOG.warning(_FAILED, said.event, said.function, call.run.dag_id, run.label, error, folder)
            return
        self._under_way[request.token] = (call, request)


def calls(
    actions: Iterable[Action], runs: Mapping[RunKey, OpenRun], errors: Mapping[TaskKey, str]
) -> list[Call]:
    """Who is to be told of these actions, in their order; arguments as for `Callbacks.tell`."""
    found: list[Call] = []
    for action in actions:
        match action:
            case Move(key=key) if key.run in runs:
                flow = runs[key.run].flow
                spec = flow.tasks.get(key.task_id)
                named = None if spec is None else _of_task(spec, action)
                if named is not None:
                    event, function = named
                    said = _said(event, function, action.new, action.reason, errors.get(key, ""))
                    found.append(Call(key.run, key, said, action.instance.try_number))
            case RunMove(run=run) if run in runs:
                dag = runs[run].flow.dag
                ends = {RunState.SUCCESS: "on_success_callback", RunState.FAILED: "on_failure_callback"}
                event = ends.get(action.new)
                if event is not None and (function := getattr(dag, event)):
                    found.append(Call(run, None, _said(event, function, action.new, action.reason, ""), 0))
            case MissDeadline(run=run) if run in runs and runs[run].flow.dag.on_deadline_callback:
                dag = runs[run].flow.dag
                reason = f"the run was not over {dag.deadline} after it was queued"
                said = _said("on_deadline_callback", dag.on_deadline_callback, RunState.RUNNING, reason, "")
                found.append(Call(run, None, said, 0))
            case _:
                pass
    return found


def _said(event: str, function: str, state: TaskState | RunState, reason: str, error: str) -> Callback:
    return Callback(function=function, event=event, state=state.value, reason=reason, exception=error)


def _of_task(spec: TaskSpec, move: Move) -> tuple[str, str] | None:
    """Which option of a task names a function for a move, and the function.

    A mapped task's instances are told of, not the task that stands for all of them.
    """
    if spec.mapped and move.key.map_index < 0 and move.instance.items is not None:
        return None
    function, event = {
        TaskState.SUCCESS: (spec.on_success_callback, "on_success_callback"),
        TaskState.FAILED: (spec.on_failure_callback, "on_failure_callback"),
        TaskState.UP_FOR_RETRY: (spec.on_retry_callback, "on_retry_callback"),
        TaskState.SKIPPED: (spec.on_skipped_callback, "on_skipped_callback"),
    }.get(move.new, ("", ""))
    return (event, function) if function else None
