from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cli.conftest import write_notebook

from nbflow.errors import AddressError, NotebookUnreadable, OptionError, TrustError
from nbflow.server.arguments import Arguments
from nbflow.server.places import OutsideRoot, target_of
from nbflow.store.home import Home
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.service.lookup import Target

CELLS = ("%%dag n", "%%task a\n1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A server's root with `project/n.ipynb` and its home, a folder without a home, and the same outside of it."""
    root = tmp_path / "root"
    for folder in (root / "project", tmp_path / "outside"):
        path = write_notebook(folder / "n.ipynb", *CELLS)
        home = Home(folder / ".nbflow", folder)
        home.create()
        with StateStore(home.state) as state:
            state.take_ownership("pytest", datetime.now(UTC))
            with state.writing():
                state.save_dag(
                    "n",
                    path=path,
                    version="v",
                    timezone="UTC",
                    notebook=path.read_text("utf-8"),
                    at=datetime.now(UTC),
                )
    (root / "empty").mkdir()
    (root / "way_out").symlink_to(tmp_path / "outside")
    (root / "n.ipynb").symlink_to(tmp_path / "outside" / "n.ipynb")
    (root / "within.ipynb").symlink_to(root / "project" / "n.ipynb")
    return root


def _target(root: Path, **given: str) -> Target:
    return target_of(Arguments("board", given), root)


@pytest.mark.parametrize(
    "name",
    ["project/n.ipynb", "./project/../project/n.ipynb", "within.ipynb", "{root}/project/n.ipynb"],
)
def test_a_notebook_below_the_root_is_found_as_jupyter_names_it_and_by_its_whole_path(
    root: Path, name: str
) -> None:
    found = _target(root, notebook=name.format(root=root))
    assert (found.dag_id, found.path) == ("n", root / "project" / "n.ipynb")
    assert found.home.root == root / "project" / ".nbflow"


@pytest.mark.parametrize("home", ["project", "project/.nbflow", "{root}/project/.nbflow"])
def test_a_dag_is_found_by_its_id_and_its_home(root: Path, home: str) -> None:
    found = _target(root, dag="n", home=home.format(root=root))
    assert (found.dag_id, found.path) == ("n", root / "project" / "n.ipynb")


@pytest.mark.parametrize(
    "name",
    [
        "../outside/n.ipynb",
        "project/../../outside/n.ipynb",
        "{root}/../outside/n.ipynb",
        "/../outside/n.ipynb",
        "way_out/n.ipynb",
        "n.ipynb",
        "../nowhere.ipynb",
        "project/\0.ipynb",
    ],
)
def test_a_path_or_link_out_of_the_root_is_refused(root: Path, name: str) -> None:
    with pytest.raises(OutsideRoot, match="is not below the server's root"):
        _target(root, notebook=name.format(root=root))


@pytest.mark.parametrize(
    "home", ["../outside", "../outside/.nbflow", "way_out", "way_out/.nbflow", "/../outside"]
)
def test_a_home_out_of_the_root_is_refused(root: Path, home: str) -> None:
    with pytest.raises(OutsideRoot, match="is not below the server's root"):
        _target(root, dag="n", home=home)


def test_a_folder_without_a_home_does_not_lend_the_one_above_the_root(root: Path) -> None:
    Home(root.parent / ".nbflow", root.parent).create()
    with pytest.raises(OutsideRoot, match="'empty' is not below the server's root"):
        _target(root, dag="n", home="empty")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"notebook": "project/m.ipynb"}, "no notebook 'project/m.ipynb'"),
        ({"notebook": "project"}, "no notebook 'project'"),
        ({"notebook": "project/.nbflow/state.sqlite"}, "no notebook"),
        ({"dag": "n", "home": "empty"}, "no home"),
        ({"dag": "n", "home": "project/n.ipynb"}, "no home"),
        ({"dag": "m", "home": "project"}, "knows no DAG 'm'"),
        ({"dag": "project/n.ipynb", "home": "project"}, "knows no DAG 'project/n.ipynb'"),
        ({"dag": "../outside/n.ipynb", "home": "project"}, "knows no DAG"),
    ],
    ids=str,
)
def test_what_is_not_there_is_said_by_name(
    root: Path, given: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)  # a DAG's id is never taken for a path
    with pytest.raises(AddressError, match=said):
        _target(root, **given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "say which DAG"),
        ({"notebook": "", "dag": ""}, "say which DAG"),
        ({"dag": "n"}, "board needs home"),
        ({"dag": "n", "home": "project", "notebook": "project/n.ipynb"}, "name two DAGs"),
    ],
    ids=str,
)
def test_a_request_names_one_dag(root: Path, given: dict[str, str], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        _target(root, **given)


def test_a_notebook_that_cannot_be_read_says_so(root: Path) -> None:
    (root / "half.ipynb").write_text('{"cells": [', "utf-8")
    with pytest.raises(NotebookUnreadable, match=r"half\.ipynb"):
        _target(root, notebook="half.ipynb")


@pytest.mark.parametrize("given", [{"notebook": "project/n.ipynb"}, {"dag": "n", "home": "project"}], ids=str)
def test_another_users_home_is_refused(
    root: Path, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = (root / "project").stat().st_uid
    monkeypatch.setattr("nbflow.store.trust._own", lambda: {ours + 1})
    with pytest.raises(TrustError, match="belongs to"):
        _target(root, **given)
