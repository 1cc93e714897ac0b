"""What a session that was killed has left half done: files for its tasks, inputs of its tries, notebooks of its runs.

Its tries themselves are `recovery`'s business.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.execute.outcome import tidy
from nbflow.model.run import run_label
from nbflow.service.notebooks import ExecutedNotebooks
from nbflow.service.open_run import open_run
from nbflow.service.submit import going_on
from nbflow.service.workflow import stored_workflow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbflow.model.record import DagRecord, RunRecord
    from nbflow.store.home import Home
    from nbflow.store.state import StateStore

_LOG = logging.getLogger("nbflow.scheduler")
_SOCKETS = "sockets"  # in a session's folder: where the sockets lie that go with it
_CLOCKS = timedelta(seconds=1)  # by which a file may be dated too early


@contextmanager
def claimed(folder: Path) -> Iterator[Path]:
    """A new folder that is this process's while the block lasts; it goes at the end, or when a later session
    finds it.

    Args:
        folder: isn't there yet.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}")
    aside.mkdir()
    handle = os.open(aside, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        aside.rename(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def keep_in_mind(folder: Path, sockets: Path) -> None:
    """Have a folder of sockets removed together with a claimed one that is found later."""
    (folder / _SOCKETS).symlink_to(sockets)


def clear_up(home: Home, state: StateStore) -> None:
    """Where a session was killed, do what it had still to do for the tries and runs that ended last: remove
    encoded inputs, write executed notebooks. Then its own files go.

    Args:
        home: held by this process, which answers nobody yet.
        state: open for writing.
    """
    left = [folder for folder in sorted((home.root / "pulls").glob("[!.]*")) if not _is_claimed(folder)]
    if not left:
        return
    for folder in state.leftovers.successes():
        tidy(folder)
    _write_notebooks(home, state)
    for folder in left:
        with suppress(OSError):
            sockets = (folder / _SOCKETS).readlink()
            if all(entry.is_socket() for entry in sockets.iterdir()):  # nobody else's folder
                shutil.rmtree(sockets, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _write_notebooks(home: Home, state: StateStore) -> None:
    failures: list[object] = []
    written = ExecutedNotebooks(home, failures.append)
    for run in state.leftovers.ends():
        dag = state.dag(run.key.dag_id)
        if dag is None or _is_written(home, dag, run):
            continue
        try:
            workflow = stored_workflow(state, dag, run.version)
        except NbflowError as error:  # it can't be read any more, so nothing can be shown in it
            failures.append(error)
            continue
        instances = state.instances(run.key)
        todo = going_on(run, instances, workflow.flow.dag.timezone, {})
        written.write(open_run(workflow, todo), run.key, instances)
    failures += written.close()
    for failure in failures:
        _LOG.warning("an executed notebook could not be written", extra={"why": str(failure)})


def _is_written(home: Home, dag: DagRecord, run: RunRecord) -> bool:
    """Whether a run's executed notebook was written after its end; parts of one that wasn't are removed."""
    label = run_label(run.interval.logical_date, dag.timezone, run.variant)
    path = home.run_notebook(dag.dag_id, label)
    with suppress(FileNotFoundError):
        if run.ended is None or path.stat().st_mtime >= (run.ended - _CLOCKS).timestamp():
            return True
    for part in path.parent.glob(".*.tmp"):
        part.unlink(missing_ok=True)
    return False


def _is_claimed(folder: Path) -> bool:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return True  # it has just gone, or is nobody's
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
