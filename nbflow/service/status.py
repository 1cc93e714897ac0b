"""How a project stands: its scheduler, what is queued, what comes next, the home and its size."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.model.schedule import read_schedule
from nbflow.model.state import TaskState
from nbflow.plan.missed import next_run
from nbflow.plan.timetable import Timetable
from nbflow.service.retention import DEFAULT_KEEP, keep_of
from nbflow.service.surroundings import announced
from nbflow.service.workflow import stored_workflow
from nbflow.store.home import OUTPUT_NAME, is_held
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from nbflow.model.record import DagRecord, ImportErrorRecord
    from nbflow.model.run import Interval
    from nbflow.store.home import Home
    from nbflow.store.overview import OwnerRecord, Waiting

SCHEDULES = "nbflow schedule"  # how the command of a scheduler begins
MOST_FILES = 50_000  # of a folder that are counted
_SILENT = timedelta(minutes=1)  # without a sign of life
_HOLDS_A_SLOT = frozenset({TaskState.QUEUED.value, TaskState.RUNNING.value, TaskState.RESTARTING.value})
_NOT_DUE = "its next run is not known before the one under way has ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The bytes of a part of the home; `whole` is false where it has too many files to count them all."""

    bytes: int
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A DAG on the schedule.

    Attributes:
        due, logical_date: of its next run, aware; None where none is known.
        remark: what is to be said of it: why there is no next run.
    """

    dag_id: str
    path: Path
    timezone: str
    paused: bool
    follow: bool
    due: datetime | None = None
    logical_date: datetime | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a project stands at one moment.

    Attributes:
        owner: who holds the home now, None where nobody does.
        last_owner: who held it last.
        slots: how many tasks the owner runs at once; None where nobody holds the home.
        taken: how many task instances hold a slot.
        tasks, runs: what is not over, by state and reason.
        lag: how late the oldest run is that should have begun; zero where none is.
        silent: how long ago the scheduler gave its last sign of life; None where nobody holds the home.
        scheduled: the DAGs on the schedule, the next run first.
        errors: notebooks that can't be scheduled as they are.
        sizes: part of the home → its size.
        free: bytes that the disk has left.
        keep: how long ended runs are kept, None: for ever.
    """

    home: Home
    at: datetime
    owner: OwnerRecord | None = None
    last_owner: OwnerRecord | None = None
    slots: int | None = None
    taken: int = 0
    tasks: tuple[Waiting, ...] = ()
    runs: tuple[Waiting, ...] = ()
    lag: timedelta = timedelta(0)
    scheduled: tuple[Scheduled, ...] = ()
    errors: tuple[ImportErrorRecord, ...] = ()
    sizes: dict[str, Size]
    free: int
    keep: timedelta | None

    @property
    def silent(self) -> timedelta | None:
        """How long ago the owner gave its last sign of life; None where nobody holds the home."""
        return None if self.owner is None else self.at - self.owner.heartbeat

    @property
    def alive(self) -> bool:
        """Whether a scheduler holds the home and gave a sign of life within the last minute."""
        schedules = self.owner is not None and self.owner.what.startswith(SCHEDULES)
        return schedules and self.silent is not None and self.silent < _SILENT

    @property
    def states(self) -> dict[str, int]:
        """How many task instances that are not over are in each state."""
        counts: Counter[str] = Counter()
        for one in self.tasks:
            counts[one.state] += one.count
        return dict(counts)


