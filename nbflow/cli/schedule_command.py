"""`nbflow schedule`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from nbflow.cli.output import json_option, print_json, print_table
from nbflow.cli.parameters import Duration, given_parameters, parameter_options
from nbflow.cli.running import what
from nbflow.cli.times import clock, wait
from nbflow.model.run import run_label

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from nbflow.service.agenda import Agenda
    from nbflow.service.publishing import Placed, ScheduleRequest
    from nbflow.service.scheduling import Found
    from nbflow.store.home import Home

_OPTIONS = {  # flag → what it says, for notebooks that say it nowhere themselves
    "schedule": "A cron line, @daily and the like, or a duration such as 6h.",
    "start_date": "The first date; with --catchup every interval since runs.",
    "end_date": "The last date, inclusive.",
    "timezone": "IANA name of the zone its dates and cron lines are read in.",
    "timetable": "interval: a run covers the time between two ticks; trigger: it is about the tick.",
    "date_param": "The parameter that gets each run's date.",
    "missed_runs": "What becomes of runs missed while nobody scheduled: all, latest or skip.",
    "max_lateness": "How long after it is due a missed run still starts, such as 6h.",
}
_PLACED = {"DAG": "left", "SCHEDULE": "left", "NEXT RUN": "left", "FOR": "left", "IN": "left", "NOW": "fold"}


def _dag_options(command: Any) -> Any:  # noqa: ANN401 what click decorates
    for name, said in reversed(_OPTIONS.items()):
        flags = ["--cron", "--schedule"] if name == "schedule" else [f"--{name.replace('_', '-')}"]
        command = click.option(*flags, name, metavar="TEXT", help=said)(command)
    return command


@click.command(
    "schedule",
    epilog="""\
\b
Examples:
  nbflow schedule flights.ipynb                    publish it, and be its scheduler until Ctrl-C
  nbflow schedule daily/ 'reports/*.ipynb'         every notebook there that has a schedule
  nbflow schedule old.ipynb --cron '0 6 * * *' --date-param run_date
  nbflow schedule                                  what is on the schedule already
  nbflow schedule --detach                         the same in the background; see nbflow status

