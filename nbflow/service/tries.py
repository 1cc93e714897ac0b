"""The tries under way: from the machine's wish to launch one to what the executor needs for it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from nbflow.model.run import TaskKey
from nbflow.model.state import TaskState
from nbflow.service.clock import now
from nbflow.service.prepare import Attempt

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.model.messages import Launch
    from nbflow.model.record import TryRecord
    from nbflow.model.run import RunKey
    from nbflow.plan.machine import Machine
    from nbflow.service.prepare import OpenRun, Source
    from nbflow.store.home import Home
    from nbflow.store.state import StateStore


class Tries:
    """The tries under way, by token and by task instance."""

    def __init__(self, home: Home, state: StateStore, machine: Machine, *, exchange: Path | None) -> None:
        self._home = home
        self._state = state
        self._machine = machine
        self._exchange = exchange
        self._tokens: dict[TaskKey, str] = {}
        self._keys: dict[str, tuple[TaskKey, int]] = {}

    def begin(self, action: Launch, run: OpenRun) -> Attempt:
        """Give a try its token and its row in the store; within a transaction of the owner."""
        key, try_number = action.key, action.try_number
        token = secrets.token_hex(16)
        self._tokens[key] = token
        self._keys[token] = (key, try_number)
        folder = self._home.try_folder(key.run.dag_id, run.label, key.task_id, key.map_index, try_number)
        self._state.add_try(
            key,
            try_number,
            token=token,
            code_hash=run.flow.code_hashes[key.task_id],
            version=run.flow.version,
            folder=str(folder.relative_to(self._home.root)),
            at=now(),
            look=action.look,
        )
        sources = {p for producers in run.flow.producers.get(key.task_id, {}).values() for p in producers}
        return Attempt(
            run=run,
            key=key,
            try_number=try_number,
            token=token,
            folder=folder,
            producers={task_id: self._standing(key.run, task_id) for task_id in sources},
            exchange=self._exchange,
            previous_success=self._state.previous_success(key.run.dag_id, run.interval.logical_date),
            collected={
                task_id: self._succeeded(key.run, task_id)
                for task_id in sources
                if run.flow.tasks[task_id].mapped
                and self._machine.instance(TaskKey(key.run, task_id)).items is not None
            },
            item=None if key.map_index < 0 else self._expansion(key),
        )

    def adopt(self, tried: TryRecord, run: OpenRun) -> Attempt:
        """Take up a try that ended while nobody was there; its outcome is still to be told."""
        self._tokens[tried.key] = tried.token
        self._keys[tried.token] = (tried.key, tried.try_number)
        return Attempt(
            run=run,
            key=tried.key,
            try_number=tried.try_number,
            token=tried.token,
            folder=tried.folder,
            producers={},
            exchange=None,
            previous_success=None,
        )

    def of(self, token: str) -> tuple[TaskKey, int]:
        """Whose try a token is of, and which.

        Raises:
            KeyError: none that is under way.
        """
        return self._keys[token]

    def end(self, token: str) -> tuple[TaskKey, int]:
        """It is over; whose it was, and which.

        Raises:
            KeyError: it was over already, or never began.
        """
        key, try_number = self._keys.pop(token)
        if self._tokens.get(key) == token:  # not where a later try has begun already
            del self._tokens[key]
        return key, try_number

    def token(self, key: TaskKey) -> str | None:
        """The token of a task instance's try that is under way."""
        return self._tokens.get(key)

    def runs(self) -> set[RunKey]:
        """The runs that have a try under way."""
        return {key.run for key in self._tokens}

    def _standing(self, run: RunKey, task_id: str) -> tuple[TaskState, int]:
        instance = self._machine.instance(TaskKey(run, task_id))
        return instance.state, instance.try_number

    def _succeeded(self, run: RunKey, task_id: str) -> tuple[Source, ...]:
        return tuple(
            (TaskKey(run, task_id, index), instance.try_number)
            for index, instance in enumerate(self._machine.instances(run, task_id))
            if instance.state is TaskState.SUCCESS
        )

    def _expansion(self, key: TaskKey) -> Source:
        whole = TaskKey(key.run, key.task_id)
        return whole, self._machine.instance(whole).try_number
