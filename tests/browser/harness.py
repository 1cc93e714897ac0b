"""The board's page in a real browser, without Jupyter: a made-up board behind a model that records."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from nbflow.widgets.board.page import script, style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from made_boards import MadeBoard
    from playwright.sync_api import Browser, Locator, Page, Route

HERE = Path(__file__).parent
ADDRESS = "http://board.test/"
_NO_BROWSER = "the browser tests need Chromium: apt-get install chromium, or set CHROMIUM to its path"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium (or the one that CHROMIUM names), without a window."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise FileNotFoundError(_NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Shown:
    """A board on a page.

    Attributes:
        page: the browser's.
        made: what it shows.
        errors: what its scripts threw or complained of.
        asked: addresses that it asked for besides its own files.
    """

    page: Page
    made: MadeBoard
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self) -> Shown:
        """Load it, and wait until it has been painted."""
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.route("**/*", self._serve)
        self.page.expose_function("laidOut", self.made.laid_out)
        self.page.goto(f"{ADDRESS}harness.html")
        self.page.wait_for_selector("body[data-ready]")
        return self

    def _serve(self, route: Route) -> None:
        name = route.request.url.removeprefix(ADDRESS).partition("?")[0]
        kinds = {"js": "text/javascript", "css": "text/css", "json": "application/json", "html": "text/html"}
        bodies = {
            "board.js": script,
            "board.css": style,
            "fixture.json": lambda: json.dumps(self.made.json()),
            "harness.html": (HERE / "harness.html").read_text,
        }
        if name not in bodies:
            self.asked.append(route.request.url)
            answer = self.made.served.get(name)
            if answer is None:
                route.fulfill(status=404, body="", content_type="text/html")
            else:
                route.fulfill(
                    status=answer.get("status", 200),
                    body=json.dumps(answer["body"]),
                    content_type="application/json",
                )
            return
        route.fulfill(body=bodies[name](), content_type=kinds[name.rpartition(".")[2]])

    # --- what a person does --------------------------------------------------------------------------

    def locator(self, selector: str) -> Locator:
        return self.page.locator(f".nbf-board {selector}")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def square(self, run_id: str, task: str) -> tuple[float, float]:
        """Where a square lies on the page."""
        bar = self.locator(f'[data-run="{run_id}"]').bounding_box()
        name = self.locator(f'[data-task="{task}"]').bounding_box()
        assert bar
        assert name
        return bar["x"] + bar["width"] / 2, name["y"] + name["height"] / 2

    def click_square(self, run_id: str, task: str) -> None:
        self.page.mouse.click(*self.square(run_id, task))

    def open_failure(self) -> None:
        """Click the headline's first failure, and wait for its panel."""
        self.locator(".nbf-headline .nbf-failure").first.click()
        self.locator('.nbf-panel[data-kind="square"][aria-busy="false"]').wait_for()

    # --- what the kernel sees and says ---------------------------------------------------------------

    def sent(self, ask: str) -> list[dict[str, Any]]:
        """The details of each message of a kind that the page has sent."""
        return [message["with"] for message in self.page.evaluate("window.sent") if message["ask"] == ask]

    def wait_sent(self, ask: str, number: int = 1) -> list[dict[str, Any]]:
        self.page.wait_for_function(
            "([ask, number]) => window.sent.filter(message => message.ask === ask).length >= number",
            arg=[ask, number],
        )
        return self.sent(ask)

    def news(self, **updates: Any) -> None:
        """Have the kernel send updates."""
        self.page.evaluate("updates => window.model.emit('msg:custom', { updates })", updates)

    def answer(self, ask: str, answer: Any) -> None:
        """What the kernel answers from now on."""
        self.page.evaluate("([ask, answer]) => { window.answers[ask] = answer; }", [ask, answer])

    def refuse(self, ask: str, error: str) -> None:
        self.page.evaluate("([ask, error]) => { window.answers[ask] = new Error(error); }", [ask, error])
