"""`nbflow status`, `nbflow clean` and `nbflow service`, as people and programs call them."""

from __future__ import annotations

import os
import plistlib
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli.inside import nbflow, written
from service.conftest import AT, CODE, day

from nbflow.errors import OptionError
from nbflow.model.state import RunState
from nbflow.service.clock import now
from nbflow.service.unit import unit_of
from nbflow.store.home import Home, HomeLock

if TYPE_CHECKING:
    from cli.inside import Call
    from service.conftest import Written

__all__ = ["nbflow", "written"]
S = RunState.SUCCESS


def test_without_a_scheduler_the_status_is_3(nbflow: Call, tmp_path: Path) -> None:
    found = nbflow("status")
    assert found.status == 3
    assert re.search(r"scheduler +none lives", found.out)
    assert re.search(r"keeps +runs until 90 days after their end", found.out)
    assert not (tmp_path / ".nbflow").exists(), "looking makes no home"


def test_with_a_scheduler_it_is_0_and_everything_is_told(nbflow: Call, written: Written) -> None:
    written.run(written.flow(*CODE), day(1), {"a": "S", "b": "."}, RunState.RUNNING)
    with written.state.writing():
        written.state.schedules.set_error(written.folder / "bad.ipynb", "", "cell 1: \x1b[2J", AT)
    written.state.take_ownership("nbflow schedule --parallelism 4", now())
    with HomeLock(Home(written.folder / ".nbflow", written.folder)) as lock:
        assert lock.acquire()
        found, as_json = nbflow("status"), nbflow("status", "--json")
    assert (found.status, as_json.status) == (0, 0)
    assert re.search(r"scheduler +lives: nbflow schedule --parallelism 4 \(process \d+ on ", found.out)
    assert re.search(r"slots +0 of 4 taken", found.out)
    assert re.search(r"queue +1 to come; in 1 run\n", found.out)
    assert re.search(r"can't be scheduled .*bad\.ipynb.*\n  cell 1: \\x1b\[2J", found.out)
    said = as_json.json()
    assert said["alive"] is True
    assert said["slots"] == {"taken": 0, "of": 4}
    assert said["queue"] == {"none": 1}
    assert said["owner"]["pid"] == os.getpid()
    assert said["import_errors"][0]["error"] == "cell 1: \x1b[2J"
    assert set(said["sizes"]) == {"state", "xcoms", "tries", "logs", "notebooks"}


