"""The data of a board with 50 tasks and a year of daily runs: what it takes to have, and to have what moved.

Figures are processor time, so that what else the machine does counts little.

python benchmarks/board.py [TASKS] [RUNS]
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from nbformat.v4 import new_code_cell, new_notebook

from nbflow.model.instance import Instance
from nbflow.model.messages import Move, RunMove
from nbflow.model.run import Interval, RunKey, RunType, TaskKey, run_id_of
from nbflow.model.state import RunState, TaskState
from nbflow.service.board import board, updates
from nbflow.service.lookup import find_target
from nbflow.store.notebooks import write_notebook
from nbflow.store.state import StateStore
from nbflow.widgets.board.data import board as whole_board

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
TIMES = 7


def main(tasks: int, runs: int) -> None:
    """Print the figures."""
    with TemporaryDirectory() as folder:
        notebook = _project(Path(folder), tasks, runs)
        began = time.process_time()
        target = find_target(str(notebook))
        print(f"reading the notebook           {1000 * (time.process_time() - began):8.1f} ms")
        with StateStore(target.home.state) as state:
            mark = state.last_transition()
        _print("board", lambda: board(target, last=runs))
        _print("board with its graph", lambda: whole_board(target, last=runs))
        _print("updates, nothing moved", lambda: updates(target, mark))
        _print("updates, one run moved", lambda: updates(target, mark - 1))
        print(
            f"size of the board              {len(json.dumps(whole_board(target, last=runs))) / 1000:8.1f} kB"
        )


def _print(name: str, work: Callable[[], object]) -> None:
    taken: list[float] = []
    for _ in range(TIMES):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    print(f"{name:30} {1000 * sorted(taken)[TIMES // 2]:8.1f} ms   first {1000 * taken[0]:.1f}")


def _project(folder: Path, tasks: int, runs: int) -> Path:
    names = [f"task_{number:02}" for number in range(tasks)]
    cells = [
        new_code_cell(f"%%task {name}\nx_{n} = {f'x_{n - 1}' if n else '0'} + 1")
        for n, name in enumerate(names)
    ]
    notebook = folder / "year.ipynb"
    write_notebook(new_notebook(cells=cells), notebook)
    (folder / ".nbflow").mkdir()
    target = find_target(str(notebook))
    with StateStore(target.home.state) as state:
        state.take_ownership("benchmark", AT)
        with state.writing():
            state.save_dag(
                "year", path=notebook, version=target.flow.version, timezone="UTC", notebook="{}", at=AT
            )
            for day in range(runs):
                _run(
                    state, target.flow.code_hashes, names, AT.replace(hour=0, minute=0) - timedelta(days=day)
                )
    return notebook


def _run(state: StateStore, hashes: dict[str, str], names: list[str], start: datetime) -> None:
    end = start + timedelta(days=1)
    key = RunKey("year", run_id_of(start))
    interval = Interval(logical_date=start, start=start, end=end, due=end)
    state.save_run(
        key,
        interval=interval,
        run_type=RunType.SCHEDULED,
        variant="",
        params={},
        version="v",
        max_tries=dict.fromkeys(names, 1),
        at=AT,
    )
    state.record([RunMove(at=AT, run=key, old=RunState.QUEUED, new=RunState.RUNNING, reason="room")])
    done = Instance(state=TaskState.SUCCESS, try_number=1)
    for name in names:
        place = TaskKey(key, name)
        token = f"{key.run_id} {name}"
        state.add_try(
            place, 1, token=token, code_hash=hashes[name], version="v", folder=f"tries/{token}", at=AT
        )
        state.record(
            [
                Move(
                    at=AT,
                    key=place,
                    old=TaskState.RUNNING,
                    new=TaskState.SUCCESS,
                    reason="ran",
                    instance=done,
                )
            ]
        )
    state.record([RunMove(at=AT, run=key, old=RunState.RUNNING, new=RunState.SUCCESS, reason="done")])


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3] or ("50", "365")))
