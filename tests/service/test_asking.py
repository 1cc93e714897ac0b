"""Commands find whoever holds the home, or are obeyed by the one who gives them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from service.conftest import AT, CODE, day

from nbflow.errors import NbflowError
from nbflow.model.messages import RunMove
from nbflow.model.state import RunState
from nbflow.service.asking import settle
from nbflow.service.bodies import paused
from nbflow.service.follow import follow
from nbflow.store.home import HomeLock, find_home
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.conftest import Written

    from nbflow.store.home import Home


@pytest.fixture
def home(written: Written) -> Home:
    """A home that knows the DAG `n`, held by nobody."""
    written.run(written.flow(*CODE), day(1), {"a": "S", "b": "S", "c": "S"}, RunState.SUCCESS)
    return find_home(written.folder)


@pytest.fixture
def held(home: Home) -> Iterator[HomeLock]:
    """The lock of the home, held by somebody else."""
    with HomeLock(home) as lock:
        assert lock.acquire()
        yield lock


PAUSE = paused("n", paused=True, path="")


def asked(state: StateStore) -> int:
    """The command that waits for an answer, once there is one."""
    while not (found := state.commands.open()):
        time.sleep(0.01)
    return found[0].id


def test_where_nobody_holds_the_home_the_command_does_it(home: Home) -> None:
    done = settle(home, "pause", PAUSE, what="pytest")
    assert done.owner is None
    with StateStore(home.state) as state:
        known = state.dag("n")
        assert known is not None
        assert known.paused
        assert state.commands.open() == []


@pytest.mark.usefixtures("held")
def test_whoever_holds_the_home_is_asked_and_named(home: Home, written: Written) -> None:
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(settle, home, "pause", PAUSE, what="pytest")
        number = asked(written.state)
        with written.state.writing():
            written.state.commands.answer(number, {"said": 1}, AT)
        answer = done.result()
    assert answer.answer == {"said": 1}
    assert answer.owner is not None
    assert answer.owner.startswith("pytest (process ")


@pytest.mark.usefixtures("held")
def test_what_the_owner_cannot_do_is_an_error_of_the_command(home: Home, written: Written) -> None:
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(settle, home, "pause", PAUSE, what="pytest")
        number = asked(written.state)
        with written.state.writing():
            written.state.commands.answer(number, {"error": "no such DAG"}, AT)
        with pytest.raises(NbflowError, match="no such DAG"):
            done.result()


def test_an_owner_that_ends_without_an_answer_leaves_it_to_the_command(
    home: Home, held: HomeLock, written: Written
) -> None:
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(settle, home, "pause", PAUSE, what="pytest")
        number = asked(written.state)
        held.release()
        assert done.result().owner is None
    assert written.state.commands.answer_to(number) == {"withdrawn": True}
    known = written.state.dag("n")
    assert known is not None
    assert known.paused


def test_following_tells_each_move_once_and_ends_with_the_run(
    home: Home, held: HomeLock, written: Written
) -> None:
    key = written.run(written.flow(*CODE), day(2), {"a": "."}, RunState.RUNNING)
    since = written.state.last_transition()
    told: list[object] = []
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(follow, home, [key], since=since, listener=told.extend)
        ended = RunMove(at=AT, run=key, old=RunState.RUNNING, new=RunState.SUCCESS, reason="done")
        with written.state.writing():
            written.state.record([ended])
        (record,) = done.result()
    assert (record.key, record.state) == (key, RunState.SUCCESS)
    assert told == [ended]
    assert held.acquire()


def test_following_ends_when_nobody_works_any_more(home: Home, written: Written) -> None:
    key = written.run(written.flow(*CODE), day(2), {"a": "."}, RunState.RUNNING)
    told: list[object] = []
    (record,) = follow(home, [key], since=0, listener=told.extend)
    assert record.state is RunState.RUNNING
    assert {move.run for move in told if isinstance(move, RunMove)} == {key}, "of this run only"
