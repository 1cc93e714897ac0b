"""The board under Jupyter's own themes: what axe-core finds there, and what a keyboard reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser.access import serious
from browser.lab import PATIENCE, nbflow, write
from browser.stories import FAILED, story
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.lab import Desk
    from playwright.sync_api import Page


@pytest.mark.parametrize("front", ["lab", "notebook"])
def test_axe_finds_nothing_serious_in_jupyters_themes(
    desk: Desk, shot: Callable[[Page, str], None], front: str
) -> None:
    name = f"themes_{front}"
    path = write(desk.server.root / name / f"{name}.ipynb", *story(name))
    nbflow(path.parent, "backfill", str(path), "--from", "2026-01-10", "--to", "2026-01-20", status=1)
    desk.open(path, front)
    desk.run_all()
    expect(desk.bar(FAILED, "failed")).to_have_count(1, timeout=PATIENCE)
    desk.button("17 Jan mean").click()
    expect(desk.panel()).to_contain_text("ZeroDivisionError", timeout=PATIENCE)
    for theme, light in (("JupyterLab Light", "true"), ("JupyterLab Dark", "false")):
        desk.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
        )
        desk.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")
        shot(desk.page, theme.partition(" ")[2].lower())
        assert serious(desk.page, ".nbf-board") == [], theme


def test_without_a_mouse_the_failure_is_found_opened_and_left(desk: Desk) -> None:
    path = write(desk.server.root / "keys" / "keys.ipynb", *story("keys"))
    nbflow(path.parent, "backfill", str(path), "--from", "2026-01-10", "--to", "2026-01-20", status=1)
    desk.open(path)
    desk.run_all()
    expect(desk.bar(FAILED, "failed")).to_have_count(1, timeout=PATIENCE)
    cell = desk.board().get_by_role("gridcell")
    cell.focus()
    # In JupyterLab's command mode these would be its own.
    desk.page.keyboard.press("f")
    desk.page.keyboard.press("Enter")
    expect(desk.panel()).to_contain_text("ZeroDivisionError", timeout=PATIENCE)
    desk.page.keyboard.press("Escape")
    expect(desk.panel()).to_be_hidden()
    expect(cell).to_be_focused()
    expect(desk.page.locator(".jp-Notebook .jp-Cell")).to_have_count(5)
    assert desk.presses() == 0
