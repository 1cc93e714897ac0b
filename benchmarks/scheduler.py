"""What the scheduler costs, beside the bars it is held to.

    python benchmarks/scheduler.py                       everything, in a few minutes
    python benchmarks/scheduler.py latency --queued 1000

Prints a Markdown table; `--json FILE` keeps the figures with the machine they come from. Its memory over half an hour
is the soak's business: `pytest -m soak tests/cli/test_soak.py`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from machine import described
from scheduling import idle, latency, start
from scheduling.figure import Figure, table

WORKS = ("idle", "latency", "start")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"{', '.join(WORKS)} (default: all)")
    parser.add_argument("--notebooks", type=int, default=200, help="idle: on the schedule (default 200)")
    parser.add_argument("--seconds", type=float, default=60, help="idle: watched so long (default 60)")
    parser.add_argument("--queued", type=int, default=1000, help="latency: tasks that wait (default 1,000)")
    parser.add_argument("--slots", type=int, default=4, help="latency: tasks at once (default 4)")
    parser.add_argument("--took", type=float, default=50, help="latency: ms of a task (default 50)")
    parser.add_argument("--tries", type=int, default=100_000, help="start: in the home (default 100,000)")
    parser.add_argument("--rounds", type=int, default=5, help="start: of which the median counts (default 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures here")
    options = parser.parse_args()
    if unknown := [work for work in options.works if work not in WORKS]:
        parser.error(f"there is no work {unknown[0]!r}; there are {', '.join(WORKS)}")
    return options


def measured(options: argparse.Namespace) -> list[Figure]:
    """The figures of the works that are asked for."""
    works = options.works or WORKS
    found: list[Figure] = []
    if "idle" in works:
        found += idle.measure(notebooks=options.notebooks, seconds=options.seconds)
    if "latency" in works:
        found += latency.measure(
            queued=options.queued, parallelism=options.slots, seconds=options.took / 1000
        )
    if "start" in works:
        found += start.measure(tries=options.tries, rounds=options.rounds)
    return found


def main() -> None:
    """Measure, print, and fail where a bar is missed."""
    options = arguments()
    machine = described(Path.cwd())
    figures = measured(options)
    print("\n".join([*(f"- {name}: {text}" for name, text in machine.items()), "", *table(figures)]))
    if options.json:
        kept = {
            "date": datetime.now().astimezone().isoformat(timespec="seconds"),
            "machine": machine,
            "figures": [asdict(figure) for figure in figures],
        }
        options.json.write_text(json.dumps(kept, indent=1) + "\n")
    sys.exit(0 if all(figure.holds for figure in figures) else 1)


if __name__ == "__main__":
    main()
