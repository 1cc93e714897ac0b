"""`nbflow ui`: the boards of all DAGs of a project on one page, by Voilà."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.lab import PATIENCE, bar, nbflow, states, write
from jupyter_process import TOKEN, dashboard
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Request

RUN = "2026-01-17T00:00:00Z"


def _project(folder: Path) -> None:
    """Two DAGs: `well` has succeeded, `ill` has failed."""
    for dag_id, value in (("well", 1), ("ill", 0)):
        says = f"%dag {dag_id} --schedule @daily --start-date 2026-01-01"
        path = write(folder / f"{dag_id}.ipynb", says, f"%%task divide\n1 / {value}")
        nbflow(folder, "run", str(path), "2026-01-17", status=1 - value)


def test_all_dags_of_a_project_stand_on_one_page_that_asks_no_other_machine(
    browser: Browser, shot: Callable[[Page, str], None], tmp_path: Path
) -> None:
    project = tmp_path / "project"
    (project / ".nbflow").mkdir(parents=True, mode=0o700)
    _project(project)
    with dashboard(project, tmp_path / "jupyter") as server:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE)
        answered: list[str] = []
        page.on("requestfinished", lambda request: answered.append(request.url))
        stopped: list[Request] = []
        page.on("requestfailed", lambda request: stopped.append(request))  # noqa: PLW0108 it must be a function
        page.goto(f"{server.url}?token={TOKEN}")
        well, ill = (
            page.locator(".nbf-board").filter(has=page.get_by_text(name, exact=True))
            for name in ("well", "ill")
        )
        expect(well.locator(".nbf-lead")).to_contain_text("1 of 1", timeout=PATIENCE)
        expect(ill.locator(".nbf-lead")).to_contain_text("0 of 1", timeout=PATIENCE)

        ill.get_by_role("button", name="17 Jan divide").click()
        expect(ill.locator("aside.nbf-panel")).to_contain_text("ZeroDivisionError", timeout=PATIENCE)
        for of_the_notebook in ("Pull", "Save and clear"):
            expect(ill.get_by_role("button", name=of_the_notebook)).to_have_count(0)
        shot(page, "failure")

        # Mended in some editor; then cleared from here.
        write(
            project / "ill.ipynb",
            "%dag ill --schedule @daily --start-date 2026-01-01",
            "%%task divide\n1 / 1",
        )
        ill.get_by_role("button", name="Clear…").click()
        go = ill.get_by_role("button", name="Clear 1 task")
        expect(go).to_be_enabled(timeout=PATIENCE)
        go.click()
        expect(ill.locator(bar(RUN, "success"))).to_have_count(1, timeout=PATIENCE)
        assert states(project, "ill") == {"2026-01-17": "success"}

        ours = (server.url, server.url.replace("http", "ws", 1), "data:", "blob:")
        assert [url for url in answered if not url.startswith(ours)] == []
        assert {request.failure for request in stopped if not request.url.startswith(ours)} <= {"csp"}
