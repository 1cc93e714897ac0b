"""Options that say which task instances are meant: Airflow's of `tasks clear`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from nbflow.model.state import TaskState

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbflow.service.choosing import Choice

    Command = Callable[..., None]

_FLAGS = (
    ("-u", "--upstream", "Also everything above the tasks named."),
    ("-d", "--downstream", "Also everything below the tasks named."),
    ("--past", "", "Also in all earlier runs."),
    ("--future", "", "Also in all later runs."),
    ("--only-failed", "", "Only what failed, or did not run because something above it failed."),
    ("--only-running", "", "Only what is under way."),
    ("--stale", "", "Only what has changed since it ran, and what stands on it."),
)
_STATES = [state.value for state in TaskState if state is not TaskState.REMOVED]


def selector_options(command: Command) -> Command:
    """The options; the command gets what `choice_of` takes."""
    options = [
        click.option(*(name for name in names if name), is_flag=True, help=said) for *names, said in _FLAGS
    ]
    options += [
        click.option("--group", "groups", multiple=True, metavar="GROUP", help="All tasks of a task group."),
        click.option(
            "--start-date", "--from", "start", metavar="DATE", help="In place of DATE: the first date."
        ),
        click.option("--end-date", "--to", "end", metavar="DATE", help="The last date of that stretch."),
        click.option(
            "--state",
            "states",
            multiple=True,
            type=click.Choice(_STATES),
            metavar="STATE",
            help=f"Only what is in this state: {', '.join(_STATES)}.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def choice_of(
    words: tuple[str, ...],
    *,
    groups: tuple[str, ...],
    start: str | None,
    end: str | None,
    states: tuple[str, ...],
    **flags: Any,  # noqa: ANN401 each a bool, by its option's name
) -> Choice:
    """What was said, from the words after the DAG (DATE, then tasks; tasks alone with a stretch) and options."""
    from nbflow.service.choosing import Choice

    dated = start is None and end is None
    if not dated and words and re.fullmatch(r"\d{4}-\d{2}-\d{2}.*", words[0]):
        raise click.UsageError(f"give one date ({words[0]}), or --start-date and --end-date, not both.")
    return Choice(
        date=words[0] if dated and words else None,
        start=start,
        end=end,
        tasks=words[1:] if dated else words,
        groups=groups,
        states=frozenset(TaskState(state) for state in states),
        **flags,
    )
