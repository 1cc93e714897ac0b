"""What axe-core finds in a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import axe_playwright_python

if TYPE_CHECKING:
    from playwright.sync_api import Page

_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
# Frames have no scripts; what is in them is what a notebook's author wrote.
_OPTIONS = {"iframes": False, "resultTypes": ["violations"]}


def serious(page: Page, part: str, *rules: str) -> list[str]:
    """What axe calls serious or critical in a part of a page, with the first element of each.

    Args:
        page: the browser's.
        part: a selector.
        rules: the names of axe's rules; none: all of them.
    """
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(content=_AXE.read_text("utf-8"))
    options = {**_OPTIONS, **({"runOnly": list(rules)} if rules else {})}
    found = page.evaluate("([part, options]) => axe.run(part, options)", [part, options])
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0].get('failureSummary', '')[:300]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
