"""`nbflow logs`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbflow.cli.dated import DatedCommand
from nbflow.model.printable import printable
from nbflow.model.work import LOG_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbflow.cli.log_lines import LogLines
    from nbflow.model.record import InstanceRecord, RunRecord
    from nbflow.service.lookup import Target
    from nbflow.service.tail import Printed, Remark
    from nbflow.store.state import StateStore

_LOOK = 0.1  # seconds between two looks at a log that grows
_NO_DAG = "name a DAG or notebook; or --scheduler, for what the scheduler of this project says of its work."
_ALONE = "--scheduler stands alone: it has no DAG, task or try."
_ONE_TASK = "--try and --path are about one task: nbflow logs DAG DATE TASK"
_NO_JOURNAL = "[{path} is not there: no scheduler has run here yet; nbflow schedule NOTEBOOK starts one]"


@click.command(
    "logs",
    cls=DatedCommand,
    epilog="""\
\b
Examples:
  nbflow logs flights.ipynb latest load     what `load` printed, and its traceback
  nbflow logs flights yesterday             all tasks of the run, each line under its task's name
  nbflow logs flights latest -f             as it comes, until the run has ended
  nbflow logs --scheduler -f                what the scheduler does

Colours that tasks print stay; other control sequences are left out (--path names the file as it is).""",
)
@click.argument("dag", metavar="[DAG|NOTEBOOK]", required=False)
@click.argument("date", metavar="[DATE|latest|RUN_ID]", default="latest")
@click.argument("task", metavar="[TASK[INDEX]]", required=False)
@click.option(
    "--follow",
    "-f",
    is_flag=True,
    help="Go on with what comes, next tries too, until the tasks are finished; Ctrl-C ends it.",
)
@click.option(
    "--try", "number", type=click.IntRange(min=1), metavar="N", help="Which try [default: the latest]."
)
@click.option("--path", "only_path", is_flag=True, help="Print where the log lies instead.")
@click.option("--scheduler", is_flag=True, help="The scheduler's own log instead.")
@click.option("--json", "as_json", is_flag=True, help="Of the scheduler's log: JSON, one object a line.")
def command(
    dag: str | None,
    date: str,
    task: str | None,
    number: int | None,
    *,
    follow: bool,
    only_path: bool,
    scheduler: bool,
    as_json: bool,
) -> None:
    """Print what tasks printed, and their errors' tracebacks.

    Without TASK: all tasks of the run, each line under its task's name.
    """
    if scheduler and (dag is not None or number is not None):
        raise click.UsageError(_ALONE)
    if not scheduler and dag is None:
        raise click.UsageError(_NO_DAG)
    if task is None and (number is not None or only_path) and not scheduler:
        raise click.UsageError(_ONE_TASK)
    try:
        if scheduler:
            _scheduler(follow=follow, only_path=only_path, as_json=as_json)
        elif follow:
            _follow(str(dag), date, task)
        else:
            _print(str(dag), date, task, number, only_path=only_path)
    except KeyboardInterrupt:
        sys.exit(130)


def _print(dag: str, date: str, task: str | None, number: int | None, *, only_path: bool) -> None:
    from nbflow.cli.log_lines import LogLines
    from nbflow.service.lookup import find_run, find_target, find_try, open_state
    from nbflow.service.tail import ended, logs

    target = find_target(dag)
    with open_state(target) as state:
        run = find_run(state, target, date)
        records = _wanted(target, run, state, task)
        if task is not None and len(records) == 1:
            found = find_try(state, target, run, records[0].key, number)
            if only_path:
                click.echo(found.folder / LOG_FILE)
                return
            tries = [found]
        else:
            tries = [tried for record in records for tried in state.tries(record.key)[-1:]]
        lines = LogLines([record.key for record in records])
        _show(lines, logs(tries))
    log = tries[0].folder / LOG_FILE if tries else None
    if len(tries) == 1 and not ended(tries[0]) and not (log and log.exists() and log.stat().st_size):
        said = f"try {tries[0].try_number}: {tries[0].result or 'running'}; it printed nothing"
        click.echo(f"[{said}]", err=True)


def _follow(dag: str, date: str, task: str | None) -> None:
    from nbflow.cli.log_lines import LogLines
    from nbflow.service.lookup import find_run, find_target, open_state
    from nbflow.service.tail import follow_logs
    from nbflow.store.home import is_held

    target = find_target(dag)
    with open_state(target) as state:
        run = find_run(state, target, date)
        named = [record.key for record in _wanted(target, run, state, task)]
        one = named[0] if task is not None and len(named) == 1 else None
        news = follow_logs(
            state,
            run.key,
            lambda record: (
                record.key == one if one else task is None or record.key.task_id == named[0].task_id
            ),
            held=lambda: is_held(target.home),
            pause=lambda: time.sleep(_LOOK),
        )
        _show(LogLines(named), news)


def _wanted(target: Target, run: RunRecord, state: StateStore, task: str | None) -> list[InstanceRecord]:
    """The task instances that are meant: one, all of a mapped task that knows its items, or all of the run."""
    from nbflow.service.lookup import instance_of

    records = state.instances(run.key)
    if task is None:
        return records
    key = instance_of(target, run, task, records)
    own = [record for record in records if record.key.task_id == key.task_id]
    if key.map_index < 0 and len(own) > 1:
        return own
    return [record for record in own if record.key == key]


def _show(lines: LogLines, news: Iterable[Printed | Remark]) -> None:
    from nbflow.service.tail import Printed

    try:
        for one in news:
            if isinstance(one, Printed):
                lines.printed(one.key, one.text)
            else:
                lines.remark(one.key, one.text)
    finally:
        lines.end()


def _scheduler(*, follow: bool, only_path: bool, as_json: bool) -> None:
    from nbflow.service.journal import read_line
    from nbflow.service.tail import LogFile
    from nbflow.store.home import find_home

    path = find_home(Path.cwd()).journal
    if only_path:
        click.echo(path)
        return
    if not path.exists():
        click.echo(_NO_JOURNAL.format(path=path), err=True)
    log, rest = LogFile(path), ""
    while True:
        rest += log.more()
        *whole, rest = rest.split("\n")
        for line in whole:
            click.echo(printable(line) if as_json else read_line(line))
        if not follow:
            return
        time.sleep(_LOOK)
