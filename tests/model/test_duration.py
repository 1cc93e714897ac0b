"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nbflow.model.duration import ago, duration

WRITTEN = {
    "30s": timedelta(seconds=30),
    "5m": timedelta(minutes=5),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "2w": timedelta(weeks=2),
    "250ms": timedelta(milliseconds=250),
    "1h30m": timedelta(minutes=90),
    "1d 6h": timedelta(hours=30),
    "1.5h": timedelta(minutes=90),
    "PT6H": timedelta(hours=6),
    "P1DT12H": timedelta(hours=36),
    "P2W": timedelta(weeks=2),
    "pt90s": timedelta(seconds=90),
    "300": timedelta(seconds=300),
    "5 minutes": timedelta(minutes=5),
    "2 weeks": timedelta(weeks=2),
    "1 hour 30 mins": timedelta(minutes=90),
    "1 Day 6h": timedelta(hours=30),
    "45sec": timedelta(seconds=45),
    "0": timedelta(0),
    "0.5": timedelta(seconds=0.5),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_is_read_as_elapsed_time(text: str) -> None:
    assert duration(text) == WRITTEN[text]


@pytest.mark.parametrize(
    "text", ["", "soon", "-5m", "5 months", "5 minutess", "P", "PT", "P1M", "1h-30m", "h", "9" * 30 + "d"]
)
def test_refuses_what_it_can_t_read_and_says_what_it_can(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14 days ago", timedelta(days=14)),
        (" 6h AGO ", timedelta(hours=6)),
        ("2 weeks 1 day ago", timedelta(days=15)),
        ("2026-01-01", None),
        ("ago", None),
        ("14 days", None),
    ],
)
def test_ago_is_read_as_the_time_before_now(text: str, expected: timedelta | None) -> None:
    assert ago(text) == expected


def test_ago_after_what_is_no_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="'a while' is no duration"):
        ago("a while ago")
