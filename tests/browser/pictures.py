"""The README's pictures of the board: the flights of New York in a real Jupyter, light and dark, wide and narrow.

cd tests && python -m browser.pictures ../images
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import nbformat
from browser.harness import chromium
from browser.lab import PATIENCE, Desk, nbflow
from jupyter_process import EXPOSED, jupyter
from nbformat.v4 import new_code_cell
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLIGHTS = Path(__file__).parents[2] / "notebooks" / "flights.ipynb"
# A blizzard came on the 8th of February.
CHECK = '%%task check --retries 0\nassert cancelled <= 300, f"{cancelled} flights cancelled"'
CALM = "max_active_runs = 2\n"  # the bars show what a run takes by itself
DATES = ("2013-01-10", "2013-02-17")
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
WIDTHS = {"wide": 1280, "narrow": 600}  # px of the window
SHARPNESS = 1.5  # pixels of a picture for each of the page's

_RUN_CELL = """number => {
    window.jupyterapp.shell.currentWidget.content.activeCellIndex = number;
    return window.jupyterapp.commands.execute("notebook:run-cell");
}"""
_THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"


def _project(folder: Path) -> Path:
    """The notebook with one more check, and its runs."""
    notebook = nbformat.read(FLIGHTS, as_version=4)
    looks = next(
        at for at, cell in enumerate(notebook.cells) if cell.source.startswith("flights.sort_values")
    )
    notebook.cells[looks + 1 : looks + 1] = [new_code_cell(CHECK)]
    head = next(cell for cell in notebook.cells if cell.source.startswith("%%dag"))
    head.source = f"{head.source.rstrip()}\n{CALM}"
    notebook.cells.append(new_code_cell("%nbflow"))
    path = folder / "flights" / "flights.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    nbflow(path.parent, "backfill", str(path), "--from", DATES[0], "--to", DATES[1], status=1)
    return path


def _shown(desk: Desk, path: Path) -> None:
    """Have the board in sight, with nothing else run."""
    desk.open(path, "notebook")
    cells = nbformat.read(path, as_version=4).cells
    load = next(at for at, cell in enumerate(cells) if cell.source.startswith("%load_ext"))
    for number in (load, len(cells) - 1):
        desk.page.evaluate(_RUN_CELL, number)
    expect(desk.lead()).to_contain_text("succeeded", timeout=PATIENCE)


def _take(desk: Desk, images: Path, name: str) -> None:
    """A picture of the board in each theme."""
    for theme, title in THEMES.items():
        desk.page.evaluate(_THEME, title)
        desk.page.wait_for_selector(
            f'body[data-jp-theme-light="{str(theme == "light").lower()}"]', state="attached"
        )
        desk.page.mouse.move(0, 0)
        desk.board().screenshot(path=images / f"{name}-{theme}.png", animations="disabled")


def take(browser: Browser, folder: Path, images: Path) -> None:
    """Take all pictures.

    Args:
        browser: a real one.
        folder: an empty one, for the project and Jupyter's own files.
        images: where the pictures go.
    """
    path = _project(folder / "root")
    with jupyter(folder / "root", folder / "jupyter", *EXPOSED, app="jupyterlab") as server:
        for name, width in WIDTHS.items():
            context = browser.new_context(
                viewport={"width": width, "height": 1600},
                device_scale_factor=SHARPNESS,
                reduced_motion="reduce",
            )
            desk = Desk(page=context.new_page(), server=server)
            _shown(desk, path)
            _take(desk, images, f"board-{name}")
            if name == "wide":
                desk.board().locator(".nbf-failure").first.click()
                expect(desk.panel()).to_contain_text("AssertionError", timeout=PATIENCE)
                _take(desk, images, "failure")
            context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path, help="the folder that they are written to")
    images = parser.parse_args().images.resolve()
    images.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, chromium() as browser:
        take(browser, Path(folder), images)
    for picture in sorted(images.glob("*.png")):
        print(f"{picture.name}: {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
