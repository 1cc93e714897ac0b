"""Schedules as written: what they are read as, what is refused and with which words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nbflow.errors import DateError
from nbflow.model.schedule import PRESETS, Continuous, Cron, Every, Once, Schedule, read_schedule


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" 30 6  * * 1-5 ", Cron("30 6 * * 1-5", elapsed=False)),
        ("15 30 6 * * *", Cron("30 6 * * * 15", elapsed=False)),
        ("0 * * * *", Cron("0 * * * *", elapsed=True)),
        ("0 0-23 * * *", Cron("0 0-23 * * *", elapsed=True)),
        ("0 */1 1 * *", Cron("0 */1 1 * *", elapsed=True)),
        ("0 0-22 * * *", Cron("0 0-22 * * *", elapsed=False)),
        ("@hourly", Cron("0 * * * *", elapsed=True)),
        ("@daily", Cron("0 0 * * *", elapsed=False)),
        ("6h", Every(timedelta(hours=6))),
        ("PT6H", Every(timedelta(hours=6))),
        ("15m", Every(timedelta(minutes=15))),
        (timedelta(days=1), Every(timedelta(days=1))),
        ("@once", Once()),
        ("@continuous", Continuous()),
    ],
    ids=str,
)
def test_a_schedule_is_read(text: str | timedelta, expected: Schedule) -> None:
    assert read_schedule(text) == expected


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_cron_line(preset: str) -> None:
    assert isinstance(read_schedule(preset), Cron)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "cron has 5 or 6 fields, this has 0"),
        ("@dialy", "no such preset"),
        ("* * *", "cron has 5 or 6 fields, this has 3"),
        ("0 0 1 1 * 2026 *", "this has 7"),
        ("61 * * * *", "the minute '61' cannot be read"),
        ("61 * * * * *", "the second '61' cannot be read"),
        ("0 24 * * *", "the hour '24' cannot be read"),
        ("0 0 0 * *", "the day of the month '0' cannot be read"),
        ("0 0 * JAM *", "the month 'JAM' cannot be read"),
        ("0 0 * * L", r"the day of the week 'L' cannot be read; the last Friday is L5, the third FRI#3"),
        ("0 0 * * FRI#6", "the day of the week 'FRI#6' cannot be read"),
        ("0 0 30 2 *", "it names a date that never comes"),
        ("0 0 31 4,6 *", "it names a date that never comes"),
        ("*/100 * * * *", r"the minute '\*/100' has a step that never repeats: there are 60"),
        ("0,*/61 * * * *", "has a step that never repeats"),
        ("*/0 * * * *", "has a step that never repeats"),
        ("0 */25 * * *", r"the hour '\*/25' has a step that never repeats: there are 24"),
        ("0 0 */32 * *", "there are 31"),
        ("0 0 * */13 *", "there are 12"),
        ("0 0 * * */8", "there are 7"),
        ("0 6-6 * * *", "the hour '6-6' is a range of one; write 6"),
        ("0 0 * jan-JAN *", "the month 'jan-JAN' is a range of one; write jan"),
        ("R * * * *", "the minute 'R' is left to chance"),
        ("H(0-5) * * * *", "left to chance"),
        ("a b c d e", "the minute 'a' cannot be read"),
        ("tomorrow", "neither cron nor a duration"),
        ("0s", "a duration must be longer than nothing"),
        (timedelta(hours=-1), "a duration must be longer than nothing"),
        ("9999w", "a duration must be shorter than 100 years"),
    ],
    ids=str,
)
def test_what_is_no_schedule_is_refused_with_the_reason_and_the_ways_to_write_one(
    text: str | timedelta, why: str
) -> None:
    with pytest.raises(DateError, match=rf"is not understood \(.*{why}.*\)\. Write a cron line of 5 fields"):
        read_schedule(text)
