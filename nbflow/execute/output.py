"""How much of what a task prints is kept: enough to read, never enough to hurt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

LOG_LIMIT = 10_000_000  # bytes of a try's log
STREAM_LIMIT = 1_000_000  # characters that one cell prints into its notebook
DATA_LIMIT = 32_000_000  # characters of plots, tables and widgets of one cell
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


def plain(text: str) -> str:
    """The text without terminal colours."""
    return _ANSI.sub("", text)


class Log:
    """A try's log file: text as it comes, up to `LOG_LIMIT` bytes; what comes last is always written.

    Attributes:
        dropped: bytes that were left out.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._written = 0
        self.dropped = 0

    def write(self, text: str) -> None:
        """Append as much of the text as still fits."""
        data = text.encode("utf-8", "replace")
        fitting = data[: max(0, LOG_LIMIT - self._written)]
        self._file.write(fitting)
        self._written += len(fitting)
        self.dropped += len(data) - len(fitting)

    def close(self, last: str = "") -> None:
        """Write how much was left out, and `last`, whatever the limit says."""
        if self.dropped:
            said = f"\n[nbflow: the log ends here; {self.dropped:,} more bytes were printed]\n"
            self._file.write(said.encode())
        if last:
            self._file.write(last.encode("utf-8", "replace"))
        self._file.close()


class CellBudget:
    """What one cell may still put into its notebook.

    Attributes:
        dropped: characters of streams that were left out.
        data_dropped: how many displays were left out.
    """

    def __init__(self) -> None:
        self._stream = STREAM_LIMIT
        self._data = DATA_LIMIT
        self.dropped = 0
        self.data_dropped = 0

    def stream(self, text: str) -> str:
        """As much of a printed text as still fits; where it ends, a note says so."""
        kept = text[: self._stream]
        self._stream -= len(kept)
        first = self.dropped == 0
        self.dropped += len(text) - len(kept)
        if self.dropped and first:
            kept += f"\n[nbflow: output cut after {STREAM_LIMIT:,} characters]\n"
        return kept

    def fits(self, data: dict[str, object]) -> bool:
        """Whether a display still fits."""
        size = sum(len(part) for part in data.values() if isinstance(part, str))
        if size > self._data:
            self.data_dropped += 1
            return False
        self._data -= size
        return True


def extend_stream(outputs: list[NotebookNode], name: str, text: str) -> bool:
    """Add a text to the last output where that is the same stream, as Jupyter does; else say False."""
    if not outputs or outputs[-1].output_type != "stream" or outputs[-1].name != name:
        return False
    outputs[-1].text += text
    return True
