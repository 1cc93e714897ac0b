"""What tasks print, as they print it: the logs of a run's tries, followed to their end."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.work import LOG_FILE, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from nbflow.model.record import InstanceRecord, TryRecord
    from nbflow.model.run import RunKey, TaskKey
    from nbflow.store.state_reader import StateReader

_NOBODY = "nobody works on this home now, so nothing more comes: nbflow run or nbflow schedule lets it go on"
_MOST = 1_000_000  # bytes that are read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """Text that a task instance has printed, as it did."""

    key: TaskKey
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What is to be said beside it, of one task instance or (`key` None) of all."""

    key: TaskKey | None
    text: str


class LogFile:
    """A file that grows, read from its beginning; it may not be there yet, and another may take its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = 0
        self._inode = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def more(self) -> str:
        """What has come since, "" for nothing."""
        found = ""
        try:
            with self.path.open("rb") as file:
                inode = self.path.stat().st_ino
                if inode != self._inode or file.seek(0, 2) < self._place:  # rotated
                    self._inode, self._place = inode, 0
                file.seek(self._place)
                while data := file.read(_MOST):
                    self._place += len(data)
                    found += self._decoder.decode(data)
        except FileNotFoundError:
            pass
        return found


class _Instance:
    """One task instance whose tries are followed."""

    def __init__(self, record: InstanceRecord) -> None:
        self.record = record
        self.is_new = True
        self._tries: list[TryRecord] = []
        self._file: LogFile | None = None
        self._over: set[int] = set()

    def is_over(self, *, run_over: bool) -> bool:
        decided = run_over or self.record.state.finished
        return decided and all(tried.result is not None for tried in self._tries)

    def refresh(self, state: StateReader) -> None:
        """Have the latest try it knows, and all later ones."""
        first = self._tries[-1].try_number if self._tries else self.record.try_number
        self._tries = [tried for tried in state.tries(self.record.key) if tried.try_number >= first]
        self.is_new = False

    def news(self) -> Iterator[Printed | Remark]:
        key = self.record.key
        for tried in self._tries:
            if tried.try_number in self._over:
                continue
            path = tried.folder / LOG_FILE
            if self._file is None or self._file.path != path:
                self._file = LogFile(path)
            if text := self._file.more():
                yield Printed(key=key, text=text)
            if tried.result in (None, Result.WAITING.value):  # a sensor looks again in the same try
                return
            self._over.add(tried.try_number)
            if said := ended(tried):
                yield Remark(key=key, text=said)


def ended(tried: TryRecord) -> str:
    """How a try ended, «try 1: failed: KeyError: 'x'»; "" for one that succeeded or runs."""
    if tried.result in (None, Result.SUCCESS.value, Result.WAITING.value):
        return ""
    return f"try {tried.try_number}: {tried.result}: {tried.reason}"


def follow_logs(
    state: StateReader,
    run: RunKey,
    wanted: Callable[[InstanceRecord], bool],
    *,
    held: Callable[[], bool],
    pause: Callable[[], None],
) -> Iterator[Printed | Remark]:
    """What the latest tries of task instances have printed, and whatever comes, next tries too.

    It ends when all of them are finished, or nobody works on them any more.

    Args:
        state: of the run's home.
        run: whose.
        wanted: which of its task instances; those of mapped tasks are asked about when they come.
        held: whether some process works on the home.
        pause: called between two looks.
    """
    followed: dict[TaskKey, _Instance] = {}
    waiting, over = True, False
    while True:
        is_held = held()  # before the look: what its owner's last moves were is seen all the same
        if changed := state.changed_outside() or not followed:
            found = state.run(run)
            over = found is None or found.state.finished
            for record in state.instances(run):
                if wanted(record):
                    instance = followed.setdefault(record.key, _Instance(record))
                    instance.is_new |= instance.record != record
                    instance.record = record
        for instance in followed.values():
            if instance.is_new or (changed and not instance.is_over(run_over=over)):
                instance.refresh(state)
        for instance in followed.values():
            for news in instance.news():
                waiting = False
                yield news
        if followed and all(instance.is_over(run_over=over) for instance in followed.values()):
            return
        if not is_held:
            yield Remark(key=None, text=_NOBODY)
            return
        if waiting and not any(instance.record.try_number for instance in followed.values()):
            yield from (
                Remark(key=key, text=f"{instance.record.state}: {instance.record.reason or 'not begun yet'}")
                for key, instance in followed.items()
            )
        waiting = False
        pause()


def logs(tries: Iterable[TryRecord]) -> Iterator[Printed | Remark]:
    """What these tries have printed so far, one after the other, and how they ended."""
    for tried in tries:
        if text := LogFile(tried.folder / LOG_FILE).more():
            yield Printed(key=tried.key, text=text)
        if said := ended(tried):
            yield Remark(key=tried.key, text=said)
