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
    from collections.abc import Callable, Generator, Iterator

    from jupyter_process import Jupyter
    from playwright.sync_api import Browser, Page


# A language server, where one is installed, would take a processor for each page.
_NO_LANGUAGE_SERVERS = """
c.ServerApp.jpserver_extensions = {"jupyter_lsp": False}
"""
_DESKS = pytest.StashKey[list[Desk]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that has failed says what its windows showed."""
    report = yield
    if call.when == "call" and report.failed:
        for number, desk in enumerate(item.stash.get(_DESKS, []), 1):
            report.sections.append((f"window {number}", desk.told()))
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """JupyterLab over a folder; Notebook 7 is served beside it."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "root").mkdir()
    with jupyter(
        folder / "root", folder / "jupyter", *EXPOSED, app="jupyterlab", config=_NO_LANGUAGE_SERVERS
    ) as found:
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
def desks(
    browser: Browser, lab: Jupyter, shot: Callable[[Page, str], None], request: pytest.FixtureRequest
) -> Iterator[Callable[[], Desk]]:
    """Opens windows of a browser; at the test's end no board has gone wrong in them, or asked another machine."""
    opened = request.node.stash[_DESKS] = list[Desk]()

    def another() -> Desk:
        context = browser.new_context(viewport={"width": 1500, "height": 1200})
        opened.append(Desk(page=context.new_page(), server=lab))
        return opened[-1]

    yield another
    for number, desk in enumerate(opened, 1):
        shot(desk.page, f"last-{number}")
        desk.page.context.close()
    lab.end_kernels()
    assert [error for desk in opened for error in desk.errors] == []
    assert [address for desk in opened for address in desk.outside] == []


@pytest.fixture
def desk(desks: Callable[[], Desk]) -> Desk:
    return desks()
