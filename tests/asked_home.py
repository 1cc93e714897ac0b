"""A home with XComs and runs in it, for whoever asks it something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nbflow.codec import encode
from nbflow.model.instance import Instance
from nbflow.model.messages import Move, RunMove
from nbflow.model.run import Interval, RunKey, RunType, TaskKey, run_id_of
from nbflow.model.state import RunState, TaskState
from nbflow.store.home import Home
from nbflow.store.state import StateStore
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
ZONE = "Asia/Seoul"  # its days begin at 15:00 UTC of the day before


@dataclass(frozen=True)
class AskedHome:
    """A project's home; the DAG `flights` has run on some days of January 2026."""

    home: Home

    def run_key(self, day: int, dag: str = "flights") -> RunKey:
        return RunKey(dag, run_id_of(start_of(day)))

    def hand_on(
        self,
        store: XComStore,
        value: object,
        *,
        day: int = 1,
        dag: str = "flights",
        task: str = "clean",
        key: str = "df",
        show: bool = True,
    ) -> TaskKey:
        """Have a task hand on a value."""
        folder = self.home.root / "staged"
        folder.mkdir(exist_ok=True)
        found = TaskKey(self.run_key(day, dag), task)
        encoded = encode(key, value, folder=folder, shared={}, namespace={})
        entry = TryXComs(
            key=found, try_number=1, ds=f"2026-01-{day:02}", token=f"{found} {key}", xcoms=(encoded,), at=AT
        )
        store.commit([entry])
        if show:
            store.show()
        return found

    def add_runs(self, *days: int, tasks: tuple[str, ...] = ("clean",)) -> None:
        """Runs of the DAG that took a minute and a half; each task took one."""
        with StateStore(self.home.state) as state:
            state.take_ownership("pytest", AT)
            with state.writing():
                for day in days:
                    self._add_run(state, day, tasks)

    def _add_run(self, state: StateStore, day: int, tasks: tuple[str, ...]) -> None:
        key, start = self.run_key(day), start_of(day)
        end = start + timedelta(days=1)
        notebook = self.home.project / "flights.ipynb"
        state.save_dag("flights", path=notebook, version="v", timezone=ZONE, notebook="{}", at=AT)
        state.save_run(
            key,
            interval=Interval(logical_date=start, start=start, end=end, due=end),
            run_type=RunType.BACKFILL,
            variant="",
            params={"carrier": "UA"},
            version="v",
            max_tries=dict.fromkeys(tasks, 1),
            at=AT,
        )
        state.record([RunMove(at=AT, run=key, old=RunState.QUEUED, new=RunState.RUNNING, reason="room")])
        for task in tasks:
            running = Instance(state=TaskState.RUNNING, try_number=1)
            ended = Instance(state=TaskState.SUCCESS, try_number=1)
            place = TaskKey(key, task)
            later = AT + timedelta(seconds=60)
            moves = [
                Move(
                    at=AT, key=place, old=TaskState.QUEUED, new=TaskState.RUNNING, reason="", instance=running
                ),
                Move(
                    at=later,
                    key=place,
                    old=TaskState.RUNNING,
                    new=TaskState.SUCCESS,
                    reason="ran",
                    instance=ended,
                ),
            ]
            state.record(moves)
        done = AT + timedelta(seconds=90)
        state.record([RunMove(at=done, run=key, old=RunState.RUNNING, new=RunState.SUCCESS, reason="done")])


def start_of(day: int) -> datetime:
    """Midnight of a day of January 2026 in the DAG's zone."""
    return datetime(2026, 1, day, tzinfo=UTC) - timedelta(hours=9)


def asked_home(folder: Path) -> AskedHome:
    """A home without anything."""
    home = Home(folder / ".nbflow", folder)
    home.create()
    return AskedHome(home)
