"""`nbflow list`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbflow.cli.output import json_option, print_json, print_table
from nbflow.model.printable import printable

if TYPE_CHECKING:
    from nbflow.model.record import RunRecord


@click.command("list")
@click.argument("dag", metavar="[DAG|NOTEBOOK]", required=False)
@click.option("--last", type=click.IntRange(min=1), default=30, show_default=True, help="How many runs.")
@json_option("the list")
def command(dag: str | None, last: int, *, as_json: bool) -> None:
    """List the DAGs of this project, or the runs of one DAG."""
    if dag is None:
        _list_dags(as_json=as_json)
    else:
        _list_runs(dag, last, as_json=as_json)


def _list_dags(*, as_json: bool) -> None:
    from nbflow.service.lookup import known_dags, label_of
    from nbflow.service.views import standing
    from nbflow.store.home import find_home, is_held
    from nbflow.store.state import StateStore

    home = find_home(Path.cwd())
    records = known_dags(home)
    rows: list[dict[str, object]] = []
    if records:
        with StateStore(home.state) as state:
            for record in records:
                runs = state.runs(record.dag_id)
                latest = runs[0] if runs else None
                state_now = ""
                if latest is not None:
                    state_now = standing(latest, held=is_held(home), paused=record.paused)[0]
                rows.append(
                    {
                        "dag_id": record.dag_id,
                        "notebook": str(record.path),
                        "runs": len(runs),
                        "latest": label_of(latest, record.timezone) if latest else "",
                        "state": state_now,
                        "paused": record.paused,
                    }
                )
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo(f"the home {home.root} knows no DAG yet; run one: nbflow run NOTEBOOK.ipynb")
    else:
        columns = {"DAG": "left", "RUNS": "right", "LATEST": "left", "STATE": "left", "NOTEBOOK": "fold"}
        print_table(
            (
                (
                    f"{r['dag_id']}{' (paused)' if r['paused'] else ''}",
                    r["runs"],
                    r["latest"],
                    r["state"],
                    r["notebook"],
                )
                for r in rows
            ),
            columns,
        )


def _list_runs(dag: str, last: int, *, as_json: bool) -> None:
    from nbflow.service.lookup import find_target, label_of, open_state
    from nbflow.service.submit import stale_tasks
    from nbflow.service.views import standing
    from nbflow.store.home import is_held
    from nbflow.widgets.look import duration

    target = find_target(dag)
    with open_state(target) as state:
        runs = state.runs(target.dag_id, most=last)
        known = state.dag(target.dag_id)
        stale = {run.key: sorted(stale_tasks(target.flow, state.instances(run.key))) for run in runs}
    if as_json:
        print_json(
            [
                {
                    "run_id": run.key.run_id,
                    "date": label_of(run, target.timezone),
                    "state": run.state.value,
                    "type": run.run_type.value,
                    "params": run.params,
                    "started": run.started,
                    "ended": run.ended,
                    "reason": run.reason,
                    "version": run.version,
                    "stale": stale[run.key],
                }
                for run in runs
            ]
        )
        return

    held = is_held(target.home)
    paused = known is not None and known.paused

    def row(run: RunRecord) -> tuple[str, ...]:
        shown, reason = standing(run, held=held, paused=paused)
        took = duration((run.ended - run.started).total_seconds()) if run.started and run.ended else ""
        old = f"{len(stale[run.key])} stale" if stale[run.key] else ""
        return label_of(run, target.timezone), shown, run.run_type.value, took, old, reason

    print_table(
        map(row, runs),
        {"DATE": "left", "STATE": "left", "TYPE": "left", "TOOK": "right", "": "left", "REASON": "fold"},
    )
    if known is not None and known.paused:
        why = f" ({printable(known.pause_reason)})" if known.pause_reason else ""
        click.echo(f"{target.dag_id} is paused{why}: nbflow unpause {target.dag_id}")
