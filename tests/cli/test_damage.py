"""What is damaged, full or closed is said clearly, with what to do; nothing is overwritten, and mended it goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cli.conftest import Project, write_notebook
from cli.inside import nbflow

from nbflow.errors import HomeError
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.inside import Call

__all__ = ["nbflow"]
NOTEBOOK, STATE, XCOM, KEY = "n.ipynb", ".nbflow/state.sqlite", ".nbflow/xcom.duckdb", ".nbflow/key"
CELLS = (
    '%%dag n\nschedule = "@daily"\nstart_date = "2026-01-01"',
    "%%task a\nx = [1]\ny = lambda: 3",
    "%%task b\nprint(x, y())",
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one run in its home."""
    folder = tmp_path_factory.mktemp("ran") / "p"
    folder.mkdir()
    project = Project(folder)
    project.notebook(NOTEBOOK, *CELLS)
    assert project.nbflow("run", NOTEBOOK, "2026-01-02").status == 0
    return folder


@pytest.fixture
def here(ran: Path, tmp_path: Path) -> Path:
    """It, in the folder of the test; the home knows the notebook by its new place."""
    shutil.copytree(ran, tmp_path, dirs_exist_ok=True, symlinks=True)
    with StateStore(tmp_path / STATE) as state:
        state._db.execute("UPDATE dag SET path = ?", (str(tmp_path / NOTEBOOK),))
        state._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return tmp_path


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 100)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def scratched(path: Path) -> None:
    """The first pages are sound, the rest is not."""
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


READS = (
    "list n",
    "show n.ipynb latest",
    "grid n.ipynb",
    "logs n.ipynb latest b",
    "why n.ipynb latest b",
    "status",
)
WRITES = (
    "clear n.ipynb 2026-01-02 b --yes",
    "pause n.ipynb",
    "run n.ipynb 2026-01-03",
    "trigger n 2026-01-03",
)
VALUES = (
    "xcom n.ipynb latest a",
    "xcom n.ipynb latest a y",
    "clear n 2026-01-02 b --yes",
    "run n.ipynb 2026-01-03",
)
OF_FILE = (
    "check n.ipynb",
    "graph n.ipynb",
    "run n.ipynb 2026-01-03",
    "next n.ipynb",
    "test n.ipynb latest b",
)


@dataclass(frozen=True)
class Damage:
    name: str
    path: str
    done: Callable[[Path], None]
    says: tuple[str, ...]
    verbs: tuple[str, ...]


PUT_BACK = (".ipynb_checkpoints", "nbflow versions DAG")
DAMAGES = [
    Damage("a notebook cut short", NOTEBOOK, half, ("n.ipynb", "not JSON", *PUT_BACK), OF_FILE),
    Damage("an empty notebook", NOTEBOOK, emptied, ("n.ipynb", "is empty", *PUT_BACK), OF_FILE),
    Damage("a notebook of bytes", NOTEBOOK, garbage, ("n.ipynb", "no text file", *PUT_BACK), OF_FILE),
    Damage(
        "a state of bytes",
        STATE,
        garbage,
        (STATE, "not a database", "left as it is", "move it away"),
        READS + WRITES,
    ),
    Damage(
        "a state cut short",
        STATE,
        half,
        (STATE, "malformed", "left as it is", "move it away"),
        READS + WRITES,
    ),
    Damage(
        "a state with broken pages", STATE, scratched, (STATE, "malformed", "left as it is"), READS + WRITES
    ),
    Damage("a folder for a state", STATE, folder, (STATE, "unable to open", "put right"), READS + WRITES),
    Damage(
        "XComs of bytes", XCOM, garbage, (XCOM, "not a valid DuckDB", "left as it is", "Move it away"), VALUES
    ),
    Damage("empty XComs", XCOM, emptied, (XCOM, "not a valid DuckDB", "Move it away"), VALUES),
    Damage(
        "XComs with broken pages", XCOM, scratched, (XCOM, "Corrupt", "left as it is", "Move it away"), VALUES
    ),
    Damage("a key cut short", KEY, half, (KEY, "not a key", "Put the original back"), VALUES[1:2]),
    Damage(
        "a key that is gone",
        KEY,
        lambda path: path.unlink(),
        ("does not fit its signature", "Run its task"),
        VALUES[1:2],
    ),
    Damage("a folder for a lock", ".nbflow/lock", folder, ("home", "Is a directory"), WRITES),
]
CASES = [
    pytest.param(damage, verb, id=f"{damage.name}: {verb}") for damage in DAMAGES for verb in damage.verbs
]


def contents(home: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name in (NOTEBOOK, STATE, XCOM) if (path := home / name).is_file()}


@pytest.mark.parametrize(("damage", "verb"), CASES)
def test_of(damage: Damage, verb: str, here: Path, nbflow: Call) -> None:
    damage.done(here / damage.path)
    before = contents(here)
    found = nbflow(*verb.split())
    assert found.status == 2, found.all
    for words in damage.says:
        assert words in found.err
    if damage.path in before:
        assert contents(here)[damage.path] == before[damage.path], "what is damaged is left as it is"


