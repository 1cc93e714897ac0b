"""What a home's owner runs in, so that whoever asks it for runs can say in what his own environment differs.

Nobody writes down the values of environment variables that are the same on both sides: the owner announces
digests of its own, and only what differs comes to it in a command.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nbflow import __version__
from nbflow.errors import EnvironmentUnfit
from nbflow.model.environment import Environment, changes_to
from nbflow.service.retention import KEEP_VARIABLE, keep_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "owner.json"
_OTHER_VERSION = """\
this is nbflow {theirs} ({python}), and nbflow {ours} holds the home. Wait for its end, or install the same \
version: {python} -m pip install nbflow=={ours}"""

# Where two processes differ in no other variables, the same hosts serve both.
_VOLATILE = re.compile(
    r"""
    _ | PWD | OLDPWD | SHLVL | SHELL | PS\d | PROMPT | PROMPT_COMMAND | HIST\w+ | BASH_FUNC_.*      # shells
    | TERM | TERMCAP | TERM_\w+ | COLORTERM | COLUMNS | LINES | TTY | GPG_TTY | LS_?COLORS          # terminals
    | (?: VTE | KONSOLE | ITERM | KITTY | WEZTERM | ALACRITTY | VSCODE )_\w+ | TMUX\w* | STY | WINDOW
    | (?: FORCE | NO )_COLOR | CLICOLOR\w* | TTY_\w+ | PYTHONUNBUFFERED | PYTHONIOENCODING
    | PAGER | GIT_PAGER | LESSOPEN | LESSCLOSE | EDITOR | VISUAL | MAIL
    | SSH_\w+ | XDG_SESSION_\w+ | XDG_ACTIVATION_TOKEN | DISPLAY | WAYLAND_DISPLAY | XAUTHORITY    # logins
    | WINDOWID | WINDOWPATH | DESKTOP_STARTUP_ID | DBUS_SESSION_BUS_ADDRESS | SESSION_MANAGER | SECURITYSESSIONID
    | INVOCATION_ID | JOURNAL_STREAM | NOTIFY_SOCKET | WATCHDOG_\w+ | LISTEN_\w+ | \w*EXEC_PID     # services
    | MAINPID | MANAGERPID | MEMORY_PRESSURE_\w+
    | JPY_\w+ | PYDEVD_\w+ | MPLBACKEND | PYTEST_\w+                                             # kernels, tests
    | VIRTUAL_ENV_PROMPT | CONDA_PROMPT_MODIFIER | CONDA_SHLVL | __PYVENV_LAUNCHER__              # interpreters
    | NBFLOW_HOME
    """,
    re.VERBOSE,
)
"""Variables of a shell, terminal, login or kernel, rather than of the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What an owner has announced of its environment.

    Attributes:
        token: of this announcement; it salts the digests.
        digests: variable → digest of its value.
        keep: how long it keeps runs, as its `NBFLOW_KEEP` says; "" where that isn't set.
    """

    token: str = ""
    digests: Mapping[str, str]
    keep: str = ""


def lasting(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that count for a run."""
    return {name: value for name, value in variables.items() if not _VOLATILE.fullmatch(name)}


def announce(root: Path) -> None:
    """Say in the home's folder what its owner, this process, runs in.

    Raises:
        OptionError: `NBFLOW_KEEP` is no duration.
    """
    keep_of()
    token = secrets.token_hex(16)
    digests = {name: _digest(token, name, value) for name, value in lasting(os.environ).items()}
    aside = root / f"{FILE}.new"
    with os.fdopen(
        os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump({"token": token, "variables": digests, "keep": os.environ.get(KEEP_VARIABLE, "")}, file)
    aside.replace(root / FILE)


def announced(root: Path) -> Announced | None:
    """What the home's owner has announced; None where there is nothing to be read."""
    try:
        data = json.loads((root / FILE).read_text("utf-8"))
        return Announced(token=data["token"], digests=data["variables"], keep=data["keep"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def asked_from_here(root: Path, environment: Environment) -> dict[str, Any]:
    """The part of a command that says for whose environment it asks: this process's.

    Args:
        root: the home's folder.
        environment: what was asked for beside it; its interpreter and variables are set here.
    """
    owner = announced(root)
    variables: Mapping[str, str | None] = lasting(os.environ)
    if owner is not None:
        variables = {
            name: value
            for name, value in lasting(os.environ).items()
            if owner.digests.get(name) != _digest(owner.token, name, value)
        } | dict.fromkeys(owner.digests.keys() - os.environ.keys())
    wanted = replace(environment, python=sys.executable, variables=variables)
    return {
        "environment": wanted.to_json(),
        "prefix": sys.prefix,
        "nbflow": __version__,
        "beside": "" if owner is None else owner.token,
    }


def environment_asked(root: Path, asked: Mapping[str, Any]) -> Environment | None:
    """The environment that a command asks for, as far as it differs from that of the owner, this process.

    Args:
        root: the home's folder.
        asked: as `asked_from_here` gives it.

    Returns:
        None where it was compared with another owner's: it is to be asked again.

    Raises:
        EnvironmentUnfit: it asks for the tasks of another version of nbflow.
    """
    owner = announced(root)
    if asked["beside"] not in ("", owner.token if owner else ""):
        return None
    wanted = Environment.from_json(asked["environment"])
    if asked["nbflow"] != __version__:
        said = _OTHER_VERSION.format(theirs=asked["nbflow"], ours=__version__, python=wanted.python)
        raise EnvironmentUnfit(said)
    own = lasting(os.environ)
    if asked["beside"]:
        variables = {name: value for name, value in wanted.variables.items() if own.get(name) != value}
    else:  # all of them
        theirs = {name: value for name, value in wanted.variables.items() if value is not None}
        variables = changes_to(theirs, own)
    return replace(wanted, python="" if asked["prefix"] == sys.prefix else wanted.python, variables=variables)


def _digest(token: str, name: str, value: str) -> str:
    return hashlib.sha256(f"{token} {name}={value}".encode(errors="surrogateescape")).hexdigest()[:32]
