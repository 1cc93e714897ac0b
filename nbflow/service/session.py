"""The owner of a home while it runs something: the lock, the stores, the executor, the loop."""

from __future__ import annotations

import itertools
import json
import signal
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.execute.local import LocalExecutor
from nbflow.service.clock import now
from nbflow.service.params import run_params
from nbflow.service.prepare import OpenRun
from nbflow.service.pull import answering
from nbflow.service.scheduler import Moves, Scheduler
from nbflow.service.submit import Standing, Submission, opened, plan_of
from nbflow.store.home import HomeLock
from nbflow.store.state import StateStore
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from nbflow.model.flow import Flow
    from nbflow.store.home import Home

_POLL_SECONDS = 0.2


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
        state.take_ownership(what, now())
        with state.writing():
            state.lose_open_tries(now())
        yield state


def execute(
    home: Home,
    state: StateStore,
    flow: Flow,
    notebook: Mapping[str, object],
    submissions: Sequence[Submission],
    *,
    parallelism: int,
    cwd: Path,
    kernel: str,
    listener: Callable[[Moves], None],
) -> None:
    """Run what has been submitted, until it is finished or somebody stops it.

    Ctrl-C and SIGTERM stop the tasks under way and leave every run as one that can go on.

    Args:
        home: held by this process.
        state: open for writing.
        flow: the notebook as read.
        notebook: its JSON without outputs.
        submissions: those that are done are passed over.
        parallelism: how many tasks run at once.
        cwd: where cells run.
        kernel: the kernelspec of a Jupyter kernel to run them in, "" for the fastest way that fits.
        listener: told of every move, once it is stored.
    """
    todo = [submission for submission in submissions if submission.standing is not Standing.DONE]
    with ExitStack() as stack:
        executor = LocalExecutor(parallelism)
        stack.callback(executor.close)
        if not kernel:
            executor.expect(flow, cwd)  # it imports while this process opens its stores
        _register(state, flow, notebook, todo)
        xcoms = stack.enter_context(XComStore.open(home.root))
        exchange = stack.enter_context(answering(home, xcoms))
        scheduler = Scheduler(
            home,
            state,
            xcoms,
            executor,
            parallelism=parallelism,
            exchange=exchange,
            listener=listener,
        )
        stack.callback(scheduler.close)
        stack.enter_context(_stopping(scheduler))
        plan = plan_of(flow)
        scheduler.open(
            [
                (
                    OpenRun(
                        flow=flow,
                        notebook=notebook,
                        interval=submission.interval,
                        label=submission.label,
                        params=run_params(flow.dag, submission.params, submission.interval.logical_date),
                        cwd=cwd,
                        kernel=kernel,
                    ),
                    opened(submission, plan, now()),
                )
                for submission in todo
            ]
        )
        scheduler.run_until_idle()


def _register(
    state: StateStore, flow: Flow, notebook: Mapping[str, object], todo: Sequence[Submission]
) -> None:
    dag = flow.dag
    with state.writing():
        state.save_dag(
            dag.dag_id,
            path=Path(flow.path).resolve(),
            version=flow.version,
            timezone=dag.timezone,
            notebook=json.dumps(notebook),
            at=now(),
        )
        for submission in todo:
            state.save_run(
                submission.key,
                interval=submission.interval,
                run_type=submission.run_type,
                variant=submission.variant,
                params=submission.params,
                version=flow.version,
                max_tries={task_id: 1 + spec.retries for task_id, spec in flow.tasks.items()},
                at=now(),
            )


@contextmanager
def _stopping(scheduler: Scheduler) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask the scheduler to stop (in the main thread, the only one that hears them)."""

    def ask(number: int, _: FrameType | None) -> None:
        scheduler.ask_to_stop("stopped by Ctrl-C" if number == signal.SIGINT else "stopped by SIGTERM")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
