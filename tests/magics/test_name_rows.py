"""The names a cell can use, by hand: the same as in a run of the chosen date, until the date is reset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import nbflow
from nbflow.model.context import CONTEXT_NAMES, context_of
from nbflow.model.messages import RunMove
from nbflow.model.run import Interval, RunKey, RunType, TaskKey, run_id_of
from nbflow.model.state import RunState
from nbflow.store.home import find_home
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREVIOUS = ("prev_data_interval_start_success", "prev_data_interval_end_success")


def day(number: int) -> Interval:
    """The day of January 2013, in Seoul."""
    start = datetime(2013, 1, number, tzinfo=UTC) - timedelta(hours=9)
    end = start + timedelta(days=1)
    return Interval(logical_date=start, start=start, end=end, due=end)


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A saved notebook of a daily DAG in Seoul."""
    path = tmp_path / "mine.ipynb"
    cells = ("%%dag mine\nschedule = '@daily'\ntimezone = 'Asia/Seoul'", "%%task load\n1")
    nbformat.write(nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)]), path)
    return path


@pytest.fixture
def shell(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    shell.run_line_magic("load_ext", "nbflow")
    yield shell
    shell.run_line_magic("unload_ext", "nbflow")


def ran(shell: InteractiveShell, cell: str) -> object:
    result = shell.run_cell(cell)
    result.raise_error()
    return result.result


def with_run(notebook: Path, interval: Interval, ended: RunState) -> None:
    """A run of the notebook's DAG that has ended so."""
    home = find_home(notebook)
    home.create()
    key, at = RunKey("mine", run_id_of(interval.logical_date)), interval.end
    with StateStore(home.state) as state:
        state.take_ownership("pytest", at)
        with state.writing():
            state.save_dag("mine", path=notebook, version="v", timezone="Asia/Seoul", notebook="{}", at=at)
            state.save_run(
                key,
                interval=interval,
                run_type=RunType.MANUAL,
                variant="",
                params={},
                version="v",
                max_tries={},
                at=at,
            )
            states = (RunState.QUEUED, RunState.RUNNING, ended)
            state.record(
                [RunMove(at=at, run=key, old=old, new=new, reason="said") for old, new in pairwise(states)]
            )


def test_each_has_the_value_that_a_run_of_the_date_gives_it(shell: InteractiveShell) -> None:
    ran(shell, "%dag --date 2013-01-03")
    ran(shell, "%%task load\n1")
    key = TaskKey(RunKey("mine", run_id_of(day(3).logical_date)), "load")
    expected = context_of(key, day(3), timezone="Asia/Seoul", params={})
    assert {name: shell.user_ns[name] for name in expected} == expected
    assert all(shell.user_ns[name] is getattr(nbflow, name) for name in CONTEXT_NAMES)


def test_the_latest_success_before_the_date_is_the_store_s(notebook: Path, shell: InteractiveShell) -> None:
    for number, ended in ((1, RunState.SUCCESS), (2, RunState.FAILED), (5, RunState.SUCCESS)):
        with_run(notebook, day(number), ended)
    shown = ", ".join(f"{name} and f'{{{name}:%d}}'" for name in PREVIOUS)
    for date, expected in (
        ("2013-01-03", ("01", "02")),
        ("2013-01-06", ("05", "06")),
        ("2013-01-01", (None, None)),
    ):
        ran(shell, f"%dag --date {date}")
        assert ran(shell, shown) == expected


def test_a_home_that_cannot_be_read_leaves_the_other_names(notebook: Path, shell: InteractiveShell) -> None:
    home = find_home(notebook)
    home.create()
    home.state.write_text("no database")
    ran(shell, "%dag --date 2013-01-03")
    assert ran(shell, f"ds, {', '.join(PREVIOUS)}") == ("2013-01-03", None, None)


@pytest.mark.parametrize("name", CONTEXT_NAMES)
def test_what_the_notebook_assigns_is_never_set_and_can_be_imported(
    name: str, shell: InteractiveShell
) -> None:
    ran(shell, f"{name} = 'own'")
    ran(shell, "%dag --date 2013-01-03")
    assert ran(shell, name) == "own"
    assert ran(shell, f"from nbflow import {name} as theirs\ntheirs") != "own"


def test_reset_ends_it(shell: InteractiveShell) -> None:
    before = {name: shell.user_ns[name] for name in CONTEXT_NAMES}
    ran(shell, "%dag --date 2013-01-03")
    assert shell.user_ns["ds"] == "2013-01-03" != before["ds"]
    ran(shell, "%dag --date reset")
    assert {name: shell.user_ns[name] for name in ("ds", "ts", "data_interval_end")} == {
        name: before[name] for name in ("ds", "ts", "data_interval_end")
    }