def test_clean_lists_asks_and_removes(nbflow: Call, written: Written) -> None:
    for number in (1, 2, 3):
        written.run(written.flow(*CODE), day(number), {"a": "S"}, S)
    written.state._db.execute("UPDATE run SET ended = '2026-01-05T00:00:00.000000Z'")
    listed = nbflow("clean", "--keep", "7d", "--dry-run")
    assert re.search(r"^n +2 +2026-01-01 +2026-01-02$", listed.out, re.MULTILINE)
    assert [one["run_id"][:10] for one in nbflow("clean", "--keep", "7d", "--dry-run", "--json").json()] == [
        "2026-01-01",
        "2026-01-02",
    ]
    assert len(written.state.runs("n")) == 3
    done = nbflow("clean", "--keep", "7d", "--dag", "n", "--yes")
    assert (done.status, "removed: 2 runs, 2 tries" in done.out) == (0, True)
    assert [run.key.run_id[:10] for run in written.state.runs("n")] == ["2026-01-03"]
    again = nbflow("clean", "--keep", "7d", "--yes")
    assert "nothing to clean: no run ended more than 7 days ago" in again.out


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--keep", "soon"), 2, "--keep: 'soon' is no duration"),
        (("--keep", "never"), 0, "everything is kept"),
        (("--dag", "nope"), 2, "no DAG 'nope'"),
        ((), 0, "holds nothing yet"),
    ],
)
def test_clean_where_there_is_nothing_to_do(
    words: tuple[str, ...], status: int, says: str, nbflow: Call, tmp_path: Path
) -> None:
    found = nbflow("clean", *words)
    assert (found.status, says in found.all) == (status, True)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def config(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder / "systemd" / "user"


def test_a_service_is_installed_shown_and_removed(nbflow: Call, config: Path) -> None:
    assert nbflow("service", "show").status == 2
    shown = nbflow("service", "install", "--dry-run", "--", "--parallelism", "2")
    assert "ExecStart=" in shown.out
    assert not config.exists()
    done = nbflow("service", "install", "--", "--parallelism", "2")
    (unit,) = config.iterdir()
    assert f"systemctl --user enable --now {unit.name}" in done.out
    assert "loginctl enable-linger" in done.out
    assert unit.read_text() in nbflow("service", "show").out
    assert "would remove" in nbflow("service", "uninstall", "--dry-run").out
    assert unit.exists()
    removed = nbflow("service", "uninstall")
    assert (removed.status, unit.exists()) == (0, False)
    assert f"systemctl --user stop {unit.name}" in removed.out


def test_only_with_now_is_the_system_told(
    nbflow: Call, config: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("bin")
    calls = folder / "calls"
    for status in (0, 1):
        tool = folder / "systemctl"
        tool.write_text(f'#!/bin/sh\necho "$@" >> {shlex.quote(str(calls))}\nexit {status}\n')
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")
        assert nbflow("service", "install").status == 0
        assert not calls.exists()
        found = nbflow("service", "install", "--now")
        assert found.status == (2 if status else 0)
        (unit,) = config.glob("*.service")
        assert calls.read_text().splitlines()[0] == "--user daemon-reload"
        calls.unlink()
    assert "failed with exit status 1" in found.err
    assert unit.exists()


HOSTILE = [
    "plain",
    "with space",
    "100%n",
    "$HOME",
    'quo"te',
    "apo'strophe",
    "back\\slash",
    "semi;colon",
    "#hash",
    "추출",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_unit_says_any_path_as_systemd_reads_it(name: str, tmp_path: Path) -> None:
    home = Home(tmp_path / name / ".nbflow", tmp_path / name)
    python = str(tmp_path / name / "bin" / "python")
    unit = unit_of(
        home,
        python=python,
        arguments=["--grace", name],
        environment={"NBFLOW_KEEP": name, "SECRET": "x", "XDG_CONFIG_HOME": str(tmp_path)},
        platform="linux",
    )
    lines = dict(line.split("=", 1) for line in unit.text.splitlines() if "=" in line)
    assert lines["WorkingDirectory"].replace("%%", "%") == str(home.project)
    words = [word.replace("%%", "%") for word in shlex.split(lines["ExecStart"])]
    assert [words[0], *(word.replace("$$", "$") for word in words[1:])] == [
        python,
        "-m",
        "nbflow",
        "schedule",
        "--grace",
        name,
    ]
    (variable,) = shlex.split(lines["Environment"])
    assert variable.replace("%%", "%") == f"NBFLOW_KEEP={name}"
    assert "SECRET" not in unit.text
    assert re.fullmatch(r"nbflow-[a-z0-9-]+\.service", unit.name)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_launchd_agent_says_any_path_too(name: str, tmp_path: Path) -> None:
    home = Home(tmp_path / name / ".nbflow", tmp_path / name)
    unit = unit_of(home, python="/py thon", arguments=[name], environment={"PATH": name}, platform="darwin")
    said = plistlib.loads(unit.text.encode())
    assert said["ProgramArguments"] == ["/py thon", "-m", "nbflow", "schedule", name]
    assert said["WorkingDirectory"] == str(home.project)
    assert said["EnvironmentVariables"] == {"PATH": name}
    assert said["KeepAlive"] == {"SuccessfulExit": False}
    assert unit.path == Path.home() / "Library" / "LaunchAgents" / f"{said['Label']}.plist"


def test_namesakes_of_other_folders_are_other_services(tmp_path: Path) -> None:
    names = {
        unit_of(Home(tmp_path / place / "p" / ".nbflow", tmp_path / place / "p"), platform="linux").name
        for place in ("a", "b")
    }
    assert len(names) == 2


def test_what_a_unit_cannot_say_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="line end"):
        unit_of(Home(tmp_path / "a\nb" / ".nbflow", tmp_path / "a\nb"), platform="linux")
    with pytest.raises(OptionError, match="win32 has neither"):
        unit_of(Home(tmp_path / ".nbflow", tmp_path), platform="win32")


@pytest.mark.needs("systemd-analyze")
def test_systemd_itself_takes_the_unit(tmp_path: Path) -> None:
    (tmp_path / "100% 'x'").mkdir()
    unit = unit_of(Home(tmp_path / "100% 'x'" / ".nbflow", tmp_path / "100% 'x'"), platform="linux")
    path = tmp_path / unit.name
    path.write_text(unit.text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(path)],
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert said == []
