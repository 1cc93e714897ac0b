"""The stories that the board is there for, from the first cell to the last square, in JupyterLab and Notebook 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest
from browser.lab import ADDRESSES, PATIENCE, nbflow, states, write
from browser.stories import FAILED, FIXED, LOAD, MEAN_CELL, SHOW, story
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.lab import Desk
    from playwright.sync_api import Page

in_both = pytest.mark.parametrize("front", ADDRESSES)


@in_both
def test_three_cells_lead_to_a_green_grid(desk: Desk, shot: Callable[[Page, str], None], front: str) -> None:
    folder = desk.server.root / f"first-{front}"
    path = write(folder / "first.ipynb", LOAD, "%%task hello\n'Hello'", SHOW)
    desk.open(path, front)
    desk.run_all()
    expect(desk.lead()).to_have_text("no runs yet")
    desk.button("Run").click()
    # The form needs nothing: a notebook without a schedule runs for this moment.
    desk.panel().get_by_role("button", name="Run", exact=True).click()
    expect(desk.lead()).to_contain_text("1 of 1 succeeded", timeout=PATIENCE)
    expect(desk.board().locator("rect.nbf-bar.nbf-r-success")).to_have_count(1)
    expect(desk.node("hello", "s")).to_be_visible()
    assert set(states(folder, "first").values()) == {"success"}
    shot(desk.page, "green")


@in_both
def test_a_failed_day_is_seen_pulled_fixed_and_green_in_four_actions(
    desk: Desk, shot: Callable[[Page, str], None], front: str
) -> None:
    name = f"story_{front}"
    path = write(desk.server.root / name / f"{name}.ipynb", *story(name))
    nbflow(path.parent, "backfill", str(path), "--from", "2026-01-01", "--to", "2026-03-01", status=1)
    assert [date for date, state in states(path.parent, name).items() if state == "failed"] == ["2026-01-17"]

    desk.open(path, front)
    desk.run_all()
    expect(desk.lead()).to_contain_text("59 of 60", timeout=PATIENCE)
    expect(desk.bar(FAILED, "failed")).to_have_count(1)
    desk.hide_app()  # an ordinary front end keeps its application to itself
    assert desk.presses() == 0

    # 1: the failure in the headline opens its square, with its error, cell and line.
    desk.button("17 Jan mean").click()
    expect(desk.panel()).to_contain_text("ZeroDivisionError")
    expect(desk.panel()).to_contain_text("cell 4, line 3")
    shot(desk.page, "failure")

    # 2: what the try had is in the kernel.
    desk.button("Pull").click()
    expect(desk.badge()).to_contain_text("2026-01-17", timeout=PATIENCE)

    # 3: the fix.
    desk.edit(MEAN_CELL, FIXED)

    # 4: saved, and running again.
    desk.button("Save and clear").click()
    expect(desk.bar(FAILED, "success")).to_have_count(1, timeout=PATIENCE)
    expect(desk.lead()).to_contain_text("60 of 60", timeout=PATIENCE)
    expect(desk.panel().locator(".nbf-state-line")).to_contain_text("success", timeout=PATIENCE)
    assert desk.presses() == 4
    shot(desk.page, "green")

    assert states(path.parent, name)["2026-01-17"] == "success"
    assert nbformat.read(path, as_version=4).cells[MEAN_CELL].source == FIXED
