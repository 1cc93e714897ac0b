"""The scheduler as a service of the system: a systemd user unit on Linux, a launchd agent on macOS."""

from __future__ import annotations

import hashlib
import os
import plistlib
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import OptionError
from nbflow.service.retention import KEEP_VARIABLE
from nbflow.store.home import HOME_VARIABLE
from nbflow.store.trust import TRUST_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.store.home import Home

# What a service has not of itself, and its tasks want as the person who installed it has it.
_CARRIED = ("PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "LANG", "TZ", HOME_VARIABLE, KEEP_VARIABLE, TRUST_VARIABLE)
_UNWRITABLE = "the path {path!r} has a line end in it, which {where} can't say. Rename the folder."
_NO_SYSTEM = (
    "{platform} has neither systemd nor launchd: start `nbflow schedule` with what this system has instead."
)
_PATIENCE = 120  # seconds that tasks have to end when the system stops the service
_UNIT = """\
# Written by nbflow service install.
[Unit]
Description=nbflow schedule in {project}

[Service]
Type=exec
WorkingDirectory={folder}
{environment}ExecStart={command}
Restart=on-failure
RestartSec=10
# The scheduler itself ends its tasks; one of them that is killed for want of memory doesn't end the scheduler.
KillMode=mixed
TimeoutStopSec={patience}
OOMPolicy=continue

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A service as the system is told of it.

    Attributes:
        name: by which the system knows it.
        path: of its file.
        text: of its file.
        links: other files that the system makes when it starts it at every login.
        start: the commands that have it run, now and at every login.
        stop: those that end both, while its file is there.
        forget: those that stop it when its file is gone.
        hints: what else a person should know.
    """

    name: str
    path: Path
    text: str
    start: tuple[tuple[str, ...], ...]
    stop: tuple[tuple[str, ...], ...]
    forget: tuple[tuple[str, ...], ...]
    links: tuple[Path, ...] = ()
    hints: tuple[str, ...] = field(default_factory=tuple)


def unit_of(
    home: Home,
    *,
    python: str = sys.executable,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
) -> Unit:
    """The service that runs the scheduler of a home.

    Args:
        home: whose.
        python: the interpreter that has nbflow.
        arguments: more of `nbflow schedule`.
        environment: of who installs it; what the tasks need of it is written into the file.
        platform: as `sys.platform` says it.

    Raises:
        OptionError: the system has no such services, or a path can't be written into its files.
    """
    command = [python, "-m", "nbflow", "schedule", *arguments]
    carried = {name: environment[name] for name in _CARRIED if environment.get(name)}
    config = environment.get("XDG_CONFIG_HOME") or "~/.config"
    if platform.startswith("linux"):
        return _systemd(home, command, carried, Path(config).expanduser())
    if platform == "darwin":
        return _launchd(home, command, carried)
    raise OptionError(_NO_SYSTEM.format(platform=platform))


def _systemd(home: Home, command: Sequence[str], carried: Mapping[str, str], config: Path) -> Unit:
    name = f"nbflow-{_slug(home)}.service"
    for text in (str(home.project), *command, *carried.values()):
        _check_line(text, "a systemd unit")
    folder = config / "systemd" / "user"
    variables = [f"Environment={_word(f'{key}={value}')}\n" for key, value in carried.items()]
    program, *rest = command
    # Of the first word no variables are expanded, and so none escaped.
    written = " ".join([_word(program), *(_word(word).replace("$", "$$") for word in rest)])
    return Unit(
        name=name,
        path=folder / name,
        text=_UNIT.format(
            project=str(home.project).replace("%", "%%"),
            folder=str(home.project).replace("%", "%%"),  # the whole rest of the line: no quotes
            environment="".join(variables),
            command=written,
            patience=_PATIENCE,
        ),
        start=(
            ("systemctl", "--user", "daemon-reload"),
            ("systemctl", "--user", "enable", "--now", name),
        ),
        stop=(("systemctl", "--user", "disable", "--now", name),),
        forget=(("systemctl", "--user", "stop", name), ("systemctl", "--user", "daemon-reload")),
        links=(folder / "default.target.wants" / name,),
        hints=(
            "so that it runs while you are logged out too: loginctl enable-linger",
            f"what it says: nbflow logs --scheduler -f, or journalctl --user -u {name}",
        ),
    )


def _launchd(home: Home, command: Sequence[str], carried: Mapping[str, str]) -> Unit:
    name = f"org.nbflow.{_slug(home)}"
    path = Path("~/Library/LaunchAgents").expanduser() / f"{name}.plist"
    log = str(home.root / "service.log")
    said = {
        "Label": name,
        "ProgramArguments": list(command),
        "WorkingDirectory": str(home.project),
        "EnvironmentVariables": dict(carried),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 5,
        "ExitTimeOut": _PATIENCE,
        "ProcessType": "Background",
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
    domain = f"gui/{os.getuid()}"
    return Unit(
        name=name,
        path=path,
        text=plistlib.dumps(said, sort_keys=False).decode(),
        start=(("launchctl", "bootstrap", domain, str(path)),),
        stop=(("launchctl", "bootout", f"{domain}/{name}"),),
        forget=(("launchctl", "bootout", f"{domain}/{name}"),),
        hints=("what it says: nbflow logs --scheduler -f",),
    )


def _slug(home: Home) -> str:
    """The project's name in letters that every system takes, with a mark that tells namesakes apart."""
    words = re.sub(r"[^a-z0-9]+", "-", home.project.name.lower()).strip("-")[:40]
    mark = hashlib.sha256(os.fsencode(home.root)).hexdigest()[:6]
    return f"{words}-{mark}" if words else mark


def _word(text: str) -> str:
    """A word of a systemd unit: in quotes where it needs them, with what it would expand doubled."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if re.search(r"""[\s"'\\;]|^$""", text) else escaped


def _check_line(text: str, where: str) -> None:
    if re.search(r"[\x00\n\r]", text):
        raise OptionError(_UNWRITABLE.format(path=text, where=where))
