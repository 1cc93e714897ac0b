"""Readers and writers beside a busy scheduler, and what reading through an owner costs.

    python benchmarks/readers.py                    both, in about two minutes
    python benchmarks/readers.py beside --seconds 60
    python benchmarks/readers.py ways --runs 365 --rows 10000

`beside`: four processes read (a listing, a frame, SQL, the state of runs) and three write (variables, pauses,
triggers) ten times a second each, as a widget may, while `nbflow schedule` makes a run every second. Bar: no error,
99 of 100 under 50 ms. Commands are on the clock until they are stored; until the scheduler has answered is
shown beside it.

`ways`: the same questions to the file and to an owner (Arrow Flight), from one reader that stays; SQL over all dates
beside DuckDB on a plain table of the same rows. Bar: at most 1.3 times.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from machine import described
from reading import beside, ways
from scheduling.figure import Figure, table

from nbflow.store.home import Home


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    works = ["all", "beside", "ways", "one", "asked"]
    parser.add_argument("work", nargs="?", choices=works, default="all", metavar="beside|ways")
    parser.add_argument("kind", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=60, help="beside: how long (default 60)")
    parser.add_argument(
        "--rate", type=float, default=10, help="beside: questions a second of each (default 10)"
    )
    parser.add_argument("--runs", type=int, default=365, help="ways: dates (default 365)")
    parser.add_argument("--rows", type=int, default=10_000, help="ways: rows of each (default 10,000)")
    options = parser.parse_args()
    program = Path(__file__).resolve()
    if options.work == "one":
        beside.one(options.kind, options.folder, options.seconds, options.rate)
        return
    if options.work == "asked":
        print(json.dumps(dict(ways.asked(Home(options.folder / ".nbflow", options.folder)))))
        return
    figures: list[Figure] = []
    if options.work in ("all", "ways"):
        figures += ways.measure(program, options.runs, options.rows)
    if options.work in ("all", "beside"):
        figures += beside.measure(program, options.seconds, options.rate)
    print(", ".join(f"{name} {value}" for name, value in described(Path.cwd()).items()), end="\n\n")
    print("\n".join(table(figures)))
    sys.exit(0 if all(figure.holds for figure in figures) else 1)


if __name__ == "__main__":
    main()
