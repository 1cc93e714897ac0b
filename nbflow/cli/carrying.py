"""What `clear`, `mark` and `trigger` share: having a command obeyed, and showing what follows from it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click
from rich.text import Text

from nbflow.cli.output import console, print_json, print_table
from nbflow.cli.running import INTERRUPTED, go_detached, run_json, what

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.model.run import RunKey
    from nbflow.service.choosing import Chosen
    from nbflow.service.lookup import Target
    from nbflow.service.submit import Submission


def carry(
    target: Target,
    verb: str,
    body: Mapping[str, object],
    todo: Sequence[Submission],
    *,
    detach: bool,
    as_json: bool,
) -> None:
    """Have a command obeyed, show the runs it is about until they end, and exit as they do.

    Args:
        target: the DAG.
        verb: which command.
        body: see `service.bodies`.
        todo: the runs it is about, as far as is known.
        detach: whether a process of its own does it.
        as_json: whether the runs are printed as JSON when they have ended.
    """
    from nbflow.cli.progress import Progress
    from nbflow.service.api import exit_status
    from nbflow.service.asking import carry_out
    from nbflow.service.follow import follow

    if detach:
        go_detached(target.home, target.path)
        return
    out = console(stderr=as_json)
    keys: list[RunKey] = [submission.key for submission in todo]
    with Progress(target.home, target.flow, target.path, out) as progress:
        progress.begin(list(todo))
        asked = carry_out(
            target.home,
            verb,
            body,
            what=what(),
            parallelism=os.cpu_count() or 1,
            listener=progress.moved,
        )
        if asked.owner is not None:
            progress.handed_to(asked.owner)
        try:
            runs = follow(
                target.home,
                keys,
                since=asked.since,
                listener=progress.moved if asked.owner is not None else lambda _: None,
            )
        except KeyboardInterrupt:
            progress.left([submission.label for submission in todo])
            sys.exit(INTERRUPTED)
    progress.finish(runs)
    if as_json:
        print_json([run_json(target.home, target.timezone, run) for run in runs])
    sys.exit(exit_status(runs))


def print_chosen(chosen: Sequence[Chosen], *, as_json: bool, becomes: str) -> None:
    """The preview: every task instance that is meant, where it stands, what it becomes, and why."""
    from nbflow.service.lookup import name_of

    if as_json:
        print_json(
            [
                {
                    "run_id": one.run.key.run_id,
                    "date": one.label,
                    "task_id": key.task_id,
                    "map_index": key.map_index,
                    "state": one.states[key].value,
                    "becomes": becomes,
                    "reason": reason,
                }
                for one in chosen
                for key, reason in one.tasks.items()
            ]
        )
        return
    print_table(
        (
            (one.label, name_of(key), f"{one.states[key]} → {becomes}", Text(reason))
            for one in chosen
            for key, reason in one.tasks.items()
        ),
        {"DATE": "left", "TASK": "left", "STATE": "left", "WHY": "fold"},
    )


def agreed(question: str, *, yes: bool) -> bool:
    """Whether to go on; a person at a terminal is asked, unless `yes`."""
    if yes or not sys.stdin.isatty():
        return True
    return click.confirm(question)
