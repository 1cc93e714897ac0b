"""The owner of a home while it runs something: the lock, the stores, the executor, the loop."""

from __future__ import annotations

import itertools
import signal
import time
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING

from nbflow.execute.local import LocalExecutor
from nbflow.service.clock import now
from nbflow.service.leftovers import clear_up
from nbflow.service.open_run import openings, register
from nbflow.service.orders import Orders
from nbflow.service.outside import Owner
from nbflow.service.pull import answering
from nbflow.service.recovery import recover
from nbflow.service.scheduler import Moves, Scheduler
from nbflow.service.serving import owned_xcoms
from nbflow.service.submit import Standing, Submission
from nbflow.service.surroundings import announce
from nbflow.store.home import HomeLock
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from nbflow.service.workflow import Workflow
    from nbflow.store.home import Home
    from nbflow.store.serve import Remote

_POLL_SECONDS = 0.2
STOPPED = "stopped by"  # how the reason begins of what a signal has stopped


@contextmanager
def owned_home(
    home: Home, *, what: str, on_wait: Callable[[str], None] | None = None
) -> Iterator[StateStore]:
    """Hold a home, once nobody else does: its lock, and state.sqlite open for writing.

    Args:
        home: which; it is made if need be.
        what: the command that wants it, shown to others.
        on_wait: told once who holds it, when waiting begins.

    Raises:
        HomeError: the home cannot be used.
    """
    home.create()
    with HomeLock(home) as lock, StateStore(home.state) as state:
        for attempt in itertools.count():
            if lock.acquire():
                break
            # The first refusal may be of somebody who only looked whether the home is held.
            if attempt == 1 and on_wait is not None:
                on_wait(state.owner())
            time.sleep(_POLL_SECONDS)
        take(state, what)
        yield state


def take(state: StateStore, what: str) -> None:
    """Become the owner of a home whose lock this process holds, after whoever was it before."""
    state.take_ownership(what, now())
    recover(state)


@contextmanager
def session(
    home: Home,
    state: StateStore,
    *,
    parallelism: int,
    listener: Callable[[Moves], None],
    expect: Workflow | None = None,
    serves: bool = False,
    grace: timedelta = timedelta(0),
    remote: Remote | None = None,
) -> Iterator[Scheduler]:
    """A scheduler over the home's stores, with an executor of its own.

    Ctrl-C and SIGTERM stop the tasks under way and leave every run as one that can go on.

    Args:
        home: held by this process.
        state: open for writing.
        parallelism: how many tasks run at once.
        listener: told of every move, once it is stored.
        expect: a notebook that will run, so that its imports can begin while stores are opened.
        serves: whether it makes the runs of schedules.
        grace: how long tries under way may go on when it is asked to stop.
        remote: where XComs are read from beyond this machine; None: nowhere.
    """
    with ExitStack() as stack:
        executor = LocalExecutor(parallelism)
        stack.callback(executor.close)
        if expect is not None:
            executor.expect(expect.flow, expect.cwd)
        announce(home.root)
        clear_up(home, state)
        xcoms = stack.enter_context(owned_xcoms(home, remote))
        outside = stack.enter_context(Owner(home))
        exchange = stack.enter_context(answering(home, lambda: nullcontext(xcoms), outside))
        scheduler = Scheduler(
            home,
            state,
            xcoms,
            executor,
            parallelism=parallelism,
            exchange=exchange,
            listener=listener,
            orders=Orders(state, xcoms, serves=serves),
            grace=grace,
        )
        outside.ask = scheduler.ask
        stack.callback(scheduler.close)
        stack.enter_context(_stopping(scheduler))
        yield scheduler


def execute(
    home: Home,
    state: StateStore,
    workflow: Workflow,
    submissions: Sequence[Submission],
    *,
    parallelism: int,
    listener: Callable[[Moves], None],
) -> None:
    """Run what has been submitted, until it is finished or somebody stops it.

    Args:
        home: held by this process.
        state: open for writing.
        workflow: the notebook.
        submissions: those that are done are passed over.
        parallelism: how many tasks run at once.
        listener: told of every move, once it is stored.
    """
    todo = [submission for submission in submissions if submission.standing is not Standing.DONE]
    register(state, workflow, todo)
    expect = None if any(submission.environment.kernel for submission in todo) else workflow
    with session(home, state, parallelism=parallelism, listener=listener, expect=expect) as scheduler:
        scheduler.open(openings(state, workflow, todo))
        scheduler.run_until_idle()


@contextmanager
def _stopping(scheduler: Scheduler) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask the scheduler to stop (in the main thread, the only one that hears them)."""

    def ask(number: int, _: FrameType | None) -> None:
        scheduler.ask_to_stop(f"{STOPPED} {'Ctrl-C' if number == signal.SIGINT else 'SIGTERM'}")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
