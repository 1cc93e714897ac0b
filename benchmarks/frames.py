"""Frames through nbflow's store beside plain DuckDB, Parquet and pickle; SQL over the runs of a year.

    python benchmarks/frames.py --rounds 7 --markdown frames.md --json frames.json

The places take turns, round by round; each round is a run with a frame of its own. Everything is durable: DuckDB
commits, files are synced. DuckDB writes its log into the file now and then (a checkpoint, which a median leaves
out), so means stand beside medians.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from frame_stores import Nbflow, PlainDuckDB, every_store, frame
from machine import described

from nbflow.store.xcom_file import XCOM_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZES = (1_000, 10_000, 100_000, 1_000_000)
LARGE = 10_000_000
RUNS, RUN_ROWS = 365, 10_000
BESIDE = {"nbflow's store": "DuckDB", "nbflow, pandas to pandas": "DuckDB, pandas to pandas"}
QUERIES = {
    "sum and mean by ds": "SELECT ds, sum(number), avg(amount) FROM {} GROUP BY ds ORDER BY ds",
    "a range of ds": "SELECT count(*), min(seen), max(seen) FROM {} WHERE ds BETWEEN '2025-03-01' AND '2025-03-31'",
    "by ds and colour from a ds on": "SELECT ds, colour, count(*) FROM {} WHERE ds >= '2025-10-01' GROUP BY ALL ORDER BY ALL",
    "count(distinct)": "SELECT count(DISTINCT name) FROM {}",
    "by colour": "SELECT colour, count(*), sum(number) FROM {} GROUP BY colour ORDER BY colour",
    "count(*)": "SELECT count(*) FROM {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """What was measured of one place: seconds of each round."""

    what: str  # write, read, or the query's name
    size: int  # rows of a frame, or of all runs
    place: str
    seconds: tuple[float, ...]


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long it took, and what it gave."""
    gc.collect()
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def frames(size: int, rounds: int, folder: Path) -> Iterator[Timed]:
    """Write and read frames of `size` rows, in turns. The first round warms up and isn't counted."""
    with ExitStack() as stack:
        stores = every_store(folder / f"{size}", stack)
        times: dict[tuple[str, str], list[float]] = {}
        for run in range(rounds + 1):
            value = frame(size, run)
            names = list(stores)
            for name in names[run % len(names) :] + names[: run % len(names)]:  # another begins each round
                store = stores[name]
                prepared = store.prepare(value, run)
                writing, _ = seconds(partial(store.write, prepared, run))
                reading, found = seconds(partial(store.read, run))
                if store.rows(found) != size:
                    sys.exit(f"{name} gave {store.rows(found)} rows back instead of {size}")
                if run:
                    times.setdefault(("write", name), []).append(writing)
                    times.setdefault(("read", name), []).append(reading)
        for (what, name), found in times.items():
            yield Timed(what=what, size=size, place=name, seconds=tuple(found))


def queries(rounds: int, runs: int, folder: Path) -> Iterator[Timed]:
    """Ask a view over all runs and one plain table with the same rows the same questions, in turns."""
    sides = {
        "nbflow's view": Nbflow(folder / "runs", whole=False),
        "DuckDB": PlainDuckDB(folder / "table", whole=False),
    }
    for run in range(runs):
        value = frame(RUN_ROWS, run)
        for side in sides.values():
            side.write(side.prepare(value, run), run)
    for side in sides.values():
        side.close()
    files = {
        "nbflow's view": folder / "runs" / "home" / XCOM_FILE,
        "DuckDB": folder / "table" / "plain.duckdb",
    }
    tables = {"nbflow's view": "bench.task__df", "DuckDB": "plain"}
    with ExitStack() as stack:
        open_files = {
            name: stack.enter_context(duckdb.connect(str(path), read_only=True, config={"threads": 2}))
            for name, path in files.items()
        }
        for what, text in QUERIES.items():
            times: dict[str, list[float]] = {name: [] for name in files}
            answers: dict[str, Any] = {}
            for _ in range(rounds):
                for name, connection in open_files.items():
                    query = text.format(tables[name])
                    took, answers[name] = seconds(lambda c=connection, q=query: c.execute(q).fetchall())
                    times[name].append(took)
            if what != "sum and mean by ds" and len({str(answer) for answer in answers.values()}) > 1:
                sys.exit(f"the two sides answer {what!r} differently")
            for name, found in times.items():
                yield Timed(what=what, size=runs * RUN_ROWS, place=name, seconds=tuple(found))


