"""What `run` and `backfill` share: running what was prepared, or saying what would run."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from nbflow.cli.output import console, print_json, print_table
from nbflow.model.problem import Severity
from nbflow.plan.selection import Reprocess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbflow.model.record import RunRecord
    from nbflow.service.api import Prepared, RunRequest
    from nbflow.service.submit import Submission
    from nbflow.store.home import Home

    Command = Callable[..., None]


INTERRUPTED = 130  # exit status of a command that has stopped watching what goes on without it


def detach_option(command: Command) -> Command:
    """`--detach`."""
    said = "Return at once; the work goes on in a process of its own."
    return click.option("--detach", is_flag=True, help=said)(command)


def dry_run_option(command: Command) -> Command:
    """`--dry-run`."""
    return click.option("--dry-run", is_flag=True, help="Say what would happen; do nothing.")(command)


def go(request: RunRequest, *, stop: bool, dry_run: bool, detach: bool, as_json: bool) -> None:
    """Run what is asked for, or say what it would be, and exit as its end says."""
    from nbflow.service import api

    prepared = api.prepare(request)
    if dry_run:
        _print_preview(prepared, api.preview(prepared), as_json=as_json)
    else:
        have_run(prepared, stop=stop, detach=detach, as_json=as_json)


def have_run(prepared: Prepared, *, stop: bool, detach: bool, as_json: bool) -> None:
    """Run what was prepared, and exit as its end says.

    Args:
        prepared: what.
        stop: whether Ctrl-C stops runs that another process works on.
        detach: whether a process of its own does it.
        as_json: whether the runs are printed as JSON when they have ended.
    """
    from nbflow.service import api

    if detach:
        go_detached(prepared.home, prepared.request.notebook)
        return
    runs = _run(prepared, stop=stop, quiet=as_json)
    if as_json:
        print_json([run_json(prepared.home, prepared.flow.dag.timezone, run) for run in runs])
    sys.exit(api.exit_status(runs))


def what() -> str:
    """The command as it was given, for others who want the home."""
    return "nbflow " + shlex.join(sys.argv[1:])


def go_detached(home: Home, notebook: Path) -> None:
    """Give this same command to a process of its own, and say where to look."""
    from nbflow.service.detach import detached

    process, log = detached(home, [word for word in sys.argv[1:] if word != "--detach"])
    click.echo(f"started as process {process}; what it says: {log}")
    click.echo(f"watch it with: nbflow grid {shlex.quote(str(notebook))}")


def _run(prepared: Prepared, *, stop: bool, quiet: bool) -> list[RunRecord]:
    from nbflow.cli.progress import Progress
    from nbflow.service import api

    out = console(stderr=quiet)
    for problem in prepared.flow.problems:
        if problem.severity is Severity.HINT:  # for `nbflow check`
            continue
        out.print(f"[yellow]{problem.severity}[/]: ", end="")
        out.print(str(problem), markup=False)
    with Progress(
        prepared.home,
        prepared.flow,
        prepared.request.notebook,
        out,
        left_out=prepared.left_out,
        again=prepared.request.reprocess is not Reprocess.NONE,
    ) as progress:
        try:
            runs = api.run(prepared, what=what(), watcher=progress, stop=stop)
        except KeyboardInterrupt:
            if not progress.detached:
                raise
            sys.exit(INTERRUPTED)
    progress.finish(runs)
    return runs


def _print_preview(prepared: Prepared, todo: list[Submission], *, as_json: bool) -> None:
    from nbflow.service.lookup import name_of
    from nbflow.service.submit import Standing

    tasks = len(prepared.flow.tasks)
    if as_json:
        print_json(
            [
                {
                    "run_id": one.key.run_id,
                    "date": one.label,
                    "standing": one.standing.value,
                    "again": {name_of(key): reason for key, reason in one.again.items()},
                    "stale": sorted(one.stale),
                }
                for one in todo
            ]
        )
        return

    def says(one: Submission) -> str:
        if one.standing is Standing.NEW:
            return f"{tasks} tasks"
        if one.standing is Standing.DONE:
            return f"{one.state} already" + (f"; stale: {', '.join(sorted(one.stale))}" if one.stale else "")
        again = "; ".join(f"{name_of(key)}: {reason}" for key, reason in one.again.items())
        return f"{one.to_do} tasks" + (f" ({again})" if again else "")

    print_table(
        ((one.label, one.standing.value, says(one)) for one in todo),
        {"DATE": "left", "RUN": "left", "WHAT WOULD RUN": "fold"},
    )


def run_json(home: Home, timezone: str, run: RunRecord) -> dict[str, object]:
    """A run that has ended, for `--json`."""
    from nbflow.service.lookup import label_of

    label = label_of(run, timezone)
    return {
        "dag_id": run.key.dag_id,
        "run_id": run.key.run_id,
        "date": label,
        "state": run.state.value,
        "reason": run.reason,
        "notebook": home.run_notebook(run.key.dag_id, label),
    }
