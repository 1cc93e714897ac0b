"""Control characters in names, reasons, values and errors reach nobody's terminal."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from cli.conftest import write_notebook
from cli.inside import nbflow, written
from service.conftest import AT, CODE, day

from nbflow.cli.output import console, print_json, print_table
from nbflow.model.state import RunState

if TYPE_CHECKING:
    from cli.inside import Call
    from service.conftest import Written

__all__ = ["nbflow", "written"]
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@pytest.fixture
def evil(written: Written) -> None:
    """A home where everything that can say something says it."""
    state = written.state
    flow = written.flow(*CODE)
    written.run(
        flow,
        day(1),
        {"a": "S", "b": "F"},
        RunState.FAILED,
        reasons={"a": EVIL, "b": EVIL},
        params={"p": EVIL},
    )
    state._db.execute("UPDATE try SET result = 'failed', reason = ?, notes = ?", (EVIL, json.dumps([EVIL])))
    state._db.execute("UPDATE run SET reason = ?", (EVIL,))
    state.settings.set_variable("k", EVIL)
    with state.writing():
        state.pause("n", paused=True, reason=EVIL)
        state.schedules.set_error(written.folder / f"x{EVIL}.ipynb", "", EVIL, AT)


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize(
    "words",
    [
        "list",
        "list n",
        "show n latest",
        "show n latest b",
        "why n latest b",
        "failures n",
        "grid n",
        "graph n latest",
        "logs n latest",
        "status",
        "variables list",
        "unpause n --help",
        "clear n latest --dry-run",
        "xcom n latest",
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_that_is_shown_is_obeyed(words: str, form: str, nbflow: Call) -> None:
    found = nbflow(*words.split(), *(["--json"] if form == "json" else []))
    assert not OBEYED.search(found.all), found.all
    assert found.status in (0, 2, 3)


@pytest.mark.parametrize("name", ["run", "check", "grid"])
def test_nor_in_an_error(name: str, nbflow: Call) -> None:
    found = nbflow(name, f"no{EVIL}.ipynb")
    assert found.status == 2
    assert not OBEYED.search(found.all)
    assert r"\x1b]0;owned" in found.err


def test_nor_in_what_a_check_says_of_a_cell(nbflow: Call, written: Written) -> None:
    write_notebook(
        written.folder / "bad.ipynb", f"%%task {EVIL}\nx = 1", f"# {EVIL}", f"%%task b\nprint('{EVIL}', zz)"
    )
    found = nbflow("check", "bad.ipynb")
    assert found.status == 2 or found.status == 1
    assert not OBEYED.search(found.all)


def test_tables_and_json_and_texts_show_it(capfd: pytest.CaptureFixture[str]) -> None:
    from rich.text import Text

    print_table([(EVIL, Text(EVIL, "bold"))], {EVIL: "left", "B": "fold"})
    print_json({EVIL: [EVIL, "\x7f"]})
    console().print(Text.assemble("a ", (EVIL, "red")))
    out = capfd.readouterr().out
    assert not OBEYED.search(out)
    assert out.count(r"\x1b]0;owned") == 4
    shown = out[out.index("{\n") : out.rindex("}") + 1]
    assert json.loads(shown) == {EVIL: [EVIL, "\x7f"]}
