"""The whole of it in JupyterLab: run, watch, fail, read, pull, fix, save and clear, backfill, reload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest
from browser.harness import chromium
from browser.lab import PATIENCE, Desk, nbflow, states, write
from jupyter_process import jupyter
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_process import Jupyter
    from playwright.sync_api import Browser

LOAD = "%load_ext nbflow"
DAG = "%dag story --schedule @daily --start-date 2026-01-01"
TASK = "%%task load\nday = logical_date.timetuple().tm_yday\nday"
BROKEN = "%%task mean\ntotal = 100\nmean = total / (day - 17)\nmean"
FIXED = "%%task mean\ntotal = 100\nmean = total / max(day - 17, 1)\nmean"
FAILED = "2026-01-17T00:00:00Z"
DAYS = {day: f"2026-01-{day}T00:00:00Z" for day in (16, 18)}
# Runs until the test says so.
BUSY = """\
%%scratch
from pathlib import Path
from time import sleep

Path("began").touch()
while not Path("go").exists():
    sleep(0.02)"""
BOARD_CELL, BUSY_CELL = 4, 5
CLEAN = 3  # the cell of the task that fails


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """JupyterLab over a folder; Notebook 7 is served beside it."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "root").mkdir()
    words = ("--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True")
    with jupyter(folder / "root", folder / "jupyter", *words, app="jupyterlab") as found:
        yield found


@pytest.fixture
def desk(browser: Browser, server: Jupyter, tmp_path: Path) -> Iterator[Desk]:
    context = browser.new_context(viewport={"width": 1500, "height": 1200})
    found = Desk(page=context.new_page(), server=server)
    yield found
    found.page.screenshot(path=tmp_path / "last.png")
    context.close()
    assert found.outside == []


def test_a_failed_day_is_opened_understood_fixed_and_green_in_four_actions(
    desk: Desk, server: Jupyter, tmp_path: Path
) -> None:
    project = server.root / "story"
    path = write(project / "story.ipynb", LOAD, DAG, TASK, BROKEN, "%nbflow")
    nbflow(project, "backfill", str(path), "--from", "2026-01-01", "--to", "2026-03-01", status=1)
    assert [date for date, state in states(project, "story").items() if state == "failed"] == ["2026-01-17"]

    desk.open("lab/tree/story/story.ipynb")
    desk.command("notebook:run-all-cells")
    board = desk.board()
    expect(board.locator(".lead")).to_contain_text("59 of 60", timeout=PATIENCE)
    expect(desk.bar(FAILED, "failed")).to_have_count(1)
    desk.page.screenshot(path=tmp_path / "lab.png")

    # An ordinary JupyterLab keeps its application to itself.
    desk.hide_app()

    # 1: the failure in the headline opens its square, with its error, cell and line.
    board.get_by_role("button", name="17 Jan mean").click()
    panel = board.locator("aside.panel")
    expect(panel).to_contain_text("ZeroDivisionError")
    expect(panel).to_contain_text("cell 4, line 3")
    desk.page.screenshot(path=tmp_path / "failure.png")

    # 2: what the try had is in the kernel.
    panel.get_by_role("button", name="Pull").click()
    expect(board.locator(".badge")).to_contain_text("2026-01-17", timeout=PATIENCE)

    # 3: the fix.
    desk.edit(CLEAN, FIXED)

    # 4: saved, and running again.
    panel.get_by_role("button", name="Save and clear").click()
    expect(desk.bar(FAILED, "success")).to_have_count(1, timeout=PATIENCE)
    expect(board.locator(".lead")).to_contain_text("60 of 60", timeout=PATIENCE)
    expect(panel.locator(".state-line")).to_contain_text("success", timeout=PATIENCE)
    desk.page.screenshot(path=tmp_path / "green.png")

    assert states(project, "story")["2026-01-17"] == "success"
    assert nbformat.read(path, as_version=4).cells[CLEAN].source == FIXED
    assert desk.errors == []


