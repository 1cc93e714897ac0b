"""Which notebook this kernel belongs to, and that notebook as saved."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import AddressError, NbflowError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.model.flow import Flow

_SESSION = "JPY_SESSION_NAME"  # Jupyter Server ≥ 2 gives it to each kernel
_VSCODE = "__vsc_ipynb_file__"  # VS Code puts it into the kernel's namespace
_VSCODE_SUFFIX = re.compile(r"-jvsc-[0-9a-f-]+\.ipynb$|(?<=\.ipynb)-jvsc-.*$")

_UNKNOWN = """\
this kernel doesn't know which notebook it belongs to (neither Jupyter Server nor VS Code said so). \
Pass its path: %nbflow {command}NOTEBOOK.ipynb"""
_GONE = """\
this kernel was started for {path}, which is not there (any more; renamed?). Save the notebook, or pass \
its path: %nbflow {command}NOTEBOOK.ipynb"""


def find_notebook(namespace: Mapping[str, object], environment: Mapping[str, str]) -> Path | None:
    """Where the kernel's notebook should lie, as its front end said; None when none did.

    Args:
        namespace: the kernel's user namespace.
        environment: the kernel's environment variables.
    """
    told = namespace.get(_VSCODE)
    if not (isinstance(told, str) and told):
        told = environment.get(_SESSION, "")
    if not told:
        return None
    path = Path(_VSCODE_SUFFIX.sub("", told))
    if path.suffix != ".ipynb" and path.with_suffix(".ipynb").exists():
        path = path.with_suffix(".ipynb")
    # Older servers give the path relative to the server's root; the kernel stands in its last folder.
    return path if path.is_absolute() or path.exists() else Path(path.name)


def this_notebook(command: str, namespace: Mapping[str, object], environment: Mapping[str, str]) -> Path:
    """The kernel's notebook.

    Args:
        command: the `%nbflow` command that asks, for the message; "" for `%nbflow` alone.
        namespace: the kernel's user namespace.
        environment: the kernel's environment variables.

    Raises:
        AddressError: no front end said which it is, or it is not there; the message says to pass it.
    """
    path = find_notebook(namespace, environment)
    command = f"{command} " if command else ""
    if path is None:
        raise AddressError(_UNKNOWN.format(command=command))
    if not path.is_file():
        raise AddressError(_GONE.format(path=path, command=command))
    return path


class SavedFlow:
    """A notebook's flow, read again only when its file has changed."""

    def __init__(self) -> None:
        self._read: tuple[Path, int, Flow | None] | None = None

    def of(self, path: Path) -> Flow | None:
        """The flow of the file as it is now; None where it can't be read or its cells make no DAG."""
        try:
            changed = path.stat().st_mtime_ns
            if self._read is None or self._read[:2] != (path, changed):
                self._read = (path, changed, _flow_or_none(path))
        except OSError:
            return None
        return self._read[2]


def _flow_or_none(path: Path) -> Flow | None:
    from nbflow.parse.flow import read_flow

    try:
        return read_flow(path)
    except NbflowError:
        return None
