"""`nbflow grid`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbflow.cli.output import console, json_option, print_json

if TYPE_CHECKING:
    from nbflow.model.grid import GridView


@click.command("grid")
@click.argument("dag", metavar="DAG|NOTEBOOK")
@click.option("--start-date", "--from", "start", metavar="DATE", help="First date shown.")
@click.option("--end-date", "--to", "end", metavar="DATE", help="Last date shown [default: today].")
@click.option("--last", type=click.IntRange(min=1), default=30, show_default=True, help="How many runs.")
@click.option(
    "--svg", "svg_file", type=click.Path(path_type=Path), metavar="FILE", help="Write a picture instead."
)
@click.option(
    "--dark/--light", default=None, help="Fix the picture's colours [default: as the page around it]."
)
@json_option("runs and task instances")
def command(
    dag: str,
    start: str | None,
    end: str | None,
    last: int,
    svg_file: Path | None,
    *,
    dark: bool | None,
    as_json: bool,
) -> None:
    """Show runs as a grid: tasks down, dates across.

    A square whose code has changed since it ran is marked (*); tasks that only older versions of the notebook
    have stand below the others.
    """
    from nbflow.service.clock import now
    from nbflow.service.dates import read_date
    from nbflow.service.lookup import find_target, open_state
    from nbflow.service.views import grid_view
    from nbflow.widgets.grid import grid_svg
    from nbflow.widgets.terminal import grid_text

    target = find_target(dag)
    between = None
    if start is not None or end is not None:
        first = read_date(start or "1970-01-01", timezone=target.timezone, now=now())
        until = read_date(end or "today", timezone=target.timezone, now=now())
        between = (first.at, until.last)
    with open_state(target) as state:
        view = grid_view(state, target.flow, last=last, between=between)
    if svg_file is not None:
        svg_file.write_text(grid_svg(view, dark), "utf-8")
        click.echo(svg_file)
    elif as_json:
        print_json(_json(view))
    else:
        console().print(grid_text(view))


def _json(view: GridView) -> dict[str, object]:
    return {
        "dag_id": view.dag_id,
        "headline": view.title,
        "older": view.older,
        "tasks": view.tasks,
        "removed": sorted(view.removed),
        "runs": [
            {
                "run_id": column.run_id,
                "date": column.label,
                "state": column.state.value,
                "seconds": column.seconds,
                "type": column.type.value,
                "tasks": {
                    task: {
                        "state": square.state.value,
                        "try_number": square.try_number,
                        "seconds": square.seconds,
                        "reason": square.reason,
                        "stale": square.stale,
                        "notes": square.notes,
                    }
                    for task in view.tasks
                    if (square := view.squares.get((task, column.run_id))) is not None
                },
            }
            for column in view.columns
        ],
    }