def test_while_the_kernel_is_busy_dates_are_backfilled_watched_and_looked_at(
    desk: Desk, server: Jupyter, tmp_path: Path
) -> None:
    project = server.root / "busy"
    path = write(project / "busy.ipynb", LOAD, DAG.replace("story", "busy"), TASK, BROKEN, "%nbflow", BUSY)
    desk.open("lab/tree/busy/busy.ipynb")
    desk.command("notebook:run-all-cells")
    board = desk.board()
    desk.wait_for((project / "began").exists)
    running = desk.cell(BUSY_CELL).locator(".jp-InputPrompt")
    expect(running).to_have_text("[*]:", timeout=PATIENCE)

    board.get_by_role("button", name="Backfill").click()
    board.get_by_label("From").fill("2026-01-16")
    board.get_by_label("To", exact=True).fill("2026-01-18")
    board.get_by_label("To", exact=True).press("Tab")
    go = board.get_by_role("button", name="Backfill 3 runs")
    expect(go).to_be_enabled(timeout=PATIENCE)
    desk.page.screenshot(path=tmp_path / "backfill.png")
    go.click()
    for run_id, state in ((DAYS[16], "success"), (FAILED, "failed"), (DAYS[18], "success")):
        expect(desk.bar(run_id, state)).to_have_count(1, timeout=PATIENCE)
    expect(board.locator(".lead")).to_contain_text("2 of 3", timeout=PATIENCE)

    board.get_by_role("button", name="17 Jan mean").click()
    panel = board.locator("aside.panel")
    expect(panel).to_contain_text("ZeroDivisionError", timeout=PATIENCE)
    expect(running).to_have_text("[*]:")
    desk.page.screenshot(path=tmp_path / "busy.png")

    (project / "go").touch()
    expect(running).not_to_have_text("[*]:", timeout=PATIENCE)
    panel.get_by_role("button", name="Pull").click()
    expect(board.locator(".badge")).to_contain_text("2026-01-17", timeout=PATIENCE)
    desk.edit(BUSY_CELL, "%%scratch\nprint(ds, day, total)")
    desk.command("notebook:run-cell")
    expect(desk.cell(BUSY_CELL).locator(".jp-OutputArea-output")).to_have_text(
        "2026-01-17 17 100\n", timeout=PATIENCE
    )

    # The page is loaded again: the board is there, with what has happened.
    desk.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    desk.open("lab/tree/busy/busy.ipynb")
    expect(desk.board().locator(".lead")).to_contain_text("2 of 3", timeout=PATIENCE)
    board.get_by_role("button", name="17 Jan mean").click()
    expect(panel).to_contain_text("ZeroDivisionError", timeout=PATIENCE)
    assert desk.errors == []

    # Its kernel ends: the last picture stays.
    desk.page.evaluate("window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
    output = desk.cell(BOARD_CELL).locator(".jp-OutputArea-output")
    expect(output.locator("svg").first).to_be_visible(timeout=PATIENCE)
    desk.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.sessionContext.session")
    desk.page.screenshot(path=tmp_path / "gone.png")
    expect(output.locator("svg").first).to_be_visible(timeout=PATIENCE)
    expect(output).not_to_contain_text("Error displaying widget")

    # What is stored shows without a kernel, too: a picture beside the widget.
    stored = [output.data for output in nbformat.read(path, as_version=4).cells[BOARD_CELL].outputs]
    assert all("text/html" in data and "text/plain" in data for data in stored)
    assert stored


def test_in_notebook_7_the_same_notebook_shows_its_board(desk: Desk, server: Jupyter, tmp_path: Path) -> None:
    project = server.root / "seven"
    path = write(project / "seven.ipynb", LOAD, DAG.replace("story", "seven"), TASK, BROKEN, "%nbflow")
    nbflow(project, "backfill", str(path), "--from", "2026-01-17", "--to", "2026-01-17", status=1)
    desk.open("notebooks/seven/seven.ipynb")
    desk.command("notebook:run-all-cells")
    board = desk.board()
    expect(board.locator(".lead")).to_contain_text("0 of 1", timeout=PATIENCE)
    board.get_by_role("button", name="17 Jan mean").click()
    panel = board.locator("aside.panel")
    expect(panel).to_contain_text("cell 4, line 3", timeout=PATIENCE)
    desk.hide_app()
    desk.edit(CLEAN, FIXED)
    panel.get_by_role("button", name="Save and clear").click()
    expect(desk.bar(FAILED, "success")).to_have_count(1, timeout=PATIENCE)
    desk.page.screenshot(path=tmp_path / "notebook7.png")
    assert desk.errors == []
