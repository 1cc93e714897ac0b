"""What stands under the columns of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nbflow.model.grid import GridColumn
from nbflow.model.run import run_id_of
from nbflow.model.state import RunState
from nbflow.widgets.axis import Tick, axis_of, spaced, thinned

BERLIN = ZoneInfo("Europe/Berlin")


def columns(moments: list[datetime]) -> list[GridColumn]:
    return [
        GridColumn(run_id=run_id_of(moment), logical_date=moment, state=RunState.SUCCESS)
        for moment in moments
    ]


@dataclass(frozen=True)
class Case:
    name: str
    moments: tuple[datetime, ...]
    fine: tuple[str, ...]
    coarse: tuple[str, ...]


def day(year: int, month: int, number: int, hour: int = 0) -> datetime:
    return datetime(year, month, number, hour, tzinfo=BERLIN)


CASES = [
    Case("days below months", (day(2013, 1, 31), day(2013, 2, 1), day(2013, 2, 2)), ("31", "1", "2"),
         ("Jan 2013", "Feb 2013")),
    Case("hours below days", (day(2013, 1, 1, 18), day(2013, 1, 2), day(2013, 1, 2, 6)), ("18", "00", "06"),
         ("1 Jan", "2 Jan")),
    Case("a daily run at six is about days", (day(2013, 1, 1, 6), day(2013, 1, 2, 6)), ("1", "2"), ("Jan 2013",)),
    Case("months below years", (day(2012, 12, 1), day(2013, 1, 1)), ("12", "01"), ("2012", "2013")),
    Case("one run is a day", (day(2013, 1, 1),), ("1",), ("Jan 2013",)),
    Case("none", (), (), ()),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_axis(case: Case) -> None:
    axis = axis_of(columns(list(case.moments)))
    assert tuple(tick.text for tick in axis.fine) == case.fine
    assert tuple(tick.text for tick in axis.coarse) == case.coarse


def test_ticks_that_would_collide_are_left_out() -> None:
    ticks = [Tick(0, "Jan 2013"), Tick(1, "Feb 2013"), Tick(2, "Mar 2013"), Tick(9, "Apr 2013")]
    assert [tick.text for tick in thinned(ticks, lambda _: 4)] == ["Feb 2013", "Apr 2013"]


def test_every_text_has_room() -> None:
    ticks = [Tick(index, str(index)) for index in range(12)]
    assert [tick.column for tick in spaced(ticks, lambda tick: len(tick.text) * 1.1)] == [0, 3, 6, 9]
    assert spaced((), lambda _: 1) == ()


def test_labels_are_addresses() -> None:
    start = day(2013, 3, 1)
    labels = [
        column.label for column in columns([start, start + timedelta(hours=6), start.replace(second=5)])
    ]
    assert labels == ["2013-03-01", "2013-03-01T06:00", "2013-03-01T00:00:05"]
