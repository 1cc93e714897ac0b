"""The date axis of a grid: what to write under its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from nbflow.model.grid import GridColumn

# Not strftime: that follows the locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Tick:
    """A text and the column (from 0) it starts at."""

    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Two lines of dates.

    Attributes:
        fine: a short text for each column: its day, or hour, or month.
        coarse: where a new month, day or year begins.
    """

    fine: tuple[Tick, ...]
    coarse: tuple[Tick, ...]


def short_date(moment: datetime) -> str:
    """`17 Feb 2013`, with the time unless it is midnight."""
    text = f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
    return text if _midnight(moment) else f"{text}, {moment:%H:%M}"


def axis_of(columns: Sequence[GridColumn]) -> Axis:
    """Days below months; hours below days where runs are closer than a day; months below years where
    each run starts a month. A variant of a run has a `~`.
    """
    return _with_variants(_axis_of_dates([column.logical_date for column in columns]), columns)


def _axis_of_dates(dates: Sequence[datetime]) -> Axis:
    if any(not _midnight(moment) for moment in dates) and len({moment.date() for moment in dates}) < len(
        dates
    ):
        return _axis(dates, lambda m: f"{m:%H}", lambda m: f"{m.day} {_MONTHS[m.month - 1]}")
    if len(dates) > 1 and all(moment.day == 1 for moment in dates):
        return _axis(dates, lambda m: f"{m:%m}", lambda m: f"{m.year}")
    return _axis(dates, lambda m: str(m.day), lambda m: f"{_MONTHS[m.month - 1]} {m.year}")


def thinned(ticks: Sequence[Tick], room: Callable[[Tick], float]) -> tuple[Tick, ...]:
    """The ticks that don't run into one another; of two, the later one stays if it is the start of
    more columns.

    Args:
        ticks: in order.
        room: how many columns a tick's text takes.
    """
    kept: list[Tick] = []
    for tick in ticks:
        if kept and tick.column - kept[-1].column < room(kept[-1]):
            # Only the first stretch can be cut short by the grid's edge; a later one is a real start.
            if len(kept) == 1 and kept[0].column == 0:
                kept[-1] = tick
            continue
        kept.append(tick)
    return tuple(kept)


def spaced(ticks: Sequence[Tick], room: Callable[[Tick], float]) -> tuple[Tick, ...]:
    """Every first, second, third ... tick: the closest that leaves each text its room."""
    widest = max((room(tick) for tick in ticks), default=1)
    step = max(1, -int(-widest // 1))
    return tuple(ticks[::step])


def _axis(
    dates: Sequence[datetime], fine: Callable[[datetime], str], coarse: Callable[[datetime], str]
) -> Axis:
    ticks: list[Tick] = []
    for index, moment in enumerate(dates):
        text = coarse(moment)
        if not index or coarse(dates[index - 1]) != text:
            ticks.append(Tick(index, text))
    return Axis(tuple(Tick(index, fine(moment)) for index, moment in enumerate(dates)), tuple(ticks))


def _with_variants(axis: Axis, columns: Sequence[GridColumn]) -> Axis:
    """The axis with a `~` at the runs that are variants of an ordinary one."""
    fine = (
        Tick(tick.column, f"{tick.text}~" if "~" in column.run_id else tick.text)
        for tick, column in zip(axis.fine, columns, strict=True)
    )
    return Axis(tuple(fine), axis.coarse)


def _midnight(moment: datetime) -> bool:
    return not (moment.hour or moment.minute or moment.second)
