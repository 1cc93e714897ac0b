"""Where the home is, what its paths look like, and who may hold it."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.errors import HomeError
from nbflow.store.home import Home, HomeLock, find_home, safe_name
from nbflow.store.state import StateStore
from nbflow.store.xcom import XComStore


@dataclass(frozen=True)
class Case:
    name: str
    made: tuple[str, ...]  # files and folders (with a slash at the end) below the root
    start: str
    home: str


CASES = [
    Case("the nearest .nbflow above", (".nbflow/", "a/b/"), "a/b", ".nbflow"),
    Case("a nearer .nbflow wins", (".nbflow/", "a/.nbflow/", "a/b/"), "a/b", "a/.nbflow"),
    Case("beside pyproject.toml", ("pyproject.toml", "a/b/"), "a/b", ".nbflow"),
    Case("beside .git", (".git/", "a/"), "a", ".nbflow"),
    Case("the start may be a notebook", (".git/", "a/", "a/n.ipynb"), "a/n.ipynb", ".nbflow"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_home_is(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBFLOW_HOME", raising=False)
    for made in case.made:
        path = tmp_path / made
        if made.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.touch()
    found = find_home(tmp_path / case.start)
    assert found.root == tmp_path / case.home
    assert found.project == found.root.parent
    assert not found.state.exists()


def test_the_variable_names_the_home_and_runs_stay_beside_the_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBFLOW_HOME", str(tmp_path / "elsewhere"))
    (tmp_path / "work").mkdir()
    found = find_home(tmp_path / "work")
    assert (found.root, found.project) == (tmp_path / "elsewhere", tmp_path / "work")


def test_a_new_home_is_private_and_ignored_by_git(tmp_path: Path) -> None:
    home = Home(tmp_path / ".nbflow", tmp_path)
    home.create()
    assert home.root.stat().st_mode & 0o777 == 0o700
    assert (home.root / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077], ids=oct)
def test_whatever_the_umask_says_only_its_user_reads_what_lies_in_a_home(mask: int, tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / ".nbflow", tmp_path)
    before = os.umask(mask)
    try:
        home.create()
        with HomeLock(home) as lock, StateStore(home.state) as state, XComStore.open(home.root) as xcoms:
            assert lock.acquire()
            state.take_ownership("pytest", datetime(2026, 1, 1, tzinfo=UTC))
            xcoms.get_ready()
            found = {path.name: path.stat().st_mode & 0o777 for path in home.root.iterdir()}
    finally:
        os.umask(before)
    assert {"state.sqlite", "state.sqlite-wal", "state.sqlite-shm", "lock", "tries"} < set(found)
    inside = {name: oct(mode) for name, mode in found.items() if mode & 0o077 and name != "xcom.duckdb.wal"}
    assert home.root.stat().st_mode & 0o777 == 0o700
    assert inside == {}


def test_a_home_that_was_open_becomes_private(tmp_path: Path) -> None:
    home = Home(tmp_path / ".nbflow", tmp_path)
    home.root.mkdir()
    (home.root / "state.sqlite").touch()
    for path in (home.root, home.state):
        path.chmod(0o777)
    home.create()
    assert [path.stat().st_mode & 0o077 for path in (home.root, home.state)] == [0, 0]


def test_an_open_folder_of_other_things_is_no_home(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "theirs.txt").touch()
    shared.chmod(0o755)
    with pytest.raises(HomeError, match=r"NBFLOW_HOME=.*shared/\.nbflow"):
        Home(shared, tmp_path).create()
    assert shared.stat().st_mode & 0o777 == 0o755


def test_a_home_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match="Set NBFLOW_HOME"):
        Home(tmp_path / "file" / ".nbflow", tmp_path).create()


NAMES = [
    "load",
    "추출",
    "a b",
    "{x}",
    "../../etc",
    ".hidden",
    "a/b",
    "a%2Fb",
    "x" * 300,
    "x" * 299 + "y",
    "é" * 200,
]


def test_names_become_distinct_parts_of_a_path_that_stay_inside() -> None:
    safe = [safe_name(name) for name in NAMES]
    assert len(set(safe)) == len(NAMES)
    assert all("/" not in name and not name.startswith(".") and len(name.encode()) < 128 for name in safe)
    assert safe[:4] == NAMES[:4]


HOSTILE = st.text(
    st.sampled_from([*"aAbB./%:\\\0\n~[]", "ß", "ẞ", "é", "e", "\u0301", "İ", "\ud800", "\udcff"])
    | st.characters(codec=None),
    max_size=30,
) | st.sampled_from([".", "..", "", "../..", "/etc/passwd", "-", "~", "CON", "a" * 400, "/" * 200, "\0"])


@given(HOSTILE, HOSTILE)
def test_any_two_names_become_two_parts_of_a_path_and_neither_leads_away(one: str, other: str) -> None:
    for folds in (False, True):
        first, second = safe_name(one, folds=folds), safe_name(other, folds=folds)
        for part in (first, second):
            assert part not in (".", "..")
            assert not {"/", "\0"} & set(part)
            assert len(os.fsencode(part)) <= 120
        assert (one == other) is (first == second)
    assert (one == other) is (_folded(safe_name(one, folds=True)) == _folded(safe_name(other, folds=True)))


@given(HOSTILE, HOSTILE, HOSTILE, st.integers(-1, 3))
def test_no_dag_run_or_task_leads_out_of_the_home(dag_id: str, label: str, task_id: str, index: int) -> None:
    home = Home(Path("/p/.nbflow"), Path("/p"))
    folder = home.try_folder(dag_id, label, task_id, index, 1)
    notebook = home.run_notebook(dag_id, label)
    assert Path(os.path.normpath(folder)).parents[3] == home.root / "tries"
    assert Path(os.path.normpath(notebook)).parents[1] == home.project / "nbflow-runs"
    if index >= 0:
        assert folder != home.try_folder(dag_id, label, f"{task_id}[{index}]", -1, 1)


def _folded(name: str) -> str:
    """As a file system has it that takes `A` and `a`, and é and e´, for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def test_one_process_at_a_time_holds_the_lock_and_death_frees_it(tmp_path: Path) -> None:
    home = Home(tmp_path / ".nbflow", tmp_path)
    home.create()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            (
                "import sys; from pathlib import Path; from nbflow.store.home import Home, HomeLock\n"
                "lock = HomeLock(Home(Path(sys.argv[1]), Path('.'))); print(lock.acquire(), flush=True)\n"
                "sys.stdin.read()"
            ),
            str(home.root),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder, HomeLock(home) as lock:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert not lock.acquire()
        holder.kill()
        holder.wait()
        assert lock.acquire()
        assert lock.acquire(), "asking again for what one holds is fine"


def test_runs_of_distinct_labels_have_distinct_places_without_colons(tmp_path: Path) -> None:
    home = Home(tmp_path / ".nbflow", tmp_path)
    labels = ["2026-01-01T06:00", "2026-01-01T06:00:30", "2026-01-01~a:b", "2026-01-01~ab", "2026-01-01~a/b"]
    folders = {home.try_folder("d", label, "t", -1, 1) for label in labels}
    notebooks = {home.run_notebook("d", label) for label in labels}
    assert len(folders) == len(notebooks) == len(labels)
    assert not any(":" in str(path) for path in folders | notebooks)
    assert home.run_notebook("d", labels[0]).name == "2026-01-01T0600.ipynb"
