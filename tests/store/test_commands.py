"""Commands and settings: what any process may write beside the owner."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from nbflow.errors import HomeError
from nbflow.model.record import PoolRecord
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with StateStore(tmp_path / "state.sqlite") as store:
        store.take_ownership("pytest", AT)
        yield store


def test_commands_are_answered_in_the_order_in_which_they_were_asked(state: StateStore) -> None:
    with StateStore(state.path) as other:
        first = other.commands.add("pause", {"dag_id": "추출"}, AT)
        second = other.commands.add("pools", {}, AT)
        asked = state.commands.open()
        assert [(one.id, one.verb, one.body) for one in asked] == [
            (first, "pause", {"dag_id": "추출"}),
            (second, "pools", {}),
        ]
        assert other.commands.answer_to(first) is None
        with state.writing():
            state.commands.answer(first, {"label": "2026-01-01"}, AT)
        assert other.commands.answer_to(first) == {"label": "2026-01-01"}
    assert [one.id for one in state.commands.open()] == [second]


def test_a_command_that_was_taken_back_is_nobodys_and_one_that_was_answered_stays(state: StateStore) -> None:
    taken, answered = (state.commands.add("pools", {}, AT) for _ in range(2))
    with state.writing():
        state.commands.answer(answered, {"done": 1}, AT)
    state.commands.withdraw(taken, AT)
    state.commands.withdraw(answered, AT)
    assert state.commands.open() == []
    assert state.commands.answer_to(answered) == {"done": 1}


def test_an_owner_that_was_shut_out_answers_nothing(state: StateStore) -> None:
    number = state.commands.add("pools", {}, AT)
    with StateStore(state.path) as other:
        other.take_ownership("nbflow run", AT)
    with pytest.raises(HomeError, match="nbflow run"), state.writing():
        state.commands.answer(number, {}, AT)
    assert state.commands.answer_to(number) is None


def test_the_default_pool_is_always_there_and_can_be_set(state: StateStore) -> None:
    settings = state.settings
    assert {pool.name: pool.slots for pool in settings.pools().values()} == {"default_pool": 128}
    settings.set_pool(PoolRecord(name="default_pool", slots=4, description="small"))
    settings.set_pool(PoolRecord(name="db", slots=1))
    settings.set_pool(PoolRecord(name="db", slots=2))
    assert {pool.name: pool.slots for pool in settings.pools().values()} == {"default_pool": 4, "db": 2}
    assert [settings.delete_pool(name) for name in ("default_pool", "db", "db")] == [True, True, False]
    assert {pool.name: pool.slots for pool in settings.pools().values()} == {"default_pool": 128}


def test_variables_and_connections_are_set_changed_and_deleted(state: StateStore) -> None:
    settings = state.settings
    settings.set_variable("b", "1")
    settings.set_variable("a", "é")
    settings.set_variable("b", "2")
    assert settings.variables() == {"a": "é", "b": "2"}
    assert [settings.delete_variable("a"), settings.delete_variable("a")] == [True, False]
    settings.set_connection("db", "postgres://me@hal/x")
    assert settings.connections() == {"db": "postgres://me@hal/x"}
    assert [settings.delete_connection("db"), settings.delete_connection("db")] == [True, False]
