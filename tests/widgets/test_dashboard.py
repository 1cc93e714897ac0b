from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import ipywidgets
import pytest
from cli.conftest import write_notebook

from nbflow.store.home import Home
from nbflow.store.state import StateStore
from nbflow.widgets.board.widget import Board
from nbflow.widgets.dashboard import show_dashboard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without anything."""
    home = Home(tmp_path / ".nbflow", tmp_path)
    home.create()
    return home


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ipywidgets.DOMWidget]]:
    """What has been displayed."""
    found: list[ipywidgets.DOMWidget] = []
    monkeypatch.setattr("IPython.display.display", found.append)
    yield found
    for one in found:
        one.close()


def _know(home: Home, dag_id: str, path: Path) -> None:
    with StateStore(home.state) as state:
        state.take_ownership("pytest", AT)
        with state.writing():
            state.save_dag(dag_id, path=path, version="v", timezone="UTC", notebook="{}", at=AT)


def test_each_dag_of_the_home_has_a_board(home: Home, shown: list[ipywidgets.DOMWidget]) -> None:
    for dag_id in ("one", "two"):
        _know(
            home, dag_id, write_notebook(home.project / f"{dag_id}.ipynb", f"%%dag {dag_id}", "%%task a\n1")
        )
    show_dashboard(str(home.root))
    assert all(isinstance(one, Board) for one in shown)
    assert sorted(one.data["dag_id"] for one in shown) == ["one", "two"]  # type: ignore[attr-defined]
    assert all(one.get_state()["data"]["apart"] for one in shown)
    assert {one.server for one in shown} == {"/nbflow/api"}  # type: ignore[attr-defined]


def test_a_notebook_that_is_gone_leaves_the_others_their_boards(
    home: Home, shown: list[ipywidgets.DOMWidget]
) -> None:
    _know(home, "gone", home.project / "<b>gone.ipynb")
    _know(home, "here", write_notebook(home.project / "here.ipynb", "%%dag here", "%%task a\n1"))
    show_dashboard(str(home.root))
    gone, here = sorted(shown, key=lambda one: isinstance(one, Board))
    assert isinstance(gone, ipywidgets.HTML)
    assert "&lt;b&gt;gone.ipynb" in gone.value
    assert isinstance(here, Board)


def test_a_home_without_dags_says_what_to_do(home: Home, shown: list[ipywidgets.DOMWidget]) -> None:
    show_dashboard(str(home.root))
    (said,) = shown
    assert isinstance(said, ipywidgets.HTML)
    assert "nbflow run NOTEBOOK.ipynb" in said.value
