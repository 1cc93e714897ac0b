"""The executed notebooks of runs, put together from those of their tasks."""

from __future__ import annotations

import json
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nbflow.execute.merge import merge_outputs
from nbflow.model.messages import RunMove
from nbflow.model.state import RunState
from nbflow.model.work import NOTEBOOK_FILE
from nbflow.store.notebooks import write_executed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence, Set
    from pathlib import Path

    from nbflow.model.messages import Move
    from nbflow.model.record import InstanceRecord
    from nbflow.model.run import RunKey
    from nbflow.service.prepare import OpenRun
    from nbflow.store.home import Home

_LOG = logging.getLogger("nbflow.scheduler")
_MOST_SAID = 100  # failures at the end of a session
_UNWRITTEN = """\
the executed notebook of {label} could not be written to {target} ({why}). The run itself is stored; what \
its tasks left lies in the home."""
_MOST_INSTANCES = 50
_LEFT_OUT = "({more} more: nbflow logs {dag_id} {label} '{task_id}[{index}]')\n"

_Try = tuple[str, "Path"]
"""What an instance of a mapped task is called («clean[3] p=0.1», "" for other tasks), and its try's folder."""


class ExecutedNotebooks:
    """Writes the executed notebooks of runs that are over, in a thread of its own."""

    def __init__(self, home: Home, report: Callable[[BaseException], None]) -> None:
        """Begin with nothing to write.

        Args:
            home: whose runs they are.
            report: told of an error that is ours.
        """
        self._home = home
        self._report = report
        self._thread = ThreadPoolExecutor(1, "nbflow-notebooks")
        self._unsaved: dict[RunKey, None] = {}  # runs that have ended or stopped, but for some last tries
        self._failures: deque[str] = deque(maxlen=_MOST_SAID)

    def over(self, moves: Iterable[Move | RunMove], *, busy: Set[RunKey]) -> list[RunKey]:
        """The runs that are over, or stopped for now, and whose last tries have ended; each once.

        Args:
            moves: what has happened.
            busy: the runs that have tries under way.
        """
        over = (move.run for move in moves if isinstance(move, RunMove) and move.old is RunState.RUNNING)
        self._unsaved |= dict.fromkeys(over)
        ready = [key for key in self._unsaved if key not in busy]
        for key in ready:
            del self._unsaved[key]
        return ready

    def waits_for(self, run: RunKey) -> bool:
        """Whether a run is over, but for its last tries."""
        return run in self._unsaved

    def write(self, run: OpenRun, key: RunKey, instances: Sequence[InstanceRecord]) -> None:
        """Have a run's notebook written, from the latest tries of its task instances."""
        self._thread.submit(self._write, run, key, self._tries(run, key, instances))

    def close(self) -> list[str]:
        """Wait for what is being written; what couldn't be, in words, each time once."""
        self._thread.shutdown()
        failures = list(self._failures)
        self._failures.clear()
        return failures

    def _tries(self, run: OpenRun, key: RunKey, instances: Sequence[InstanceRecord]) -> dict[str, list[_Try]]:
        found: dict[str, list[_Try]] = {}
        for record in instances:
            task_id, index = record.key.task_id, record.key.map_index
            if not record.try_number or record.items is not None:  # a mapped task's own try runs no cell
                continue
            folder = self._home.try_folder(key.dag_id, run.label, task_id, index, record.try_number)
            name = "" if index < 0 else f"{task_id}[{index}] {record.label}".rstrip()
            found.setdefault(task_id, []).append((name, folder))
        return found

    def _write(self, run: OpenRun, key: RunKey, tries: Mapping[str, Sequence[_Try]]) -> None:
        """In the thread. The run has ended as it has, whether or not its notebook can be written."""
        target = self._home.run_notebook(key.dag_id, run.label)
        try:
            save_run_notebook(run, tries, target)
        except (OSError, ValueError) as error:
            failure = _UNWRITTEN.format(label=run.label, target=target, why=error)
            _LOG.warning("an executed notebook could not be written", extra={"why": failure})
            self._failures.append(failure)
        except Exception as error:  # noqa: BLE001 the scheduler has to hear of it, whatever it is
            self._report(error)


def save_run_notebook(run: OpenRun, tries: Mapping[str, Sequence[_Try]], target: Path) -> None:
    """Write a run's one notebook: each task's outputs in its own cells.

    Args:
        run: whose.
        tries: task id → the latest tries of its instances, in the order of the notebook.
        target: the file, replaced as a whole.
    """
    executed: dict[str, dict[str, Any]] = {}
    for task_id, instances in tries.items():
        own = {cell.cell_id for cell in run.flow.cells_of(task_id)}
        left_out = _left_out(run, task_id, len(instances))
        for name, folder in instances[:_MOST_INSTANCES]:
            with suppress(FileNotFoundError, NotADirectoryError):  # a try that never began
                notebook = json.loads((folder / NOTEBOOK_FILE).read_bytes())
                _add(executed, task_id, notebook, own, name)
        if left_out and task_id in executed:
            _say(executed[task_id], own, left_out)
    write_executed(merge_outputs(run.flow, run.notebook, executed, output_path=target), target)


def _add(
    executed: dict[str, dict[str, Any]], task_id: str, notebook: dict[str, Any], own: set[str], name: str
) -> None:
    """Put an instance's outputs below those of the instances before it, each under its name."""
    mine = _cells(notebook, own)
    if name:
        for cell in mine.values():
            if cell["outputs"]:
                cell["outputs"].insert(0, _printed(f"{name}\n"))
    first = executed.setdefault(task_id, notebook)
    if first is not notebook:
        for cell_id, cell in _cells(first, own).items():
            if cell_id in mine:
                cell["outputs"] += mine[cell_id]["outputs"]


def _cells(notebook: dict[str, Any], own: set[str]) -> dict[str, dict[str, Any]]:
    return {c["id"]: c for c in notebook["cells"] if c["cell_type"] == "code" and c["id"] in own}


def _left_out(run: OpenRun, task_id: str, count: int) -> str:
    more = count - _MOST_INSTANCES
    if more <= 0:
        return ""
    dag_id, label = run.flow.dag.dag_id, run.label
    return _LEFT_OUT.format(more=more, dag_id=dag_id, label=label, task_id=task_id, index=_MOST_INSTANCES)


def _say(notebook: dict[str, Any], own: set[str], text: str) -> None:
    for cell in list(_cells(notebook, own).values())[-1:]:
        cell["outputs"].append(_printed(text))


def _printed(text: str) -> dict[str, Any]:
    """The output of a cell that prints this, as nbformat makes it: importing that takes long."""
    return {"output_type": "stream", "name": "stdout", "text": text}
