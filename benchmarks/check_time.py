"""How long `nbflow check` takes on a notebook of 400 code cells: the whole command, start to end."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = '''\
def scaled_{n}(frame, *, by=1.0):
    """The frame with its numbers scaled."""
    out = frame.copy()
    for column in out.columns:
        if out[column].dtype.kind in "if":
            out[column] = out[column] * by * SCALE
    return out'''
TASK = """\
%%task task_{n}
frame_{n} = scaled_{shared}(frame_{before}, by={n})
keys = sorted(key for key in frame_{n}.columns if not key.startswith("_"))
with open("log.txt", "a") as log:
    for key in keys:
        try:
            print(key, frame_{n}[key].mean(), file=log)
        except TypeError:
            pass"""
MUTATES = 'frame_{n}["sum_{n}"] = frame_{n}.sum(axis=1)\nframe_{n}.dropna(inplace=True)'
LOOKS = "{{name: value for name, value in frame_{n}.items() if value.sum() > {n}}}"


def cells(count: int) -> Iterator[str]:
    """`count` code cells: a tenth shared, then tasks of three cells that build on each other."""
    yield "import pandas as pd\n\nSCALE = 1.0"
    shared = max(1, count // 10)
    yield from (SHARED.format(n=n) for n in range(shared))
    yield "%%task task_0\nframe_0 = pd.DataFrame({'a': [1.0, 2.0], 'b': ['x', 'y']})"
    left = count - shared - 2
    for place in range(left):
        n = place // 3 + 1
        text = (TASK, MUTATES, LOOKS)[place % 3]
        yield text.format(n=n, shared=n % shared, before=n // 2)


def check(notebook: Path) -> float:
    """Seconds of one `nbflow check`."""
    environment = os.environ | {"NBFLOW_HOME": str(notebook.parent / "home")}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "nbflow", "check", notebook],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"nbflow check ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return took


def main() -> None:
    """Write the notebook, check it a few times, print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=400, help="code cells (default 400)")
    parser.add_argument("--rounds", type=int, default=5, help="runs (default 5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        notebook = Path(folder) / "large.ipynb"
        sources = list(cells(options.cells))
        nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), notebook)
        times = [check(notebook) for _ in range(options.rounds)]
    print(
        f"nbflow check, {len(sources)} code cells: median {statistics.median(times):.2f} s"
        f" (fastest {min(times):.2f}, slowest {max(times):.2f})"
    )


if __name__ == "__main__":
    main()
