"""`nbflow ui`."""

from __future__ import annotations

import importlib.util
import os
import shlex
from pathlib import Path

import click

from nbflow.cli.running import dry_run_option

_EXAMPLES = """\
\b
Examples:
  nbflow ui                              open the boards of all DAGs of this project in a browser
  nbflow ui --no-browser --port 9000     only serve them; the address with its token is printed
  nbflow ui -- --ServerApp.ip=0.0.0.0    with options of jupyter server

The server listens on this machine only, asks for Jupyter's token, and ends with Ctrl-C. Whoever has the address with the
token can do what you can do here. It needs Voilà: pip install 'nbflow[ui]'"""
_NO_VOILA = "nbflow ui needs Voilà, which is not installed here: pip install 'nbflow[ui]'"
_PORT = 8866


@click.command("ui", epilog=_EXAMPLES)
@click.argument("arguments", nargs=-1, metavar="[-- OPTIONS OF jupyter server]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    help="Where it listens; the next free one where this one is taken; 0: any.",
)
@click.option("--no-browser", is_flag=True, help="Don't open a browser.")
@dry_run_option
def command(arguments: tuple[str, ...], *, port: int, no_browser: bool, dry_run: bool) -> None:
    """Open a dashboard: the boards of all DAGs of this project, live, on one page."""
    from nbflow.errors import OptionError
    from nbflow.service.dashboard import dashboard_command, write_dashboard
    from nbflow.store.home import find_home

    home = find_home(Path.cwd())
    words = dashboard_command(home, port=port, browser=not no_browser, more=arguments)
    if dry_run:
        click.echo(shlex.join(words))
        return
    if importlib.util.find_spec("voila") is None:
        raise OptionError(_NO_VOILA)
    write_dashboard(home)
    # The kernel named python3 is the one of this Python, whatever else the person has installed for himself.
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}
    os.execve(words[0], words, environment)  # noqa: S606 this very Python
