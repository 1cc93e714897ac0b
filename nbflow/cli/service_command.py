"""`nbflow service`."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbflow.cli.running import dry_run_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.service.unit import Unit

_EXAMPLES = """\
\b
Examples:
  nbflow service install --now                   keep the scheduler of this project running from now on
  nbflow service install -- --parallelism 4      with options of nbflow schedule
  nbflow service install --dry-run               what would be written, and where
  nbflow service uninstall --now                 end it, and forget it

It runs `nbflow schedule` in the project's folder, with this Python, for the notebooks on the schedule, and
again when it fails. No rights of root are needed: the service is yours, a systemd user unit (Linux) or a launchd
agent (macOS)."""
_NOT_THERE = (
    "no service is installed for this project: {path} is not there. Install it: nbflow service install"
)
_FAILED = (
    "{command} failed with exit status {status}; {path} is written, and the command can be given by hand."
)
_NO_COMMAND = "there is no {command} here; {path} is written. Start `nbflow schedule` with what this system has instead."


@click.group("service", epilog=_EXAMPLES)
def command() -> None:
    """Have the system keep the scheduler of this project running: after failures, and from login on."""


@command.command("install", epilog=_EXAMPLES)
@click.argument("arguments", nargs=-1, metavar="[-- OPTIONS OF nbflow schedule]")
@click.option("--now", is_flag=True, help="Also start it, now and at every login.")
@dry_run_option
def install(arguments: tuple[str, ...], *, now: bool, dry_run: bool) -> None:
    """Write the service's file, and say how it is started; with --now start it."""
    unit = _unit(arguments)
    if dry_run:
        click.echo(f"# {unit.path}\n{unit.text}", nl=False)
        return
    unit.path.parent.mkdir(parents=True, exist_ok=True)
    unit.path.write_text(unit.text, "utf-8")
    click.echo(f"written: {unit.path}")
    _do_or_say(unit, unit.start, do=now, done=f"{unit.name} runs; nbflow status", todo="start it with:")
    for hint in unit.hints:
        click.echo(hint)


@command.command("uninstall")
@click.option("--now", is_flag=True, help="Also stop it.")
@dry_run_option
def uninstall(*, now: bool, dry_run: bool) -> None:
    """Remove the service's file; with --now stop the service first. Runs and schedules stay in the home."""
    unit = _installed()
    if dry_run:
        click.echo(f"would remove: {unit.path}")
        _do_or_say(unit, unit.stop if now else (), do=False, todo="and before that:")
        return
    if now:
        _do_or_say(unit, unit.stop, do=True, done=f"{unit.name} is stopped", todo="")
    for path in (unit.path, *unit.links):
        path.unlink(missing_ok=True)
    click.echo(f"removed: {unit.path}")
    _do_or_say(unit, () if now else unit.forget, do=False, todo="if it runs, stop it with:")


@command.command("show")
def show() -> None:
    """Print the service's file, and where it lies."""
    unit = _installed()
    click.echo(f"# {unit.path}\n{unit.path.read_text('utf-8')}", nl=False)


def _unit(arguments: Sequence[str] = ()) -> Unit:
    from nbflow.service.unit import unit_of
    from nbflow.store.home import find_home

    return unit_of(find_home(Path.cwd()), arguments=arguments, environment=os.environ)


def _installed() -> Unit:
    from nbflow.errors import AddressError

    unit = _unit()
    if not unit.path.exists():
        raise AddressError(_NOT_THERE.format(path=unit.path))
    return unit


def _do_or_say(
    unit: Unit, commands: Sequence[tuple[str, ...]], *, do: bool, done: str = "", todo: str
) -> None:
    """Give the system these commands, or say them."""
    from nbflow.errors import HomeError

    if not do:
        if commands:
            click.echo("\n".join([todo, *(f"  {shlex.join(words)}" for words in commands)]))
        return
    for words in commands:
        try:
            status = subprocess.run(words, check=False).returncode
        except FileNotFoundError as error:
            raise HomeError(_NO_COMMAND.format(command=words[0], path=unit.path)) from error
        if status:
            raise HomeError(_FAILED.format(command=shlex.join(words), status=status, path=unit.path))
    click.echo(done)
