"""A home with a long past, written as a scheduler writes it, without the processes."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nbflow.model.instance import Instance
from nbflow.model.messages import Move, RunMove
from nbflow.model.run import Interval, RunKey, RunType, TaskKey, run_id_of
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import Result, TaskOutcome
from nbflow.model.xcom import Form, XComValue
from nbflow.service.publishing import ScheduleRequest, put_on_schedule
from nbflow.service.session import owned_home
from nbflow.store.home import Home
from nbflow.store.xcom import TryXComs, XComStore
from scheduling.process import notebook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nbflow.model.messages import Action
    from nbflow.store.state import StateStore

TASKS = 14
DAYS = 365
_DAY = timedelta(days=1)
_WAY = (TaskState.SCHEDULED, TaskState.QUEUED, TaskState.RUNNING, TaskState.SUCCESS)


def fill(folder: Path, *, tries: int) -> int:
    """Daily DAGs of 14 tasks, each with a run and its values for every day of a year, until yesterday; as many
    DAGs as it takes to come to so many tries. Nothing is due then.

    Args:
        folder: of the project; empty.
        tries: at least so many.

    Returns:
        How many there are.
    """
    dags = -(-tries // (TASKS * DAYS))
    last = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - _DAY
    first = last - (DAYS - 1) * _DAY
    home = Home(folder / ".nbflow", folder)
    tasks = [f"t{number}" for number in range(TASKS)]
    for number in range(dags):
        header = f"%%dag d{number}\nschedule = '@daily'\nstart_date = {first:%Y-%m-%d}\ncatchup = true"
        notebook(folder / f"d{number}.ipynb", header, *(f"%%task {task}\n{task} = 1" for task in tasks))
    with owned_home(home, what="benchmark") as state, XComStore.open(home.root) as xcoms:
        paths = tuple(sorted(folder.glob("*.ipynb")))
        put_on_schedule(state, ScheduleRequest(paths=paths, follow=False, options={}, environment={}))
        for number in range(dags):
            for day in range(DAYS):
                _add_run(home, state, xcoms, f"d{number}", first + day * _DAY, tasks)
    return dags * DAYS * TASKS


def _add_run(
    home: Home, state: StateStore, xcoms: XComStore, dag_id: str, date: datetime, tasks: Sequence[str]
) -> None:
    """A run of a day that succeeded, in one transaction of each store."""
    key, at = RunKey(dag_id, run_id_of(date)), date + _DAY
    record = state.dag(dag_id)
    version = "" if record is None else record.version
    values: list[TryXComs] = []
    with state.writing():
        state.save_run(
            key,
            interval=Interval(logical_date=date, start=date, end=at, due=at),
            run_type=RunType.SCHEDULED,
            variant="",
            params={},
            version=version,
            max_tries=dict.fromkeys(tasks, 1),
            at=at,
        )
        state.record([RunMove(at=at, run=key, old=RunState.QUEUED, new=RunState.RUNNING, reason="room")])
        for task_id in tasks:
            task, token = TaskKey(key, task_id), secrets.token_hex(16)
            path = home.try_folder(dag_id, f"{date:%Y-%m-%d}", task_id, -1, 1)
            path.mkdir(parents=True)
            inside = str(path.relative_to(home.root))
            state.add_try(task, 1, token=token, code_hash="0" * 64, version=version, folder=inside, at=at)
            state.start_try(token, process_group=1, at=at)
            state.end_try(_success(token, at))
            state.record(_moves(task, at))
            value = XComValue(
                key=task_id, form=Form.JSON, kind="int", text="1", size=1, preview="1", wanted=True
            )
            values.append(
                TryXComs(key=task, try_number=1, ds=f"{date:%Y-%m-%d}", token=token, xcoms=(value,), at=at)
            )
        state.record([RunMove(at=at, run=key, old=RunState.RUNNING, new=RunState.SUCCESS, reason="done")])
    xcoms.commit(values)


def _moves(task: TaskKey, at: datetime) -> list[Action]:
    found: list[Action] = []
    old = TaskState.NONE
    for new in _WAY:
        tries = 0 if new is TaskState.SCHEDULED else 1
        instance = Instance(state=new, try_number=tries)
        found.append(Move(at=at, key=task, old=old, new=new, reason="as benchmarks do", instance=instance))
        old = new
    return found


def _success(token: str, at: datetime) -> TaskOutcome:
    return TaskOutcome(
        token=token, result=Result.SUCCESS, reason="", error=None, xcoms=(), notes=(), started=at, ended=at
    )
