"""The board's styles and scripts: the same look as the pictures, and all of it in the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nbflow.widgets.board.page as board_page
from nbflow.model.state import TaskState
from nbflow.service.board import LETTERS
from nbflow.widgets.board.page import SCRIPTS, STYLES, script, style
from nbflow.widgets.look import LOOKS

FOLDER = Path(board_page.__file__).parent


@pytest.mark.parametrize("state", list(TaskState))
def test_a_state_has_the_colours_of_the_pictures(state: TaskState) -> None:
    look, letter = LOOKS[state], LETTERS[state.value]
    assert f"--{letter}: light-dark({look.light}, {look.dark});" in style()


@pytest.mark.parametrize("state", list(TaskState))
def test_a_state_has_the_glyph_of_the_pictures_and_the_letter_of_the_board(state: TaskState) -> None:
    look, letter = LOOKS[state], LETTERS[state.value]
    constants = dict(re.findall(r'^const ([A-Z_]+) = "(.*?)";', script(), re.MULTILINE))
    found = re.search(
        rf'^  {letter}: {{ name: "{state.value}", glyph: (\w+|"")(, solid: true)?,', script(), re.MULTILINE
    )
    assert found, state
    assert ("" if found[1] == '""' else constants[found[1]]) == look.path
    assert bool(found[2]) == look.solid


@pytest.mark.parametrize(("kind", "names"), [("js", SCRIPTS), ("css", STYLES)], ids=["js", "css"])
def test_every_file_is_loaded_once(kind: str, names: tuple[str, ...]) -> None:
    assert sorted(names) == sorted(path.stem for path in (FOLDER / kind).glob(f"*.{kind}"))


def test_the_scripts_are_one_module() -> None:
    assert script().count("export default") == 1
    assert not re.search(r"^import ", script(), re.MULTILINE)


def test_nothing_makes_markup_of_data_or_leaves_the_machine() -> None:
    for forbidden in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
    ]:
        assert forbidden not in script()
    addresses = re.findall(r"https?://[^\s\"'`]+", script() + style())
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}  # a name, never asked for
    assert "@import" not in style()
    assert "url(" not in style()


def test_every_class_of_the_styles_has_nbflows_prefix() -> None:
    rules = re.sub(r"/\*.*?\*/", "", style(), flags=re.DOTALL)
    found = set(re.findall(r"\.([a-z][\w-]*)", rules))
    others = {"vscode-light", "vscode-dark"}  # of the page around
    assert {name for name in found if not name.startswith("nbf-")} == others