Where a scheduler lives already, it takes the notebooks on, and the command returns. What runs is the
published version, the file as it was now: publish a later one with nbflow publish, or let every save
that passes nbflow check be published with --follow. Ctrl-C: nothing new starts and what runs may end;
a second Ctrl-C stops it.""",
)
@click.argument("paths", nargs=-1, metavar="[NOTEBOOK|FOLDER|PATTERN]...")
@click.option("--follow", is_flag=True, help="Publish every save of these notebooks that passes the check.")
@_dag_options
@click.option(
    "--catchup/--no-catchup", default=None, help="Whether every interval since the start date runs."
)
@click.option("--max-active-runs", type=click.IntRange(min=1), metavar="N", help="Runs of a DAG at once.")
@parameter_options
@click.option(
    "--parallelism", type=click.IntRange(min=1), metavar="N", help="Tasks at once [default: one a processor]."
)
@click.option(
    "--grace",
    type=Duration(zero=True),
    default="1m",
    show_default=True,
    metavar="TIME",
    help="How long tasks may go on after Ctrl-C.",
)
@click.option("--until-idle", is_flag=True, help="End when nothing is due and nothing runs.")
@click.option("--detach", is_flag=True, help="Return at once; the scheduler lives in a process of its own.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the scheduler's log is printed.",
)
@click.option(
    "--serve",
    "address",
    metavar="HOST:PORT",
    help="Let XComs be read beyond this machine, by Arrow Flight over TLS, with the token of the home.",
)
@click.option(
    "--tls-cert",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Certificate for --serve (PEM).",
)
@click.option("--tls-key", type=click.Path(path_type=Path), metavar="FILE", help="Its key (PEM).")
@click.option("--dry-run", is_flag=True, help="Say what would be scheduled; do nothing.")
@json_option("what was put on the schedule")
def command(
    paths: tuple[str, ...],
    parallelism: int | None,
    grace: timedelta,
    log_format: str,
    address: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    *,
    follow: bool,
    until_idle: bool,
    detach: bool,
    dry_run: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401 options of %%dag, and the four ways to give parameters
) -> None:
    """Run notebooks on their schedules: put them on, and be their scheduler."""
    from nbflow.service import scheduling
    from nbflow.service.publishing import PARAMS, ScheduleRequest, preview
    from nbflow.store.home import find_home

    said = {name: given.pop(name) for name in (*_OPTIONS, "catchup", "max_active_runs")}
    options: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if params := given_parameters(**given):
        options[PARAMS] = params
    home = find_home(Path.cwd())
    if paths:
        found = scheduling.find_notebooks(paths, scheduled="schedule" in options)
        home = found.home
        request = ScheduleRequest(
            paths=found.paths, follow=follow, options=options, environment={"python": sys.executable}
        )
        if dry_run:
            placed, keeper = preview(home, request), None
        else:
            placed, keeper = scheduling.place(home, request, what=what())
        _print_placed(home, found, request, placed, as_json=as_json)
        if dry_run or keeper is not None:
            if keeper is not None and not as_json:
                click.echo(f"their runs are made by {keeper}")
            sys.exit(2 if any(one.error for one in placed) else 0)
    work = _Work(
        parallelism=parallelism,
        grace=grace,
        log_format=log_format,
        until_idle=until_idle,
        serve=None if address is None else (address, tls_cert, tls_key),
    )
    if detach:
        _detach(home, work)
    else:
        _serve(home, work)


def _print_placed(
    home: Home, found: Found, request: ScheduleRequest, placed: list[Placed], *, as_json: bool
) -> None:
    from nbflow.service.scheduling import agenda_for

    good = [one for one in placed if not one.error]
    agendas = [(one, agenda_for(home, one, request)) for one in good]
    if as_json:
        print_json(
            {
                "home": home.root,
                "scheduled": [
                    one.to_json()
                    | {
                        "schedule": agenda.dag.schedule,
                        "timezone": agenda.dag.timezone,
                        "next": agenda.runs[0].due if agenda.runs else None,
                        "logical_date": agenda.runs[0].logical_date if agenda.runs else None,
                        "due": agenda.due,
                    }
                    for one, agenda in agendas
                ],
                "errors": [one.to_json() for one in placed if one.error],
                "left_out": [{"path": path, "why": why} for path, why in found.left_out],
            }
        )
        return
    if agendas:
        print_table((_row(agenda) for _, agenda in agendas), _PLACED)
    for one in placed:
        if one.error:
            kept = " What was published of it before goes on." if one.was else ""
            click.echo(f"\nnot scheduled: {one.path}\n{one.error}{kept}", err=True)
    for path, why in found.left_out:
        click.echo(f"left out: {path}: {why}", err=True)


def _row(agenda: Agenda) -> tuple[str, ...]:
    """What a DAG's schedule does next, in its own zone, and what it does at once."""
    dag, runs = agenda.dag, agenda.runs
    name, schedule = dag.dag_id, f"{dag.schedule} {dag.timezone}"
    if not runs:
        return name, schedule, "none", "", "", " ".join(agenda.remarks)
    zone, first = ZoneInfo(dag.timezone), runs[0]
    starts = ""
    if agenda.due:
        many = f"{agenda.due:,} runs start" if agenda.due > 1 else "1 run starts"
        starts = (
            f"{many} now, {'from' if agenda.due > 1 else 'for'} {run_label(first.logical_date, dag.timezone)}"
        )
        starts += " on" if agenda.due > 1 else ""
    if agenda.paused:
        starts = f"it is paused: nbflow unpause {name}"
    return (
        name,
        schedule,
        clock(first.due.astimezone(zone)),
        run_label(first.logical_date, dag.timezone),
        wait(first.due - agenda.now),
        starts,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """How the scheduler is to work, as given."""

    parallelism: int | None
    grace: timedelta
    log_format: str
    until_idle: bool
    serve: tuple[str, Path | None, Path | None] | None

    def words(self) -> Iterator[str]:
        """The same, on a command line."""
        yield from ("--grace", f"{self.grace.total_seconds():g}s", "--log-format", self.log_format)
        if self.parallelism is not None:
            yield from ("--parallelism", str(self.parallelism))
        if self.until_idle:
            yield "--until-idle"
        flags = ("--serve", "--tls-cert", "--tls-key")
        for flag, value in zip(flags, self.serve or (), strict=False):
            if value is not None:
                yield from (flag, str(value.resolve() if isinstance(value, Path) else value))


def _serve(home: Home, work: _Work) -> None:
    from nbflow.service import scheduling
    from nbflow.service.journal import journal

    def begin(count: int) -> None:
        schedules = "1 schedule" if count == 1 else f"{count} schedules"
        click.echo(f"the scheduler of {home.root} follows {schedules}; Ctrl-C ends it", err=True)

    def wait_for(owner: str) -> None:
        click.echo(f"waiting for {owner} to end", err=True)

    remote = None
    if work.serve is not None:
        from nbflow.store.serve import read_remote

        remote = read_remote(home, *work.serve)
    with journal(home, format="json" if work.log_format == "json" else "text"):
        scheduling.serve(
            home,
            what=what(),
            parallelism=work.parallelism or os.cpu_count() or 1,
            grace=work.grace,
            until_idle=work.until_idle,
            remote=remote,
            on_wait=wait_for,
            on_start=begin,
        )


def _detach(home: Home, work: _Work) -> None:
    """Have a process of its own be the scheduler of what is on the schedule."""
    from nbflow.service.detach import detached

    process, log = detached(home, ["schedule", *work.words()], folder=home.project)
    click.echo(f"started as process {process}; what it says: {log}")
    click.echo(f"see how it does: nbflow status; end it: kill {process}")
