"""Boards in stored notebooks, as a page gets them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.v4 import new_code_cell, new_notebook, new_output

from nbflow.server.stored import with_pictures

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_process import Jupyter

WIDGET = "application/vnd.jupyter.widget-view+json"
PICTURE = {"text/html": "<img>", "text/plain": "grid"}
VIEW = {WIDGET: {"model_id": "gone", "version_major": 2, "version_minor": 0}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    board = new_output("display_data", data={**VIEW, **PICTURE}, metadata={"nbflow": "board"})
    other = new_output("display_data", data={**VIEW, **PICTURE})
    printed = new_output("stream", text="1")
    notebook = new_notebook(cells=[new_code_cell("%nbflow", outputs=[board, other, printed])])
    nbformat.write(notebook, tmp_path / "n.ipynb")
    return tmp_path / "n.ipynb"


def read(path: Path, *, alive: bool, **options: Any) -> dict[str, Any]:
    asked: list[str] = []

    async def has_kernel(name: str) -> bool:
        asked.append(name)
        return alive

    manager = AsyncLargeFileManager(root_dir=str(path.parent))
    model = asyncio.run(with_pictures(manager.get, has_kernel)("/n.ipynb", **options))
    assert asked in ([], ["n.ipynb"])
    return model


@pytest.mark.parametrize(("alive", "first"), [(True, {WIDGET, *PICTURE}), (False, set(PICTURE))])
def test_a_board_is_a_widget_while_its_notebook_has_a_kernel_and_then_a_picture(
    path: Path, first: set[str], *, alive: bool
) -> None:
    before = path.read_bytes()
    board, other, _ = read(path, alive=alive)["content"]["cells"][0]["outputs"]
    assert set(board["data"]) == first
    assert WIDGET in other["data"], "somebody else's widget is left alone"
    assert path.read_bytes() == before


def test_what_holds_no_board_is_given_as_it_is(path: Path) -> None:
    assert read(path, alive=False, content=False)["content"] is None
    assert "model_id" in read(path, alive=False, type="file")["content"]


def test_a_real_server_gives_the_picture_where_no_kernel_runs(server: Jupyter, path: Path) -> None:
    (server.root / "board.ipynb").write_bytes(path.read_bytes())
    reply = server.ask("api/contents/board.ipynb", content=1)
    assert reply.status == 200, reply
    board, other, _ = reply.json()["content"]["cells"][0]["outputs"]
    assert (set(board["data"]), WIDGET in other["data"]) == (set(PICTURE), True)
