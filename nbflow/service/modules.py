"""Project-local modules in and out of files: a notebook's as saved, and a version's laid out to be imported."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import AddressError, HomeError
from nbflow.parse.flow import flow_of, read_flow
from nbflow.parse.hashes import digest
from nbflow.parse.modules import source_bytes, source_text, with_modules
from nbflow.store.home import find_home

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.model.flow import Flow
    from nbflow.model.record import DagRecord
    from nbflow.parse.modules import Read
    from nbflow.store.state_reader import StateReader

_NO_VERSION = (
    "the home of {dag_id} has no version {version} of its notebook; nbflow versions {dag_id} lists them."
)
_STRANGE = "the store names a module {path!r} of {dag_id}, which is no place below a notebook's folder."


def with_saved_modules(flow: Flow, path: Path) -> Flow:
    """A notebook's flow with the modules that lie below its folder now.

    Everything that looks at a notebook as saved reads it through here, so that all of it sees one version and
    finds the same squares stale.

    Args:
        flow: as parsed.
        path: of the notebook.
    """
    folder = path.resolve().parent
    return with_modules(flow, reader(folder, find_home(path).project))


def with_stored_modules(flow: Flow, modules: Mapping[str, str]) -> Flow:
    """A stored version's flow with the modules (path → source) that were stored with it."""
    return with_modules(flow, modules.get)


def saved_flow(path: Path) -> Flow:
    """The workflow of a notebook as saved, with its modules.

    Raises:
        NotebookUnreadable, FlowError: it cannot be read as a workflow.
    """
    return with_saved_modules(read_flow(path), path)


def stored_flow(state: StateReader, record: DagRecord, version: str) -> Flow:
    """The workflow of a stored version, with its modules.

    Raises:
        AddressError: the home has no such version.
        NotebookUnreadable, FlowError: this nbflow cannot read it as a workflow.
    """
    stored = state.notebook(record.dag_id, version)
    if stored is None:
        raise AddressError(_NO_VERSION.format(dag_id=record.dag_id, version=version[:12]))
    flow = flow_of(json.loads(stored), str(record.path))
    return with_stored_modules(flow, state.versions.modules(record.dag_id, version))


def reader(folder: Path, project: Path) -> Read:
    """Reads modules below a folder. A link that leads out of the folder and of the project leads nowhere.

    Args:
        folder: of the notebook, absolute, without links.
        project: the folder that its home belongs to, likewise.
    """

    def read(path: str) -> str | None:
        file = folder / path
        try:
            if not stat.S_ISREG(file.stat().st_mode):  # a pipe would wait for somebody to write
                return None
            real = file.resolve()
            if not (real.is_relative_to(folder) or real.is_relative_to(project)):
                return None
            data = file.read_bytes()
        except (OSError, ValueError):  # nobody there, or nobody may read it: whoever imports it hears of that
            return None
        return source_text(data)

    return read


def lay_out(flow: Flow, home: Path) -> Path | None:
    """A folder that holds the modules of a flow, as they lie below the notebook's; None where it has none.

    It is made once for the same modules, whole or not at all; its time of change is that of its last use.

    Args:
        flow: with its modules.
        home: the home's root.

    Raises:
        HomeError: a path leads out of the folder (somebody has changed the store), or it can't be written.
    """
    if not flow.modules:
        return None
    folder = home / "modules" / digest(sorted(flow.modules.items()))
    if folder.is_dir():
        os.utime(folder)
        return folder
    for path in flow.modules:
        check_path(path, flow.dag.dag_id)
    try:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
        try:
            _write(flow, part)
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process has been quicker
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        msg = f"the modules of {flow.dag.dag_id} can't be written to {folder} ({error.strerror or error})"
        raise HomeError(msg) from error
    return folder


def _write(flow: Flow, folder: Path) -> None:
    """Write the modules of a flow below a folder, as they lie below the notebook's; their paths are checked."""
    for path, source in flow.modules.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(source_bytes(source))


def check_path(path: str, dag_id: str) -> None:
    """Accept a module's path as the parser makes them: names, then `.py`.

    Raises:
        HomeError: it is another.
    """
    parts = path.removesuffix(".py").split("/")
    if not path.endswith(".py") or not all(map(str.isidentifier, parts)):
        raise HomeError(_STRANGE.format(path=path, dag_id=dag_id))
