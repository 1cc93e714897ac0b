"""How states look: colours for light and dark, glyphs. Every face takes them from here.

The colours are Okabe and Ito's, told apart by colour-blind readers too; the glyphs say the same again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.state import RunState, TaskState

if TYPE_CHECKING:
    from collections.abc import Mapping

SQUARE = 16.0  # the side of a square, in px
GAP = 3.0
RADIUS = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one state looks.

    Attributes:
        light, dark: its colour on a light and on a dark page.
        glyph: the character that stands for it in a terminal; "■" where the picture needs no glyph.
        plain: the same for terminals that only know ASCII.
        path: SVG path data of the glyph in a 16 × 16 box; "" for none. Drawn, not written, so that
            it doesn't depend on fonts.
        solid: whether the path is filled; otherwise it is stroked.
        ink: the glyph's colour on the square.
        opacity: of the square, below 1 for states that should stay in the background.
        pale: whether the square needs a border to be seen on its page.
    """

    light: str
    dark: str
    glyph: str
    plain: str
    path: str = ""
    solid: bool = False
    ink: str = "#1f2328"
    opacity: float = 1.0
    pale: bool = False


_CROSS = "M5 5L11 11M11 5L5 11"
_PLAY = "M6 4.4L11.6 8L6 11.6Z"
_ARROW_TO_BAR = "M5 4H11M8 12.2V6.4M5.6 8.8L8 6.4L10.4 8.8"
_TURN = "M11.4 6A4 4 0 1 0 12 8.6M11.9 3.7V6.3H9.3"
_DASH = "M5.2 8H10.8"
_DOTS = "M4.4 8h.01M8 8h.01M11.6 8h.01"
_DOT = "M8 8h.01"

_RETRY = Look(light="#f0e442", dark="#f0e442", glyph="↻", plain="r", path=_TURN, pale=True)
_WAITING = Look(light="#d0d7de", dark="#3d444d", glyph="·", plain=".", path=_DOT, ink="#8c959f", pale=True)
_RUNNING = Look(light="#0072b2", dark="#56b4e9", glyph="▶", plain=">", path=_PLAY, solid=True, ink="#ffffff")
_QUEUED = Look(light="#8c959f", dark="#6e7681", glyph="…", plain=":", path=_DOTS, ink="#ffffff")
_SUCCESS = Look(light="#009e73", dark="#2ab88c", glyph="■", plain="#", opacity=0.62)
_FAILED = Look(light="#c8371b", dark="#ff6b4a", glyph="✕", plain="x", path=_CROSS, ink="#ffffff")

LOOKS: Mapping[TaskState, Look] = {
    TaskState.SUCCESS: _SUCCESS,
    TaskState.RUNNING: _RUNNING,
    TaskState.FAILED: _FAILED,
    TaskState.UPSTREAM_FAILED: Look(
        light="#f0a500", dark="#f0a500", glyph="⤒", plain="^", path=_ARROW_TO_BAR, opacity=0.72
    ),
    TaskState.UP_FOR_RETRY: _RETRY,
    TaskState.UP_FOR_RESCHEDULE: _RETRY,
    TaskState.SKIPPED: Look(light="#cc9fd1", dark="#cc9fd1", glyph="–", plain="-", path=_DASH, pale=True),
    TaskState.QUEUED: _QUEUED,
    TaskState.SCHEDULED: _WAITING,
    TaskState.NONE: _WAITING,
    TaskState.RESTARTING: _QUEUED,
    TaskState.REMOVED: _WAITING,
}

# The order in which a legend names states: what needs a person first.
LEGEND_ORDER = (
    TaskState.FAILED,
    TaskState.UPSTREAM_FAILED,
    TaskState.UP_FOR_RETRY,
    TaskState.UP_FOR_RESCHEDULE,
    TaskState.RUNNING,
    TaskState.RESTARTING,
    TaskState.QUEUED,
    TaskState.SCHEDULED,
    TaskState.NONE,
    TaskState.SKIPPED,
    TaskState.SUCCESS,
    TaskState.REMOVED,
)


def words(state: TaskState | RunState) -> str:
    """The state's name for people: `upstream failed`, `not started`."""
    return "not started" if state == TaskState.NONE else state.value.replace("_", " ")


def duration(seconds: float | None) -> str:
    """`18 ms`, `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`; "" for None."""
    if seconds is None:
        return ""
    if seconds < 0.0995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


# Inks are chosen to stay legible on the other page too: an untrusted notebook shows the picture as the
# system's colour scheme says, whatever theme JupyterLab has.
_LIGHT = {"ink": "#24292f", "quiet": "#6a737d", "line": "#8c959f", "paper": "#8c959f", "bar": "#8c959f"}
_DARK = {"ink": "#d7dce2", "quiet": "#929aa3", "line": "#7d858e", "paper": "#8c959f", "bar": "#7d858e"}
SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Helvetica Neue',Arial,sans-serif"
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"


def _rules(inks: Mapping[str, str], *, dark: bool, scope: str) -> str:
    """The rules that depend on the page, each selector below `scope`."""
    ink = f"var(--jp-ui-font-color1,{inks['ink']})"
    quiet = f"var(--jp-ui-font-color2,{inks['quiet']})"
    rules = [
        (".nbf-ink", f"fill:{ink}"),
        (".nbf-quiet", f"fill:{quiet}"),
        (".nbf-line", f"stroke:{inks['line']}"),
        (".nbf-head", f"fill:{inks['line']}"),
        (".nbf-paper", f"fill:{inks['paper']};stroke:{inks['line']}"),
        (".nbf-bar", f"fill:{inks['bar']}"),
        (".nbf-mark", f"stroke:{inks['ink']}"),
    ]
    rules += [
        (f".nbf-{state.value}", f"fill:{colour};stroke:{colour}")
        for state, look in LOOKS.items()
        for colour in [look.dark if dark else look.light]
    ]
    return "".join(f"{scope}{selector}{{{body}}}" for selector, body in rules)


def stylesheet(*, dark: bool | None) -> str:
    """CSS for the classes that the pictures use.

    Args:
        dark: the page is dark or light; None lets the picture follow its page: JupyterLab's theme
            when it stands inside the document, else the colour scheme of the system or of the `<img>`.
    """
    fixed = (
        f".nbf text{{font-family:{SANS};font-size:12px}}"
        f".nbf .nbf-mono{{font-family:{MONO}}}"
        ".nbf .nbf-small{font-size:10px}"
        ".nbf .nbf-strong{font-weight:600}"
        ".nbf .nbf-pale{stroke-opacity:.9;stroke:#8c959f}"
    )
    if dark is not None:
        return _rules(_DARK if dark else _LIGHT, dark=dark, scope=".nbf ") + fixed
    by_system = _rules(_DARK, dark=True, scope=":root.nbf ") + _rules(
        _DARK, dark=True, scope="body:not([data-jp-theme-light]) .nbf "
    )
    return (
        _rules(_LIGHT, dark=False, scope=".nbf ")
        + f"@media (prefers-color-scheme:dark){{{by_system}}}"
        + _rules(_DARK, dark=True, scope='body[data-jp-theme-light="false"] .nbf ')
        + fixed
    )