def status_of(home: Home, *, at: datetime) -> Status:
    """How a project stands. Only reads.

    Args:
        home: whose; where it isn't there, nothing stands.
        at: now; aware.

    Raises:
        HomeError: its state can't be read.
    """
    sizes, free = sizes_of(home), _free(home)
    if not home.state.exists():
        return Status(home=home, at=at, sizes=sizes, free=free, keep=keep_of())
    held = is_held(
        home
    )  # before the look: whoever has let go since is seen as holding it, never the other way
    said = announced(home.root) if held else None
    keep = keep_of() if said is None else keep_of(said.keep or DEFAULT_KEEP)
    with StateStore(home.state) as state:
        owner = state.overview.owner()
        tasks = tuple(state.overview.tasks())
        scheduled = [_scheduled(state, record, at) for record in state.schedules.dags()]
        waits_since = state.overview.oldest_waiting()
        dues = (waits_since, *(one.due for one in scheduled if not one.paused))
        since = min([at, *(due for due in dues if due is not None)])
        return Status(
            home=home,
            at=at,
            owner=owner if held else None,
            last_owner=owner,
            slots=slots_of(owner.what) if held and owner is not None else None,
            taken=sum(one.count for one in tasks if one.state in _HOLDS_A_SLOT),
            tasks=tasks,
            runs=tuple(state.overview.runs()),
            lag=at - since,
            scheduled=tuple(sorted(scheduled, key=lambda one: (one.due is None, one.due or at, one.dag_id))),
            errors=tuple(state.schedules.errors()),
            sizes=sizes,
            free=free,
            keep=keep,
        )


def slots_of(what: str) -> int:
    """How many tasks a command runs at once: its `--parallelism`, else one a processor."""
    named = re.search(r"--parallelism[= ](\d+)", what)
    return int(named[1]) if named else os.cpu_count() or 1


def sizes_of(home: Home) -> dict[str, Size]:
    """The parts of a home and their sizes: `state`, `xcoms`, `tries` (with logs), `logs` of its own, and the
    executed `notebooks` beside it.
    """
    state, xcom = home.state, home.xcom
    with_state = (state, *(state.with_name(state.name + end) for end in ("-wal", "-shm")))
    return {
        "state": Size(bytes=sum(map(_file_size, with_state))),
        "xcoms": Size(bytes=_file_size(xcom) + _file_size(xcom.with_name(xcom.name + ".wal"))),
        "tries": _folder_size(home.root / "tries"),
        "logs": Size(
            bytes=sum(map(_file_size, home.root.glob(f"{home.journal.name}*")))
            + _folder_size(home.root / "detached").bytes
        ),
        "notebooks": _folder_size(home.project / OUTPUT_NAME),
    }


def _scheduled(state: StateStore, record: DagRecord, at: datetime) -> Scheduled:
    def said(interval: Interval | None = None, remark: str = "") -> Scheduled:
        return Scheduled(
            dag_id=record.dag_id,
            path=record.path,
            timezone=record.timezone,
            paused=record.paused,
            follow=record.follow,
            due=None if interval is None else interval.due,
            logical_date=None if interval is None else interval.logical_date,
            remark=remark,
        )

    if record.published is None:
        return said(remark="nothing of it is published")
    try:
        dag = stored_workflow(state, record, record.published).flow.dag
        if dag.schedule is None:
            return said(remark="it has no schedule")
        table = Timetable(
            schedule=read_schedule(dag.schedule),
            timezone=dag.timezone,
            kind=dag.timetable,
            start_date=dag.start_date,
            end_date=dag.end_date,
        )
        interval = next_run(dag, table, last=state.schedules.last(record.dag_id, now=at), now=at)
    except (NbflowError, ValueError) as error:
        return said(remark=str(error).splitlines()[0])
    if interval is None:
        return said(remark=_NOT_DUE if dag.schedule == "@continuous" else "no further run follows")
    return said(interval)


def _file_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _folder_size(folder: Path) -> Size:
    """Of all files below a folder, up to `MOST_FILES`; links are not followed."""
    total = count = 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(folder / entry.path)
                        continue
                    count += 1
                    total += entry.stat(follow_symlinks=False).st_size
        except OSError:  # gone since, or not there at all
            continue
        if count > MOST_FILES:
            return Size(bytes=total, whole=False)
    return Size(bytes=total)


def _free(home: Home) -> int:
    place = next(path for path in (home.root, *home.root.parents) if path.exists())
    return shutil.disk_usage(place).free
