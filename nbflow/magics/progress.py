"""How far a long loop by hand is, in one line of the cell's output that changes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.display import DisplayHandle

_QUIET = 2.0  # seconds in which nothing is shown
_EVERY = 0.5  # seconds between two changes


class Progress:
    """The line. Nothing is shown of a loop that is over soon."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._next = self._began + _QUIET
        self._shown: DisplayHandle | None = None

    def reach(self, index: int, count: int) -> None:
        """Item `index` of `count` begins."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY
            self._show(f"item {index + 1:,} of {count:,}")

    def end(self, count: int) -> None:
        """The loop is over."""
        if self._shown is not None:
            self._show(f"{count:,} items in {time.monotonic() - self._began:.0f} s")

    def _show(self, line: str) -> None:
        from IPython.display import display

        data = {"text/plain": line}
        if self._shown is None:
            self._shown = display(data, raw=True, display_id=True)
        else:
            self._shown.update(data, raw=True)
