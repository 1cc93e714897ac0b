"""Text of other people's making, fit for a terminal: names, reasons, errors, what tasks printed."""

from __future__ import annotations

import re

# A terminal obeys control characters, C1 (U+009B is an escape sequence's beginning too) among them; bidirectional
# overrides show a text in another order than it has.
_OBEYED = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
_IN_A_LINE = re.compile(rf"[\n{_OBEYED}]")
_IN_LINES = re.compile(rf"[{_OBEYED}]")
_SHORT = {"\n": r"\n", "\r": r"\r"}
_SEQUENCE = re.compile(
    r"""
    (?P<colour> \x1b\[ [0-9;:]* m )
    | \x1b\[ [0-?]* [ -/]* [@-~]                       # cursor, erase, modes
    | \x1b [\]PX^_] [^\x07\x1b\x9c\n]* (?:\x07|\x1b\\|\x9c)?    # titles, clipboards, device strings
    | \x1b [ -/]* [0-~]
    | (?P<kept> [\t\n\r] )
    | [\x00-\x1f\x7f-\x9f]
    """,
    re.VERBOSE,
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\x9c\n]*\x1b?|[ -/]*)$")
_LONGEST = 4096  # characters of a sequence that somebody waits for


def printable(text: str, *, lines: bool = False) -> str:
    r"""The text with whatever a terminal would obey written out (`\x1b`), so that it only shows.

    Args:
        text: anything.
        lines: whether line ends stay; else they are written out too.
    """
    return (_IN_LINES if lines else _IN_A_LINE).sub(_written, text)


def coloured(text: str) -> str:
    """What a task printed: its colours and line ends stay, everything else that a terminal would obey goes."""
    return _SEQUENCE.sub(lambda found: found["colour"] or found["kept"] or "", text)


def whole(text: str) -> tuple[str, str]:
    """A text that is still coming, divided before an escape sequence whose end has not come yet."""
    found = _UNFINISHED.search(text, max(len(text) - _LONGEST, 0))
    return (text, "") if found is None else (text[: found.start()], text[found.start() :])


def _written(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
