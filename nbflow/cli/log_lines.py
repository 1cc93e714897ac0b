"""Logs on a terminal: of one task as it printed, of several a line at a time under their names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from nbflow.model.printable import coloured, printable, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.model.run import TaskKey

_RESET = "\x1b[0m"
_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow", "bright_green")
_WIDEST = 40


class LogLines:
    """Prints pieces of logs. The text of tasks goes to standard output, what is said of them to standard error.

    Only their colours are obeyed: see `coloured`.
    """

    def __init__(self, keys: Sequence[TaskKey]) -> None:
        """Begin.

        Args:
            keys: of all task instances that are known; where it is one, its lines have no name before them.
        """
        self._alone = len(keys) == 1
        self._width = min(max((len(_name(key)) for key in keys), default=0), _WIDEST)
        self._rest: dict[TaskKey, str] = {}
        self._hues: dict[str, str] = {}
        self._coloured = False

    def printed(self, key: TaskKey, text: str) -> None:
        """A task instance has printed this."""
        text = self._rest.pop(key, "") + text
        if self._alone:
            ready, rest = whole(text)
            self._write(coloured(ready))
        else:
            *lines, rest = text.split("\n")
            for line in lines:
                self._line(key, line)
        if rest:
            self._rest[key] = rest

    def remark(self, key: TaskKey | None, text: str) -> None:
        """Something is to be said of a task instance, or (None) of all of them."""
        self._flush(key)
        sys.stdout.flush()
        name = "" if self._alone or key is None else self._head(key)
        click.echo(f"{name}[{printable(text)}]", err=True)

    def end(self) -> None:
        """Print what has no line end yet."""
        for key in list(self._rest):
            self._flush(key)
        if self._coloured:
            self._write(_RESET)
        sys.stdout.flush()

    def _flush(self, key: TaskKey | None) -> None:
        if key is None or not (rest := self._rest.pop(key, "")):
            return
        if self._alone:
            self._write(coloured(rest))
        else:
            self._line(key, rest)

    def _line(self, key: TaskKey, line: str) -> None:
        # A bar that redraws its line shows as it was drawn last.
        shown = coloured(line.rstrip("\r").rpartition("\r")[2])
        end = _RESET if "\x1b[" in shown else ""
        click.echo(f"{self._head(key)}{shown}{end}")

    def _head(self, key: TaskKey) -> str:
        hue = self._hues.setdefault(key.task_id, _COLOURS[len(self._hues) % len(_COLOURS)])
        return click.style(f"{_name(key):<{self._width}} | ", fg=hue)

    def _write(self, text: str) -> None:
        if text:
            self._coloured = (self._coloured or "\x1b[" in text) and not text.endswith((_RESET, "\x1b[m"))
            click.echo(text, nl=False)


def _name(key: TaskKey) -> str:
    name = key.task_id if key.map_index < 0 else f"{key.task_id}[{key.map_index}]"
    return printable(name)
