"""A project whose notebook has run on three dates by real processes, for whatever only reads what that left."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import nbformat

CELLS = (
    """\
%load_ext nbflow
import pyarrow as pa
from IPython.display import SVG

SCALE = 10


class Point:
    def __init__(self, x):
        self.x = x""",
    """\
%%dag daily
schedule = "@daily"
start_date = "2026-01-01"
[params]
limit = 3""",
    """\
%%task load
day = int(ds[-2:])
frame = pa.table({"row": [1, 2, day], "name": ["x", "y", "z"], "size": [0.5, 1.5, day * 1.0]})
point = Point(day)
print("loaded", ds)
day""",
    """\
%%task check
doubled = frame.num_rows * 2
left = point.x - 2
if left == 0:
    raise KeyError("day\\ntwo")
left""",
    """\
%%task fit --map "p in [1, 2]"
day * p * SCALE""",
    """\
%%task report --after check
SVG('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>')""",
)
FAILED = "2026-01-02T00:00:00Z"
SOUND = "2026-01-03T00:00:00Z"


@cache
def run_project() -> Path:
    """The notebook, `daily.ipynb`; its runs are 2026-01-01 to 2026-01-03, of which the second failed in `check`.

    Made once; nobody may change anything in it.
    """
    folder = Path(tempfile.mkdtemp(prefix="nbflow-run-project-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / "daily.ipynb"
    nbformat.write(notebook, path)
    (folder / ".nbflow").mkdir()
    words = ["backfill", str(path), "--from", "2026-01-01", "--to", "2026-01-03", "-p", "limit", "5"]
    done = subprocess.run(
        [sys.executable, "-m", "nbflow", *words],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "NBFLOW_HOME"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return path
