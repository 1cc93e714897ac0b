"""Having a command obeyed: by the process that holds the home, or where none does by this one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.service.clock import now
from nbflow.service.orders import Orders
from nbflow.service.serving import owned_xcoms
from nbflow.service.session import session, take
from nbflow.store.home import HomeLock
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbflow.service.scheduler import Moves
    from nbflow.store.home import Home

_LOOK = 0.1  # seconds between two looks for an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command's answer.

    Attributes:
        answer: what the verb gives.
        owner: who obeyed and runs what follows, in words; None: this process did, and it has run.
        since: the id of the home's latest move before.
    """

    answer: Mapping[str, object]
    owner: str | None
    since: int


def settle(
    home: Home, verb: str, body: Mapping[str, object], *, what: str, with_xcoms: bool = False
) -> Asked:
    """Have a command obeyed that nothing follows from by itself: `pause`, `pools`, `clean`, `clear` without a run.

    Args:
        home: whose.
        verb: which command.
        body: see `bodies`.
        what: the command, shown to others.
        with_xcoms: whether it is about XComs too.

    Raises:
        NbflowError: it cannot be done.
    """

    def ours(state: StateStore) -> Mapping[str, object]:
        if not with_xcoms:
            return Orders(state).read(verb, body, is_open=lambda _: False).answer
        with owned_xcoms(home) as xcoms:
            return Orders(state, xcoms).read(verb, body, is_open=lambda _: False).answer

    return _asked(home, verb, body, what, ours)


def carry_out(
    home: Home,
    verb: str,
    body: Mapping[str, object],
    *,
    what: str,
    parallelism: int,
    listener: Callable[[Moves], None],
) -> Asked:
    """Have a command obeyed; where nobody holds the home, run here what follows from it, to its end.

    Args:
        home: whose.
        verb: which command.
        body: see `bodies`.
        what: the command, shown to others.
        parallelism: as for `session`.
        listener: told of every move.

    Raises:
        NbflowError: it cannot be done.
    """

    def ours(state: StateStore) -> Mapping[str, object]:
        with session(home, state, parallelism=parallelism, listener=listener) as scheduler:
            answer = scheduler.obey(verb, body)
            scheduler.run_until_idle()
        return answer

    return _asked(home, verb, body, what, ours)


def _asked(
    home: Home,
    verb: str,
    body: Mapping[str, object],
    what: str,
    ours: Callable[[StateStore], Mapping[str, object]],
) -> Asked:
    home.create()
    with HomeLock(home) as lock, StateStore(home.state) as state:
        since, number = state.last_transition(), None
        try:
            while not lock.acquire():
                if number is None:
                    number = state.commands.add(verb, body, now())
                answer = state.commands.answer_to(number)
                if answer is not None:
                    return _told(answer, state.owner(), since)
                time.sleep(_LOOK)
        except BaseException:  # Ctrl-C: nobody is to do it later
            if number is not None:
                state.commands.withdraw(number, now())
            raise
        answer = None if number is None else state.commands.answer_to(number)
        if answer is not None:  # the last thing its owner did
            return _told(answer, None, since)
        take(state, what)
        if number is not None:  # whoever held the home has ended without a look at it
            state.commands.withdraw(number, now())
        return _told(ours(state), None, since)


def _told(answer: Mapping[str, object], owner: str | None, since: int) -> Asked:
    if "error" in answer:
        raise NbflowError(str(answer["error"]))
    return Asked(answer=answer, owner=owner, since=since)
