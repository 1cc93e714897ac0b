"""`%load_ext nbflow`: what nbflow adds to an IPython shell, and how it is taken away again."""

from __future__ import annotations

import os
import shlex
import sys
from functools import wraps
from typing import TYPE_CHECKING, Literal

from nbflow.errors import NbflowError, OptionError
from nbflow.magics.completer import matcher
from nbflow.magics.course import Course
from nbflow.magics.hand import Hand
from nbflow.parse.transformer import HeaderTransformer

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from nbflow.magics.pull import Puller

_ATTRIBUTE = "_nbflow_extension"
_NOT_FIRST = "%{name} must be the first line of its cell, where it makes the cell a task."
_DAG_USAGE = "%dag takes --date DATE (2026-02-17, today, -14d) or --date reset, and got: {line}"


class Extension:
    """nbflow in one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._hand = Hand(shell.user_ns, shell.user_ns_hidden, os.environ)
        self._transformer = HeaderTransformer(shell.input_transformer_manager)
        self._matcher = matcher(self._tasks)
        self._course = Course(shell, self._hand)

    def load(self) -> None:
        """Add everything."""
        shell = self._shell
        shell.input_transformers_cleanup.append(self._transformer)
        self._course.load()
        if shell.Completer is not None:
            shell.Completer.custom_matchers.append(self._matcher)
        for name, function in (("nbflow", self._nbflow), ("dag", self._dag)):
            self._register(_shown(function), "line", name)
        self._register(_shown(self._dag_cell), "cell", "dag")
        self._register(_shown(self._nbflow_cell), "cell", "nbflow")
        for name in ("task", "scratch"):
            self._register(_misplaced(name), "line_cell", name)
        self._hand.begin()

    def _register(
        self, function: Callable[..., None], kind: Literal["line", "cell", "line_cell"], name: str
    ) -> None:
        self._shell.magics_manager.register_function(function, magic_kind=kind, magic_name=name)

    def unload(self) -> None:
        """Take everything away; what cells have defined stays."""
        shell = self._shell
        shell.input_transformers_cleanup.remove(self._transformer)
        self._course.unload()
        if shell.Completer is not None:
            shell.Completer.custom_matchers.remove(self._matcher)
        for kind, name in (
            ("line", "nbflow"),
            ("cell", "nbflow"),
            ("line", "dag"),
            ("cell", "dag"),
            ("line", "task"),
            ("cell", "task"),
            ("line", "scratch"),
            ("cell", "scratch"),
        ):
            shell.magics_manager.magics[kind].pop(name, None)
        self._hand.take_back()

    def _tasks(self) -> tuple[str, ...]:
        flow = self._hand.flow
        return tuple(dict.fromkeys([*(() if flow is None else flow.tasks), *self._hand.seen]))

    def _nbflow(self, line: str) -> None:
        """Look at and run this notebook's workflow: %nbflow alone shows it; %nbflow help lists what else there is."""
        from nbflow.magics.commands import nbflow_command

        nbflow_command(line, self._shell.user_ns, self._puller())

    def _puller(self) -> Puller:
        from nbflow.magics.pull import Puller

        return Puller(self._shell, self._hand, self._date_chosen)

    def _date_chosen(self) -> None:
        """Another date is worked on from now on."""
        self._course.begin_anew()
        if board := sys.modules.get("nbflow.magics.board"):  # where one is shown
            board.tell_date(self._hand.chosen_ds)

    def _nbflow_cell(self, line: str, body: str) -> None:
        """Ask in SQL what tasks handed on, over all dates: %%nbflow sql NAME, with the query below."""
        from nbflow.magics.commands import nbflow_cell

        nbflow_cell(line, body, self._shell.user_ns)

    def _dag(self, line: str) -> None:
        """Choose the date to work on by hand: %dag --date 2026-02-17, %dag --date reset."""
        words = shlex.split(line)
        if not words:
            print(self._hand.describe())
            return
        flag, equals, value = words[0].partition("=")
        rest = [value, *words[1:]] if equals else words[1:]
        if flag != "--date":
            self._take(f"%dag {line}")
            return
        if len(rest) != 1:
            raise OptionError(_DAG_USAGE.format(line=line))
        print(self._hand.choose(None if rest[0] == "reset" else rest[0]))
        self._date_chosen()

    def _dag_cell(self, line: str, body: str) -> None:
        """What the notebook says of itself as a workflow: a name, and settings in TOML."""
        self._take(f"%%dag {line}\n{body}")

    def _take(self, source: str) -> None:
        from nbflow.magics.dag import dag_from, describe_dag

        dag = dag_from(source, params=self._hand.params)
        self._hand.take(dag)
        print(describe_dag(dag))


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Called by `%load_ext nbflow`."""
    extension = Extension(shell)
    extension.load()
    setattr(shell, _ATTRIBUTE, extension)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Called by `%unload_ext nbflow`."""
    extension = getattr(shell, _ATTRIBUTE, None)
    if extension is not None:
        extension.unload()
        delattr(shell, _ATTRIBUTE)


def _shown(function: Callable[..., None]) -> Callable[..., None]:
    """The magic with nbflow's errors as messages: no traceback tells a person more than they do."""

    @wraps(function)
    def magic(*arguments: str) -> None:
        from IPython.core.error import UsageError

        try:
            function(*arguments)
        except NbflowError as error:
            raise UsageError(str(error)) from None

    return magic


def _misplaced(name: str) -> Callable[..., None]:
    def magic(line: str, body: str = "") -> None:
        from IPython.core.error import UsageError

        raise UsageError(_NOT_FIRST.format(name=name))

    magic.__doc__ = f"Marks a cell for nbflow; the first line of the cell: %%{name}."
    return magic
