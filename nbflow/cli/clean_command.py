"""`nbflow clean`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbflow.cli.carrying import agreed
from nbflow.cli.output import console, json_option, print_json, print_table
from nbflow.cli.running import dry_run_option, what
from nbflow.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from nbflow.service.retention import Cleaned
    from nbflow.store.home import Home
    from nbflow.store.retention import OldRun

_NOTHING = "nothing to clean: no run ended more than {keep} ago, but for those that always stay"
_FOR_EVER = "nothing to clean: everything is kept (NBFLOW_KEEP); --keep TIME removes what ended before"
_QUESTION = "Remove them for good? Their squares vanish from the grid."


@click.command(
    "clean",
    epilog="""\
\b
Examples:
  nbflow clean --dry-run                    what would go now
  nbflow clean --keep 30d                   what ended more than 30 days ago goes
  nbflow clean --keep 1d --dag scratch --notebooks --yes

What ended longer ago than NBFLOW_KEEP says (90d, or never) is removed once a day by the scheduler; `nbflow status`
says what is kept. Of every DAG the latest run, the latest success and the latest scheduled run always stay, and
so does whatever is not over. A date whose run is gone can be run again: its square is empty.""",
)
@click.option(
    "--keep", metavar="TIME", help="How long ended runs are kept: 90d, 12h [default: NBFLOW_KEEP, 90d]."
)
@click.option(
    "--dag",
    "dags",
    multiple=True,
    metavar="DAG|NOTEBOOK",
    help="Only of this DAG; several times for several.",
)
@click.option(
    "--notebooks", is_flag=True, help="Also the executed notebooks in nbflow-runs/, which stay otherwise."
)
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@dry_run_option
@json_option("what was removed, or would be,")
def command(
    keep: str | None, dags: tuple[str, ...], *, notebooks: bool, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Remove old runs for good: their tries with logs and notebooks, XComs, history and old versions.

    Beside a scheduler it is the scheduler that removes them, a few at a time.
    """
    from nbflow.cli.sizes import in_words
    from nbflow.service.clock import now
    from nbflow.service.retention import keep_of, old_runs
    from nbflow.store.home import find_home

    home, kept, at = find_home(Path.cwd()), keep_of(keep), now()
    if kept is None:
        click.echo(_FOR_EVER, err=as_json)
        return
    runs = old_runs(home, kept, at=at, dag_ids=_dag_ids(dags))
    if dry_run and as_json:
        print_json([_json(run) for run in runs])
        return
    if runs and not as_json:
        _print(runs)
    elif not runs and not home.state.exists():
        click.echo(f"nothing to clean: {home.root} holds nothing yet", err=True)
        return
    if not runs:
        click.echo(_NOTHING.format(keep=in_words(kept)), err=as_json)
    if dry_run or (runs and not agreed(_QUESTION, yes=yes)):
        return
    cleaned = _clean(home, runs, kept, at=at, notebooks=notebooks, quiet=as_json)
    if as_json:
        print_json({name: getattr(cleaned, name) for name in cleaned.__slots__})
    elif runs or cleaned.bytes:
        click.echo(_said(cleaned))


def _dag_ids(names: tuple[str, ...]) -> set[str] | None:
    from nbflow.service.lookup import find_target

    return {find_target(name).dag_id for name in names} or None


def _clean(
    home: Home,
    runs: Sequence[OldRun],
    keep: timedelta,
    *,
    quiet: bool,
    **options: Any,  # noqa: ANN401 of `clean`
) -> Cleaned:
    from rich.progress import Progress

    from nbflow.service.asking import settle
    from nbflow.service.retention import clean

    def ask(verb: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        return settle(home, verb, body, what=what(), with_xcoms=True).answer

    out = console(stderr=True)
    with Progress(console=out, transient=True, disable=quiet or not out.is_terminal) as bar:
        task = bar.add_task("runs", total=len(runs))
        return clean(
            home, runs, keep, ask=ask, progress=lambda done: bar.update(task, completed=done), **options
        )


def _print(runs: Sequence[OldRun]) -> None:
    from nbflow.model.run import run_label
    from nbflow.service.retention import dags_of

    def label(run: OldRun) -> str:
        return run_label(run.logical_date, run.timezone, run.variant)

    rows: list[tuple[object, ...]] = []
    for dag_id, own in dags_of(runs).items():
        own = sorted(own, key=lambda run: run.logical_date)
        rows.append((dag_id, len(own), label(own[0]), label(own[-1])))
    print_table(rows, {"DAG": "left", "RUNS": "right", "FIRST": "left", "LAST": "left"})


def _json(run: OldRun) -> dict[str, object]:
    return {
        "dag_id": run.key.dag_id,
        "run_id": run.key.run_id,
        "logical_date": run.logical_date,
        "ended": run.ended,
    }


def _said(cleaned: Cleaned) -> str:
    from nbflow.cli.sizes import in_bytes

    counts = {
        "run": cleaned.runs,
        "try": cleaned.tries,
        "XCom": cleaned.values,
        "executed notebook": cleaned.notebooks,
        "old version": cleaned.versions,
    }
    plural = {"try": "tries"}
    said = [
        f"{count:,} {name if count == 1 else plural.get(name, name + 's')}"
        for name, count in counts.items()
        if count
    ]
    return printable(f"removed: {', '.join(said) or 'no run'}; {in_bytes(cleaned.bytes)} of files")
