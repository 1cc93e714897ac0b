"""Versions with their modules: each source once, each version whole."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbflow.errors import HomeError
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 11, 20, 3, 28, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with StateStore(tmp_path / "state.sqlite") as store:
        store.take_ownership("pytest", AT)
        yield store


def save(state: StateStore, version: str, modules: dict[str, str], dag_id: str = "추출 {dag}") -> None:
    with state.writing():
        state.save_dag(dag_id, path=Path("/n.ipynb"), version=version, timezone="UTC", notebook="{}", at=AT)
        state.versions.save_modules(dag_id, version, modules)


def test_each_version_has_its_modules_again(state: StateStore) -> None:
    first = {"a.py": "x = 1\n", "p/__init__.py": "", "정리.py": "# é\r\n\0"}
    second = {"a.py": "x = 2\n", "p/b.py": "x = 1\n"}
    save(state, "v1", first)
    save(state, "v2", second)
    save(state, "v1", {"a.py": "of another"}, dag_id="other")
    assert state.versions.modules("추출 {dag}", "v1") == first
    assert state.versions.modules("추출 {dag}", "v2") == second
    assert state.versions.modules("추출 {dag}", "v3") == {}


def test_a_source_is_kept_once_and_a_version_may_be_saved_again(state: StateStore, tmp_path: Path) -> None:
    big = "x = 1\n" * 200_000
    for version in ("v1", "v2", "v3", "v1"):
        save(state, version, {"big.py": big, f"{version}.py": ""})
    assert len(state.versions.of("추출 {dag}")) == 3
    state.close()
    assert sum(file.stat().st_size for file in tmp_path.glob("state.sqlite*")) < 3 * len(big)


def test_versions_stand_in_the_order_in_which_they_were_first_stored(state: StateStore) -> None:
    for version in ("zz", "aa", "mm", "zz"):
        save(state, version, {})
    found = state.versions.of("추출 {dag}")
    assert [(one.version, one.created, one.runs, one.latest) for one in found] == [
        ("zz", AT, 0, None),
        ("aa", AT, 0, None),
        ("mm", AT, 0, None),
    ]


def test_only_the_owner_stores_them(state: StateStore, tmp_path: Path) -> None:
    save(state, "v1", {"a.py": "1"})
    with StateStore(tmp_path / "state.sqlite") as later:
        later.take_ownership("another", AT)
        with pytest.raises(HomeError, match="another"):
            save(state, "v1", {"a.py": "2"})
        assert later.versions.modules("추출 {dag}", "v1") == {"a.py": "1"}
