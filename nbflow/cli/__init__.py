"""The command line: `nbflow`. It translates only: what things mean is decided below."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import click

from nbflow import __version__
from nbflow.errors import NbflowError
from nbflow.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

# Verb → what it does. The module of the same name holds it, loaded when it is called.
VERBS = {
    "run": "Run a notebook as a DAG: once, or once for each date.",
    "backfill": "Run a notebook for every date of a stretch that has not run yet.",
    "trigger": "Have a DAG run once, by whatever works in its home already.",
    "test": "Run one task and print what it prints; store nothing.",
    "schedule": "Run notebooks on their schedules.",
    "unschedule": "Take DAGs off the schedule.",
    "publish": "Have a schedule run the notebook as saved now.",
    "graph": "Show a notebook's tasks and what passes between them.",
    "grid": "Show runs as a grid: tasks down, dates across.",
    "next": "Show when the next runs of a schedule are due.",
    "list": "List the DAGs of a project, or the runs of one.",
    "show": "Show a run or a task: states, reasons, tries.",
    "versions": "List the versions of a notebook; show, write or compare them.",
    "logs": "Print what a task printed.",
    "xcom": "Show the values tasks handed on.",
    "sql": "Ask in SQL what tasks handed on, over all dates.",
    "why": "Say why a task is in its state and what it waits for.",
    "failures": "List every task that failed, with cell and line.",
    "clear": "Have tasks of runs run again.",
    "mark": "Say how tasks of runs have ended.",
    "pause": "Let nothing new of a DAG start.",
    "unpause": "Let a paused DAG go on.",
    "pools": "List, set or delete pools of slots.",
    "ui": "Open a dashboard of all DAGs in a browser.",
    "status": "Say how the scheduler, its queue and the home stand.",
    "clean": "Remove old runs, with all that only they need.",
    "service": "Have the system keep the scheduler running.",
    "variables": "List, get, set or delete variables.",
    "connections": "List, get, add or delete connections.",
    "check": "Explain every cell; find problems before a run does.",
    "suggest": "Propose tasks for an ordinary notebook.",
}

_EPILOG = """\
\b
First steps:
  nbflow check notebook.ipynb             what each cell is for, and what is wrong
  nbflow graph notebook.ipynb             the tasks and their order
  nbflow run notebook.ipynb               run it once
  nbflow run notebook.ipynb --start-date 2026-01-01 --end-date 2026-01-31
  nbflow schedule notebook.ipynb          run it by its schedule from now on
  nbflow grid notebook.ipynb              which dates ran, which failed
  nbflow logs notebook.ipynb latest TASK  what it printed, and its traceback
  nbflow clear notebook.ipynb latest TASK once it is mended: it runs again, with what hung on it

One address everywhere: DAG or NOTEBOOK, then DATE (2026-02-17, today, -14d), latest or a run id,
then TASK."""


class _Verbs(click.Group):
    """Loads a command's module only when it is called, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        return importlib.import_module(f"nbflow.cli.{cmd_name}_command").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(_meant(args[0]), ctx) from error


def _meant(word: str) -> str:
    if word.endswith(".ipynb"):
        return f"{word} is a notebook, not a command. Did you mean: nbflow run {word}"
    from difflib import get_close_matches

    close = get_close_matches(word, VERBS, n=1)
    return f"there is no command {word!r}" + (f"; did you mean {close[0]!r}?" if close else ".")


@click.group(cls=_Verbs, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nbflow")
def nbflow() -> None:
    """A notebook is a workflow: its cells are tasks, run once for each date."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The `nbflow` command. Exits 0 when all went well, 1 when a run failed, 2 when the call was wrong."""
    try:
        nbflow.main(
            args=None if arguments is None else list(arguments), prog_name="nbflow", standalone_mode=False
        )
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except NbflowError as error:
        click.echo(f"nbflow: {printable(str(error), lines=True)}", err=True)
        sys.exit(2)
    except BrokenPipeError:  # `nbflow logs … | head` has read enough
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:  # a file that was named cannot be written, a disk is full
        click.echo(f"nbflow: {printable(str(error), lines=True)}", err=True)
        sys.exit(2)
