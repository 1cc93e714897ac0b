"""The run grid as a picture: tasks down, runs across, a square for each task of each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.state import RunState, TaskState
from nbflow.widgets.axis import Tick, axis_of, short_date, spaced, thinned
from nbflow.widgets.look import GAP, LEGEND_ORDER, LOOKS, SQUARE, duration, words
from nbflow.widgets.svg import (
    as_image,
    clean,
    document,
    element,
    shorten,
    square,
    text_width,
    words_at,
    words_with_code,
)

if TYPE_CHECKING:
    from nbflow.model.grid import GridColumn, GridSquare, GridView

_PITCH = SQUARE + GAP
_MARGIN = 10.0
_BARS = 40.0  # the height of the longest bar
_GROUP = 18.0  # the height of a group's line
_WIDEST_NAME = 240.0
_AXIS = 34.0
_REMOVED = "no longer in the notebook"
_TITLE = 620.0  # a title may always be this wide
_BOLD = 1.08  # how much wider strong text is


def grid_svg(view: GridView, dark: bool | None = None) -> str:
    """The grid as a picture.

    Bars above the squares show how long each run took, coloured only where a run failed; a ring marks
    a failure that others follow from, a notch a task whose code has changed since. Hovering shows
    task, date, state, try, time and reason.

    Args:
        view: what to draw.
        dark: for a dark or a light page; None follows the page (see `look.stylesheet`).
    """
    indent = 8.0 if view.groups else 0.0
    names = {task: shorten(task, _WIDEST_NAME) for task in view.tasks}
    texts = [text_width(name) + (indent if view.groups.get(task) else 0) for task, name in names.items()]
    texts += [text_width(group.replace(".", " › "), 10.5) for group in view.groups.values()]
    left = _MARGIN + max([*texts, 60.0]) + 14
    title_height = 26.0 if view.title else 0.0
    top = _MARGIN + title_height + _BARS + 8
    parts: list[str] = []
    title_width = 0.0
    if view.title:
        title = shorten(view.title, max(_TITLE, left + len(view.columns) * _PITCH - _MARGIN))
        title_width = text_width(title) * _BOLD
        parts.append(words_with_code(_MARGIN, _MARGIN + 12, title, classes="nbf-ink nbf-strong"))
    parts += _bars(view, left, top - 8)
    rows, bottom = _rows(view, names, left, top, indent)
    parts += rows
    if not view.columns:
        parts.append(words_at(left, top + 12, "No runs yet.", classes="nbf-quiet"))
    parts += _axis(view, left, bottom, top)
    legend, legend_width, legend_height = _legend(view, bottom + _AXIS + 14)
    parts += legend
    width = max(
        left + len(view.columns) * _PITCH + _MARGIN + 24,
        legend_width,
        _MARGIN * 2 + title_width,
        left + 90,
    )
    return document(
        parts,
        width=width,
        height=bottom + _AXIS + legend_height + _MARGIN,
        name=f"Run grid of {view.dag_id}",
        description=summary(view),
        dark=dark,
    )


def grid_html(view: GridView) -> str:
    """The picture for a notebook's output: shows in untrusted notebooks too."""
    return as_image(grid_svg(view), f"Run grid of {view.dag_id}. {summary(view)}")


def summary(view: GridView) -> str:
    """What the grid shows, in words: for readers who can't see it."""
    if not view.columns:
        return f"{view.dag_id}: no runs yet."
    counts = [
        (state, sum(1 for column in view.columns if column.state is state))
        for state in (RunState.FAILED, RunState.RUNNING, RunState.QUEUED, RunState.SUCCESS)
    ]
    told = ", ".join(f"{count} {words(state)}" for state, count in counts if count)
    failures = [
        f"{task} on {column.label}"
        for column in view.columns
        for task in view.tasks
        if (found := view.squares.get((task, column.run_id))) and found.state is TaskState.FAILED
    ]
    more = f" and {len(failures) - 10} more" if len(failures) > 10 else ""
    failed = f" Failed tasks: {', '.join(failures[:10])}{more}." if failures else ""
    first, last = view.columns[0].label, view.columns[-1].label
    return f"{len(view.tasks)} tasks, {len(view.columns)} runs from {first} to {last}: {told}.{failed}"


def tip(task: str, column: GridColumn, found: GridSquare) -> str:
    """What hovering over a square says."""
    parts = [task, short_date(column.logical_date), words(found.state)]
    if found.try_number > 1:
        parts.append(f"try {found.try_number}")
    if found.seconds is not None:
        parts.append(duration(found.seconds))
    lines = [" · ".join(parts)]
    if found.reason:
        lines.append(found.reason)
    if found.stale:
        lines.append("Stale: its code has changed since.")
    lines += found.notes
    return "\n".join(lines)


