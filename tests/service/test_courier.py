"""What the courier does when nothing comes."""

from __future__ import annotations

from contextlib import closing
from queue import SimpleQueue
from typing import TYPE_CHECKING, cast

import pytest

from nbflow.errors import HomeError
from nbflow.service.courier import Courier

if TYPE_CHECKING:
    from nbflow.service.handed import HandedOn
    from nbflow.store.xcom import XComStore


class Watched:
    """In the place of a store and of what is at hand: says what it is asked to do."""

    def __init__(self, *fails: str) -> None:
        self.asked: SimpleQueue[str] = SimpleQueue()
        self._fails = fails

    def __getattr__(self, name: str) -> object:
        def call() -> None:
            self.asked.put(name)
            if name in self._fails:
                raise HomeError("the disk is full")

        return call


@pytest.mark.parametrize("fails", [(), ("get_ready", "show", "checkpoint")])
def test_in_a_quiet_moment_views_are_made_and_the_log_is_taken_into_the_file(fails: tuple[str, ...]) -> None:
    store, reported = Watched(*fails), list[object]()
    with closing(Courier(cast("XComStore", store), reported.append, handed=cast("HandedOn", Watched()))):
        assert [store.asked.get(timeout=60) for _ in range(3)] == ["get_ready", "show", "checkpoint"]
    assert store.asked.get(timeout=60) == "show"
    assert store.asked.empty()
    assert reported == [], "what fails then stops nothing"
