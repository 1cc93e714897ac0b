"""How long the board's page takes to draw, in a real browser without Jupyter.

    python benchmarks/render.py [--times N]

Prints, as medians in milliseconds: a grid of 50 tasks over 365 runs until it has been laid out and until it has been
painted; a change of one square until the page is up to date; and a graph of 1,000 tasks, as it is shown (its groups
shut) and with all of them open: Graphviz's processor time, then as above.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from browser.harness import Shown, chromium
from browser.made_boards import year

from nbflow.widgets.board import graph as graph_of_widget

if TYPE_CHECKING:
    from browser.made_boards import Json, MadeBoard
    from playwright.sync_api import Browser

CHANGE = """async ([run, letters]) => {
    const board = document.querySelector(".nbf-board");
    const before = performance.now();
    const mark = Number(board.dataset.mark) + 1;
    let own = 0;
    const frame = window.requestAnimationFrame;
    window.requestAnimationFrame = work => frame(at => {
        const began = performance.now();
        work(at);
        board.getBoundingClientRect();
        own += performance.now() - began;
    });
    window.model.emit("msg:custom", { updates: { mark, squares: { [run]: letters } } });
    while (Number(board.dataset.mark) !== mark) await new Promise(frame);
    window.requestAnimationFrame = frame;
    return [own, performance.now() - before];
}"""


def first_shown(browser: Browser, made: MadeBoard, times: int) -> tuple[float, float]:
    """Until the board is laid out, and until it is painted, ms."""
    found: list[tuple[float, float]] = []
    for _ in range(times):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = Shown(context.new_page(), made).open().page
        found.append((page.evaluate("window.tookToRender"), page.evaluate("window.tookToPaint")))
        context.close()
    return statistics.median(one for one, _ in found), statistics.median(one for _, one in found)


def changed(browser: Browser, made: MadeBoard, times: int) -> tuple[float, float]:
    """A square's change: the page's own work and layout, and from the message to the next frame, ms."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = Shown(context.new_page(), made).open().page
    run_id = made.data["runs"][-1]["run_id"]
    letters = made.data["squares"][run_id]
    found = [page.evaluate(CHANGE, [run_id, "rs"[at % 2] + letters[1:]]) for at in range(times)]
    context.close()
    return statistics.median(one for one, _ in found), statistics.median(one for _, one in found)


def laid_out_in(made: MadeBoard, shut: list[str] | None) -> tuple[float, Json]:
    """Processor time of Graphviz and what is around it, ms; and the graph."""
    graph_of_widget._laid_out.cache_clear()
    began = time.process_time()
    found = graph_of_widget.graph(made.flow, shut)
    return 1000 * (time.process_time() - began), found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=7, help="how often each is measured (7)")
    times = parser.parse_args().times
    a_year, large = year(), year(tasks=1000, runs=1)
    with chromium() as browser:
        laid_out, painted = first_shown(browser, a_year, times)
        print(
            f"50 tasks × 365 runs, first shown  {laid_out:7.0f} ms drawn {painted:7.0f} ms painted (bar: 400)"
        )
        own, whole = changed(browser, a_year, 3 * times)
        print(f"one square changes                {own:7.1f} ms drawn {whole:7.1f} ms painted (bar: 50)")
        for name, shut in [("shut", None), ("open", [])]:
            layout, large.data["graph"] = laid_out_in(large, shut)
            drawn, painted = first_shown(browser, large, times)
            print(
                f"1,000 tasks, groups {name:14}{drawn:7.0f} ms drawn {painted:7.0f} ms painted, "
                f"after {layout:.0f} ms of layout (bar: 2000)"
            )


if __name__ == "__main__":
    main()
