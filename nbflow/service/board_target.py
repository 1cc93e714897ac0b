"""The DAG of a notebook for a face that asks again and again: read anew only where a file has changed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.service.lookup import Target, find_target, known_dags, known_target
from nbflow.store.home import find_home

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_Stamp = tuple[tuple[str, int, int], ...]
_MOST = 64  # notebooks that are kept in mind
_READ: dict[Path, tuple[_Stamp, Target]] = {}
_LOCK = threading.Lock()


def fresh_target(path: Path) -> Target:
    """The DAG of a notebook as saved now. While it can't be read (a cell is half written, say) as it was last.

    Raises:
        AddressError, NotebookUnreadable, FlowError: it can't be read, and never could in this process, nor has its
            home a version of it.
    """
    path = path.resolve()
    with _LOCK:
        known = _READ.get(path)
    if known is not None and _stamp(known[1]) == known[0]:
        return known[1]
    try:
        target = find_target(str(path))
    except NbflowError:
        last = _last_known(path) if known is None else known[1]
        if last is None:
            raise
        return last
    with _LOCK:
        _READ.pop(path, None)
        _READ[path] = (_stamp(target), target)
        while len(_READ) > _MOST:
            del _READ[next(iter(_READ))]
    return target


def _last_known(path: Path) -> Target | None:
    """The DAG by the version that last ran, where its home has one."""
    home = find_home(path)
    for record in known_dags(home):
        if record.path == path:
            return known_target(home, record.dag_id)
    return None


def _stamp(target: Target) -> _Stamp:
    """When the notebook, its modules and the place of its home last changed."""
    files = [target.path, *(target.path.parent / module for module in target.flow.modules)]
    return (("", 0, 0 if find_home(target.path).root == target.home.root else 1), *_times(files))


def _times(files: Iterable[Path]) -> Iterable[tuple[str, int, int]]:
    for file in files:
        try:
            found = file.stat()
        except OSError:
            yield str(file), 0, 0
        else:
            yield str(file), found.st_mtime_ns, found.st_size
