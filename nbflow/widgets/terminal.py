"""The run grid in a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from nbflow.model.printable import printable
from nbflow.model.state import RunState, TaskState
from nbflow.widgets.axis import Tick, axis_of, spaced, thinned
from nbflow.widgets.look import LEGEND_ORDER, LOOKS, duration, words
from nbflow.widgets.svg import cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import ConsoleOptions

    from nbflow.model.grid import GridColumn, GridView

_PITCH = 3  # cells for a column; two where three don't fit
_WIDEST_NAME = 40
_BARS = " ▁▂▃▄▅▆▇█"
_QUIET = "dim"
_STALE = "*"
# Terminals have their own page colours: these read on black and on white.
_COLOURS = {
    TaskState.SUCCESS: "#2a9d7c",
    TaskState.RUNNING: "bold #3a9bdc",
    TaskState.FAILED: "bold #e8502f",
    TaskState.UPSTREAM_FAILED: "#d99500",
    TaskState.UP_FOR_RETRY: "#c9b800",
    TaskState.UP_FOR_RESCHEDULE: "#c9b800",
    TaskState.SKIPPED: "#b27bb8",
}


def grid_text(view: GridView) -> GridText:
    """The grid, for rich's `Console.print`: as many of the newest runs as the terminal is wide."""
    return GridText(view)


def grid_lines(view: GridView, width: int = 110) -> str:
    """The grid as plain text without colours, for outputs that are stored."""
    lines = StringIO()
    # Inside a notebook rich would show the text itself, as HTML.
    console = Console(file=lines, width=width, color_system=None, force_terminal=False, force_jupyter=False)
    console.print(GridText(view))
    return "\n".join(line.rstrip() for line in lines.getvalue().splitlines())


def glyph(state: TaskState, *, plain: bool = False) -> Text:
    """The state's character in its colour; `plain` for terminals that only know ASCII."""
    look = LOOKS[state]
    return Text(look.plain if plain else look.glyph, style=_COLOURS.get(state, _QUIET))


@dataclass(frozen=True, slots=True)
class GridText:
    """A renderable of rich that draws a view."""

    view: GridView

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """The lines for a console of this width; only title and legend may wrap."""
        plain = options.ascii_only
        names = {
            task: _cut(printable(task), min(_WIDEST_NAME, options.max_width // 2), plain=plain)
            for task in self.view.tasks
        }
        indent = 2 if self.view.groups else 0
        left = max((cells_of(name) for name in names.values()), default=0) + indent + 2
        room = max(options.max_width - left, 2)
        pitch = _PITCH if len(self.view.columns) * _PITCH <= room else 2
        view = self.view.last(max(1, room // pitch))
        for line in _lines(view, names, left, pitch, plain=plain):
            line.rstrip()
            yield _ascii(line) if plain else line


def _lines(view: GridView, names: dict[str, str], left: int, pitch: int, *, plain: bool) -> Iterator[Text]:
    if view.title:
        yield Text(printable(view.title), style="bold")
    if not view.columns:
        yield Text(f"{view.dag_id}: no runs yet.")
        return
    if not plain and any(column.seconds for column in view.columns):
        yield _bars(view, left, pitch)
    group = ""
    for task in view.tasks:
        own = view.groups.get(task, "")
        if own and own != group:
            yield Text(printable(own).replace(".", " > " if plain else " › "), style=_QUIET)
        group = own
        name = ("  " if own else "") + names[task]
        line = _row("").append(name, style=_QUIET if task in view.removed else "")
        line.append(" " * (left - cells_of(name)))
        for column in view.columns:
            line.append_text(_square(view, task, column, plain=plain)).append(" " * (pitch - 2))
        yield line
    axis = axis_of(view.columns)
    fine = spaced(axis.fine, lambda tick: (len(tick.text) + 1) / pitch)
    coarse = thinned(axis.coarse, lambda tick: (len(tick.text) + 1) / pitch)
    yield _axis(fine, left, pitch, _QUIET)
    yield _axis(coarse, left, pitch, "")
    yield _legend(view, plain=plain)
    if view.removed:
        yield Text(view.removed_words, style=_QUIET)
    if view.older:
        yield Text(f"{view.older} older {'run' if view.older == 1 else 'runs'} not shown", style=_QUIET)


def _square(view: GridView, task: str, column: GridColumn, *, plain: bool) -> Text:
    found = view.squares.get((task, column.run_id))
    if found is None:
        return Text("  ")
    text = glyph(found.state, plain=plain)
    if found.root:
        text.stylize("reverse")
    return text.append(_STALE if found.stale else " ", style="")


def _bars(view: GridView, left: int, pitch: int) -> Text:
    longest = max(column.seconds or 0.0 for column in view.columns) or 1.0
    label = duration(longest)
    line = _row((label if len(label) < left else "").rjust(left - 2) + "  ", _QUIET)
    for column in view.columns:
        height = 0 if column.seconds is None else max(1, round(8 * column.seconds / longest))
        style = _COLOURS[TaskState.FAILED] if column.state is RunState.FAILED else _QUIET
        line.append(_BARS[height], style=style).append(" " * (pitch - 1))
    return line


def _axis(ticks: tuple[Tick, ...], left: int, pitch: int, style: str) -> Text:
    line = ""
    for tick in ticks:
        line = line.ljust(left + tick.column * pitch) + tick.text
    return _row(line, style)


def _row(text: str, style: str = "") -> Text:
    """A line that is cut where the terminal ends: wrapped, its columns would stand nowhere."""
    return Text(text, style=style, no_wrap=True, overflow="crop")


def _ascii(line: Text) -> Text:
    """The line with what ASCII can't say replaced, character by character (styles keep their places)."""
    line.plain = line.plain.replace("·", "-").encode("ascii", "replace").decode("ascii")
    return line


def _legend(view: GridView, *, plain: bool) -> Text:
    """The states that occur; those with the same glyph share an entry."""
    shown = {found.state for found in view.squares.values()}
    entries: dict[str, tuple[Text, list[str]]] = {}
    for state in LEGEND_ORDER:
        if state in shown:
            mark = glyph(state, plain=plain)
            entries.setdefault(mark.plain, (mark, []))[1].append(words(state))
    parts = [Text.assemble(mark, " ", " / ".join(names)) for mark, names in entries.values()]
    if any(found.stale for found in view.squares.values()):
        parts.append(Text(f"{_STALE} code has changed since"))
    return Text("  ").join(parts)


def _cut(name: str, room: int, *, plain: bool) -> str:
    if cells_of(name) <= room:
        return name
    while cells_of(name) >= room and name:
        name = name[:-1]
    return name + ("~" if plain else "…")
