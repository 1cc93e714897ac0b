"""Notebooks of many shapes: each is read, run and run by hand, and says itself what must come out.

The expectation lies in the notebook's metadata, under `nbflow_test`:

* `about`: what it is an example of.
* `tasks`: the task ids, in order; `edges`: [upstream, downstream, kind], in any order.
* `roles`: the role of each code cell, in order; left out where it isn't the point.
* `values`: "task.name" → the JSON of that name's value after the task; `return_value` is the value of
  its last expression. A run hands the same on as an XCom.
* `states`: of the tasks that don't end as success; `exit`: the exit status of `nbflow run`, else 0.
* `args`: further arguments of `nbflow run`.
* `by_hand`: false where a person at the keyboard would not see the same (retries, parameters, ...).
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from click.testing import CliRunner
from jupyter_client.manager import start_new_kernel

from nbflow.cli import nbflow
from nbflow.model.cell import Role
from nbflow.parse.flow import read_flow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyter_client.blocking.client import BlockingKernelClient

FOLDER = Path(__file__).parent / "notebooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A notebook and what must come of it (see the top of this file)."""

    path: Path
    about: str
    tasks: list[str]
    edges: list[list[str]]
    values: Mapping[str, object]
    roles: list[str] | None = None
    states: Mapping[str, str] = field(default_factory=dict[str, str])
    exit: int = 0
    args: list[str] = field(default_factory=list[str])
    by_hand: bool = True

    @classmethod
    def read(cls, path: Path) -> Shape:
        return cls(path=path, **json.loads(path.read_text(encoding="utf-8"))["metadata"]["nbflow_test"])

    @property
    def name(self) -> str:
        return self.path.stem

    def values_of(self, task_id: str) -> dict[str, object]:
        pairs = (key.rpartition(".") for key in self.values)
        return {name: self.values[f"{task}.{name}"] for task, _, name in pairs if task == task_id}


SHAPES = [Shape.read(path) for path in sorted(FOLDER.glob("*.ipynb"))]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
each_shape_by_hand = pytest.mark.parametrize(
    "shape", [shape for shape in SHAPES if shape.by_hand], ids=lambda shape: shape.name
)


# Read


@each_shape
def test_cells_are_read_as_tasks_edges_and_roles(shape: Shape) -> None:
    flow = read_flow(shape.path)
    assert list(flow.tasks) == shape.tasks
    assert sorted([edge.upstream, edge.downstream, edge.kind] for edge in flow.edges) == sorted(shape.edges)
    if shape.roles is not None:
        assert [cell.role for cell in flow.cells if cell.role is not Role.TEXT] == shape.roles


# Run


@dataclass(frozen=True, slots=True)
class Workplace:
    """A copy of the notebooks with one home for all their runs."""

    folder: Path
    home: Path

    @classmethod
    def make(cls, folder: Path) -> Workplace:
        return cls(Path(shutil.copytree(FOLDER, folder / "notebooks")), folder / "home")

    def run(self, shape: Shape) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nbflow", "run", shape.path.name, *shape.args, "--parallelism", "2"]
        environment = os.environ | {"NBFLOW_HOME": str(self.home)}
        return subprocess.run(
            command, cwd=self.folder, env=environment, text=True, capture_output=True, check=False
        )

    def ask(self, *args: str) -> dict[str, object]:
        """The answer of a command that prints JSON, asked within this process, which costs less."""
        answer = CliRunner(env={"NBFLOW_HOME": str(self.home)}).invoke(nbflow, [*args, "--json"])
        assert answer.exit_code == 0, answer.exception or answer.output
        return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace.make(tmp_path_factory.mktemp("shapes"))


@each_shape
def test_a_run_ends_in_the_states_and_hands_on_the_values_it_should(
    shape: Shape, workplace: Workplace
) -> None:
    run = workplace.run(shape)
    assert run.returncode == shape.exit, run.stdout + run.stderr
    assert "Traceback" not in run.stderr

    dag_id = read_flow(shape.path).dag.dag_id
    shown = workplace.ask("show", dag_id, "latest")
    states = {task["task_id"]: task["state"] for task in shown["tasks"]}
    assert states == dict.fromkeys(shape.tasks, "success") | shape.states
    assert shown["state"] == ("failed" if shape.exit else "success")

    for key, value in shape.values.items():
        task_id, _, name = key.rpartition(".")
        assert workplace.ask("xcom", dag_id, "latest", task_id, name)["value"] == value, key

    (executed,) = (workplace.folder / "nbflow-runs" / dag_id).glob("*.ipynb")
    nbformat.validate(nbformat.read(executed, as_version=4))


# By hand, from top to bottom, in a real kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path_factory.mktemp("kernel")))
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def execute(kernel: BlockingKernelClient, code: str, **options: object) -> dict[str, object]:
    reply = kernel.execute_interactive(
        code, allow_stdin=False, stop_on_error=False, output_hook=lambda message: None, **options
    )
    return reply["content"]


def evaluate(kernel: BlockingKernelClient, expression: str) -> object:
    probe = {"value": f"__import__('json').dumps({expression})"}
    answer = execute(kernel, "", silent=True, user_expressions=probe)["user_expressions"]["value"]
    assert answer["status"] == "ok", answer
    return json.loads(ast.literal_eval(answer["data"]["text/plain"]))


def without_header(source: str) -> str:
    """The cell as if nobody had ever heard of nbflow."""
    first, _, rest = source.partition("\n")
    return rest if first.startswith(("%%task", "%task")) else source


def run_by_hand(kernel: BlockingKernelClient, shape: Shape, *, with_nbflow: bool) -> dict[str, object]:
    """The values of the names in `shape.values`, each as it is after the last cell of its task."""
    not_run = {Role.TEXT, Role.SCRATCH, Role.INSTALL} | (set() if with_nbflow else {Role.DAG})
    cells = [cell for cell in read_flow(shape.path).cells if cell.role not in not_run]
    last = {cell.task_id: cell for cell in cells}
    values: dict[str, object] = {}
    for cell in cells:
        code = cell.source if with_nbflow else without_header(cell.source)
        reply = execute(kernel, code)
        expected = "error" if cell.task_id in shape.states else "ok"
        assert reply["status"] == expected, (cell.source, reply)
        if cell.task_id is not None and last[cell.task_id] is cell:
            for name in shape.values_of(cell.task_id):
                seen = f"_oh.get({reply['execution_count']})" if name == "return_value" else name
                values[f"{cell.task_id}.{name}"] = evaluate(kernel, seen)
    return values


@pytest.mark.parametrize("with_nbflow", [False, True], ids=["plain", "with nbflow"])
@each_shape_by_hand
def test_top_to_bottom_in_one_kernel_gives_the_values_of_a_run(
    shape: Shape, with_nbflow: bool, kernel: BlockingKernelClient, tmp_path: Path
) -> None:
    execute(kernel, f"%reset -f\n%cd -q {tmp_path}")
    loaded = execute(kernel, "%load_ext nbflow" if with_nbflow else "%unload_ext nbflow")
    assert loaded["status"] == "ok", loaded
    assert run_by_hand(kernel, shape, with_nbflow=with_nbflow) == shape.values
