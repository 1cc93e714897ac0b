"""What every face calls to run a notebook. Reading is in `lookup` and `views`."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbflow.errors import DateError, HomeError, OptionError
from nbflow.execute.kernelspec import kernel_spec
from nbflow.model.run import Interval, RunType
from nbflow.model.state import RunState
from nbflow.plan.selection import Reprocess
from nbflow.service.clock import now
from nbflow.service.dates import interval_range, one_interval, read_date
from nbflow.service.lookup import known_dag
from nbflow.service.open_run import Workflow, dated, read_workflow, register
from nbflow.service.orders import check_unpaused
from nbflow.service.params import check_params, same_params, stored_params
from nbflow.service.session import execute, owned_home
from nbflow.service.submit import Standing, Submission, new, submissions
from nbflow.store.home import Home, find_home
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta
    from pathlib import Path

    from nbflow.model.flow import Flow
    from nbflow.model.record import RunRecord
    from nbflow.service.scheduler import Moves

_BOTH = "give one DATE, or --start-date and --end-date, not both."
_HALF = "--start-date and --end-date go together: a run for every interval between them."
_REVERSE = """\
{tasks} waits for the run before its own (depends_on_past), so its runs can't be made in reverse. Leave \
--reverse out."""
_TAKEN = """\
the DAG {dag_id!r} is the notebook {other}. Give this one another name: %%dag NAME in a cell of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a person asks for with `nbflow run` or `nbflow backfill`.

    Attributes:
        notebook: the file.
        date: one date, `start` and `end` both ends of a stretch; texts as typed (see `read_date`).
        params: values for its parameters.
        variant: the name of a variant (`--as`), "" for the ordinary runs.
        parallelism: how many tasks run at once; None: one for each processor.
        reprocess, rerun_stale, keep_stale: what is done again of runs that exist.
        execution_timeout: for tasks that say nothing of it themselves.
        kernel: the kernelspec of a Jupyter kernel to run the tasks in, "" for the fastest way that fits.
        max_active_runs: how many of these runs go on at once; None: as the DAG says.
        reverse: whether the latest date comes first.
    """

    notebook: Path
    date: str | None = None
    start: str | None = None
    end: str | None = None
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    variant: str = ""
    parallelism: int | None = None
    reprocess: Reprocess = Reprocess.FAILED
    rerun_stale: bool = False
    keep_stale: bool = False
    execution_timeout: timedelta | None = None
    kernel: str = ""
    max_active_runs: int | None = None
    reverse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request that has been checked against its notebook. Nothing has been written yet.

    Attributes:
        request: as asked.
        workflow: the notebook, with the request's timeout.
        home: where its runs are kept.
        intervals: one run each, in order; empty: the latest run goes on, or a new one for now.
        left_out: how many intervals have not ended and were left out.
        run_type: what the runs are, if they are new.
    """

    request: RunRequest
    workflow: Workflow
    home: Home
    intervals: tuple[Interval, ...]
    left_out: int
    run_type: RunType

    @property
    def flow(self) -> Flow:
        """The notebook as read."""
        return self.workflow.flow

    @property
    def parallelism(self) -> int:
        """How many tasks run at once."""
        return self.request.parallelism or os.cpu_count() or 1


def prepare(request: RunRequest) -> Prepared:
    """Read the notebook and the dates; find every mistake before anything is written.

    Raises:
        NbflowError: of the kind that fits: the notebook, a date, a parameter, an option.
    """
    home = find_home(request.notebook)
    workflow = read_workflow(request.notebook)
    workflow = replace(workflow, flow=dated(workflow.flow, known_dag(home, workflow.flow.dag.dag_id)))
    check_params(workflow.flow.dag, request.params)
    if request.kernel:
        kernel_spec(request.kernel)
    if request.reverse:
        _check_reverse(workflow.flow)
    request = replace(request, params=stored_params(request.params))
    flow = _limited(workflow.flow, request.execution_timeout)
    intervals, left_out = _intervals(flow, request)
    return Prepared(
        request=request,
        workflow=replace(workflow, flow=flow, kernel=request.kernel, max_active_runs=request.max_active_runs),
        home=home,
        intervals=tuple(reversed(intervals) if request.reverse else intervals),
        left_out=left_out,
        run_type=RunType.MANUAL if request.start is None else RunType.BACKFILL,
    )


def preview(prepared: Prepared) -> list[Submission]:
    """What running it would do, without holding the home or writing anything."""
    if not prepared.home.state.exists():
        return _fresh(prepared)
    with StateStore(prepared.home.state) as state:
        return _submissions(prepared, state)


def run(
    prepared: Prepared,
    *,
    what: str,
    on_wait: Callable[[str], None],
    on_start: Callable[[list[Submission]], None],
    listener: Callable[[Moves], None],
) -> list[RunRecord]:
    """Run it, in the foreground.

    Args:
        prepared: what.
        what: the command, shown to others who want the home.
        on_wait: told who holds the home, when it has to be waited for.
        on_start: told what will be done, before it begins.
        listener: told of every move.

    Returns:
        The runs as they stand at the end, in order of date.
    """
    with owned_home(prepared.home, what=what, on_wait=on_wait) as state:
        _check_dag_id(prepared, state)
        register(state, prepared.workflow, [])
        check_unpaused(state, prepared.flow.dag.dag_id)
        todo = _submissions(prepared, state)
        on_start(todo)
        if any(submission.standing is not Standing.DONE for submission in todo):
            execute(
                prepared.home,
                state,
                prepared.workflow,
                todo,
                parallelism=prepared.parallelism,
                listener=listener,
                one_after_another=prepared.request.reverse,
            )
        found = [state.run(submission.key) for submission in todo]
        return [record for record in found if record is not None]


def exit_status(runs: list[RunRecord]) -> int:
    """0: every run succeeded; 1: one did not."""
    states = Counter(run.state for run in runs)
    return 0 if states[RunState.SUCCESS] == len(runs) else 1


def _intervals(flow: Flow, request: RunRequest) -> tuple[list[Interval], int]:
    at = now()
    if request.start is None and request.end is None:
        if request.date is None and flow.dag.schedule is None:
            return [], 0
        moment = None
        if request.date is not None:
            moment = read_date(request.date, timezone=flow.dag.timezone, now=at)
        return [one_interval(flow.dag, moment, now=at)], 0
    if request.date is not None:
        raise DateError(_BOTH)
    if request.start is None or request.end is None:
        raise DateError(_HALF)
    first = read_date(request.start, timezone=flow.dag.timezone, now=at)
    last = read_date(request.end, timezone=flow.dag.timezone, now=at)
    return interval_range(flow.dag, first, last, now=at)


def _submissions(prepared: Prepared, state: StateStore) -> list[Submission]:
    if not prepared.intervals:
        unfinished = _unfinished(prepared, state)
        if unfinished is None:
            return _fresh(prepared)
        prepared = replace(prepared, intervals=(unfinished.interval,))
    request = prepared.request
    return submissions(
        prepared.flow,
        prepared.intervals,
        state,
        run_type=prepared.run_type,
        params=request.params,
        variant=request.variant,
        reprocess=request.reprocess,
        rerun_stale=request.rerun_stale,
        keep_stale=request.keep_stale,
    )


def _unfinished(prepared: Prepared, state: StateStore) -> RunRecord | None:
    """The latest run, where it failed or was stopped: the same command goes on with it."""
    variant, params = prepared.request.variant, prepared.request.params
    runs = state.runs(prepared.flow.dag.dag_id)
    latest = next((run for run in runs if run.variant == variant), None)
    if latest is None or latest.state is RunState.SUCCESS:
        return None
    return latest if not params or same_params(params, latest.params) else None


def _fresh(prepared: Prepared) -> list[Submission]:
    """Submissions where nothing has run before."""
    intervals = prepared.intervals or (one_interval(prepared.flow.dag, None, now=now()),)
    request = prepared.request
    return [
        new(
            prepared.flow,
            interval,
            run_type=prepared.run_type,
            params=request.params,
            variant=request.variant,
        )
        for interval in intervals
    ]


def _limited(flow: Flow, timeout: timedelta | None) -> Flow:
    """The notebook with this timeout for tasks that name none."""
    if timeout is None:
        return flow
    limited = {
        task_id: replace(spec, execution_timeout=spec.execution_timeout or timeout)
        for task_id, spec in flow.tasks.items()
    }
    return replace(flow, tasks=limited)


def _check_reverse(flow: Flow) -> None:
    heeding = [f"task '{task_id}'" for task_id, spec in flow.tasks.items() if spec.heeds_past]
    if heeding:
        raise OptionError(_REVERSE.format(tasks=", ".join(heeding)))


def _check_dag_id(prepared: Prepared, state: StateStore) -> None:
    """Two notebooks of one DAG id would mix their runs: the first keeps it."""
    path = prepared.request.notebook.resolve()
    for record in state.dags():
        if record.dag_id == prepared.flow.dag.dag_id and record.path != path and record.path.exists():
            raise HomeError(_TAKEN.format(dag_id=record.dag_id, other=record.path))
