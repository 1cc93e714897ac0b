"""The command line called in this process: quick, and with a home that a test has written itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cli.conftest import Answer
from service.conftest import AT, Written

from nbflow.cli import main
from nbflow.store.home import Home
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Call = Callable[..., Answer]
    """`nbflow` with these words, in the folder of the test."""


@pytest.fixture
def nbflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str | Path) -> Answer:
        capfd.readouterr()
        try:
            main([str(word) for word in arguments])
        except SystemExit as ended:
            status = ended.code
        else:
            status = 0
        out, err = capfd.readouterr()
        assert "Traceback" not in err, err
        assert isinstance(status, int | None)
        return Answer(status or 0, out, err)

    return call


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """A home whose state a test writes."""
    Home(tmp_path / ".nbflow", tmp_path).create()
    with StateStore(tmp_path / ".nbflow" / "state.sqlite") as state:
        state.take_ownership("pytest", AT)
        yield Written(tmp_path, state)
