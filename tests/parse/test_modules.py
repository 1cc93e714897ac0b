"""Which project-local modules a notebook imports, and how they count in its hashes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from nbflow.parse.flow import flow_of
from nbflow.parse.modules import source_bytes, source_text, with_modules

if TYPE_CHECKING:
    from nbflow.model.flow import Flow


def read(files: dict[str, str], *cells: str) -> Flow:
    """The flow of a notebook that lies beside these files."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    return with_modules(flow_of(notebook, "n.ipynb"), files.get)


@dataclass(frozen=True)
class Case:
    name: str
    cell: str
    files: dict[str, str]
    found: str  # paths, in order
    others: dict[str, str] = field(default_factory=dict)  # files that are there and nobody imports


CASES = [
    Case("a module", "import a", {"a.py": ""}, "a.py", {"b.py": ""}),
    Case("by another name", "import a as b", {"a.py": ""}, "a.py", {"b.py": ""}),
    Case("a name out of a module", "from a import f", {"a.py": ""}, "a.py"),
    Case("an installed package", "import pandas.api", {}, ""),
    Case("inside a function", "def f():\n    import a", {"a.py": ""}, "a.py"),
    Case("where it may fail", "try:\n    import a\nexcept ImportError:\n    a = None", {"a.py": ""}, "a.py"),
    Case("by a call", "import importlib\nm = importlib.import_module('p.a')", {"p/a.py": ""}, "p/a.py"),
    Case("by a call with another text", "import importlib\nm = importlib.import_module('../a')", {}, "", {"../a.py": ""}),
    Case("a package: what it runs", "import p", {"p/__init__.py": "from . import a"}, "p/__init__.py p/a.py", {"p/a.py": "", "p/b.py": ""}),
    Case("a module of a package: the package too", "import p.q.a", {"p/__init__.py": "", "p/q/__init__.py": "", "p/q/a.py": ""}, "p/__init__.py p/q/__init__.py p/q/a.py"),
    Case("a module out of a package", "from p import a", {"p/__init__.py": "", "p/a.py": ""}, "p/__init__.py p/a.py"),
    Case("a package before a module of its name", "import p", {"p/__init__.py": ""}, "p/__init__.py", {"p.py": ""}),
    Case("nothing below a plain module", "import p.a", {"p.py": ""}, "p.py", {"p/a.py": ""}),
    Case("a namespace folder", "import p.a\nfrom p import b", {"p/a.py": "", "p/b.py": ""}, "p/a.py p/b.py", {"p/c.py": ""}),
    Case("relative, one up", "import p.q.a", {"p/q/a.py": "from ..r import b", "p/r/b.py": ""}, "p/q/a.py p/r/b.py"),
    Case("relative, a name of the package", "import p.a", {"p/__init__.py": "", "p/a.py": "from . import b\nfrom .c import f", "p/b.py": "", "p/c.py": ""}, "p/__init__.py p/a.py p/b.py p/c.py"),
    Case("relative, above the outermost", "import p.a", {"p/a.py": "from ... import b"}, "p/a.py", {"b.py": ""}),
    Case("relative, in no package", "import a", {"a.py": "from . import b"}, "a.py", {"b.py": ""}),
    Case("relative, in the notebook", "def f():\n    from . import b", {}, "", {"b.py": ""}),
    Case("star: what __all__ names", "from p import *", {"p/__init__.py": "__all__ = ['a', 'gone']", "p/a.py": ""}, "p/__init__.py p/a.py", {"p/b.py": ""}),
    Case("star out of a module", "from a import *", {"a.py": "__all__ = ['b']"}, "a.py", {"b.py": ""}),
    Case("anywhere in a module", "import m", {"m.py": "class C:\n    def f(self):\n        with x:\n            try:\n                import a\n            except E:\n                import b\n            else:\n                import c\n            finally:\n                import d\nmatch x:\n    case 1:\n        import e\nfor y in z:\n    pass\nelse:\n    import f", **{f"{n}.py": "" for n in "abcdef"}}, "a.py b.py c.py d.py e.py f.py m.py"),
    Case("by a call in a module", "import m", {"m.py": "x = [__import__('a'), importlib.import_module('b')]", "a.py": "", "b.py": ""}, "a.py b.py m.py"),
    Case("through one another", "import a", {"a.py": "import b", "b.py": "import c", "c.py": ""}, "a.py b.py c.py"),
    Case("in a circle", "import a", {"a.py": "import b", "b.py": "import a"}, "a.py b.py"),
    Case("of itself", "import p", {"p/__init__.py": "from p import a\nfrom . import a", "p/a.py": "import p"}, "p/__init__.py p/a.py"),
    Case("named as one of Python's own", "import json\nimport a", {"a.py": "import json"}, "a.py", {"json.py": ""}),
    Case("named as nbflow", "from nbflow import ds", {}, "", {"nbflow/__init__.py": ""}),
    Case("broken: by its lines", "import a", {"a.py": "import b, d.e as f\nfrom .x import (\n  from p.q import c\ndef ("}, "a.py b.py d/e.py p/q.py", {"b.py": "", "d/e.py": "", "p/q.py": "", "x.py": ""}),
    Case("with null bytes", "import a", {"a.py": "import b\0"}, "a.py", {}),
    Case("nested too deep", "import a", {"a.py": f"import b\nx = {'(' * 5000}{')' * 5000}", "b.py": ""}, "a.py b.py"),
    Case("very large: by its lines", "import a", {"a.py": f"import b\nX = {'9' * 1_000_001}", "b.py": ""}, "a.py b.py"),
    Case("of another script", "import 정리", {"정리.py": "import ñ", "ñ.py": ""}, "ñ.py 정리.py"),
    Case("in a scratch cell", "%%scratch\nimport a", {}, "", {"a.py": ""}),
    Case("in an install", "%load_ext nbflow\nimport a", {"a.py": ""}, "a.py"),
    Case("in a string", "x = 'import a'", {}, "", {"a.py": ""}),
    Case("under a magic", "%time import a", {"a.py": ""}, "a.py"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_imported(case: Case) -> None:
    flow = read(case.files | case.others, "%%task t\n1", case.cell)
    assert list(flow.modules) == sorted(case.found.split())


@pytest.mark.parametrize("magic", ["writefile", "writefile -a", "file"])
def test_what_the_notebook_writes_itself_is_no_module_of_the_project(magic: str) -> None:
    flow = read({"a.py": "1", "b.py": "2"}, f"%%task w\n%%{magic} a.py\nx = 1", "%%task t\nimport a, b")
    assert list(flow.modules) == ["b.py"]


FILES = {"load.py": "", "clean.py": "import deep", "deep.py": "", "tools.py": "", "unused.py": ""}
CELLS = (
    "import tools\nimport unused",
    "%%task one\nimport load\nx = load.f()",
    "%%task two\nfrom clean import g\ny = g(x)",
    "%%task three --after none\nz = tools.h()",
)


@dataclass(frozen=True)
class Edit:
    path: str
    stale: str


EDITS = [
    Edit("load.py", "one two"),  # two stands on what one gave
    Edit("clean.py", "two"),
    Edit("deep.py", "two"),
    Edit("tools.py", "three"),
    Edit("unused.py", "three"),  # one cell imports both
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.path)
def test_an_edited_module_changes_the_code_of_the_tasks_that_import_it(edit: Edit) -> None:
    before = read(FILES, *CELLS)
    after = read(FILES | {edit.path: FILES[edit.path] + "\nV = 2"}, *CELLS)
    changed = [task for task in before.tasks if before.code_hashes[task] != after.code_hashes[task]]
    assert changed == edit.stale.split()
    assert before.version != after.version


def test_a_task_that_repeats_an_import_of_another_counts_its_module() -> None:
    cells = (
        "%%task one\nimport load\nx = 1",
        "%%task two --after one\ny = load.f()",
        "%%task three --after none\n3",
    )
    before, after = read({"load.py": "1"}, *cells), read({"load.py": "2"}, *cells)
    changed = [task for task in before.tasks if before.code_hashes[task] != after.code_hashes[task]]
    assert changed == ["one", "two"]


def test_without_local_modules_hashes_and_version_are_those_of_the_cells() -> None:
    cells = ("import pandas", "%%task a\nx = 1")
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    parsed = flow_of(notebook, "n.ipynb")
    assert with_modules(parsed, {"m.py": ""}.get) is parsed


def test_a_module_that_comes_or_goes_makes_another_version() -> None:
    cells = ("%%task a\ntry:\n    import m\nexcept ImportError:\n    m = None",)
    assert read({}, *cells).version != read({"m.py": ""}, *cells).version


def test_the_version_does_not_depend_on_the_order_in_which_modules_are_found() -> None:
    one = read(FILES, *CELLS)
    other = read(dict(reversed(FILES.items())), *CELLS)
    assert (one.version, one.code_hashes) == (other.version, other.code_hashes)


def test_each_file_is_asked_for_once() -> None:
    asked: list[str] = []

    def reader(path: str) -> str | None:
        asked.append(path)
        return FILES.get(path)

    notebook = new_notebook(cells=[new_code_cell(cell) for cell in CELLS])
    with_modules(flow_of(notebook), reader)
    assert len(asked) == len(set(asked))


ENCODED = [
    ("UTF-8", "# é 추출\nx = 1\n".encode(), "# é 추출\nx = 1\n"),
    ("a byte order mark", b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
    ("Windows' ends of lines", b"x = 1\r\ny = 2\r\n", "x = 1\ny = 2\n"),
    ("Latin-1, and says so", b"# coding: latin-1\nx = '\xe9'\n", "# coding: latin-1\nx = 'é'\n"),
    ("Latin-1, and doesn't say so", b"x = '\xe9'\n", "x = '\\xe9'\n"),
    ("an encoding that nobody knows", b"# coding: nonsense\nx = 1\n", "# coding: nonsense\nx = 1\n"),
]


@pytest.mark.parametrize(("data", "text"), [case[1:] for case in ENCODED], ids=[case[0] for case in ENCODED])
def test_a_file_is_read_as_python_reads_it(data: bytes, text: str) -> None:
    assert source_text(data) == text
    assert source_text(source_bytes(text)) == text


@given(st.binary(max_size=80))
def test_whatever_a_file_holds_it_is_a_text_that_can_be_stored(data: bytes) -> None:
    text = source_text(data)
    text.encode()  # no half of a surrogate pair
    assert "\r" in text or source_text(source_bytes(text)) == text
