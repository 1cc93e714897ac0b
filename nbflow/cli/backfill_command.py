"""`nbflow backfill`."""

from __future__ import annotations

from typing import Any

import click

from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import json_option
from nbflow.cli.parameters import given_parameters, parameter_options, variant_option
from nbflow.cli.run_options import reprocess_option, work_options
from nbflow.cli.running import detach_option, dry_run_option, go
from nbflow.plan.selection import Reprocess


@click.command(
    "backfill",
    cls=DatedCommand,
    epilog="""\
\b
Examples:
  nbflow backfill flights.ipynb --from 2013-01-01 --to 2013-01-31 --dry-run
  nbflow backfill flights.ipynb --from -30d --to yesterday --reprocess failed
  nbflow backfill flights.ipynb --from 2013-01-01 --to 2013-12-31 --max-active-runs 4 --detach

Stop it at any time: the same command again goes on with what is left. nbflow run with --start-date and
--end-date is the same, but for --reprocess, which is failed there. Where another nbflow process works in
this home already, that one does the work, and Ctrl-C ends the watching alone (--stop: the runs too).""",
)
@click.argument("notebook", metavar="NOTEBOOK|DAG")
@click.option("--start-date", "--from", "start", metavar="DATE", required=True, help="First date, inclusive.")
@click.option("--end-date", "--to", "end", metavar="DATE", required=True, help="Last date, inclusive.")
@reprocess_option(Reprocess.NONE)
@click.option("--reverse", is_flag=True, help="The latest date first.")
@parameter_options
@variant_option("Make variants beside the runs of these dates.")
@work_options
@dry_run_option
@detach_option
@json_option("the runs, when they have ended,")
def command(
    notebook: str,
    start: str,
    end: str,
    max_active_runs: int | None,
    reprocess: str,
    variant: str,
    parallelism: int | None,
    *,
    reverse: bool,
    stop: bool,
    dry_run: bool,
    detach: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401 the four ways to give parameters
) -> None:
    """Run a notebook for every data interval that starts between two dates and has ended.

    Dates that have run are left alone, unless --reprocess says otherwise.
    """
    from nbflow.service.api import RunRequest
    from nbflow.service.lookup import notebook_path

    request = RunRequest(
        notebook=notebook_path(notebook),
        start=start,
        end=end,
        params=given_parameters(**given),
        variant=variant,
        parallelism=parallelism,
        reprocess=Reprocess(reprocess),
        max_active_runs=max_active_runs,
        reverse=reverse,
    )
    go(request, stop=stop, dry_run=dry_run, detach=detach, as_json=as_json)
