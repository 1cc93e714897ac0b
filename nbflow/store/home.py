"""The home of a project's runs: where it is, what lies in it, and who may write it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from nbflow.errors import HomeError
from nbflow.store.trust import check_owner

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
_IS_SHARED = """\
{root} holds other things and other users can enter it. Give the home a folder of its own, such as \
{variable}={root}/{name}, or keep others out: chmod 700 {root}"""
_OWN_HOME = f"set {HOME_VARIABLE} to a folder of your own"
_FOLDERS = ("tries", "handed", "callbacks", "detached", "pulls")
_OTHERS = 0o077
_LONGEST_BYTES = 100
# Where `A` and `a` name one file.
_FOLDS = sys.platform == "darwin"
# What has a meaning in paths, what hides a file or is no character, and %, which begins what stands for these.
_ESCAPED = re.compile(r"[/\\%:\x00-\x1f\x7f-\x9f\ud800-\udfff]|^\.")


def safe_name(name: str, *, folds: bool = _FOLDS) -> str:
    """A name as one part of a path: any script stays; slashes, colons, control characters, a leading dot and
    great length do not.

    Distinct names give distinct results, also where the file system takes `A` and `a` for one (`folds`).
    """
    safe = _ESCAPED.sub(lambda mark: f"%{ord(mark[0]):02X}", name) or "%"
    fits = len(safe.encode()) <= _LONGEST_BYTES
    if fits and not (folds and _folded(safe) != safe):
        return safe
    head = safe.encode()[:_LONGEST_BYTES].decode(errors="ignore")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{head}%{digest[:12]}"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


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

    @property
    def journal(self) -> Path:
        """What the scheduler says of its work, a JSON object a line; older ones have a number behind the name."""
        return self.root / "scheduler.log"

    def try_folder(self, dag_id: str, run_label: str, task_id: str, map_index: int, try_number: int) -> Path:
        """Where one try leaves everything; file names have no colons."""
        instance = safe_name(task_id).replace("[", "%5B") + (f"[{map_index}]" if map_index >= 0 else "")
        return self.root / "tries" / safe_name(dag_id) / _run_name(run_label) / instance / str(try_number)

    def run_notebook(self, dag_id: str, run_label: str) -> Path:
        """Where a run's one executed notebook lies."""
        return self.project / OUTPUT_NAME / safe_name(dag_id) / f"{_run_name(run_label)}.ipynb"

    def create(self) -> None:
        """Make the folder, private to its user and ignored by git, where it isn't there yet; one that is there
        becomes private.

        Raises:
            HomeError: it cannot be made or written, lies on a network file system, is open to others and not
                nbflow's alone, or belongs to another user (`TrustError`).
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_owner(self.root, "the home", hint=_OWN_HOME)
            self._keep_others_out()
            for name in _FOLDERS:
                (self.root / name).mkdir(mode=0o700, exist_ok=True)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                with _opened_privately(ignore, "w") as file:
                    file.write("*\n")
        except HomeError:
            raise
        except OSError as error:
            raise HomeError(_unusable(self.root, error.strerror or str(error))) from error
        kind = _file_system(self.root)
        if kind in _NETWORK:
            raise HomeError(_IS_NETWORK.format(root=self.root, kind=kind, variable=HOME_VARIABLE))

    def _keep_others_out(self) -> None:
        mode = self.root.stat().st_mode
        if not mode & _OTHERS:
            return
        if self.root.name != HOME_NAME and not self.state.exists() and any(self.root.iterdir()):
            raise HomeError(_IS_SHARED.format(root=self.root, variable=HOME_VARIABLE, name=HOME_NAME))
        self.root.chmod(0o700)
        for name in (*_FOLDERS, *(path.name for path in self.root.iterdir() if path.is_file())):
            path = self.root / name
            if path.exists():
                path.chmod(path.stat().st_mode & ~_OTHERS)


def find_home(start: Path) -> Home:
    """The home of a notebook or folder.

    `NBFLOW_HOME` if it is set; else the nearest `.nbflow` in the folder or above; else beside the
    nearest `pyproject.toml` or `.git`; else in the folder itself. Nothing is created.

    Raises:
        TrustError: it is there and belongs to another user: its pickles, notebooks and key are his.
    """
    home = _found(start)
    check_owner(home.root, "the home", hint=_OWN_HOME)
    return home


def _found(start: Path) -> Home:
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
                file = _opened_privately(self._path, "a")
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


def _opened_privately(path: Path, mode: str) -> IO[str]:
    """A file that only its user may read, whatever the umask says."""
    return open(path, mode, encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600))


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
