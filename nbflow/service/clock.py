"""The one place that reads the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock, aware, UTC."""
    return datetime.now(UTC)
