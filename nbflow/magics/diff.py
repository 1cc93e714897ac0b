"""`%nbflow diff RUN RUN [TASK]`: what two runs handed on, side by side."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nbflow.errors import OptionError
from nbflow.service.board_target import fresh_target
from nbflow.service.diff import SAME, diff

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nbflow.service.diff import RunDiff

_USAGE = "%nbflow diff takes two runs (dates, `latest` or run ids) and maybe a task, and got: {words}"
_HEAD = ("task", "key", "", "what differs")
_LEFT = "text-align:left"


def diff_line(notebook: Path, words: list[str]) -> None:
    """Carry out `%nbflow diff WORDS`: the table is displayed.

    Raises:
        NbflowError: the call is wrong, or there is no such run or task.
    """
    from IPython.display import display

    if len(words) not in (2, 3) or any(word.startswith("--") for word in words):
        raise OptionError(_USAGE.format(words=" ".join(words) or "nothing"))
    found = diff(fresh_target(notebook), *words)
    display({"text/html": diff_html(found), "text/plain": diff_text(found)}, raw=True)


def diff_text(found: RunDiff) -> str:
    """The table for a terminal, with what is the same counted below."""
    rows = [_HEAD, *_rows(found)]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    lines = [
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]]).rstrip()
        for row in rows
    ]
    return "\n".join([_title(found), *(lines if len(rows) > 1 else ()), _same(found)]).rstrip()


def diff_html(found: RunDiff) -> str:
    """The table for a notebook; everything in it is text."""
    head = "".join(f'<th style="{_LEFT}">{escape(text)}</th>' for text in _HEAD)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_LEFT}">{escape(text)}</td>' for text in row) + "</tr>"
        for row in _rows(found)
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""
    return f"<div><b>{escape(_title(found))}</b>{table}<div>{escape(_same(found))}</div></div>"


def _title(found: RunDiff) -> str:
    return f"{found.first} → {found.second}"


def _rows(found: RunDiff) -> Sequence[tuple[str, str, str, str]]:
    return [(one.task, one.key, one.verdict, one.said) for one in found.values if one.verdict != SAME]


def _same(found: RunDiff) -> str:
    same = sum(one.verdict == SAME for one in found.values)
    if same == len(found.values):
        return "nothing differs" if same else "neither handed anything on"
    return f"{same} other value{'s are' if same != 1 else ' is'} the same" if same else ""
