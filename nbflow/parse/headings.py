"""Markdown headings make task groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t]*#*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_NUMBER = re.compile(r"^\d+(?:\.\d+)*[.)]?\s+")


def headings_above(cells: Iterable[Mapping[str, object]]) -> list[tuple[tuple[int, str], ...]]:
    """For each cell the headings it stands under, as (level, text), outermost first."""
    result: list[tuple[tuple[int, str], ...]] = []
    path: list[tuple[int, str]] = []
    for cell in cells:
        if cell.get("cell_type") == "markdown":
            source = cell.get("source", "")
            text = "".join(source) if isinstance(source, list) else str(source)
            for marks, words in _HEADING.findall(_FENCE.sub("", text)):
                while path and path[-1][0] >= len(marks):
                    path.pop()
                path.append((len(marks), plain(words)))
        result.append(tuple(path))
    return result


def groups_of(cells: Iterable[Mapping[str, object]]) -> list[str]:
    """For each cell the group it belongs to: headings joined by dots, "" for none.

    A single heading of the first level that everything else stands under is the notebook's title
    and makes no group.
    """
    above = headings_above(cells)
    tops = {path[0] for path in above if path}
    title = len(tops) == 1 and next(iter(tops))[0] == 1
    return [".".join(text for _, text in path[1 if title else 0 :] if text) for path in above]


def plain(heading: str) -> str:
    """A heading's words without markup and leading number; dots would divide levels and are left out."""
    text = _NUMBER.sub("", _LINK.sub(r"\1", heading))
    return re.sub(r"[*_`~.]+", " ", text).strip() if text else ""