def cell(timed: Timed, beside: Timed | None) -> str:
    """Medians and means in milliseconds, and how they stand to those of the place beside."""
    median, mean = statistics.median(timed.seconds), statistics.mean(timed.seconds)
    text = f"{median * 1e3:,.1f} ({mean * 1e3:,.1f})"
    if beside is None:
        return text
    ratios = (median / statistics.median(beside.seconds), mean / statistics.mean(beside.seconds))
    return f"{text} **{ratios[0]:.2f}×** ({ratios[1]:.2f}×)"


def markdown(found: list[Timed], machine: dict[str, str], rounds: int) -> str:
    """The report."""
    at = {(timed.what, timed.size, timed.place): timed for timed in found}
    lines = ["# Frames", "", f"{datetime.now().astimezone():%Y-%m-%d %H:%M}, {rounds} rounds in turns."]
    lines += ["Milliseconds: median (mean); in bold how many times DuckDB's own it is.", ""]
    lines += [f"- {name}: {text}" for name, text in machine.items()]
    for what in ("write", "read"):
        sizes = sorted({timed.size for timed in found if timed.what == what})
        places = dict.fromkeys(timed.place for timed in found if timed.what == what)
        if not sizes:
            continue
        lines += ["", f"## {what}", "", "| | " + " | ".join(f"{size:,} rows" for size in sizes) + " |"]
        lines.append("| --- " * (len(sizes) + 1) + "|")
        for place in places:
            cells = [
                cell(at[what, size, place], at.get((what, size, BESIDE.get(place, "")))) for size in sizes
            ]
            lines.append(f"| {place} | " + " | ".join(cells) + " |")
    asked = [timed for timed in found if timed.what in QUERIES and timed.place != "DuckDB"]
    if asked:
        lines += ["", f"## SQL over {asked[0].size:,} rows of {asked[0].size // RUN_ROWS} runs", ""]
        lines += ["| | DuckDB, one table | nbflow's view |", "| --- | --- | --- |"]
        for timed in asked:
            plain = at[timed.what, timed.size, "DuckDB"]
            lines.append(f"| {timed.what} | {cell(plain, None)} | {cell(timed, plain)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the table, keep it where that was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default 5)")
    parser.add_argument("--rows", type=int, action="append", help=f"sizes of frames (default {SIZES})")
    parser.add_argument("--large", action="store_true", help=f"frames of {LARGE:,} rows too")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"for SQL (default {RUNS}; 0: none)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="keep the report here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all figures here")
    options = parser.parse_args()
    found: list[Timed] = []
    with tempfile.TemporaryDirectory(prefix="frames-") as name:
        folder = Path(name)
        machine = described(folder) | {"DuckDB": duckdb.__version__}
        for size in (*(options.rows or SIZES), *((LARGE,) if options.large else ())):
            print(f"frames of {size:,} rows", file=sys.stderr)
            found += frames(size, options.rounds, folder)
        if options.runs:
            print(f"SQL over {options.runs} runs", file=sys.stderr)
            found += queries(options.rounds, options.runs, folder)
    text = markdown(found, machine, options.rounds)
    print(text)
    if options.markdown:
        options.markdown.write_text(text)
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine, "timed": [asdict(timed) for timed in found]}, indent=1)
        )


if __name__ == "__main__":
    main()
