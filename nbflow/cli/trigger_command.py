"""`nbflow trigger`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import json_option, print_json, print_table
from nbflow.cli.parameters import typed_value, variant_option
from nbflow.cli.running import detach_option, dry_run_option, have_run
from nbflow.errors import ParameterError

if TYPE_CHECKING:
    from nbflow.service.submit import Submission


@click.command(
    "trigger",
    cls=DatedCommand,
    epilog="""\
\b
Examples:
  nbflow trigger flights                              the latest complete interval
  nbflow trigger flights 2013-01-03 --conf '{"carrier": "UA"}' --as only-ua
  nbflow trigger flights today -p carrier UA --detach""",
)
@click.argument("dag", metavar="DAG|NOTEBOOK")
@click.argument("date", required=False)
@click.option("-c", "--conf", metavar="JSON", help="Values of the notebook's parameters, a JSON object.")
@click.option(
    "-p", "--parameters", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="A parameter's value."
)
@variant_option("Make a variant beside the run of the same date.")
@dry_run_option
@detach_option
@json_option("the run, when it has ended,")
def command(
    dag: str,
    date: str | None,
    conf: str | None,
    pairs: tuple[tuple[str, str], ...],
    variant: str,
    *,
    dry_run: bool,
    detach: bool,
    as_json: bool,
) -> None:
    """Have a DAG run once, now: by whatever works in its home already, else by this command.

    DATE names the data interval that starts on it; without it the latest complete interval is meant. A
    DAG has one run for a date: one that has failed goes on, one that has succeeded stays as it is.
    """
    from nbflow.service.api import preview
    from nbflow.service.triggering import to_trigger

    params = {**_conf(conf), **{name: typed_value(text) for name, text in pairs}}
    prepared = to_trigger(dag, date, params, variant=variant)
    if dry_run:
        _preview(*preview(prepared), as_json=as_json)
    else:
        have_run(prepared, stop=False, detach=detach, as_json=as_json)


def _preview(submission: Submission, *, as_json: bool) -> None:
    from nbflow.service.submit import Standing

    interval = submission.interval
    row = {
        "run_id": submission.key.run_id,
        "date": submission.label,
        "standing": submission.standing.value,
        "data_interval_start": interval.start,
        "data_interval_end": interval.end,
        "params": dict(submission.params),
    }
    if as_json:
        print_json(row)
        return
    tasks = {Standing.NEW: "all", Standing.DONE: "none"}.get(submission.standing, str(submission.to_do))
    params = json.dumps(row["params"], default=str)
    columns = {"DATE": "left", "RUN": "left", "TASKS": "right", "PARAMS": "fold"}
    print_table([(submission.label, submission.standing.value, tasks, params)], columns)


def _conf(text: str | None) -> dict[str, object]:
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise ParameterError(f"--conf is not JSON ({error}): {text}") from error
    if not isinstance(found, dict):
        raise ParameterError(f'--conf must be a JSON object such as {{"carrier": "UA"}}, and is {text}')
    return found
