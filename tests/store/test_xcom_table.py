"""Every kind of frame, series and array comes back exactly out of a file that was closed meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from exactness import assert_exact
from frames_table import EVERY_CASE, Case

from nbflow.codec import decode, encode
from nbflow.model.run import RunKey, TaskKey
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = RunKey("dag", "2026-02-17T00:00:00Z")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XComStore]:
    """A store in which each case is the value of a task of that name, written by another `XComStore`."""
    home, files = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("files")
    at = datetime(2026, 2, 17, tzinfo=UTC)
    with XComStore.open(home) as writer:
        writer.commit(
            [
                TryXComs(
                    key=TaskKey(RUN, name),
                    try_number=1,
                    ds="2026-02-17",
                    token=name,
                    xcoms=(encode("x", case.make(), folder=files / name, shared={}, namespace={}),),
                    at=at,
                )
                for name, case in EVERY_CASE
            ]
        )
    with XComStore.open(home, read_only=True) as reader:
        yield reader


@pytest.mark.parametrize(("name", "case"), EVERY_CASE, ids=[name for name, _ in EVERY_CASE])
def test_it_comes_back_exactly(store: XComStore, name: str, case: Case, tmp_path: Path) -> None:
    found = store.get(TaskKey(RUN, name), "x", folder=tmp_path)
    assert found is not None
    assert found.form is case.form
    assert_exact(decode(found, namespace={}), case.make())
