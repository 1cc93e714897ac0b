"""A home with runs in it, made by writing its state, for whatever reads and decides."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbflow.model.instance import Instance
from nbflow.model.messages import Move, RunMove
from nbflow.model.run import Interval, RunKey, RunType, TaskKey, run_id_of
from nbflow.model.state import RunState, TaskState
from nbflow.parse.flow import flow_of
from nbflow.service.modules import with_saved_modules
from nbflow.store.notebooks import write_notebook
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbflow.model.flow import Flow

AT = datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
CODE = ("%%task a\nx = 1", "%%task b\ny = x", "%%task c --after a\n3")
LETTERS = {
    "S": TaskState.SUCCESS,
    "F": TaskState.FAILED,
    "U": TaskState.UPSTREAM_FAILED,
    "K": TaskState.SKIPPED,
    ".": TaskState.NONE,
}


def day(number: int, hours: float = 24) -> Interval:
    """The interval of this day of January 2026."""
    start = datetime(2026, 1, number, tzinfo=UTC)
    end = start + timedelta(hours=hours)
    return Interval(logical_date=start, start=start, end=end, due=end)


@dataclass
class Written:
    """A project's folder and the state of its home."""

    folder: Path
    state: StateStore
    notebooks: dict[str, str] = field(default_factory=dict)  # by version

    def flow(self, *cells: str, modules: Mapping[str, str] | None = None) -> Flow:
        """The DAG `n`, as a notebook of these cells; it lies in the folder too, with its modules beside it."""
        notebook = new_notebook(cells=[new_code_cell(cell, id=f"c{n}") for n, cell in enumerate(cells)])
        path = self.folder / "n.ipynb"
        write_notebook(notebook, path)
        for name, source in (modules or {}).items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(source, "utf-8")
        flow = with_saved_modules(flow_of(notebook, str(path)), path)
        self.notebooks[flow.version] = json.dumps(notebook)
        return flow

    def run(
        self,
        flow: Flow,
        interval: Interval,
        states: Mapping[str, str],
        run_state: RunState,
        *,
        variant: str = "",
        params: Mapping[str, object] | None = None,
        reasons: Mapping[str, str] | None = None,
        backfill: bool = False,
    ) -> RunKey:
        """A run whose tasks stand where the letters say; those that succeeded or failed have made a try."""
        state = self.state
        key = RunKey(flow.dag.dag_id, run_id_of(interval.logical_date, variant))
        with state.writing():
            state.save_dag(
                key.dag_id,
                path=Path(flow.path),
                version=flow.version,
                timezone=flow.dag.timezone,
                notebook=self.notebooks.get(flow.version, "{}"),
                at=AT,
            )
            state.versions.save_modules(key.dag_id, flow.version, flow.modules)
            state.save_run(
                key,
                interval=interval,
                run_type=RunType.BACKFILL if backfill else RunType.MANUAL,
                variant=variant,
                params=params or {},
                version=flow.version,
                max_tries=dict.fromkeys(states, 1),
                at=AT,
            )
            if run_state is not RunState.QUEUED:
                state.record(
                    [RunMove(at=AT, run=key, old=RunState.QUEUED, new=RunState.RUNNING, reason="room")]
                )
            for task_id, letter in states.items():
                self._task(flow, TaskKey(key, task_id), LETTERS[letter], (reasons or {}).get(task_id, "said"))
            if run_state.finished:
                later = AT + timedelta(seconds=90)
                state.record([RunMove(at=later, run=key, old=RunState.RUNNING, new=run_state, reason="done")])
        return key

    def _task(self, flow: Flow, key: TaskKey, new: TaskState, reason: str) -> None:
        number = 0
        if new in (TaskState.SUCCESS, TaskState.FAILED):
            number = 1
            folder = f"tries/{key.run.run_id}/{key.task_id}"
            token = f"{key.run.run_id} {key.task_id}"
            code_hash = flow.code_hashes.get(key.task_id, "of old")
            self.state.add_try(
                key, 1, token=token, code_hash=code_hash, version=flow.version, folder=folder, at=AT
            )
        if new is not TaskState.NONE:
            instance = Instance(state=new, try_number=number)
            self.state.record(
                [Move(at=AT, key=key, old=TaskState.NONE, new=new, reason=reason, instance=instance)]
            )


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    monkeypatch.delenv("NBFLOW_HOME", raising=False)
    (tmp_path / ".nbflow").mkdir()
    with StateStore(tmp_path / ".nbflow" / "state.sqlite") as state:
        state.take_ownership("pytest", AT)
        yield Written(tmp_path, state)
