"""`nbflow suggest`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from nbflow.cli.output import json_option, print_json, print_table
from nbflow.errors import OptionError


@click.command("suggest")
@click.argument("notebook", metavar="NOTEBOOK|DAG")
@click.option("--write", is_flag=True, help="Make a copy with the task lines: NOTEBOOK.tasks.ipynb.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Where to write the copy instead."
)
@json_option("the proposal")
def command(notebook: str, output: Path | None, *, write: bool, as_json: bool) -> None:
    """Propose task lines for an ordinary notebook. The notebook itself is never changed."""
    from nbflow.service.lookup import notebook_path
    from nbflow.service.suggestions import propose, write_copy

    path = notebook_path(notebook)
    proposal = propose(path)
    if as_json:
        print_json(
            [{"cell": one.number, "task_id": one.name, "why": one.why} for one in proposal.suggestions]
        )
    else:
        print_table(
            ((one.number, f"%%task {one.name}", Text(one.why)) for one in proposal.suggestions),
            {"CELL": "right", "LINE TO ADD": "left", "WHY": "fold"},
        )
    if write or output is not None:
        target = output or path.with_suffix(".tasks.ipynb")
        if target.exists():
            raise OptionError(f"{target} exists already; name another file with -o, or move it away")
        write_copy(proposal, target)
        click.echo(f"written: {target}; look at it with: nbflow check {target}", err=as_json)
