"""A figure with the bar it is held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing that was measured.

    Attributes:
        what: in words, with the sizes it depends on.
        value: in `unit`; less is better.
        bar: what it may be at most, None where nothing was promised.
    """

    what: str
    value: float
    unit: str
    bar: float | None = None

    @property
    def holds(self) -> bool:
        """Whether it is within its bar."""
        return self.bar is None or self.value <= self.bar


def table(figures: Iterable[Figure]) -> Iterator[str]:
    """As Markdown, line by line."""
    yield "| what | measured | bar | |"
    yield "| --- | --- | --- | --- |"
    for one in figures:
        bar = "" if one.bar is None else f"{one.bar:g} {one.unit}"
        holds = "" if one.bar is None else "holds" if one.holds else "**missed**"
        yield f"| {one.what} | {one.value:.3g} {one.unit} | {bar} | {holds} |"
