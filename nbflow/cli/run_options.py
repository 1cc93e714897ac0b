"""Options that `run` and `backfill` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbflow.plan.selection import Reprocess

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., None]


def reprocess_option(default: Reprocess) -> Callable[[Command], Command]:
    """`--reprocess`."""
    return click.option(
        "--reprocess",
        type=click.Choice([choice.value for choice in Reprocess]),
        default=default.value,
        show_default=True,
        help="What to do again of runs that exist: nothing, what failed or was stopped, or everything.",
    )


def work_options(command: Command) -> Command:
    """`--max-active-runs`, `--parallelism` and `--stop`."""
    number = click.IntRange(min=1)
    options = [
        click.option(
            "--max-active-runs",
            type=number,
            metavar="N",
            help="Runs at once [default: the DAG's max_active_runs].",
        ),
        click.option(
            "--parallelism",
            type=number,
            metavar="N",
            help="Tasks at once [default: one a processor]. Where another nbflow process does the work, its own "
            "number holds.",
        ),
        click.option(
            "--stop",
            is_flag=True,
            help="Where another nbflow process does the work: let Ctrl-C stop the runs, not only the watching.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
