"""One browser and one Jupyter for all tests of a process, and a place for what the pages looked like."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser.harness import chromium
from browser.lab import Desk
from jupyter_process import EXPOSED, jupyter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_process import Jupyter
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """JupyterLab over a folder; Notebook 7 is served beside it."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "root").mkdir()
    with jupyter(folder / "root", folder / "jupyter", *EXPOSED, app="jupyterlab") as found:
        yield found


@pytest.fixture
def shot(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Page, str], None]:
    """Keeps what a page looks like: in the folder that SCREENSHOTS names, else in the test's own."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    test = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")

    def keep(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{test}.{name}.png")

    return keep


@pytest.fixture
def desks(browser: Browser, lab: Jupyter, shot: Callable[[Page, str], None]) -> Iterator[Callable[[], Desk]]:
    """Opens windows of a browser; at the test's end no board has gone wrong in them, or asked another machine."""
    opened: list[Desk] = []

    def another() -> Desk:
        context = browser.new_context(viewport={"width": 1500, "height": 1200})
        opened.append(Desk(page=context.new_page(), server=lab))
        return opened[-1]

    yield another
    for number, desk in enumerate(opened, 1):
        shot(desk.page, f"last-{number}")
        desk.page.context.close()
    assert [error for desk in opened for error in desk.errors] == []
    assert [address for desk in opened for address in desk.outside] == []


@pytest.fixture
def desk(desks: Callable[[], Desk]) -> Desk:
    return desks()
