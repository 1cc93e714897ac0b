"""`nbflow run`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import console, json_option, print_json
from nbflow.errors import OptionError, ParameterError
from nbflow.model.duration import duration
from nbflow.model.problem import Severity
from nbflow.plan.selection import Reprocess

if TYPE_CHECKING:
    from datetime import timedelta

    from nbflow.model.record import RunRecord
    from nbflow.service.api import Prepared
    from nbflow.service.submit import Submission


class _Duration(click.ParamType):
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            found = duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not found:
            self.fail("a try needs some time: write 30s, 5m or 6h", param, ctx)
        return found


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
changed since. Exit status: 0 all succeeded, 1 a run failed or was stopped, 2 the call was wrong.""",
)
@click.argument("notebook", metavar="NOTEBOOK|DAG")
@click.argument("date", required=False)
@click.option("--start-date", "--from", "start", metavar="DATE", help="First date of a backfill, inclusive.")
@click.option("--end-date", "--to", "end", metavar="DATE", help="Last date of a backfill, inclusive.")
@click.option(
    "-p",
    "--parameters",
    "parameters",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="A parameter's value.",
)
@click.option(
    "-r",
    "--parameters_raw",
    "raw",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="The same, always as text.",
)
@click.option(
    "-f",
    "--parameters_file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A YAML file of parameters.",
)
@click.option(
    "-y", "--parameters_yaml", "yamls", multiple=True, metavar="YAML", help="Parameters as YAML text."
)
@click.option(
    "--as", "variant", default="", metavar="NAME", help="Make a variant beside the run of the same date."
)
@click.option(
    "--parallelism", type=click.IntRange(min=1), metavar="N", help="Tasks at once [default: one a processor]."
)
@click.option(
    "--execution-timeout",
    type=_Duration(),
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
@click.option(
    "--reprocess",
    type=click.Choice([choice.value for choice in Reprocess]),
    default=Reprocess.FAILED.value,
    show_default=True,
    help="What to do again of runs that exist: nothing, what failed or was stopped, or everything.",
)
@click.option("--stale", is_flag=True, help="Also in succeeded runs, run again what has changed since.")
@click.option("--keep-stale", is_flag=True, help="In runs that go on, leave what has changed as it is.")
@click.option("--dry-run", is_flag=True, help="Say what would run; run nothing.")
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
    *,
    stale: bool,
    keep_stale: bool,
    dry_run: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401 the four ways to give parameters
) -> None:
    """Run a notebook as a DAG: once, or once for each date.

    DATE names the data interval that starts on it, read in the DAG's zone: 2026-02-17,
    2026-02-17T06:00, today, yesterday, -14d. Without it the latest complete interval runs.
    """
    from nbflow.service import api
    from nbflow.service.lookup import notebook_path

    request = api.RunRequest(
        notebook=notebook_path(notebook),
        date=date,
        start=start,
        end=end,
        params=_parameters(**given),
        variant=variant,
        parallelism=parallelism,
        reprocess=Reprocess(reprocess),
        rerun_stale=stale,
        keep_stale=keep_stale,
        execution_timeout=execution_timeout,
        kernel=kernel,
    )
    prepared = api.prepare(request)
    if dry_run:
        _print_preview(prepared, api.preview(prepared), as_json=as_json)
        return
    runs = _run(prepared, quiet=as_json)
    if as_json:
        print_json([_run_json(prepared, run) for run in runs])
    sys.exit(api.exit_status(runs))


def _run(prepared: Prepared, *, quiet: bool) -> list[RunRecord]:
    from nbflow.cli.progress import Progress
    from nbflow.service import api

    out = console(stderr=quiet)
    what = "nbflow " + shlex.join(sys.argv[1:])
    for problem in prepared.flow.problems:
        if problem.severity is Severity.HINT:  # for `nbflow check`
            continue
        out.print(f"[yellow]{problem.severity}[/]: ", end="")
        out.print(str(problem), markup=False)
    with Progress(prepared, out) as progress:
        runs = api.run(
            prepared,
            what=what,
            on_wait=progress.waiting_for,
            on_start=progress.begin,
            listener=progress.moved,
        )
    progress.finish(runs)
    return runs


def _parameters(
    parameters: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    yamls: tuple[str, ...],
) -> dict[str, object]:
    """Parameters in papermill's order of precedence: files, YAML, `-p`, `-r`; later ones win."""
    import yaml

    found: dict[str, object] = {}
    texts = []
    for file in files:
        try:
            texts.append((str(file), file.read_text("utf-8")))
        except OSError as error:
            raise OptionError(f"-f {file}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise OptionError(f"-f {file} is not text in UTF-8: {error.reason}") from error
    texts += [("-y", text) for text in yamls]
    for where, text in texts:
        try:
            loaded = yaml.safe_load(text) or {}
        except yaml.YAMLError as error:
            raise ParameterError(f"{where} is not YAML: {error}") from error
        if not isinstance(loaded, dict):
            raise ParameterError(f"{where} must hold a mapping of names to values, such as `carrier: UA`")
        found |= {str(name): value for name, value in loaded.items()}
    found |= {name: _typed(value) for name, value in parameters}
    found |= dict(raw)
    return found


def _typed(text: str) -> object:
    """A value of `-p` as papermill's command line reads it: True, None, numbers, else text."""
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _print_preview(prepared: Prepared, todo: list[Submission], *, as_json: bool) -> None:
    from nbflow.cli.output import print_table
    from nbflow.service.submit import Standing

    tasks = len(prepared.flow.tasks)
    if as_json:
        rows = [
            {
                "run_id": one.key.run_id,
                "date": one.label,
                "standing": one.standing.value,
                "again": dict(one.again),
                "stale": sorted(one.stale),
            }
            for one in todo
        ]
        print_json(rows)
        return

    def says(one: Submission) -> str:
        if one.standing is Standing.NEW:
            return f"{tasks} tasks"
        if one.standing is Standing.DONE:
            return f"{one.state} already" + (f"; stale: {', '.join(sorted(one.stale))}" if one.stale else "")
        again = "; ".join(f"{task}: {reason}" for task, reason in one.again.items())
        return f"{one.to_do} tasks" + (f" ({again})" if again else "")

    print_table(
        ((one.label, one.standing.value, says(one)) for one in todo),
        {"DATE": "left", "RUN": "left", "WHAT WOULD RUN": "fold"},
    )


def _run_json(prepared: Prepared, run: RunRecord) -> dict[str, object]:
    from nbflow.service.lookup import label_of

    label = label_of(run, prepared.flow.dag.timezone)
    return {
        "dag_id": run.key.dag_id,
        "run_id": run.key.run_id,
        "date": label,
        "state": run.state.value,
        "reason": run.reason,
        "notebook": prepared.home.run_notebook(run.key.dag_id, label),
    }
