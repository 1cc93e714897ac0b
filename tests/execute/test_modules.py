"""A try of a stored version imports the modules of that version, whatever has become of their files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from nbflow.model.work import Result
from nbflow.parse.modules import with_modules

if TYPE_CHECKING:
    from pathlib import Path

    from execute.conftest import Bench, Left


def run(bench: Bench, tmp_path: Path, stored: dict[str, str], now: dict[str, str], cell: str) -> Left:
    """Run the only task of a version with these modules, where these files lie now."""
    folder = tmp_path / "stored"
    request = bench.request(cell)
    for place, files in ((folder, stored), (request.cwd, now)):
        for path, source in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(source, "utf-8")
            os.utime(place / path, (1, 1))  # before the try
    request = bench.request(cell, modules=folder, flow=with_modules(request.flow, stored.get))
    bench.submit(request)
    return bench.finish(request)


@dataclass(frozen=True)
class Case:
    name: str
    cell: str
    stored: dict[str, str]
    now: dict[str, str]
    gives: object
    note: str = ""


PACKAGE = {"p/__init__.py": "", "p/a.py": "from . import b\nV = b.V", "p/b.py": "V = 1"}
CASES = [
    Case("as they were", "import m\nm.V, 'work' in m.__file__", {"m.py": "V = 1"}, {"m.py": "V = 1"}, [1, True]),
    Case("ends of lines alone are no change", "import m\nm.V", {"m.py": "V = 1\n"}, {"m.py": "V = 1\r\n"}, 1),
    Case("changed", "import m\nm.V", {"m.py": "V = 1"}, {"m.py": "V = 2"}, 1, "m.py has changed"),
    Case("gone", "import m\nm.V", {"m.py": "V = 1"}, {}, 1, "m.py has changed"),
    Case("a module of a package changed", "import p.a\np.a.V", PACKAGE, PACKAGE | {"p/b.py": "V = 2"}, 1, "p/b.py has changed"),
    Case("a package is gone", "from p.a import V\nV", PACKAGE, {}, 1, "p/__init__.py, p/a.py, p/b.py have changed"),
    Case("a plain module became a package", "import m\nm.V", {"m.py": "V = 1"}, {"m/__init__.py": "V = 2"}, 1, "m.py"),
    Case("a namespace folder", "import q.a\nq.a.V", {"q/a.py": "V = 1"}, {"q/a.py": "V = 2"}, 1, "q/a.py"),
    Case("changed, and nobody imports it here", "3", {"m.py": "V = 1"}, {"m.py": "V = 2"}, 3),
    Case("it lies where it lay", "import m\n[m.HERE, m.TEXT, m.f.__code__.co_filename == m.__file__]",
         {"m.py": "import pathlib\nHERE = pathlib.Path(__file__).name\nTEXT = (pathlib.Path(__file__).parent / 'd.txt').read_text()\ndef f(): 1"},
         {"m.py": "", "d.txt": "data"}, ["m.py", "data", True], "m.py"),
    Case("resources of a package", "import importlib.resources as r\nimport p\n(r.files('p') / 'd.txt').read_text()",
         {"p/__init__.py": "1"}, {"p/__init__.py": "2", "p/d.txt": "data"}, "data", "p/__init__.py"),
    Case("what nobody stored comes from where it lies", "import importlib, p\nimportlib.import_module('p.' + 'c').V",
         {"p/__init__.py": "1"}, {"p/__init__.py": "2", "p/c.py": "V = 7"}, 7, "p/__init__.py"),
    Case("the notebook puts its folder first", "import os, sys\nsys.path.insert(0, os.getcwd())\nimport m\nm.V", {"m.py": "V = 1"}, {"m.py": "V = 2"}, 1, "m.py"),
    Case("its source can be had", "import inspect, m\ninspect.getsource(m.f)", {"m.py": "\n\ndef f():\n    return 1\n"}, {"m.py": "x\n"}, "def f():\n    return 1\n", "m.py"),
    Case("in another encoding", "import m\nm.V", {"m.py": "V = 'é'"}, {"m.py": "V = 'e'"}, "é", "m.py"),
    Case("reloaded", "import importlib, m\nm.V = 5\nimportlib.reload(m).V", {"m.py": "V = 1"}, {"m.py": "V = 2"}, 1, "m.py"),
    Case("the try writes it itself", "import pathlib\npathlib.Path('m.py').write_text('V = 3')\nimport m\nm.V", {"m.py": "V = 1"}, {"m.py": "V = 2"}, 3),
    Case("in a process of its own", "import multiprocessing, m\nwith multiprocessing.get_context('spawn').Pool(1) as pool:\n    v = pool.map(m.f, [0])\nv", {"m.py": "def f(_): return 1"}, {"m.py": "def f(_): return 2"}, [1], "m.py"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_modules(case: Case, bench: Bench, tmp_path: Path) -> None:
    left = run(bench, tmp_path, case.stored, case.now, f"%%task t\n{case.cell}")
    assert left.outcome.result is Result.SUCCESS, left.log
    found = left.values["return_value"]
    assert (list(found) if isinstance(found, tuple) else found) == case.gives
    notes = " ".join(left.outcome.notes)
    assert (case.note in notes) if case.note else not notes


def test_a_failure_in_a_stored_module_shows_the_line_that_ran_and_says_that_it_was_stored(
    bench: Bench, tmp_path: Path
) -> None:
    stored = {"m.py": "def f():\n    raise ValueError('of old')\n"}
    left = run(bench, tmp_path, stored, {"m.py": "# another\n# text\n"}, "%%task t\nimport m\nm.f()")
    assert left.outcome.result is Result.FAILED
    assert "raise ValueError('of old')" in left.log
    assert "# text" not in left.log
    assert any("m.py has changed" in note for note in left.outcome.notes)


def test_a_real_kernel_imports_them_too(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "stored"
    folder.mkdir()
    (folder / "m.py").write_text("V = 1")
    request = bench.request("%%task t\nimport m\nm.V", modules=folder, kernel="python3")
    (request.cwd / "m.py").write_text("V = 2")
    os.utime(request.cwd / "m.py", (1, 1))
    bench.submit(request)
    left = bench.finish(request)
    assert left.values["return_value"] == 1, left.log


def test_a_stored_module_named_as_an_installed_package_is_not_imported_ahead(
    bench: Bench, tmp_path: Path
) -> None:
    left = run(bench, tmp_path, {"xarray.py": "V = 1"}, {}, "%%task t\nimport xarray\nxarray.V")
    assert left.values["return_value"] == 1
