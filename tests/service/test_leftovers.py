"""What a session that was killed had still to do is done by the next; what a living one has is left alone."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

import nbformat
import pytest
from service.fakes import FakeExecutor
from service.test_scheduler import stage

from nbflow.execute.sockets import socket_folder
from nbflow.model.work import INPUTS_FOLDER, STAGING_FOLDER
from nbflow.service.clock import now
from nbflow.service.leftovers import claimed, clear_up, keep_in_mind
from nbflow.service.session import owned_home
from nbflow.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.model.run import RunKey


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / ".nbflow", tmp_path)
    found.create()
    return found


def killed(home: Home) -> Path:
    """What a session leaves that was killed while it had files for its tasks."""
    folder = home.root / "pulls" / "of-the-dead"
    folder.mkdir(parents=True)
    (folder / "0-x.pickle").touch()
    return folder


def ran(home: Home) -> RunKey:
    """A run of one task that has ended."""
    with stage(home.project, FakeExecutor()) as s:
        (run,) = s.open("%%task a\n1")
        s.scheduler.run_until_idle()
    return run


def clear_up_after(home: Home) -> None:
    with owned_home(home, what="pytest") as state:
        clear_up(home, state)


def test_files_for_tasks_and_sockets_of_a_dead_session_go(home: Home) -> None:
    folder, sockets = killed(home), socket_folder()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(sockets / "xcom"))
    keep_in_mind(folder, sockets)
    clear_up_after(home)
    assert not folder.exists()
    assert not sockets.exists()


def test_a_folder_with_more_than_sockets_is_nobody_s_to_remove(home: Home, tmp_path: Path) -> None:
    folder = killed(home)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    keep_in_mind(folder, tmp_path / "mine")
    clear_up_after(home)
    assert (tmp_path / "mine" / "file").exists()


def test_files_of_a_living_session_stay_until_it_ends(home: Home) -> None:
    with claimed(home.root / "pulls" / "mine") as folder:
        killed(home)
        clear_up_after(home)
        assert [path.name for path in folder.parent.iterdir()] == ["mine"]
    assert not folder.exists()


@pytest.mark.parametrize("left", ["nothing", "that of an earlier end", "a part of it"])
def test_a_run_whose_notebook_its_session_did_not_come_to_write_gets_it(home: Home, left: str) -> None:
    ran(home)
    path = home.run_notebook("n", "2026-01-01")
    written = path.read_text()
    match left:
        case "that of an earlier end":
            path.write_text("of old")
            long_ago = (now() - timedelta(hours=1)).timestamp()
            os.utime(path, (long_ago, long_ago))
        case "a part of it":
            path.unlink()
            (path.parent / ".abc.tmp").write_text(written[:20])
        case _:
            path.unlink()
    killed(home)
    clear_up_after(home)
    assert nbformat.reads(path.read_text(), as_version=4).cells[-1].outputs[0].text == "a success"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_notebook_that_was_written_stays_as_somebody_has_changed_it(home: Home) -> None:
    ran(home)
    path = home.run_notebook("n", "2026-01-01")
    path.write_text("noted something in it")
    killed(home)
    clear_up_after(home)
    assert path.read_text() == "noted something in it"


def test_encoded_values_of_a_try_that_is_stored_go(home: Home) -> None:
    run = ran(home)
    folder = home.try_folder(run.dag_id, "2026-01-01", "a", -1, 1)
    for name in (INPUTS_FOLDER, STAGING_FOLDER):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "0-x.arrow").touch()
    clear_up_after(home)
    assert (folder / INPUTS_FOLDER / "0-x.arrow").exists()  # nobody was killed
    killed(home)
    clear_up_after(home)
    assert not list(folder.glob("*/*.arrow"))
