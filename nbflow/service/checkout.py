"""A stored version as files again: its notebook, and the modules that it imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.errors import OptionError
from nbflow.parse.modules import source_bytes
from nbflow.service.modules import check_path
from nbflow.service.versions import version_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbflow.model.flow import Flow
    from nbflow.service.lookup import Target
    from nbflow.store.state import StateStore

_THERE = "{file} is there already and holds something else; name another folder."


def version_files(state: StateStore, target: Target, flow: Flow) -> dict[str, bytes]:
    """Relative path → content of the files of a version.

    Args:
        state: of the target's home.
        target: the DAG.
        flow: the version (`versions.find_version`).

    Raises:
        AddressError: the home doesn't have it: the notebook as saved has not run yet.
        HomeError: a module's path leads out of a folder: somebody has changed the store.
    """
    files = {target.path.name: version_text(state, target, flow.version).encode() + b"\n"}
    for path, source in flow.modules.items():
        check_path(path, target.dag_id)
        files[path] = source_bytes(source)
    return files


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files below a folder, which is made if need be. What is there with the same content stays.

    Raises:
        OptionError: a file is there with another content; nothing has been written then.
        OSError: it can't be written.
    """
    for path, content in files.items():
        file = folder / path
        if file.exists() and (not file.is_file() or file.read_bytes() != content):
            raise OptionError(_THERE.format(file=file))
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
