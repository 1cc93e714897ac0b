"""SVG text: elements, the width of words, a whole picture, a picture inside HTML."""

from __future__ import annotations

import base64
import re
import unicodedata
from html import escape
from typing import TYPE_CHECKING

from nbflow.widgets.look import LOOKS, RADIUS, SQUARE, stylesheet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbflow.model.state import TaskState

_NARROW = frozenset("iljtfrI.,:;|!'`()[]{}/\\ ")
_BROAD = frozenset("mwMW@%—")
# What XML has no way to say, and what shows a text in another order than it has.
_FORBIDDEN = re.compile(
    r"[^\t\n\r -~\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def cells_of(text: str) -> int:
    """How many cells of a terminal the text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def text_width(text: str, size: float = 12, *, mono: bool = False) -> float:
    """About how wide the text is, in px, on the generous side, whatever font the reader has."""
    if mono:
        return size * 0.61 * cells_of(text)
    total = 0.0
    for char in text:
        if unicodedata.combining(char):
            continue
        if unicodedata.east_asian_width(char) in "WF":
            total += 1.05
        elif char in _NARROW:
            total += 0.38
        elif char in _BROAD:
            total += 0.92
        else:
            total += 0.7 if char.isupper() else 0.61
    return size * total


def shorten(text: str, width: float, size: float = 12, *, mono: bool = False) -> str:
    """The text, cut at its end with an ellipsis if it is wider than `width` px."""
    if text_width(text, size, mono=mono) <= width:
        return text
    while text and text_width(text + "…", size, mono=mono) > width:
        text = text[:-1]
    return text + "…"


def clean(text: str) -> str:
    """The text, safe inside XML and HTML: escaped, without control characters."""
    return escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text), quote=True)


def number(value: float) -> str:
    """A coordinate, to a tenth of a px at most two digits, without a trailing zero."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def element(tag: str, *children: str, **attributes: str | float | None) -> str:
    """One element. `_` in an attribute's name stands for `-`, a trailing one is dropped
    (`class_`, `stroke_width`); None leaves the attribute out. Values are escaped, children are not.
    """
    parts = [
        f' {name.rstrip("_").replace("_", "-")}="{clean(value) if isinstance(value, str) else number(value)}"'
        for name, value in attributes.items()
        if value is not None
    ]
    return f"<{tag}{''.join(parts)}>{''.join(children)}</{tag}>" if children else f"<{tag}{''.join(parts)}/>"


def words_at(
    x: float, y: float, text: str, *, classes: str = "nbf-ink", anchor: str | None = None, tip: str = ""
) -> str:
    """A line of text, its baseline at `y`."""
    children = [clean(text)]
    if tip:
        children.append(element("title", clean(tip)))
    return element("text", *children, x=x, y=y, class_=classes, text_anchor=anchor)


def words_with_code(x: float, y: float, text: str, *, classes: str) -> str:
    """A line of text in which `backticks` set code."""
    parts = [
        element("tspan", clean(part), class_="nbf-mono") if index % 2 else clean(part)
        for index, part in enumerate(text.split("`"))
        if part
    ]
    return element("text", *parts, x=x, y=y, class_=classes)


def square(
    x: float, y: float, state: TaskState, *, tip: str = "", loud: bool = False, stale: bool = False
) -> str:
    """A state's square with its glyph, its upper left corner at (x, y).

    Args:
        x: left edge, px.
        y: upper edge, px.
        state: what it shows.
        tip: shown on hover.
        loud: a ring around it: a failure that others follow from.
        stale: a notch in its corner: its code has changed since.
    """
    look = LOOKS[state]
    parts = [element("title", clean(tip))] if tip else []
    parts.append(
        element(
            "rect",
            x=0.5,
            y=0.5,
            width=SQUARE - 1,
            height=SQUARE - 1,
            rx=RADIUS,
            class_=f"nbf-{state.value}" + (" nbf-pale" if look.pale else ""),
            fill_opacity=None if look.opacity == 1 else look.opacity,
            stroke_opacity=None if look.pale else look.opacity,
        )
    )
    if loud:
        parts.append(
            element(
                "rect",
                x=-1.25,
                y=-1.25,
                width=SQUARE + 2.5,
                height=SQUARE + 2.5,
                rx=RADIUS + 1.5,
                class_="nbf-mark",
                fill="none",
                stroke_width=1.5,
            )
        )
    if look.path:
        style = {"fill": look.ink} if look.solid else {"fill": "none", "stroke": look.ink}
        parts.append(
            element(
                "path",
                d=look.path,
                **style,
                stroke_width=None if look.solid else 2.1 if loud else 1.7,
                stroke_linecap="round",
                stroke_linejoin="round",
            )
        )
    if stale:
        parts.append(element("path", d="M10 0H12.5A3.5 3.5 0 0 1 16 3.5V6Z", class_="nbf-ink"))
    return element("g", *parts, transform=f"translate({number(x)} {number(y)})")


def document(
    parts: Iterable[str], *, width: float, height: float, name: str, description: str, dark: bool | None
) -> str:
    """A whole picture with a transparent background.

    Args:
        parts: its elements.
        width: in px.
        height: in px.
        name: what it is, for readers who can't see it.
        description: what it shows, likewise.
        dark: see `look.stylesheet`.
    """
    return element(
        "svg",
        element("desc", clean(description)),
        f"<style>{stylesheet(dark=dark)}</style>",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        class_="nbf",
        role="img",
        aria_label=name,
        width=width,
        height=height,
        viewBox=f"0 0 {number(width)} {number(height)}",
    )


# An <img> has no access to the page's theme, but it inherits a colour scheme, and the picture's
# `prefers-color-scheme` follows that. Where styles are stripped, the system's scheme decides.
_THEMES = (
    '<style>body[data-jp-theme-light="true"] .nbf-picture{color-scheme:light}'
    'body[data-jp-theme-light="false"] .nbf-picture{color-scheme:dark}</style>'
)


def as_image(svg: str, alternative: str) -> str:
    """HTML that shows the picture as an `<img>`: the form that also shows in untrusted notebooks."""
    data = base64.b64encode(svg.encode()).decode("ascii")
    return (
        f'{_THEMES}<img class="nbf-picture" alt="{clean(alternative)}" style="max-width:100%;height:auto" '
        f'src="data:image/svg+xml;base64,{data}">'
    )
