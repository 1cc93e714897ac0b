"""What was measured, as values: kept as JSON, read by the table and the plot."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One tool at one work.

    Attributes:
        contender, work: by name.
        figures: one for each sample, in the work's unit; empty if there is none.
        reason: why there is none, or what failed in some rounds.
    """

    contender: str
    work: str
    figures: tuple[float, ...]
    reason: str = ""

    @property
    def median(self) -> float:
        """Of the figures, of which there must be some."""
        return statistics.median(self.figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One run of the benchmark.

    Attributes:
        date: ISO, of its start.
        rounds, runs: rounds, and samples of a warm work in each.
        machine: see `machine.described`.
        versions: name of a contender → its package and version, or why it could not be installed.
        findings: in the order of contenders and works.
    """

    date: str
    rounds: int
    runs: int
    machine: dict[str, str]
    versions: dict[str, str]
    findings: tuple[Finding, ...]

    def find(self, contender: str, work: str) -> Finding | None:
        """What this tool did at this work; None if it wasn't asked to."""
        wanted = (contender, work)
        return next((one for one in self.findings if (one.contender, one.work) == wanted), None)


def save(comparison: Comparison, path: Path) -> None:
    """Write it as JSON."""
    path.write_text(json.dumps(asdict(comparison), indent=1) + "\n")


def load(path: Path) -> Comparison:
    """Read what `save` wrote."""
    raw = json.loads(path.read_text())
    findings = tuple(Finding(**one | {"figures": tuple(one["figures"])}) for one in raw.pop("findings"))
    return Comparison(findings=findings, **raw)
