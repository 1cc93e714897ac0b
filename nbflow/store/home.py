"""The home of a project's runs: where it is, what lies in it, and who may write it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from nbflow.errors import HomeError

if TYPE_CHECKING:
    from types import TracebackType

HOME_NAME = ".nbflow"
HOME_VARIABLE = "NBFLOW_HOME"
OUTPUT_NAME = "nbflow-runs"
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "fuse.sshfs", "9p", "glusterfs", "lustre"}
)

_IS_NETWORK = """\
the home {root} would lie on a network file system ({kind}), where locks and SQLite's write-ahead log are \
not safe. Set {variable} to a folder on a local disk."""
_IS_UNUSABLE = "the home {root} cannot be used: {why}. Set {variable} to a folder you can write."
_LONGEST_BYTES = 100


def safe_name(name: str) -> str:
    """A name as one part of a path: any script stays; slashes, colons, a leading dot and great length do not.

    Distinct names give distinct results.
    """
    safe = re.sub(r"[/\\\0%:]|^\.", lambda mark: f"%{ord(mark[0]):02X}", name)
    if len(safe.encode()) <= _LONGEST_BYTES:
        return safe
    head = safe.encode()[:_LONGEST_BYTES].decode(errors="ignore")
    return f"{head}%{hashlib.sha256(name.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of one home.

    Attributes:
        root: the `.nbflow` folder itself, absolute.
        project: the folder it belongs to; executed notebooks lie there, visible to Jupyter.
    """

    root: Path
    project: Path

    @property
    def state(self) -> Path:
        """The SQLite file: runs, task instances, tries, commands."""
        return self.root / "state.sqlite"

    @property
    def xcom(self) -> Path:
        """The DuckDB file: XComs."""
        return self.root / "xcom.duckdb"

    @property
    def handed(self) -> Path:
        """What tasks handed on in files, while their runs go on; the owner's."""
        return self.root / "handed"

    def try_folder(self, dag_id: str, run_label: str, task_id: str, map_index: int, try_number: int) -> Path:
        """Where one try leaves everything; file names have no colons."""
        instance = safe_name(task_id) + (f"[{map_index}]" if map_index >= 0 else "")
        return self.root / "tries" / safe_name(dag_id) / _run_name(run_label) / instance / str(try_number)

    def run_notebook(self, dag_id: str, run_label: str) -> Path:
        """Where a run's one executed notebook lies."""
        return self.project / OUTPUT_NAME / safe_name(dag_id) / f"{_run_name(run_label)}.ipynb"

    def create(self) -> None:
        """Make the folder, private to its user and ignored by git, where it isn't there yet.

        Raises:
            HomeError: it cannot be made or written, or lies on a network file system.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as error:
            raise HomeError(_unusable(self.root, error.strerror or str(error))) from error
        kind = _file_system(self.root)
        if kind in _NETWORK:
            raise HomeError(_IS_NETWORK.format(root=self.root, kind=kind, variable=HOME_VARIABLE))


def find_home(start: Path) -> Home:
    """The home of a notebook or folder.

    `NBFLOW_HOME` if it is set; else the nearest `.nbflow` in the folder or above; else beside the
    nearest `pyproject.toml` or `.git`; else in the folder itself. Nothing is created.
    """
    folder = start.resolve()
    if not folder.is_dir():
        folder = folder.parent
    named = os.environ.get(HOME_VARIABLE)
    if named:
        root = Path(named).expanduser().resolve()
        return Home(root, root.parent if root.name == HOME_NAME else folder)
    above = (folder, *folder.parents)
    for parent in above:
        if (parent / HOME_NAME).is_dir():
            return Home(parent / HOME_NAME, parent)
    for parent in above:
        if (parent / "pyproject.toml").exists() or (parent / ".git").exists():
            return Home(parent / HOME_NAME, parent)
    return Home(folder / HOME_NAME, folder)


class HomeLock:
    """The right to write a home, held for the life of its process by an OS lock.

    A context manager; `acquire` says whether it was free.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.root / "lock"
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Take the lock if nobody holds it; whether it is ours now."""
        if self._file is None:
            try:
                file = self._path.open("a")
            except OSError as error:
                raise HomeError(_unusable(self._path.parent, error.strerror or str(error))) from error
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            self._file = file
        return True

    def release(self) -> None:
        """Let others have it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _run_name(label: str) -> str:
    """A run's label as part of a path: its time without colons; a variant's name keeps its own, escaped."""
    time, tilde, variant = label.partition("~")
    return safe_name(time.replace(":", "") + tilde + variant)


def is_held(home: Home) -> bool:
    """Whether some process holds the home now: what is running there really runs."""
    try:
        with (home.root / "lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _unusable(root: Path, why: str) -> str:
    return _IS_UNUSABLE.format(root=root, why=why, variable=HOME_VARIABLE)


def _file_system(path: Path) -> str:
    """The type of the file system a path lies on, "" where the system doesn't say (Linux says)."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    found, kind = "", ""
    for line in mounts.read_text().splitlines():
        _, point, this_kind, *_ = line.split()
        point = point.replace("\\040", " ")
        under = path == Path(point) or point == "/" or str(path).startswith(point.rstrip("/") + "/")
        if under and len(point) >= len(found):
            found, kind = point, this_kind
    return kind
