"""What a person asks for with `nbflow run`, `backfill` or `trigger`, checked before anything is written."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbflow.errors import DateError, OptionError
from nbflow.execute.kernelspec import kernel_spec
from nbflow.model.environment import Environment
from nbflow.model.run import Interval, RunType
from nbflow.plan.selection import Reprocess
from nbflow.service.clock import now
from nbflow.service.dates import interval_range, one_interval, read_date
from nbflow.service.lookup import known_dag
from nbflow.service.params import check_params, stored_params
from nbflow.service.submit import Submission, submissions
from nbflow.service.workflow import Workflow, dated, read_workflow
from nbflow.store.home import Home, find_home

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta
    from pathlib import Path

    from nbflow.model.flow import Flow
    from nbflow.store.state import StateStore

_BOTH = "give one DATE, or --start-date and --end-date, not both."
_HALF = "--start-date and --end-date go together: a run for every interval between them."
_REVERSE = """\
{tasks} waits for the run before its own (depends_on_past), so its runs can't be made in reverse. Leave \
--reverse out."""


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
        workflow: the notebook as saved.
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

    @property
    def environment(self) -> Environment:
        """Where and how the runs run in this process."""
        request = self.request
        return Environment(
            kernel=request.kernel,
            execution_timeout=request.execution_timeout,
            max_active_runs=request.max_active_runs,
            latest_first=request.reverse,
        )


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
    intervals, left_out = _intervals(workflow.flow, request)
    return Prepared(
        request=request,
        workflow=workflow,
        home=home,
        intervals=tuple(reversed(intervals) if request.reverse else intervals),
        left_out=left_out,
        run_type=RunType.MANUAL if request.start is None else RunType.BACKFILL,
    )


def submissions_of(
    prepared: Prepared,
    state: StateStore,
    intervals: Iterable[Interval],
    *,
    reprocess: Reprocess | None = None,
) -> list[Submission]:
    """What there is to do for some of a request's intervals.

    Args:
        prepared: the request.
        state: what has been run.
        intervals: which.
        reprocess: instead of what was asked for.

    Raises:
        ParameterError: one of the runs exists with other parameters.
    """
    request = prepared.request
    return submissions(
        prepared.flow,
        intervals,
        state,
        run_type=prepared.run_type,
        params=request.params,
        variant=request.variant,
        reprocess=request.reprocess if reprocess is None else reprocess,
        rerun_stale=request.rerun_stale,
        keep_stale=request.keep_stale,
        environment=prepared.environment,
    )


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


def _check_reverse(flow: Flow) -> None:
    heeding = [f"task '{task_id}'" for task_id, spec in flow.tasks.items() if spec.heeds_past]
    if heeding:
        raise OptionError(_REVERSE.format(tasks=", ".join(heeding)))
