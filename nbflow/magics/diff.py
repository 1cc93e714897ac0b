"""`%nbflow diff RUN RUN [TASK] [--key COLUMN,...]`: what two runs handed on, side by side."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nbflow.codec import decode
from nbflow.errors import OptionError
from nbflow.service.board_target import fresh_target
from nbflow.service.diff import SAME, diff

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nbflow.service.diff import RunDiff

_USAGE = (
    "%nbflow diff takes two runs (dates, `latest` or run ids), maybe a task, and --key COLUMN,... for the columns "
    "that name the rows of frames; it got: {words}"
)
_HEAD = ("task", "key", "", "what differs")
_LEFT = "text-align:left"


def diff_line(notebook: Path, words: list[str], namespace: Mapping[str, object]) -> None:
    """Carry out `%nbflow diff WORDS`: the table is displayed.

    Args:
        notebook: of the DAG.
        words: what stands behind `diff`.
        namespace: the kernel's, for the classes of handed-on objects that shared cells define.

    Raises:
        NbflowError: the call is wrong, or there is no such run or task.
    """
    from IPython.display import display

    plain, key = _read(words)
    names = dict(namespace)
    found = diff(fresh_target(notebook), *plain, read=lambda value: decode(value, namespace=names), key=key)
    display({"text/html": diff_html(found), "text/plain": diff_text(found)}, raw=True)


def _read(words: list[str]) -> tuple[list[str], list[str]]:
    """The runs and the task, and the columns of `--key`.

    Raises:
        OptionError: it is something else.
    """
    plain: list[str] = []
    key: list[str] = []
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        if flag == "--key":
            key += [name.strip() for name in (value if equals else next(rest, "")).split(",")]
        else:
            plain.append(word)
    if len(plain) not in (2, 3) or any(word.startswith("--") for word in plain) or not all(key):
        raise OptionError(_USAGE.format(words=" ".join(words) or "nothing"))
    return plain, key


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
