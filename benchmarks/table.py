"""The findings as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contenders import CONTENDERS
from tools.work import WORKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contenders import Contender
    from findings import Comparison, Finding
    from tools.work import Work


def number(value: float) -> str:
    """Three digits that matter."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cell(finding: Finding, notes: list[str]) -> str:
    """The median and the range, or a dash and a note with the reason."""
    mark = ""
    if finding.reason:
        if finding.reason not in notes:
            notes.append(finding.reason)
        mark = f" [{notes.index(finding.reason) + 1}]"
    if not finding.figures:
        return f"–{mark}"
    low, high = min(finding.figures), max(finding.figures)
    return f"**{number(finding.median)}** ({number(low)}–{number(high)}){mark}"


def ratio(comparison: Comparison, contender: Contender, work: Work) -> str:
    """How many times better nbflow's median is; below 1 where it is worse."""
    ours, theirs = comparison.find("nbflow", work.name), comparison.find(contender.name, work.name)
    if not (ours and theirs and ours.figures and theirs.figures) or contender.name == "nbflow":
        return ""
    if min(ours.median, theirs.median) <= 0:
        return ""
    times = ours.median / theirs.median if work.rate else theirs.median / ours.median
    return f"{number(times)}×"


def lines(comparison: Comparison) -> Iterator[str]:
    """The whole report, line by line."""
    yield "# Results"
    yield ""
    yield f"{comparison.date}, {comparison.rounds} rounds. Medians, and the range from the least to the greatest"
    yield "sample. [README.md](README.md) says what is measured and what can't be compared."
    yield ""
    yield from (f"- {name}: {text}" for name, text in comparison.machine.items())
    notes: list[str] = []
    used = [one for one in CONTENDERS if one.name in comparison.versions]
    for work in WORKS.values():
        rows = [(one, comparison.find(one.name, work.name)) for one in used]
        rows = [(one, finding) for one, finding in rows if finding]
        if not rows:
            continue
        samples = max((len(finding.figures) for _, finding in rows), default=0)
        yield from ("", f"## {work.title}", "")
        yield f"In {work.unit}; {'more' if work.rate else 'less'} is better; up to {samples} samples."
        yield from ("", "| tool | median (range) | nbflow is better by |", "| --- | --- | --- |")
        for one, finding in rows:
            yield f"| {one.title} | {cell(finding, notes)} | {ratio(comparison, one, work)} |"
    if notes:
        yield from ("", "## Notes", "")
        yield from (f"{place}. {reason}" for place, reason in enumerate(notes, 1))
    yield from ("", "## Tools", "", "| tool | version | how it runs here |", "| --- | --- | --- |")
    yield from (f"| {one.title} | {comparison.versions[one.name]} | {one.remark} |" for one in used)


def markdown(comparison: Comparison) -> str:
    """The report's text."""
    return "\n".join(lines(comparison)) + "\n"
