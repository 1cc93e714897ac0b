"""Having a command obeyed from a process that must not do the work itself: a kernel, a Jupyter server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from nbflow.errors import HomeHeld, NbflowError
from nbflow.service.clock import now
from nbflow.service.detach import detached
from nbflow.store.home import is_held
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.service.lookup import Target
    from nbflow.store.home import Home

_LOOK = 0.03  # seconds between two looks
_PATIENCE = 30.0  # seconds for an answer
_BEGIN = 30.0  # seconds for a process that begins to hold the home
_SLOW = "{owner} holds the home {home} and did not answer within {seconds:.0f} s: try again later."


def obeyed(home: Home, verb: str, body: Mapping[str, Any]) -> Mapping[str, object] | None:
    """Have whoever holds a home obey a command; its answer. None where nobody holds it (any more): nothing was done.

    Args:
        home: whose.
        verb: which command.
        body: see `bodies`.

    Raises:
        NbflowError: it cannot be done.
        HomeHeld: there was no answer; the command was withdrawn.
    """
    if not home.state.exists() or not is_held(home):
        return None
    with StateStore(home.state) as state:
        number = state.commands.add(verb, body, now())
        until = time.monotonic() + _PATIENCE
        while True:
            held = is_held(home)  # before the look: the last thing its owner did is seen
            answer = state.commands.answer_to(number)
            if answer is None and held and time.monotonic() < until:
                time.sleep(_LOOK)
                continue
            if answer is None:
                state.commands.withdraw(number, now())
                late = state.commands.answer_to(number) or {}  # what was answered keeps its answer
                answer = None if "withdrawn" in late else late
            if answer is None and held:
                said = _SLOW.format(owner=state.owner(), home=home.root, seconds=_PATIENCE)
                raise HomeHeld(said)
            if answer is not None and "error" in answer:
                raise NbflowError(str(answer["error"]))
            return answer


def started(target: Target, words: Sequence[str]) -> None:
    """Begin `nbflow WORDS` in a process of its own, in the folder of the DAG's notebook.

    Raises:
        HomeError: the home can't be written.
    """
    detached(target.home, words, folder=target.path.parent)


def wait_for_owner(home: Home) -> bool:
    """Wait until a process that was begun holds the home, for a while; whether one does."""
    until = time.monotonic() + _BEGIN
    while not is_held(home):
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK)
    return True
