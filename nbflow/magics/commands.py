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

COMMANDS: Mapping[str, str] = {
    "graph": "the tasks and what joins them; a date colours it by that run",
    "grid": "tasks down, runs across; --last N for more or fewer runs",
    "run": "run the notebook: a date, or --start-date and --end-date; interrupt the kernel to stop",
    "check": "every cell's role, all problems and warnings",
    "list": "the runs",
    "show": "one run or task",
    "logs": "what a task printed",
    "xcom": "what a task handed on",
    "suggest": "task lines for an ordinary notebook",
    "help": "this list",
}

_LAST = 30


def nbflow_command(line: str, namespace: Mapping[str, object]) -> None:
    """Carry out a `%nbflow` line: `COMMAND [NOTEBOOK] [ARGUMENTS]`, with the command line's arguments.

    Args:
        line: what follows `%nbflow`.
        namespace: the kernel's user namespace.

    Raises:
        NbflowError: the call is wrong or cannot be carried out.
    """
    try:
        command, *words = shlex.split(line) or ["help"]
    except ValueError as error:
        msg = f"%nbflow can't split its line into words ({error}): {line}"
        raise OptionError(msg) from error
    if command not in COMMANDS:
        from nbflow.parse.options import nearest

        msg = f"%nbflow has no command {command!r}.{nearest(command, COMMANDS)} There are {', '.join(COMMANDS)}."
        raise OptionError(msg)
    if command == "help":
        print(_help())
        return
    notebook, rest = _split_notebook(command, words, namespace)
    if command == "graph":
        _graph(notebook, rest)
    elif command == "grid":
        _grid(notebook, rest)
    elif command == "run":
        from nbflow.magics.run import run_live

        run_live(notebook, rest)
    else:
        print(_from_command_line([command, str(notebook), *rest]), end="")


def _help() -> str:
    lines = [f"  %nbflow {name.ljust(8)} {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
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
    return this_notebook(command, namespace, os.environ), words


def _graph(notebook: Path, words: list[str]) -> None:
    from IPython.display import display

    from nbflow.parse.flow import read_flow
    from nbflow.widgets import graph

    if len(words) > 1 or (words and words[0].startswith("-")):
        msg = f"%nbflow graph takes a date or `latest`, and got {' '.join(words)}"
        raise OptionError(msg)
    flow = read_flow(notebook)
    states = None
    if words:
        from nbflow.magics.stored import run_states
        from nbflow.service.lookup import find_target

        states = run_states(find_target(str(notebook)), words[0])
    bundle = {"text/html": graph.html(flow, states), "text/plain": graph.text(flow, states)}
    display(bundle, raw=True)


def _grid(notebook: Path, words: list[str]) -> None:
    from IPython.display import display

    from nbflow.magics.stored import stored_grid
    from nbflow.service.lookup import find_target
    from nbflow.widgets.grid import grid_html
    from nbflow.widgets.terminal import grid_lines

    view = stored_grid(find_target(str(notebook)), last=_last(words))
    display({"text/html": grid_html(view), "text/plain": grid_lines(view)}, raw=True)


def _last(words: list[str]) -> int:
    """The number in `--last N`, `-n N` or `--last=N`."""
    if not words:
        return _LAST
    flag, _, value = words[0].partition("=")
    value = value or (words[1] if len(words) > 1 else "")
    rest = words[1 if "=" in words[0] else 2 :]
    if flag not in ("--last", "-n") or rest or not value.isdecimal() or int(value) < 1:
        msg = f"%nbflow grid takes --last N (how many runs, from 1), and got {' '.join(words)}"
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
