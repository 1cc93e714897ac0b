"""The grid in a terminal."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from rich.console import Console

from nbflow.model.state import TaskState
from nbflow.widgets.look import LOOKS
from nbflow.widgets.terminal import grid_lines, grid_text

if TYPE_CHECKING:
    from nbflow.model.grid import GridView


def test_squares_stand_below_one_another_and_above_their_dates(view: GridView) -> None:
    assert grid_lines(view, 90).splitlines() == [
        "2 of 4 succeeded · failed: 31 Jan `b`: KeyError",
        "     ▂  ▄  █",
        "a    ■  ■  ■* ■",
        "Part › Deep",
        "  b  ■  ✕  ■  ▶",
        "  c  ■  ⤒  ■",
        "     30 31 1  2",
        "           Feb 2013",
        "✕ failed  ⤒ upstream failed  ▶ running  ■ success  * code has changed since",
        "5 older runs not shown",
    ]


@pytest.mark.parametrize("width", [10, 20, 40, 200])
def test_no_line_is_wider_than_the_terminal(view: GridView, width: int) -> None:
    wide = replace(
        view, tasks=("a_rather_long_task_name_that_is_cut", "추출된_데이터를_정리하기", *view.tasks)
    )
    assert all(cell_len(line) <= width for line in grid_lines(wide, width).splitlines())


def test_a_narrow_terminal_shows_the_newest_runs_and_says_so(view: GridView) -> None:
    lines = grid_lines(view, 10).splitlines()
    assert "  b  ■ ▶" in lines
    assert "7 older" in lines


def test_a_terminal_that_knows_ascii_only_gets_ascii(view: GridView) -> None:
    raw = BytesIO()
    console = Console(file=TextIOWrapper(raw, encoding="ascii"), width=80)
    console.print(grid_text(view))
    console.file.flush()
    assert "  b  #  x  #  >" in raw.getvalue().decode("ascii").splitlines()


def test_no_runs_is_said(view: GridView) -> None:
    assert "flights: no runs yet." in grid_lines(replace(view, columns=(), squares={}))


def test_states_that_differ_to_people_differ_without_colour() -> None:
    alike = [
        {TaskState.UP_FOR_RETRY, TaskState.UP_FOR_RESCHEDULE},
        {TaskState.QUEUED, TaskState.RESTARTING},
        {TaskState.NONE, TaskState.SCHEDULED, TaskState.REMOVED},
    ]
    for glyphs in ({s: LOOKS[s].glyph for s in TaskState}, {s: LOOKS[s].plain for s in TaskState}):
        for one in TaskState:
            for other in TaskState:
                same = one == other or any({one, other} <= group for group in alike)
                assert (glyphs[one] == glyphs[other]) == same
