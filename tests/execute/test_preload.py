"""What a stem imports ahead of the tries, and what it leaves to them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import nbformat
import pytest

from nbflow.execute.imports import imports_of
from nbflow.parse.flow import flow_of

if TYPE_CHECKING:
    from pathlib import Path

TRY = """\
import sys
from nbflow.execute.fork.preload import Unsuited, preload
try:
    print(*preload(sys.argv[2:], without=["avoided"], places=[sys.argv[1]]))
except Unsuited as error:
    print(error)
"""


@dataclass(frozen=True)
class Case:
    name: str
    statement: str
    said: str
    files: tuple[tuple[str, str], ...] = ()


CASES = [
    Case("installed", "import quiet", "quiet", (("installed/quiet.py", "value = 1"),)),
    Case("a name of it", "from quiet import value", "quiet", (("installed/quiet.py", "value = 1"),)),
    Case("of the standard library", "import json.decoder as d", "json"),
    Case("not there", "import nothing_of_this_name", ""),
    Case("beside the notebook", "import mine", "", (("beside/mine.py", "value = 1"),)),
    Case("found unsuited before", "import avoided", "", (("installed/avoided.py", "1 / 0"),)),
    Case(
        "prints",
        "import loud",
        "loud prints or warns when it is imported",
        (("installed/loud.py", "print('hello')"),),
    ),
    Case(
        "warns",
        "import loud",
        "loud prints or warns when it is imported",
        (("installed/loud.py", "import warnings\nwarnings.warn('old')"),),
    ),
    Case(
        "fails",
        "import broken",
        "broken can't be imported (ZeroDivisionError: division by zero)",
        (("installed/broken.py", "1 / 0"),),
    ),
    Case(
        "starts a thread",
        "import busy",
        "busy starts threads when it is imported",
        (
            (
                "installed/busy.py",
                "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
            ),
        ),
    ),
    Case(
        "brings in what is to be left out",
        "import around",
        "around imports avoided",
        (("installed/around.py", "import avoided"), ("installed/avoided.py", "")),
    ),
    Case(
        "brings in what lies elsewhere",
        "import bridge",
        "bridge imports mine, which is no installed package",
        (("installed/bridge.py", "import mine"), ("beside/mine.py", "value = 1")),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_installed_packages_that_keep_quiet_are_imported(case: Case, tmp_path: Path) -> None:
    for folder in ("installed", "beside"):
        (tmp_path / folder).mkdir()
    for path, text in case.files:
        (tmp_path / path).write_text(text)
    paths = f"{tmp_path / 'installed'}:{tmp_path / 'beside'}"
    said = subprocess.run(
        [sys.executable, "-c", TRY, str(tmp_path / "installed"), case.statement],
        env={"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == case.said


@dataclass(frozen=True)
class Cells:
    name: str
    cells: tuple[str, ...]
    statements: tuple[str, ...]
    beside: tuple[str, ...] = ()


IMPORTS = [
    Cells(
        "of shared cells and tasks",
        ("import json\nimport numpy as np", "%%task a\nfrom math import pi\npi"),
        ("import json", "import numpy as np", "from math import pi"),
    ),
    Cells(
        "not in functions, not under if",
        ("def f():\n    import json\nif 1:\n    import math", "%%task a\n1"),
        (),
    ),
    Cells("not of scratch cells", ("%%scratch\nimport json", "%%task a\nimport math"), ("import math",)),
    Cells(
        "not after the environment changes",
        ("import math", "import os\nos.environ['A'] = '1'", "import json", "%%task a\n1"),
        ("import math",),
    ),
    Cells("not after %env", ("%env A=1\nimport json", "%%task a\n1"), ()),
    Cells("not after %cd", ("import math", "%cd ..", "import json", "%%task a\n1"), ("import math",)),
    Cells("not after sys.path", ("import sys\nsys.path.insert(0, '..')", "import json", "%%task a\n1"), ()),
    Cells(
        "not what the notebook's folder hides",
        ("import json, numpy", "%%task a\n1"),
        ("import json",),
        ("json.py", "numpy.py"),
    ),
]


@pytest.mark.parametrize("case", IMPORTS, ids=lambda case: case.name)
def test_imports_of_a_notebook(case: Cells, tmp_path: Path) -> None:
    for name in case.beside:
        (tmp_path / name).touch()
    cells = [nbformat.v4.new_code_cell(source) for source in case.cells]
    flow = flow_of(nbformat.v4.new_notebook(cells=cells), "some.ipynb")
    assert imports_of(flow, tmp_path) == case.statements