def _bars(view: GridView, left: float, base: float) -> list[str]:
    longest = max((column.seconds or 0.0 for column in view.columns), default=0.0)
    if longest <= 0:
        return []
    parts = [
        element(
            "line",
            x1=left - 4,
            x2=left + len(view.columns) * _PITCH - GAP + 4,
            y1=base - _BARS + 0.5,
            y2=base - _BARS + 0.5,
            class_="nbf-line",
            stroke_opacity=0.35,
            stroke_dasharray="1 3",
        ),
        words_at(left - 9, base - _BARS + 4, duration(longest), classes="nbf-quiet nbf-small", anchor="end"),
    ]
    for index, column in enumerate(view.columns):
        if column.seconds is None:
            continue
        height = max(2.0, _BARS * column.seconds / longest)
        failed = column.state is RunState.FAILED
        lines = [short_date(column.logical_date), f"{column.type.value} run", words(column.state)]
        parts.append(
            element(
                "rect",
                element("title", clean(" · ".join([*lines, duration(column.seconds)]))),
                x=left + index * _PITCH + 3,
                y=base - height,
                width=SQUARE - 6,
                height=height,
                rx=1.5,
                class_=f"nbf-{RunState.FAILED.value}" if failed else "nbf-bar",
                stroke_width=0,
                fill_opacity=None if failed else 0.45,
            )
        )
    return parts


def _rows(
    view: GridView, names: dict[str, str], left: float, top: float, indent: float
) -> tuple[list[str], float]:
    """The names and squares, and where the next row would start."""
    parts: list[str] = []
    y, group = top, ""
    for task in view.tasks:
        own = view.groups.get(task, "")
        if own != group and own:
            title = own.replace(".", " › ")
            parts.append(words_at(_MARGIN, y + 12, title, classes="nbf-quiet nbf-small nbf-strong"))
            y += _GROUP
        elif own != group:
            y += 6
        group = own
        x = _MARGIN + (indent if own else 0)
        full = task if names[task] != task else ""
        inks = "nbf-quiet" if task in view.removed else "nbf-ink"
        tip_of_name = _REMOVED if task in view.removed and not full else full
        parts.append(words_at(x, y + 12.2, names[task], classes=inks, tip=tip_of_name))
        for index, column in enumerate(view.columns):
            found = view.squares.get((task, column.run_id))
            if found is None:
                continue
            parts.append(
                square(
                    left + index * _PITCH,
                    y,
                    found.state,
                    tip=tip(task, column, found),
                    loud=found.root,
                    stale=found.stale,
                )
            )
        y += _PITCH
    return parts, y - GAP


def _axis(view: GridView, left: float, bottom: float, top: float) -> list[str]:
    axis = axis_of(view.columns)
    parts: list[str] = []
    for tick in spaced(axis.fine, lambda tick: text_width(tick.text, 10) / _PITCH):
        middle = left + tick.column * _PITCH + SQUARE / 2
        parts.append(words_at(middle, bottom + 14, tick.text, classes="nbf-quiet nbf-small", anchor="middle"))

    def room(tick: Tick) -> float:
        return (text_width(tick.text, 10) + 10) / _PITCH

    for tick in axis.coarse:
        x = left + tick.column * _PITCH - GAP / 2
        if tick.column:
            parts.append(
                element("line", x1=x, x2=x, y1=top - 4, y2=bottom + 31, class_="nbf-line", stroke_opacity=0.4)
            )
    for tick in thinned(axis.coarse, room):
        x = left + tick.column * _PITCH + (3 if tick.column else 0)
        parts.append(words_at(x, bottom + 29, tick.text, classes="nbf-ink nbf-small nbf-strong"))
    for index, column in enumerate(view.columns):
        if view.today is not None and column.logical_date.date() == view.today:
            x = left + index * _PITCH + 3
            parts.append(
                element(
                    "rect",
                    element("title", "today"),
                    x=x,
                    y=bottom + 17,
                    width=SQUARE - 6,
                    height=2,
                    rx=1,
                    class_=f"nbf-{TaskState.RUNNING.value}",
                    stroke_width=0,
                )
            )
    return parts


def _legend(view: GridView, y: float) -> tuple[list[str], float, float]:
    """The states that occur, with the width and height they take."""
    shown = {found.state for found in view.squares.values()}
    entries: list[tuple[TaskState, str]] = []
    for state in LEGEND_ORDER:
        # States that look the same (scheduled, none) are named once.
        if state in shown and all(LOOKS[state] != LOOKS[other] for other, _ in entries):
            entries.append((state, words(state)))
    x, parts = _MARGIN, list[str]()
    for state, text in entries:
        parts.append(square(x, y, state))
        parts.append(words_at(x + SQUARE + 6, y + 12, text, classes="nbf-quiet"))
        x += SQUARE + 6 + text_width(text) + 14
    notes: list[str] = []
    if any(found.root for found in view.squares.values()):
        notes.append("ringed: failed by itself")
    if any(found.stale for found in view.squares.values()):
        notes.append("notched: code has changed since")
    if view.removed:
        notes.append(view.removed_words)
    if view.older:
        notes.append(f"{view.older} older {'run' if view.older == 1 else 'runs'} not shown")
    height = SQUARE + 14 if entries else 0.0
    if notes:
        line = " · ".join(notes)
        note_y = y + (SQUARE + 16 if entries else 10)
        parts.append(words_at(_MARGIN, note_y, line, classes="nbf-quiet nbf-small"))
        x = max(x, _MARGIN + text_width(line, 10))
        height += 18
    return parts, x + _MARGIN, height
