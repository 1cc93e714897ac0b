"""What becomes of a board when its page is loaded again, its kernel begins anew, ends or is killed."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import nbformat
import pytest
from browser.lab import BROKEN, PATIENCE, nbflow, write
from browser.stories import FAILED, SHOW_CELL, run_id, story
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.lab import Desk
    from playwright.sync_api import Locator, Page

_KERNEL = "window.jupyterapp.shell.currentWidget.context.sessionContext"
TELL_PROCESS = "%%scratch\nimport os\nfrom pathlib import Path\n\nPath('kernel').write_text(str(os.getpid()))"


def _shown(desk: Desk, name: str, front: str = "lab") -> Path:
    """A notebook with the board of a DAG whose only run has failed; where it lies."""
    path = write(desk.server.root / name / f"{name}.ipynb", *story(name), TELL_PROCESS)
    nbflow(path.parent, "run", str(path), "2026-01-17", status=1)
    desk.open(path, front)
    desk.run_all()
    expect(desk.bar(FAILED, "failed")).to_have_count(1, timeout=PATIENCE)
    return path


def _picture(desk: Desk) -> Locator:
    """The grid, as the widget or as a picture in its place."""
    return desk.output(SHOW_CELL).locator("svg, img").first


def test_a_page_loaded_again_has_its_board_and_what_has_happened(
    desk: Desk, shot: Callable[[Page, str], None]
) -> None:
    path = _shown(desk, "reload")
    desk.command("docmanager:save")
    nbflow(path.parent, "run", str(path), "2026-01-18")
    desk.open_again(path)
    expect(desk.bar(run_id(18), "success")).to_have_count(1, timeout=PATIENCE)
    desk.button("17 Jan mean").click()
    expect(desk.panel()).to_contain_text("ZeroDivisionError", timeout=PATIENCE)
    shot(desk.page, "again")


@pytest.mark.parametrize("front", ["lab", "notebook"])
def test_when_the_kernel_begins_anew_the_picture_stays_and_running_all_revives_it(
    desk: Desk, front: str
) -> None:
    path = _shown(desk, f"restart_{front}", front)
    desk.page.evaluate(f"{_KERNEL}.session.kernel.restart()")
    expect(_picture(desk)).to_be_visible()
    expect(desk.output(SHOW_CELL)).not_to_contain_text(BROKEN)
    desk.run_all()
    expect(desk.bar(FAILED, "failed")).to_have_count(1, timeout=PATIENCE)
    nbflow(path.parent, "run", str(path), "2026-01-18")
    expect(desk.bar(run_id(18), "success")).to_have_count(1, timeout=PATIENCE)


def test_when_the_kernel_is_killed_the_picture_stays_and_goes_on(
    desk: Desk, shot: Callable[[Page, str], None]
) -> None:
    path = _shown(desk, "killed")
    began = desk.page.evaluate(f"{_KERNEL}.session.kernel.id")
    os.kill(int((path.parent / "kernel").read_text()), signal.SIGKILL)
    # JupyterLab says so in a dialog, and begins another one.
    desk.page.get_by_role("button", name="Ok", exact=True).click()
    assert desk.page.evaluate(f"{_KERNEL}.session.kernel.id") == began
    expect(_picture(desk)).to_be_visible()
    expect(desk.board()).to_contain_text("The kernel has ended", timeout=PATIENCE)
    # The Jupyter server brings what happens from now on, and does what is asked for.
    nbflow(path.parent, "run", str(path), "2026-01-18")
    expect(desk.bar(run_id(18), "success")).to_have_count(1, timeout=PATIENCE)
    desk.button("17 Jan mean").click()
    expect(desk.panel()).to_contain_text("ZeroDivisionError", timeout=PATIENCE)
    expect(desk.output(SHOW_CELL)).not_to_contain_text(BROKEN)
    shot(desk.page, "killed")


def test_when_the_kernel_is_shut_down_the_picture_stays(desk: Desk) -> None:
    _shown(desk, "ended")
    desk.page.evaluate(f"{_KERNEL}.shutdown()")
    desk.page.wait_for_function(f"() => !{_KERNEL}.session")
    expect(_picture(desk)).to_be_visible()
    expect(desk.output(SHOW_CELL)).not_to_contain_text(BROKEN)


@pytest.mark.parametrize("front", ["lab", "notebook"])
def test_a_stored_notebook_opened_without_its_kernel_shows_a_picture(
    desks: Callable[[], Desk], shot: Callable[[Page, str], None], front: str
) -> None:
    desk = desks()
    path = _shown(desk, f"stored_{front}", front)
    desk.command("docmanager:save")
    desk.page.evaluate(f"{_KERNEL}.shutdown()")
    desk.page.wait_for_function(f"() => !{_KERNEL}.session")
    later = desks()
    later.open(path, front)
    output = later.output(SHOW_CELL)
    expect(output.locator("svg, img").first).to_be_visible(timeout=PATIENCE)
    expect(output).not_to_contain_text(BROKEN)
    shot(later.page, "stored")
    # So it does where there is no Jupyter at all: the file holds the picture.
    stored = [output.data for output in nbformat.read(path, as_version=4).cells[SHOW_CELL].outputs]
    assert stored
    assert all("text/html" in data and "text/plain" in data for data in stored)


def test_two_windows_show_one_board_and_hear_the_same(desks: Callable[[], Desk]) -> None:
    first = desks()
    path = _shown(first, "windows")
    first.command("docmanager:save")
    second = desks()
    second.open_again(path)
    expect(second.bar(FAILED, "failed")).to_have_count(1, timeout=PATIENCE)
    nbflow(path.parent, "run", str(path), "2026-01-18")
    for desk in (first, second):
        expect(desk.bar(run_id(18), "success")).to_have_count(1, timeout=PATIENCE)
