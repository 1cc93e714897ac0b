"""The board moves by itself, while the kernel has nothing to do and while a cell runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser.lab import ADDRESSES, PATIENCE, bar, nbflow, write
from browser.stories import BROKEN, BUSY, FAILED, LOAD, PATIENT, SHOW, TASK, dag, run_id, story
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.lab import Desk
    from playwright.sync_api import Page

BUSY_CELL = 5


@pytest.mark.parametrize("front", ADDRESSES)
def test_squares_turn_while_the_kernel_rests_in_each_view(
    desk: Desk, shot: Callable[[Page, str], None], front: str
) -> None:
    name = f"turning_{front}"
    folder = desk.server.root / name
    cells = LOAD, dag(name), TASK, PATIENT, BROKEN.replace("mean\n", "mean --after wait\n", 1), SHOW, SHOW
    path = write(folder / f"{name}.ipynb", *cells)
    (folder / "go").touch()  # by hand the task doesn't wait
    desk.open(path, front)
    desk.run_all()
    (folder / "go").unlink()
    (folder / "began").unlink()

    desk.button("Run").click()
    desk.panel().get_by_label("Date").fill("2026-01-17")
    desk.panel().get_by_role("button", name="Run", exact=True).click()
    views = desk.page.locator(".nbf-board")
    expect(views).to_have_count(2)
    desk.wait_for((folder / "began").exists)
    expect(views.locator(bar(FAILED, "running"))).to_have_count(2, timeout=PATIENCE)
    for task_id, letter in (("load", "s"), ("wait", "r")):
        expect(desk.node(task_id, letter)).to_be_visible(timeout=PATIENCE)
    shot(desk.page, "running")

    (folder / "go").touch()
    expect(views.locator(bar(FAILED, "failed"))).to_have_count(2, timeout=PATIENCE)
    for task_id, letter in (("wait", "s"), ("mean", "f")):
        expect(desk.node(task_id, letter)).to_be_visible(timeout=PATIENCE)
    expect(desk.lead()).to_contain_text("0 of 1", timeout=PATIENCE)

    # What a terminal does is seen as well.
    nbflow(folder, "run", str(path), "2026-01-18")
    expect(views.locator(bar(run_id(18), "success"))).to_have_count(2, timeout=PATIENCE)


def test_while_a_cell_runs_dates_are_backfilled_by_the_pickers_watched_and_looked_at(
    desk: Desk, shot: Callable[[Page, str], None]
) -> None:
    folder = desk.server.root / "busy"
    path = write(folder / "busy.ipynb", *story("busy"), BUSY)
    desk.open(path)
    desk.begin_all()
    board = desk.board()
    desk.wait_for((folder / "began").exists)
    running = desk.cell(BUSY_CELL).locator(".jp-InputPrompt")
    expect(running).to_have_text("[*]:", timeout=PATIENCE)

    desk.button("Backfill").click()
    board.get_by_label("From").fill("2026-01-16")
    board.get_by_label("To", exact=True).fill("2026-01-18")
    board.get_by_label("To", exact=True).press("Tab")
    go = desk.button("Backfill 3 runs")
    expect(go).to_be_enabled(timeout=PATIENCE)
    shot(desk.page, "pickers")
    go.click()
    for run, state in ((run_id(16), "success"), (FAILED, "failed"), (run_id(18), "success")):
        expect(desk.bar(run, state)).to_have_count(1, timeout=PATIENCE)
    expect(desk.lead()).to_contain_text("2 of 3", timeout=PATIENCE)

    desk.button("17 Jan mean").click()
    expect(desk.panel()).to_contain_text("ZeroDivisionError", timeout=PATIENCE)
    expect(running).to_have_text("[*]:")
    shot(desk.page, "busy")

    (folder / "go").touch()
    expect(running).not_to_have_text("[*]:", timeout=PATIENCE)
    desk.button("Pull").click()
    expect(desk.badge()).to_contain_text("2026-01-17", timeout=PATIENCE)
    desk.edit(BUSY_CELL, "%%scratch\nprint(ds, day, total)")
    desk.command("notebook:run-cell")
    expect(desk.output(BUSY_CELL)).to_have_text("2026-01-17 17 100\n", timeout=PATIENCE)
