"""Files of runs that are gone, and old ones of processes that are dead: their removal, and the room it makes."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from nbflow.store.home import Home


def remove_run(home: Home, folder: str) -> int:
    """Remove the folder of a run's tries, as the store names it (never anything else); how many bytes that were."""
    path = home.root / folder
    if path.parent.parent != home.root / "tries" or path.name in ("", "..") or path.parent.name == "..":
        return 0
    return remove(path)


def remove(path: Path) -> int:
    """Remove a file or folder; how many bytes that were. The folder it lies in stays: another may just come there."""
    size = _size(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return size


def sweep(home: Home, before: datetime) -> int:
    """Remove what dead processes have left: their output, and folders of tries that no row names any more.

    Args:
        home: whose.
        before: what has changed since stays; aware.

    Returns:
        How many bytes that were.
    """
    with StateStore(home.state) as state:
        known = state.retention.run_folders()
    tries = [path for path in home.root.glob("tries/*/*") if str(path.relative_to(home.root)) not in known]
    old = [
        *tries,
        *home.root.glob("callbacks/*/*"),
        *home.root.glob("detached/*.log"),
        *home.root.glob(f"{home.journal.name}.*"),
    ]
    return sum(remove(path) for path in old if _changed_before(path, before))


def _size(path: Path) -> int:
    """The bytes of a file, or of all files below a folder; links are not followed, what is gone counts nothing."""
    try:
        if path.is_symlink() or not path.is_dir():
            return path.lstat().st_size
        return sum(_size(entry) for entry in path.iterdir())
    except OSError:
        return 0


def _changed_before(path: Path, moment: datetime) -> bool:
    with suppress(OSError):
        return path.lstat().st_mtime < moment.timestamp()
    return False
