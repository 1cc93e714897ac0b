"""The calendar, with a clock that goes where the test wants: every run that is due is made, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from nbflow.model.run import RunKey, run_id_of
from nbflow.parse.flow import dag_spec_of
from nbflow.service.calendar import Calendar

if TYPE_CHECKING:
    from nbflow.model.dag import DagSpec
    from nbflow.model.run import Interval

START = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


@cache
def dag(options: str, dag_id: str = "d") -> DagSpec:
    return dag_spec_of(new_notebook(cells=[new_code_cell(f"%%dag {dag_id}\n{options}")]), f"{dag_id}.ipynb")


@dataclass
class World:
    """A calendar, and the runs it has had made; they are over at once unless `keep_open`."""

    options: str
    at: datetime = START
    keep_open: bool = False
    made: list[Interval] = field(default_factory=list)
    left_out: int = 0

    def __post_init__(self) -> None:
        self.calendar = self._calendar()

    def _calendar(self) -> Calendar:
        calendar = Calendar(self._last)
        calendar.put(dag(self.options), self.at)
        return calendar

    def _last(self, dag_id: str, at: datetime) -> Interval | None:
        assert dag_id == "d"
        return max((one for one in self.made if one.due <= at), key=lambda one: one.start, default=None)

    def restart(self) -> None:
        self.calendar = self._calendar()

    def look(self) -> list[str]:
        """Make what is due; the hours and days of it."""
        fresh: list[str] = []
        for _ in range(1000):
            due = self.calendar.due(self.at)
            if not due:
                break
            for one in due:
                self.left_out += one.left_out
                assert one.interval.due <= self.at
                if one.interval not in self.made:
                    self.made.append(one.interval)
                    fresh.append(f"{one.interval.start:%d %H:%M}")
                if not self.keep_open:
                    self.calendar.closed(one.run, self.at)
        return fresh

    def pass_time(self, by: timedelta) -> list[str]:
        self.at += by
        return self.look()


def test_each_hour_is_made_when_it_has_ended() -> None:
    w = World("schedule = '@hourly'\nstart_date = 2026-11-20")
    assert w.look() == []
    assert w.calendar.next_due == START + HOUR
    assert w.pass_time(timedelta(minutes=59)) == []
    assert w.pass_time(timedelta(minutes=1)) == ["20 00:00"]
    assert w.pass_time(HOUR) == ["20 01:00"]


def test_a_machine_that_slept_makes_the_latest() -> None:
    w = World("schedule = '@hourly'\nstart_date = 2026-11-20")
    w.pass_time(HOUR)
    assert w.pass_time(30 * HOUR) == ["21 06:00"]
    assert w.left_out == 29
    assert w.pass_time(HOUR) == ["21 07:00"]


def test_with_catchup_it_makes_all_in_order() -> None:
    w = World("schedule = '@hourly'\nstart_date = 2026-11-20\ncatchup = true")
    w.pass_time(HOUR)
    assert w.pass_time(3 * HOUR) == ["20 01:00", "20 02:00", "20 03:00"]
    assert w.left_out == 0


def test_with_max_lateness_those_that_are_not_too_late() -> None:
    w = World("schedule = '@hourly'\nstart_date = 2026-11-20\nmax_lateness = '90m'")
    w.pass_time(HOUR)
    assert w.pass_time(5 * HOUR + timedelta(minutes=20)) == ["20 04:00", "20 05:00"]


def test_no_more_runs_than_have_room_and_the_rest_when_there_is() -> None:
    w = World(
        "schedule = '@hourly'\nstart_date = 2026-11-20\ncatchup = true\nmax_active_runs = 2", keep_open=True
    )
    assert w.pass_time(5 * HOUR) == ["20 00:00", "20 01:00"]
    assert w.look() == []
    w.calendar.closed(RunKey("d", run_id_of(START, "")), w.at)
    assert w.look() == ["20 02:00"]


def test_a_clock_that_is_put_forward_and_back_neither_loses_nor_doubles_a_run() -> None:
    w = World("schedule = '@hourly'\nstart_date = 2026-11-20")
    assert w.pass_time(HOUR) == ["20 00:00"]
    assert w.pass_time(timedelta(days=365)) != []  # a wrong clock: the latest of then
    w.at = START + 2 * HOUR
    assert w.look() == ["20 01:00"]
    assert w.pass_time(HOUR) == ["20 02:00"]
    w.at = START + HOUR  # back once more, by two hours
    assert w.look() == []
    assert w.pass_time(HOUR) == []
    assert w.pass_time(2 * HOUR) == ["20 03:00"]


def test_in_spring_and_autumn_each_day_is_made_once() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for first in (datetime(2026, 3, 27, tzinfo=berlin), datetime(2026, 10, 23, tzinfo=berlin)):
        w = World("schedule = '30 2 * * *'\ntimezone = 'Europe/Berlin'\nstart_date = 2026-01-01", at=first)
        w.look()
        made = [w.pass_time(timedelta(minutes=20)) for _ in range(3 * 72 + 72)]
        starts = [one.start for one in w.made]
        assert len(starts) == len(set(starts)) == 5
        assert sum(map(len, made)) == 4


def test_once_is_made_once_also_by_the_next_scheduler() -> None:
    w = World("schedule = '@once'\nstart_date = 2026-11-20")
    assert len(w.look()) == 1
    w.restart()
    assert w.pass_time(HOUR) == []


def test_continuous_begins_where_the_last_ended_when_that_is_over() -> None:
    w = World("schedule = '@continuous'\nstart_date = 2026-11-20", keep_open=True)
    w.pass_time(timedelta(seconds=10))
    assert len(w.made) == 1
    assert w.pass_time(timedelta(seconds=10)) == []
    first = w.made[0]
    w.calendar.closed(RunKey("d", run_id_of(first.logical_date, "")), w.at)
    w.look()
    assert [one.start for one in w.made] == [first.start, first.end]


def test_what_is_dropped_is_made_no_more_and_what_comes_again_goes_on() -> None:
    w = World("schedule = '@hourly'\nstart_date = 2026-11-20")
    w.pass_time(HOUR)
    w.calendar.drop("d")
    assert w.pass_time(HOUR) == []
    assert w.calendar.due(w.at) == []
    w.calendar.put(dag(w.options), w.at)
    assert len(w.calendar) == 1
    assert w.look() == ["20 01:00"]
    assert w.pass_time(HOUR) == ["20 02:00"]


def test_many_schedules_are_kept_apart() -> None:
    calendar = Calendar(lambda _dag_id, _at: None)
    for number in range(200):
        calendar.put(dag("schedule = '@hourly'\nstart_date = 2026-11-20", f"d{number}"), START)
    due = calendar.due(START + HOUR)
    assert {one.run.dag_id for one in due} == {f"d{number}" for number in range(200)}
    assert calendar.due(START + HOUR) == []


steps = st.lists(
    st.one_of(
        st.integers(1, 300).map(lambda minutes: timedelta(minutes=minutes)),
        st.integers(-400, -1).map(lambda minutes: timedelta(minutes=minutes)),
        st.just(timedelta(days=3)),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(steps, st.sampled_from(["catchup = true", "catchup = false", "max_lateness = '2h'"]), st.booleans())
def test_whatever_the_clock_does_no_interval_is_made_twice_and_with_catchup_none_is_left_out(
    moves: list[timedelta], policy: str, restarts: bool
) -> None:
    w = World(f"schedule = '@hourly'\nstart_date = 2026-11-20\n{policy}", at=START + HOUR)
    latest = w.at
    for move in moves:
        w.at = max(w.at + move, START + HOUR)
        latest = max(latest, w.at)
        if restarts:
            w.restart()
        w.look()
    w.at = latest
    w.look()
    starts = [one.start for one in w.made]
    assert len(starts) == len(set(starts))
    if policy == "catchup = true":
        hours = int((latest - START) // HOUR)
        assert sorted(starts) == [START + number * HOUR for number in range(hours)]
    elif policy == "catchup = false":
        assert max(starts) == latest.replace(minute=0) - HOUR


def test_notebooks_published_again_and_again_leave_nothing_behind() -> None:
    calendar = Calendar(lambda _dag_id, _at: None)
    for number in range(1000):
        calendar.put(
            dag("schedule = '@yearly'\nstart_date = 2026-01-01"), START + number * timedelta(seconds=1)
        )
    assert len(calendar._heap) < 50
    assert calendar.next_due == datetime(2027, 1, 1, tzinfo=UTC)
    (due,) = calendar.due(datetime(2027, 1, 1, tzinfo=UTC))
    assert due.interval.start == datetime(2026, 1, 1, tzinfo=UTC)
