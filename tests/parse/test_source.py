"""A cell as plain Python."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import pytest

from nbflow.parse.source import parse, to_python, without_installs


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    source: str
    python: str


CASES = [
    Case("Python stays", "x = 1\ny = 'a %d' % x\n", "x = 1\ny = 'a %d' % x\n"),
    Case("a shell line", "x = 1\n!ls {x}", "x = 1\nget_ipython().system('ls {x}')"),
    Case("its lines", "files = !ls", "files = get_ipython().getoutput('ls')"),
    Case("a magic", "if a:\n    %cd {b}", "if a:\n    get_ipython().run_line_magic('cd', '{b}')"),
    Case("help", "x?", "get_ipython().run_line_magic('pinfo', 'x')\n"),
    Case("timing a line", "%time x = f()", "x = f()"),
    Case("timing a cell", "\n%%time\nx = 1", "\n\nx = 1"),
    Case("capturing", "%%capture out --no-stderr\nx = 1", "out = None\nx = 1"),
    Case("await", "x = await f()", "x = await f()"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_becomes(case: Case) -> None:
    assert ast.dump(ast.parse(to_python(case.source))) == ast.dump(ast.parse(case.python))


@pytest.mark.parametrize(
    "source",
    [
        "\n\n\nlast = 1",
        "!ls \\\n  -l\n\nlast = 1",
        "%%time\n\n\nlast = 1",
        "%cd a\n!b\nx?\nlast = 1",
        '"""\n!not a command\n"""\n!ls\nlast = 1',
        "\n%time x = 1\n!!ls\nlast = 1",
        "    !ls\n\n    last = 1",
    ],
)
def test_line_numbers_stay_true(source: str) -> None:
    line = source.split("\n").index(next(text for text in source.split("\n") if "last" in text)) + 1
    last = parse(source).body[-1]
    assert isinstance(last, ast.Assign)
    assert last.lineno == line


def test_what_is_no_code_is_a_syntax_error_on_its_line() -> None:
    with pytest.raises(SyntaxError) as error:
        parse("x = 1\n!ls\ny = = 2")
    assert error.value.lineno == 3


INSTALLS = {
    "!pip install a": "",
    "%pip install a\nx = 1": "\nx = 1",
    "%conda install a": "",
    "!apt-get install -y a": "",
    "!sudo apt install a": "",
    "!{sys.executable} -m pip install a": "",
    "!python -m pip install a": "",
    "pip install a": "",
    "%load_ext nbflow": "",
    "%nbflow grid\n%dag --schedule @daily\nx": "\n\nx",
    "%%nbflow sql df\nSELECT 1": "\n",
    "if a:\n    !pip install b\nx": "if a:\n    pass\nx",
    "%pip install a \\\n  b\nx": "\n\nx",
    "%%task load\n%pip install a\nx": "%%task load\n\nx",
    "%%capture\n!pip install a\nx": "%%capture\n\nx",
    "%load_ext autoreload": "%load_ext autoreload",
    "!piper": "!piper",
    "%%bash\n!pip install a": "%%bash\n!pip install a",
    "text = '''\n!pip install a\n'''": "text = '''\n!pip install a\n'''",
}


@pytest.mark.parametrize("source", INSTALLS)
def test_installs_are_not_repeated(source: str) -> None:
    assert without_installs(source) == INSTALLS[source]
