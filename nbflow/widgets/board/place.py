"""Where a board's page finds its Jupyter server, and how that server names the notebook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SESSION = "JPY_SESSION_NAME"  # Jupyter Server gives it to each kernel of a notebook
_PARENT = "JPY_PARENT_PID"  # the process that started the kernel
API = "/nbflow/api"


def server_place(notebook: Path, environment: Mapping[str, str]) -> tuple[str, str]:
    """The path of nbflow's routes on the page's Jupyter server, "" where no server started this kernel; and the
    notebook as that server knows it: relative to its root, absolute where the root isn't known.

    Args:
        notebook: absolute.
        environment: the kernel's environment variables.
    """
    if not environment.get(_SESSION):
        return "", str(notebook)
    root = _root(environment.get(_PARENT, ""))
    if root is not None and notebook.is_relative_to(root):
        return API, notebook.relative_to(root).as_posix()
    return API, str(notebook)


def _root(process: str) -> Path | None:
    """The root folder of the Jupyter server that runs as this process, from what it says of itself."""
    from jupyter_core.paths import jupyter_runtime_dir

    try:
        said = json.loads((Path(jupyter_runtime_dir()) / f"jpserver-{process}.json").read_text("utf-8"))
        return Path(said["root_dir"]).resolve()
    except (OSError, ValueError, KeyError, TypeError):
        return None
