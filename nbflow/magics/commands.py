"""`%nbflow`: the command line's verbs inside a notebook."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError, OptionError
from nbflow.magics.notebook import this_notebook
from nbflow.magics.process import command_line, environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.magics.pull import Puller

COMMANDS: Mapping[str, str] = {
    "graph": "the tasks and what joins them, live; with a date a picture of that run",
    "grid": "tasks down, runs across, live; --last N for more or fewer runs",
    "pull": "what a try had, into this kernel: DATE TASK; --failed: its variables where it failed; --into NAME",
    "diff": "what two runs handed on, side by side by value: RUN RUN [TASK] [--key COLUMN,...]",
    "run": "run the notebook: a date, or --start-date and --end-date; interrupt the kernel to stop",
    "check": "every cell's role, all problems and warnings",
    "list": "the runs",
    "show": "one run or task",
    "logs": "what a task printed",
    "xcom": "what a task handed on",
    "sql": "ask in SQL what tasks handed on, over all dates; %%nbflow sql NAME gives a frame",
    "suggest": "task lines for an ordinary notebook",
    "help": "this list",
}

LAST = 60  # runs
_NO_CELL = "a %%nbflow cell is %%nbflow sql [NAME] with a query below; {command!r} is a line magic: %nbflow …"


def nbflow_command(line: str, namespace: Mapping[str, object], puller: Puller | None = None) -> None:
    """Carry out a `%nbflow` line: `COMMAND [NOTEBOOK] [ARGUMENTS]`, with the command line's arguments; alone it shows
    the board.

    Args:
        line: what follows `%nbflow`.
        namespace: the kernel's user namespace.
        puller: puts what tries had into this kernel; None where it can't.

    Raises:
        NbflowError: the call is wrong or cannot be carried out.
    """
    if line.split(maxsplit=1)[:1] == ["sql"]:  # its quotes are SQL's
        from nbflow.magics.sql import sql_line

        sql_line(line.split(maxsplit=1)[1] if " " in line.strip() else "", namespace)
        return
    try:
        command, *words = shlex.split(line) or ["board"]
    except ValueError as error:
        msg = f"%nbflow can't split its line into words ({error}): {line}"
        raise OptionError(msg) from error
    if command.endswith(".ipynb") or command.startswith("-"):
        command, words = "board", [command, *words]
    if command not in COMMANDS and command != "board":
        from nbflow.parse.options import nearest

        msg = f"%nbflow has no command {command!r}.{nearest(command, COMMANDS)} There are {', '.join(COMMANDS)}."
        raise OptionError(msg)
    if command == "help":
        print(_help())
        return
    notebook, rest = _split_notebook(command, words, namespace)
    match command:
        case "board" | "grid":
            _board(notebook, "all" if command == "board" else "grid", _last(rest), namespace, puller)
        case "graph" if not rest:
            _board(notebook, "graph", LAST, namespace, puller)
        case "graph":
            _graph(notebook, rest)
        case "pull":
            from nbflow.magics.pull import pull_line

            print(pull_line(notebook, rest, puller))
        case "diff":
            from nbflow.magics.diff import diff_line

            diff_line(notebook, rest, namespace)
        case "run":
            from nbflow.magics.run import run_live

            run_live(notebook, rest)
        case _:
            print(_from_command_line([command, str(notebook), *rest]), end="")


def nbflow_cell(line: str, body: str, namespace: dict[str, object]) -> None:
    """Carry out a `%%nbflow` cell: `sql [NAME]`, with the query below.

    Args:
        line: what follows `%%nbflow`.
        body: the lines below.
        namespace: the kernel's user namespace.

    Raises:
        NbflowError: the call is wrong or cannot be carried out.
    """
    from nbflow.magics.sql import sql_cell

    command, *rest = line.split(maxsplit=1) or [""]
    if command != "sql":
        raise OptionError(_NO_CELL.format(command=command))
    sql_cell(rest[0] if rest else "", body, namespace)


def _help() -> str:
    lines = [f"  %nbflow {name.ljust(8)} {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "%nbflow alone shows how this notebook's workflow stands: its runs, its graph, what to do about them.",
            "%nbflow COMMAND [NOTEBOOK] [ARGUMENTS]; without NOTEBOOK it is about this one, as last saved.",
            *lines,
            "  %dag --date D    work by hand on another date; %dag --date reset ends it",
            "Arguments are those of the command line: !nbflow COMMAND --help shows them.",
        ]
    )


def _split_notebook(
    command: str, words: list[str], namespace: Mapping[str, object]
) -> tuple[Path, list[str]]:
    """The notebook that is meant, and the arguments that remain."""
    if words and words[0].endswith(".ipynb"):
        path = Path(words[0])
        if not path.is_file():
            msg = f"there is no notebook {path} (looked in {Path.cwd()})"
            raise OptionError(msg)
        return path, words[1:]
    return this_notebook("" if command == "board" else command, namespace, os.environ), words


def _board(
    notebook: Path, view: str, last: int, namespace: Mapping[str, object], puller: Puller | None
) -> None:
    from nbflow.magics.board import show_board

    ds, pull = (None, None) if puller is None else (puller.chosen_ds, puller.answer)
    show_board(notebook, view, namespace, last=last, ds=ds, pull=pull)


def _graph(notebook: Path, words: list[str]) -> None:
    """The graph as one run had it: a picture."""
    from IPython.display import display

    from nbflow.magics.stored import run_graph
    from nbflow.service.lookup import find_target
    from nbflow.widgets import graph

    if len(words) > 1 or words[0].startswith("-"):
        msg = f"%nbflow graph takes a date or `latest`, and got {' '.join(words)}"
        raise OptionError(msg)
    flow, states = run_graph(find_target(str(notebook)), words[0])
    bundle = {"text/html": graph.html(flow, states), "text/plain": graph.text(flow, states)}
    display(bundle, raw=True)


def _last(words: list[str]) -> int:
    """The number in `--last N`, `-n N` or `--last=N`."""
    if not words:
        return LAST
    flag, _, value = words[0].partition("=")
    value = value or (words[1] if len(words) > 1 else "")
    rest = words[1 if "=" in words[0] else 2 :]
    if flag not in ("--last", "-n") or rest or not value.isdecimal() or int(value) < 1:
        msg = f"%nbflow and %nbflow grid take --last N (how many runs, from 1), and got {' '.join(words)}"
        raise OptionError(msg)
    return int(value)


def _from_command_line(arguments: list[str]) -> str:
    """What `nbflow ARGUMENTS` prints.

    Raises:
        NbflowError: it says that the call was wrong.
    """
    done = subprocess.run(
        command_line(*arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment(),
        check=False,
    )
    if done.returncode == 2:
        raise NbflowError(done.stderr.strip() or done.stdout.strip())
    return done.stdout + done.stderr
