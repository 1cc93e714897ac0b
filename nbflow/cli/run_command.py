"""`nbflow run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import json_option
from nbflow.cli.parameters import Duration, given_parameters, parameter_options, variant_option
from nbflow.cli.run_options import reprocess_option, work_options
from nbflow.cli.running import detach_option, dry_run_option, go
from nbflow.plan.selection import Reprocess

if TYPE_CHECKING:
    from datetime import timedelta


@click.command(
    "run",
    cls=DatedCommand,
    epilog="""\
\b
Examples:
  nbflow run flights.ipynb                        the latest complete interval of its schedule
  nbflow run flights.ipynb 2013-01-03             one date
  nbflow run flights.ipynb --start-date 2013-01-01 --end-date 2013-01-31
  nbflow run flights.ipynb yesterday -p carrier UA --as only-ua

The same command again goes on where it stopped: it runs what failed, what was stopped, and what has
changed since. Where another nbflow process works in this home already, that one does the work, in the
environment of this command, and this command watches: Ctrl-C ends the watching alone (--stop: the runs
too). Exit status: 0 all succeeded, 1 a run failed or was stopped, 2 the call was wrong, 130 watching was
interrupted.""",
)
@click.argument("notebook", metavar="NOTEBOOK|DAG")
@click.argument("date", required=False)
@click.option("--start-date", "--from", "start", metavar="DATE", help="First date of a backfill, inclusive.")
@click.option("--end-date", "--to", "end", metavar="DATE", help="Last date of a backfill, inclusive.")
@parameter_options
@variant_option("Make a variant beside the run of the same date.")
@click.option(
    "--execution-timeout",
    type=Duration(),
    metavar="TIME",
    help="Longest time for a try (30s, 5m, 1h) of tasks that name none themselves.",
)
@click.option(
    "-k",
    "--kernel",
    metavar="NAME",
    default="",
    help="Run each task in a real Jupyter kernel of this name (python3: of this Python), not in a process forked "
    "for it, which takes a hundredth of the time.",
)
@reprocess_option(Reprocess.FAILED)
@click.option("--stale", is_flag=True, help="Also in succeeded runs, run again what has changed since.")
@click.option("--keep-stale", is_flag=True, help="In runs that go on, leave what has changed as it is.")
@work_options
@dry_run_option
@detach_option
@json_option("the runs, when they have ended,")
def command(
    notebook: str,
    date: str | None,
    start: str | None,
    end: str | None,
    variant: str,
    parallelism: int | None,
    execution_timeout: timedelta | None,
    kernel: str,
    reprocess: str,
    max_active_runs: int | None,
    *,
    stale: bool,
    keep_stale: bool,
    stop: bool,
    dry_run: bool,
    detach: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401 the four ways to give parameters
) -> None:
    """Run a notebook as a DAG: once, or once for each date.

    DATE names the data interval that starts on it, read in the DAG's zone: 2026-02-17,
    2026-02-17T06:00, today, yesterday, -14d. Without it the latest complete interval runs.
    """
    from nbflow.service.api import RunRequest
    from nbflow.service.lookup import notebook_path

    request = RunRequest(
        notebook=notebook_path(notebook),
        date=date,
        start=start,
        end=end,
        params=given_parameters(**given),
        variant=variant,
        parallelism=parallelism,
        reprocess=Reprocess(reprocess),
        rerun_stale=stale,
        keep_stale=keep_stale,
        execution_timeout=execution_timeout,
        kernel=kernel,
        max_active_runs=max_active_runs,
    )
    go(request, stop=stop, dry_run=dry_run, detach=detach, as_json=as_json)
