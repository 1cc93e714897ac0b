"""What this session's tries handed on, kept while their runs are open: a launch then asks no store.

Everything here is in the XCom store already; what is not here, or no more, is asked there.
"""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nbflow.codec.files import new_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from nbflow.model.run import RunKey, TaskKey
    from nbflow.model.xcom import XComValue

_LARGEST_TEXT = 8_000  # characters of one value
_ALL_TEXTS = 32_000_000


@dataclass(frozen=True, slots=True)
class _Handed:
    """What one try handed on; None for a value that only the store has."""

    try_number: int
    values: Mapping[str, XComValue | None]
    folder: Path | None


class HandedOn:
    """The values of tries by task instance, short texts in memory and files in a folder. For any thread."""

    def __init__(self, folder: Path) -> None:
        """Begin with nothing.

        Args:
            folder: where files go, nobody else's; what a session that died left there is removed.
        """
        self._folder = folder
        self._runs: dict[RunKey, dict[TaskKey, _Handed]] = {}
        self._text = 0
        self._lock = threading.Lock()
        shutil.rmtree(folder, ignore_errors=True)

    def keep(self, task: TaskKey, try_number: int, token: str, values: Iterable[XComValue]) -> None:
        """Keep what a try has handed on, now that it is in the store. Its files are taken away from it.

        Args:
            task: whose.
            try_number: of which try.
            token: of the try.
            values: those nobody is known to want stay where they are.
        """
        folder = self._folder / token
        with self._lock:
            kept = {value.key: self._kept(value, folder) for value in values}
            has_files = any(value is not None and value.path is not None for value in kept.values())
            handed = _Handed(try_number, kept, folder if has_files else None)
            self._drop(self._runs.setdefault(task.run, {}).get(task))
            self._runs[task.run][task] = handed

    def keys(self, task: TaskKey, try_number: int) -> frozenset[str] | None:
        """What the try handed on, None where that isn't known here."""
        handed = self._find(task, try_number)
        return None if handed is None else frozenset(handed.values)

    def get(self, task: TaskKey, try_number: int, key: str, folder: Path) -> XComValue | None:
        """One value; None where the store has to be asked.

        Args:
            task: whose.
            try_number: of which try.
            key: the name it was handed on under.
            folder: where its file goes, if it has one; made if need be.
        """
        handed = self._find(task, try_number)
        value = None if handed is None else handed.values.get(key)
        if value is None or value.path is None:
            return value
        try:
            folder.mkdir(exist_ok=True)
            path = new_file(folder, key, value.form)
            path.unlink()
            path.hardlink_to(value.path)
        except OSError:  # no more links to one file, say; or a later try has taken its place
            return None
        return replace(value, path=path)

    def forget(self, run: RunKey) -> None:
        """Let go of a run's values: it is over, or stopped."""
        with self._lock:
            for handed in self._runs.pop(run, {}).values():
                self._drop(handed)

    def close(self) -> None:
        """Let go of everything."""
        self._runs.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _find(self, task: TaskKey, try_number: int) -> _Handed | None:
        with self._lock:
            handed = self._runs.get(task.run, {}).get(task)
        return handed if handed is not None and handed.try_number == try_number else None

    def _kept(self, value: XComValue, folder: Path) -> XComValue | None:
        if value.path is None:
            size = len(value.text or "")
            if size > _LARGEST_TEXT or self._text + size > _ALL_TEXTS:
                return None
            self._text += size
            return value
        if not value.wanted:
            return None
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            return replace(value, path=value.path.replace(folder / value.path.name))
        return None

    def _drop(self, handed: _Handed | None) -> None:
        if handed is None:
            return
        self._text -= sum(len(value.text or "") for value in handed.values.values() if value is not None)
        if handed.folder is not None:
            shutil.rmtree(handed.folder, ignore_errors=True)
