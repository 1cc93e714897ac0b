"""The findings as a plot: `python plot.py RESULTS.json RESULTS.svg`, where matplotlib is installed."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
from contenders import CONTENDERS
from findings import Comparison, load
from table import number
from tools.work import WORKS, Work

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, OTHERS, INK = "#0072b2", "#b9c0c8", "#24292f"
ROW_INCHES = 0.3


def bars(axes: Axes, comparison: Comparison, work: Work) -> None:
    """One work: a bar for each tool with a figure, a line for the range, the median as text."""
    found = [(one, comparison.find(one.name, work.name)) for one in CONTENDERS]
    rows = [(one, finding) for one, finding in found if finding and finding.figures and finding.median > 0]
    best = "more is better" if work.rate else "less is better"
    axes.set_title(f"{work.title}: {work.unit}, {best}", loc="left", fontsize=10, color=INK)
    for place, (one, finding) in enumerate(rows):
        low, high = max(min(finding.figures), finding.median / 1e3), max(finding.figures)
        colour = OURS if one.name.startswith("nbflow") else OTHERS
        axes.barh(place, finding.median, color=colour, height=0.62)
        axes.plot([low, high], [place, place], color=INK, linewidth=1.2)
        axes.text(high * 1.08, place, number(finding.median), va="center", fontsize=8, color=INK)
    axes.set_yticks(range(len(rows)), [one.title.replace("`", "") for one, _ in rows], fontsize=8, color=INK)
    axes.invert_yaxis()
    axes.set_xscale("log")
    if rows:
        least = min(min(finding.figures) for _, finding in rows)
        axes.set_xlim(
            10 ** math.floor(math.log10(max(least, 1e-2) / 1.5)),
            max(max(finding.figures) for _, finding in rows) * 2.2,
        )
    axes.tick_params(axis="x", labelsize=8, colors=INK)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def draw(comparison: Comparison, path: Path) -> None:
    """All works, one below another."""
    works = [
        work
        for work in WORKS.values()
        if any(finding.figures for finding in comparison.findings if finding.work == work.name)
    ]
    heights = [
        1 + sum(1 for one in comparison.findings if one.work == work.name and one.figures) for work in works
    ]
    figure, panels = plt.subplots(
        len(works),
        1,
        figsize=(8.5, ROW_INCHES * sum(heights) + 0.5 * len(works) + 0.6),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for axes, work in zip(panels[:, 0], works, strict=True):
        bars(axes, comparison, work)
    machine = comparison.machine
    foot = f"{comparison.date} · {machine['CPU']}, {machine['cores']} cores · log scale · bar: median, line: range"
    figure.supxlabel(foot, fontsize=8, color=INK)
    figure.savefig(path, facecolor="white", metadata={"Date": None})


if __name__ == "__main__":
    draw(load(Path(sys.argv[1])), Path(sys.argv[2]))
