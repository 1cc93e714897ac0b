"""What a run costs beyond papermill: the same cells, in as many kernels, side by side.

Three sides take turns, round by round, in folders of their own:

* papermill, warm: one notebook per task, written by hand, values passed in files; papermill is already
  imported and its worker processes already live.
* papermill, whole: the same as a command, imports and worker processes included.
* nbflow, whole: `python -m nbflow run`, from the call to its end, on one notebook with the same tasks.

Each side must leave the right number in `result.txt`.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
WRITE_RESULT = "from pathlib import Path\n\nPath('result.txt').write_text(str({name}));"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task: the names it takes, its code, and the name it gives."""

    name: str
    takes: tuple[str, ...]
    code: str
    gives: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Stages of tasks: those of one stage are free of each other and need the stage before."""

    name: str
    stages: tuple[tuple[Task, ...], ...]
    workers: int
    result: int

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks, upstream first."""
        return tuple(task for stage in self.stages for task in stage)


def chain(length: int) -> Shape:
    """Tasks that hand one number along."""
    first = Task(name="t1", takes=(), code="n1 = 1", gives="n1")
    others = [
        Task(name=f"t{i}", takes=(f"n{i - 1}",), code=f"n{i} = n{i - 1} + 1", gives=f"n{i}")
        for i in range(2, length + 1)
    ]
    return Shape(
        name=f"chain of {length}",
        stages=tuple((task,) for task in (first, *others)),
        workers=1,
        result=length,
    )


def fan(width: int) -> Shape:
    """One task feeds `width` others, and one gathers them."""
    start = Task(name="start", takes=(), code="base = 1", gives="base")
    arms = tuple(
        Task(name=f"arm{i}", takes=("base",), code=f"a{i} = base + {i}", gives=f"a{i}") for i in range(width)
    )
    names = tuple(task.gives for task in arms)
    end = Task(name="end", takes=names, code=f"total = {' + '.join(names)}", gives="total")
    return Shape(
        name=f"fan 1 → {width} → 1",
        stages=((start,), arms, (end,)),
        workers=2,
        result=width + sum(range(width)),
    )


# The notebooks


def write_notebook(path: Path, cells: list[str]) -> None:
    """An .ipynb of these code cells."""
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=KERNEL), path)


def write_for_nbflow(shape: Shape, folder: Path) -> None:
    """One notebook with all tasks."""
    cells = [f"%%task {task.name}\n{task.code}" for task in shape.tasks]
    cells.append(WRITE_RESULT.format(name=shape.tasks[-1].gives))
    write_notebook(folder / "flow.ipynb", cells)


def write_for_papermill(shape: Shape, folder: Path) -> None:
    """One notebook per task: a cell that reads its values from files, the task, a cell that writes."""
    for task in shape.tasks:
        reads = [f"{name} = int(Path('{name}.txt').read_text())" for name in task.takes]
        cells = [
            "\n".join(["from pathlib import Path", *reads]),
            task.code,
            f"Path('{task.gives}.txt').write_text(str({task.gives}));",
        ]
        if task is shape.tasks[-1]:
            cells.append(WRITE_RESULT.format(name=task.gives))
        write_notebook(folder / f"{task.name}.ipynb", cells)


# The sides


def warm_up() -> None:
    """Load what executing needs."""
    import papermill  # noqa: F401


def execute(folder: Path, task: Task) -> None:
    """One notebook through papermill, in the process that calls this."""
    import papermill

    papermill.execute_notebook(
        folder / f"{task.name}.ipynb", folder / f"{task.name}-out.ipynb", cwd=folder, progress_bar=False
    )


def run_stages(shape: Shape, folder: Path, pool: ProcessPoolExecutor | None) -> None:
    """Every stage after the one before; a stage's tasks side by side where there is a pool."""
    for stage in shape.stages:
        if pool is None or len(stage) == 1:
            for task in stage:
                execute(folder, task)
        else:
            list(pool.map(execute, [folder] * len(stage), stage))


@contextlib.contextmanager
def workers(shape: Shape) -> Iterator[ProcessPoolExecutor | None]:
    """Processes that have imported papermill; none where one worker is all there is."""
    if shape.workers == 1:
        yield None
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(shape.workers, mp_context=context, initializer=warm_up) as pool:
        list(pool.map(time.sleep, [2] * shape.workers))  # so long that no worker takes two of them
        yield pool


def command(folder: Path, *words: str) -> None:
    """A Python command in the folder, its output kept back unless it fails."""
    environment = os.environ | {"NBFLOW_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def sides(shape: Shape, pool: ProcessPoolExecutor | None) -> Mapping[str, Callable[[Path], None]]:
    """The contenders by name; each runs the shape once in the folder given."""
    return {
        "papermill, warm": lambda folder: run_stages(shape, folder, pool),
        "papermill, whole": lambda folder: command(folder, __file__, "--only-papermill", shape.name),
        "nbflow, whole": lambda folder: command(
            folder, "-m", "nbflow", "run", "flow.ipynb", "--parallelism", str(shape.workers)
        ),
    }


def timed(run: Callable[[Path], None], shape: Shape) -> float:
    """Seconds of one run in a new folder; ends everything when the result is wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_for_nbflow(shape, folder)
        write_for_papermill(shape, folder)
        began = time.perf_counter()
        run(folder)
        took = time.perf_counter() - began
        found = int((folder / "result.txt").read_text())
        if found != shape.result:
            sys.exit(f"{shape.name}: the result is {found}, not {shape.result}")
        return took


def measure(shape: Shape, rounds: int) -> dict[str, list[float]]:
    """Seconds by side; each round begins with another side, so that none always comes first."""
    warm_up()
    with workers(shape) as pool:
        runs = list(sides(shape, pool).items())
        times: dict[str, list[float]] = {name: [] for name, _ in runs}
        for number in range(rounds):
            first = number % len(runs)
            for name, run in runs[first:] + runs[:first]:
                times[name].append(timed(run, shape))
    return times


def report(shape: Shape, times: Mapping[str, list[float]]) -> None:
    """A table of one shape: the median of each side, and what nbflow takes of it."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    nbflow = medians["nbflow, whole"]
    print(f"\n{shape.name}: {len(shape.tasks)} tasks, {shape.workers} at once")
    print(f"{'':18}{'median':>9}{'fastest':>9}{'slowest':>9}{'nbflow is':>11}")
    for name, values in times.items():
        ratio = f"{nbflow / medians[name]:.2f}×"
        print(f"{name:18}{medians[name]:8.2f}s{min(values):8.2f}s{max(values):8.2f}s{ratio:>11}")


def main() -> None:
    """Measure the shapes and print one table each."""
    shapes = {shape.name: shape for shape in (chain(8), fan(6))}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side (default 5)")
    parser.add_argument("--only-papermill", choices=shapes, metavar="SHAPE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_papermill:
        shape = shapes[options.only_papermill]
        with workers(shape) as pool:
            run_stages(shape, Path.cwd(), pool)
        return
    for shape in shapes.values():
        report(shape, measure(shape, options.rounds))


if __name__ == "__main__":
    main()
