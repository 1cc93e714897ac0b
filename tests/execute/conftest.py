"""Requests made of a few cells, and hosts that are shared by the tests of this folder."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from nbflow.execute.local import Finished, LocalExecutor, Started
from nbflow.execute.outcome import read_outcome
from nbflow.model.run import Interval, RunKey, TaskKey, run_id_of
from nbflow.model.work import INPUTS_FOLDER, LOG_FILE, NOTEBOOK_FILE, TaskRequest
from nbflow.parse.flow import flow_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbformat import NotebookNode

    from nbflow.model.flow import Flow
    from nbflow.model.work import TaskOutcome

DAY = datetime(2026, 2, 17, tzinfo=UTC)
INTERVAL = Interval(logical_date=DAY, start=DAY, end=DAY + timedelta(days=1), due=DAY + timedelta(days=1))
_numbers = itertools.count(1)


@dataclass
class Bench:
    """Runs tries of small notebooks on one executor and looks at what they leave."""

    executor: LocalExecutor
    folder: Path
    outcomes: dict[str, TaskOutcome] = field(default_factory=dict)
    started: dict[str, Started] = field(default_factory=dict)

    @staticmethod
    def notebook_of(*cells: str, path: str = "small.ipynb") -> tuple[NotebookNode, Flow]:
        """A notebook of these cells (one that starts with `# parameters` gets that tag), and its flow."""
        notebook = nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        )
        for index, source in enumerate(cells):
            cell = nbformat.v4.new_code_cell(source, id=f"cell-{index}")
            if source.startswith("# parameters"):
                cell.metadata["tags"] = ["parameters"]
            notebook.cells.append(cell)
        return notebook, flow_of(notebook, path)

    def request(
        self, *cells: str, task: str | None = None, notebook: NotebookNode | None = None, **fields: Any
    ) -> TaskRequest:
        """A request for the only task, or the one named."""
        made, flow = self.notebook_of(*cells)
        made = notebook or made
        number = next(_numbers)
        folder = self.folder / f"try {number} {{x}} 추출"
        (folder / INPUTS_FOLDER).mkdir(parents=True)
        cwd = self.folder / "work {y} 노트"
        cwd.mkdir(exist_ok=True)
        task_id = task or next(iter(flow.tasks))
        request = TaskRequest(
            key=TaskKey(RunKey(flow.dag.dag_id, run_id_of(DAY)), task_id),
            try_number=1,
            token=f"token-{number}",
            flow=flow,
            notebook=made,
            interval=INTERVAL,
            timezone="UTC",
            params={},
            inputs={},
            missing={},
            cwd=cwd,
            folder=folder,
        )
        return replace(request, **fields)

    def submit(self, request: TaskRequest) -> None:
        """Hand a request to the executor."""
        self.executor.submit(request)

    def wait(self, token: str, *, started: bool = False) -> None:
        """Take events until this try has started, or finished."""
        while token not in (self.started if started else self.outcomes):
            match self.executor.events.get():
                case Started() as event:
                    self.started[event.token] = event
                case Finished(outcome=outcome):
                    self.outcomes[outcome.token] = outcome

    def finish(self, request: TaskRequest) -> Left:
        """What a submitted try leaves, once it is over."""
        self.wait(request.token)
        outcome = self.outcomes[request.token]
        assert read_outcome(request.folder) == outcome
        return Left(outcome, request)

    def run(self, *cells: str, **fields: Any) -> Left:
        """Run one task of a notebook to its end."""
        request = self.request(*cells, **fields)
        self.submit(request)
        return self.finish(request)


@dataclass(frozen=True)
class Left:
    """An outcome, and the files beside it."""

    outcome: TaskOutcome
    request: TaskRequest

    @property
    def notebook(self) -> NotebookNode:
        return nbformat.read(self.request.folder / NOTEBOOK_FILE, as_version=4)

    @property
    def log(self) -> str:
        return (self.request.folder / LOG_FILE).read_text(encoding="utf-8")

    @property
    def values(self) -> dict[str, object]:
        """What it handed on, decoded."""
        from nbflow.codec import decode

        return {value.key: decode(value, namespace={}) for value in self.outcome.xcoms}

    def outputs(self, cell_id: str) -> list[NotebookNode]:
        return next(cell.outputs for cell in self.notebook.cells if cell.id == cell_id)


@pytest.fixture(scope="session")
def executor() -> Iterator[LocalExecutor]:
    """Two hosts for all tests of this folder."""
    executor = LocalExecutor(2)
    yield executor
    executor.close()


@pytest.fixture
def bench(executor: LocalExecutor, tmp_path: Path) -> Bench:
    return Bench(executor, tmp_path)
