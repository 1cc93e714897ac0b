"""In a real kernel, a cell with a header does what it does without."""

from __future__ import annotations

import re
from dataclasses import dataclass

import nbformat
import pytest
from nbclient import NotebookClient


@dataclass(frozen=True)
class Case:
    """A body, and the header it gets; `bare` where the body alone isn't the comparison."""

    name: str
    body: str
    header: str = "%%task t"


CASES = [
    Case("last expression", "1 + 1"),
    Case("nothing to show", "x = 5"),
    Case("several expressions", "1\n2\nx"),
    Case("semicolon hides", "x;"),
    Case("printing", "print('a')\nimport sys\nprint('b', file=sys.stderr)"),
    Case("await", "import asyncio\nawait asyncio.sleep(0, 'slept')"),
    Case("create_task", "task = asyncio.create_task(asyncio.sleep(0, 'done'))\nawait task"),
    Case("async with and for", "async def count():\n    yield 1\n    yield 2\n[n async for n in count()]"),
    Case("display", "from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))\nHTML('<i>y</i>')"),
    Case("display update", "h = display('a', display_id='same')\nh.update('b')"),
    Case("an error", "y = 1\n1 / 0"),
    Case("an error in a function", "def f():\n    raise KeyError('x')\n\nf()"),
    Case("a syntax error", "y = 1\ny ="),
    Case("a warning", "import warnings\nwarnings.warn('careful')"),
    Case("nested bash", "%%bash\necho hi"),
    Case("nested time", "%%capture out\nprint('kept')"),
    Case("what capture kept", "out.stdout"),
    Case("shell line", "names = !echo a b\nnames[0]"),
    Case("line magic", "%who_ls int"),
    Case("help is no result", "len?"),
    Case("header of several lines", "1 / 0", "%%task t \\\n  --retries 2 \\\n  --doc 'what it is for'"),
    Case("line header", "x * 2", "%task t --retries 1"),
    Case("scratch", "x * 3", "%%scratch"),
    Case("continuing", "x * 4\n1 / 0", "%%task +"),
    Case("decorator and class", "class A:\n    n = 1\n\nA.n"),
    Case("last of history", "_"),
    Case("a docstring only", "'''text'''"),
    Case("a comment only", "# nothing"),
]


def executed(cells: list[str]) -> list[list[dict[str, object]]]:
    """The outputs of each cell in a fresh kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, allow_errors=True, kernel_name="python3").execute()
    return [[normal(output) for output in cell.outputs] for cell in notebook.cells]


def normal(output: dict[str, object]) -> dict[str, object]:
    """An output without what differs between any two kernels: ids, paths, colours."""
    plain = {key: value for key, value in output.items() if key != "transient"}
    if "traceback" in plain:
        text = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output["traceback"]))
        places = re.findall(r"(Cell In\[\d+\]|-+> \d+|line \d+)", text)
        plain["traceback"] = places
    if "evalue" in plain:
        plain["evalue"] = re.sub(r"\d+\.py", "CELL", str(plain["evalue"]))
    if plain.get("name") == "stderr":
        plain["text"] = re.sub(r"/\S+/ipykernel_\d+/\d+\.py", "CELL", str(plain["text"]))
    return plain


@pytest.fixture(scope="module")
def outputs() -> dict[str, tuple[list[dict[str, object]], list[dict[str, object]]]]:
    """With and without header, by case. The header's lines are comments in the other kernel, so that
    the lines of errors can be compared; a cell magic must be first and gets none.
    """
    headed = executed(["%load_ext nbflow", *(f"{case.header}\n{case.body}" for case in CASES)])
    bare = executed(["pass", *(bare_cell(case) for case in CASES)])
    return {case.name: pair for case, *pair in zip(CASES, headed[1:], bare[1:], strict=True)}


def bare_cell(case: Case) -> str:
    if case.body.startswith("%%"):
        return case.body
    return "#\n" * (case.header.count("\n") + 1) + case.body


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_outputs_with_header_equal_those_without(
    case: Case, outputs: dict[str, tuple[object, object]]
) -> None:
    headed, bare = outputs[case.name]
    assert headed == bare


def test_a_wrong_header_is_one_short_error() -> None:
    first, second = executed(["%load_ext nbflow", "%%task a --retrys 2\nprint('ran')"])
    assert first == []
    text = str(second)
    assert "Did you mean --retries?" in text
    assert "ran'" not in text
    assert "Traceback" not in text


ROUNDS = [
    ("mapped", '%%task t --map "p in [1, 0]"\nq = p\n1 / q', '%%task t\nq = 0\n1 / q'),
    ("in a function", '%%task t --map "p in [0]"\ndef f():\n    return 1 / p\n\nf()',
     "%%task t\ndef f():\n    return 1 / 0\n\nf()"),
    ("a sensor", "%%task.sensor t\nq = 0\n1 / q", "%%task t\nq = 0\n1 / q"),
]  # fmt: skip


@pytest.mark.parametrize(("looped", "plain"), [case[1:] for case in ROUNDS], ids=[case[0] for case in ROUNDS])
def test_a_cell_that_goes_round_has_the_traceback_of_one_that_does_not(looped: str, plain: str) -> None:
    _, found = executed(["%load_ext nbflow", looped])
    _, expected = executed(["%load_ext nbflow", plain])
    (error,) = [output for output in found if output["output_type"] == "error"]
    assert error["traceback"] == expected[0]["traceback"]


def test_a_sensor_that_waits_is_stopped_by_an_interrupt() -> None:
    timer = (
        "import os, signal, threading\nthreading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()"
    )
    _, _, found = executed(["%load_ext nbflow", timer, "%%task.sensor t --poke-interval 600\nFalse"])
    assert [output.get("ename") for output in found] == [None, "KeyboardInterrupt"]