@pytest.mark.parametrize("path", [NOTEBOOK, STATE, XCOM], ids=["notebook", "state", "XComs"])
def test_mended_the_same_command_goes_on(path: str, here: Path) -> None:
    project = Project(here)
    sound = (here / path).read_bytes()
    garbage(here / path)
    verb = ("run", NOTEBOOK, "2026-01-03")
    assert project.nbflow(*verb).status == 2
    (here / path).write_bytes(sound)
    for end in ("-wal", "-shm", ".wal"):
        (here / f"{path}{end}").unlink(missing_ok=True)
    assert project.nbflow(*verb).status == 0
    assert project.states("n", "2026-01-03") == {"a": "success", "b": "success"}


@pytest.mark.parametrize("path", [STATE, XCOM], ids=["state", "XComs"])
def test_moved_away_it_begins_anew(path: str, here: Path) -> None:
    project = Project(here)
    garbage(here / path)
    (here / path).rename(here / "aside")
    assert project.nbflow("run", NOTEBOOK, "2026-01-03").status == 0


def test_a_damage_that_shows_in_the_middle_of_reading_is_said_too(here: Path) -> None:
    with StateStore(here / STATE) as state:
        for number in range(3000):
            state._db.execute("INSERT INTO variable VALUES (?, ?)", (f"v{number}", "x" * 200))
        state._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray((here / STATE).read_bytes())
    middle = len(data) - len(data) // 4 // 4096 * 4096
    data[middle : middle + 8 * 4096] = b"\xff" * 8 * 4096
    (here / STATE).write_bytes(data)
    with StateStore(here / STATE) as state, pytest.raises(HomeError, match=r"state\.sqlite cannot be read"):
        state.settings.variables()


def test_a_home_that_is_deleted_under_its_owner_is_missed(here: Path) -> None:
    with StateStore(here / STATE) as state:
        state.settings.set_variable("k", "v")
        shutil.rmtree(here / ".nbflow")
        with pytest.raises(HomeError, match=r"state\.sqlite is gone: the home was deleted or moved"):
            state.settings.set_variable("k", "w")
    assert not (here / ".nbflow").exists()


def test_another_home_in_its_place_is_not_written(here: Path) -> None:
    with StateStore(here / STATE) as state:
        (here / STATE).rename(here / "aside")
        with StateStore(here / STATE) as other:
            other.settings.set_variable("k", "theirs")
            with pytest.raises(HomeError, match="is gone"):
                state.settings.set_variable("k", "ours")
            assert other.settings.variables() == {"k": "theirs"}


def test_a_run_whose_home_is_deleted_ends_and_says_so(here: Path) -> None:
    write_notebook(here / "gone.ipynb", "%%task a\nimport shutil\nshutil.rmtree('.nbflow')", "%%task b\n1")
    done = Project(here).nbflow("run", "gone.ipynb")
    assert done.status == 2, done.all
    assert "is gone" in done.err


MOUNTS = """\
set -e
mount --make-rprivate /
{mount}
cd {folder}
exec {python} -m nbflow "$@"
"""


def mounted(mount: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`nbflow` in a name space of its own, where something is mounted."""
    script = MOUNTS.format(mount=mount, folder=folder, python=sys.executable)
    ask = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    return subprocess.run(
        [*ask, "sh", "-c", script, "sh", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.needs("mounts")
@pytest.mark.parametrize("verb", ["run n.ipynb 2026-01-03", "variables set a b"])
def test_a_read_only_home_is_said(verb: str, here: Path) -> None:
    read_only = f"mount --bind {here}/.nbflow {here}/.nbflow; mount -o remount,ro,bind {here}/.nbflow"
    done = mounted(read_only, here, *verb.split())
    assert done.returncode == 2, done.stdout + done.stderr
    assert ".nbflow" in done.stderr
    assert "cannot be" in done.stderr
    assert 'File "' not in done.stderr
    assert Project(here).nbflow("variables", "set", "a", "b").status == 0


@pytest.mark.needs("mounts")
def test_a_full_disk_is_said_and_with_room_the_same_command_goes_on(here: Path) -> None:
    write_notebook(here / "big.ipynb", "%%task a\nx = bytes(range(256)) * 40_000", "%%task b\nprint(len(x))")
    aside = here / "aside"
    aside.mkdir()
    small = f"mount -t tmpfs -o size=2560k tmpfs {here}/.nbflow"
    done = mounted(small, here, "run", "big.ipynb", "2026-01-03T00:00")
    assert done.returncode in (1, 2), done.stdout + done.stderr
    said = (done.stdout + done.stderr).lower()
    assert "no space left" in said or "full" in said or "enough" in said, said
    assert 'File "' not in done.stderr
    assert Project(here).nbflow("run", "big.ipynb", "2026-01-03T00:00").status == 0
