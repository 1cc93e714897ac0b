"""What to do next, as commands to copy: after runs have ended, and while they go on unwatched."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from nbflow.service.lookup import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.model.run import TaskKey


def short(path: Path) -> str:
    """A path from here where it lies below, else absolute."""
    path = path.resolve()
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)


def after_failure(notebook: Path, label: str, failed: Sequence[TaskKey], *, again: bool) -> list[Text]:
    """Where to look, and how to go on.

    Args:
        notebook: the file.
        label: of the run in which the first of them failed.
        failed: what has failed.
        again: whether the same command again does it once more.
    """
    name = name_of(_first_of(failed))
    address = f"{shlex.quote(short(notebook))} {shlex.quote(label)} {shlex.quote(name)}"
    logs = Text.assemble(("see why  ", "dim"), f"nbflow logs {address}")
    if again:
        return [logs, Text("fix the cell, save, and give the same command again", style="dim")]
    return [logs, Text.assemble(("fix the cell, save, and  ", "dim"), f"nbflow clear {address}")]


def after_success(notebook: Path, label: str) -> Text:
    """Where there is more to see of a run."""
    address = f"{shlex.quote(short(notebook))} {shlex.quote(label)}"
    return Text.assemble(("look further  ", "dim"), f"nbflow show {address}")


def while_they_go_on(dag_id: str, labels: Sequence[str]) -> list[Text]:
    """How to watch or stop runs that another process works on."""
    dag, first, last = map(shlex.quote, (dag_id, min(labels), max(labels)))
    dates = first if len(labels) == 1 else f"--from {first} --to {last}"
    count = "the run goes" if len(labels) == 1 else f"{len(labels)} runs go"
    return [
        Text(f"{count} on without this command", style="yellow"),
        Text.assemble(("watch it  ", "dim"), f"nbflow grid {dag}"),
        Text.assemble(("stop it  ", "dim"), f"nbflow mark failed {dag} {dates}"),
    ]


def _first_of(failed: Sequence[TaskKey]) -> TaskKey:
    """The first that failed; of a mapped task its first instance that did, which says more than the whole."""
    first = failed[0]
    return next((key for key in failed if key[:2] == first[:2] and key.map_index >= 0), first)
