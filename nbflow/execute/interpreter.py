"""Other Python interpreters than this one: whether tries can run with them, and where their packages lie."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow import __version__
from nbflow.errors import EnvironmentUnfit
from nbflow.model.environment import changed

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE = 60.0  # seconds for an interpreter to answer
_QUESTION = """\
import json, sysconfig
folders = sorted({sysconfig.get_path(name) for name in ("purelib", "platlib")})
try:
    from nbflow import __version__ as version
except ImportError:
    version = ""
print(json.dumps({"version": version, "folders": folders}))
"""
_SILENT = """\
the Python {python}, which the run was asked for with, can't be used ({why}). Ask for the run again with a Python \
that is there."""
_NONE = """\
the Python {python}, which the run was asked for with, has no nbflow: {python} -m pip install nbflow=={ours}"""
_OTHER = """\
the Python {python}, which the run was asked for with, has nbflow {theirs}, and its owner is nbflow {ours}: \
{python} -m pip install nbflow=={ours}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What an interpreter has answered, and how its folders of packages were then."""

    folders: tuple[str, ...]
    installed: tuple[int, ...]


_known: dict[tuple[str, str | None], _Known] = {}


def installed(python: str, variables: Mapping[str, str | None]) -> tuple[int, ...]:
    """When packages were last installed or removed, as far as an interpreter's folders tell.

    Args:
        python: its path; "": the one of this process.
        variables: what is different in the environment that it is started with.

    Raises:
        EnvironmentUnfit: it is not there, or has no nbflow, or another version than this process.
    """
    if not python:
        return _times(sorted({sysconfig.get_path(name) for name in ("purelib", "platlib")}))
    key = (python, variables.get("PYTHONPATH"))
    known = _known.get(key)
    if known is None or _times(known.folders) != known.installed:  # an upgrade may have changed its nbflow
        folders = _ask(python, variables)
        known = _known[key] = _Known(folders=folders, installed=_times(folders))
    return known.installed


def _ask(python: str, variables: Mapping[str, str | None]) -> tuple[str, ...]:
    """The interpreter's folders of packages, once it has said that it has this nbflow."""
    try:
        done = subprocess.run(
            [python, "-c", _QUESTION],
            cwd="/",  # no package lies there
            env=changed(os.environ, variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
        answer = json.loads(done.stdout)
    except OSError as error:
        raise EnvironmentUnfit(_SILENT.format(python=python, why=error.strerror or error)) from error
    except subprocess.CalledProcessError as error:
        words = (error.stderr or "").strip().splitlines() or [f"exit status {error.returncode}"]
        raise EnvironmentUnfit(_SILENT.format(python=python, why=words[-1])) from error
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise EnvironmentUnfit(_SILENT.format(python=python, why="it doesn't answer")) from error
    if not answer["version"]:
        raise EnvironmentUnfit(_NONE.format(python=python, ours=__version__))
    if answer["version"] != __version__:
        said = _OTHER.format(python=python, theirs=answer["version"], ours=__version__)
        raise EnvironmentUnfit(said)
    return tuple(answer["folders"])


def _times(folders: tuple[str, ...] | list[str]) -> tuple[int, ...]:
    return tuple(os.stat(folder).st_mtime_ns for folder in folders)  # noqa: PTH116 every try
