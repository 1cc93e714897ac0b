"""Nothing of another user is loaded until somebody says that it is trusted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cli.conftest import write_notebook

from nbflow.errors import TrustError
from nbflow.service.workflow import read_workflow
from nbflow.store.home import Home, find_home
from nbflow.store.trust import check_owner

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks is another user than the one whose files the test makes; neither is root."""
    ours = 12_345
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    monkeypatch.delenv("NBFLOW_TRUST", raising=False)
    real = os.stat

    class Owned:
        def __init__(self, found: os.stat_result) -> None:
            self._found = found

        def __getattr__(self, name: str) -> object:
            return ours if name == "st_uid" else getattr(self._found, name)

    monkeypatch.setattr(os, "stat", lambda *args, **kwargs: Owned(real(*args, **kwargs)))


@pytest.mark.usefixtures("somebody_else")
class TestOfAnotherUser:
    def test_a_home_is_refused_and_the_message_says_how_to_allow_it(self, tmp_path: Path) -> None:
        (tmp_path / ".nbflow").mkdir()
        with pytest.raises(
            TrustError, match=r"belongs to user 12345.*export NBFLOW_TRUST=.*NBFLOW_HOME"
        ) as raised:
            find_home(tmp_path)
        assert str(tmp_path / ".nbflow") in str(raised.value)
        with pytest.raises(TrustError):
            Home(tmp_path / ".nbflow", tmp_path).create()

    def test_a_notebook_is_not_run(self, tmp_path: Path) -> None:
        notebook = write_notebook(tmp_path / "n.ipynb", "%%task a\n1")
        with pytest.raises(TrustError, match=r"the notebook .*n\.ipynb belongs to user 12345"):
            read_workflow(notebook)

    @pytest.mark.parametrize("trusted", ["{folder}", "{folder}/n.ipynb", "/nowhere:{folder}", "*"])
    def test_it_is_once_it_is_trusted(
        self, trusted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notebook = write_notebook(tmp_path / "n.ipynb", "%%task a\n1")
        monkeypatch.setenv("NBFLOW_TRUST", trusted.format(folder=tmp_path))
        check_owner(notebook, "the notebook")

    @pytest.mark.parametrize("trusted", ["", ":", "/nowhere", "{folder}2", "{folder}/other"])
    def test_other_paths_say_nothing_of_it(
        self, trusted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notebook = write_notebook(tmp_path / "n.ipynb", "%%task a\n1")
        monkeypatch.setenv("NBFLOW_TRUST", trusted.format(folder=tmp_path))
        with pytest.raises(TrustError):
            check_owner(notebook, "the notebook")

    def test_a_link_is_as_trusted_as_what_it_leads_to(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        theirs = write_notebook(tmp_path / "theirs" / "n.ipynb", "%%task a\n1")
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "n.ipynb").symlink_to(theirs)
        monkeypatch.setenv("NBFLOW_TRUST", str(tmp_path / "mine"))
        with pytest.raises(TrustError):
            check_owner(tmp_path / "mine" / "n.ipynb", "the notebook")

    def test_under_sudo_the_files_of_who_called_it_are_his(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SUDO_UID", "12345")
        with pytest.raises(TrustError):  # nobody but root was called by sudo
            check_owner(tmp_path, "the home")
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        check_owner(tmp_path, "the home")


def test_ones_own_files_are_trusted_and_missing_ones_nobodys(tmp_path: Path) -> None:
    check_owner(tmp_path, "the home")
    check_owner(tmp_path / "missing", "the home")
