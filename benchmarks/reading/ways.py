"""The same questions to the file, to an owner, and to plain DuckDB."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
from scheduling.figure import Figure

from nbflow.codec import encode
from nbflow.model.run import RunKey, TaskKey, run_id_of
from nbflow.service.serving import owned_xcoms
from nbflow.service.sql import table_of
from nbflow.store.home import Home, HomeLock
from nbflow.store.people import Question
from nbflow.store.reading import reading_xcoms
from nbflow.store.state import StateStore
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BAR_RATIO = 1.3
ROUNDS = 15
START = datetime(2025, 1, 1, tzinfo=UTC)
RUN = RunKey("wide", run_id_of(START))
PLAIN = "plain.duckdb"
BESIDE = ", times what plain DuckDB takes"
QUERIES = {
    "aggregate by date": "SELECT ds, avg(x), count(*) FROM {} GROUP BY ds ORDER BY ds",
    "a month of them": "SELECT ds, sum(n) FROM {} WHERE ds BETWEEN '2025-03-01' AND '2025-03-31' GROUP BY ds",
    "count of distinct values": "SELECT count(DISTINCT n) FROM {}",
}


def measure(program: Path, runs: int, rows: int) -> Iterator[Figure]:
    """All ways. `program ["asked"]` is how a reader of its own is called."""
    with tempfile.TemporaryDirectory(prefix="nbflow-readers-") as name:
        home = Home(Path(name) / ".nbflow", Path(name))
        home.create()
        StateStore(home.state).close()
        fill(home, runs, rows)
        found = {"the file": dict(asked(home))}
        with HomeLock(home) as lock:
            assert lock.acquire()
            call = [sys.executable, str(program), "asked", "--folder", name]
            with owned_xcoms(home), subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
                found["an owner"] = json.loads(process.communicate()[0])
    for what in found["the file"]:
        for way, values in found.items():
            ratio = what.endswith(BESIDE)
            size = f" ({runs} runs × {rows:,} rows)" if ratio else ""
            yield Figure(
                what=f"{way}: {what}{size}",
                value=values[what],
                unit="times" if ratio else "ms",
                bar=BAR_RATIO if ratio else None,
            )


def fill(home: Home, runs: int, rows: int) -> None:
    """A home whose runs each handed on a frame; the same rows in a plain table."""
    rng = np.random.default_rng(0)
    with XComStore.open(home.root) as store, duckdb.connect(str(home.root / PLAIN)) as plain:
        for number in range(runs):
            start = START + timedelta(days=number)
            frame = pa.table(
                {
                    "n": rng.integers(0, 5_000, rows),
                    "x": rng.random(rows),
                    "s": pa.array(rng.choice(["AA", "B6", "DL", "UA"], rows)),
                }
            )
            staged = home.root / "staged"
            staged.mkdir(exist_ok=True)
            value = encode("df", frame, folder=staged, shared={})
            run, ds = RunKey("wide", run_id_of(start)), f"{start:%Y-%m-%d}"
            entry = TryXComs(
                key=TaskKey(run, "load"), try_number=1, ds=ds, token=ds, xcoms=(value,), at=start
            )
            store.commit([entry])
            if value.path is not None:
                value.path.unlink()
            dated = frame.add_column(0, "ds", pa.array([ds] * rows))
            plain.register("dated", dated)
            plain.execute(
                "CREATE TABLE IF NOT EXISTS plain AS FROM dated LIMIT 0; INSERT INTO plain FROM dated"
            )
            plain.unregister("dated")


def asked(home: Home) -> Iterator[tuple[str, float]]:
    """What each question takes, from a reader that stays; SQL beside plain DuckDB, in turns."""
    with (
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect(str(home.root / PLAIN), read_only=True) as plain,
        reading_xcoms(home) as reader,
    ):

        def get() -> None:
            found = reader.get(TaskKey(RUN, "load"), "df", folder=Path(folder))
            assert found is not None
            assert found.path is not None
            found.path.unlink()

        def ask(sql: str) -> int:
            return reader.ask(Question(sql=sql), table_of).num_rows

        yield "a listing of one run", medians(lambda: reader.list_values("wide", RUN.run_id))[0]
        yield "a frame as a file", medians(get)[0]
        yield "SELECT 1", medians(lambda: ask("SELECT 1"))[0]
        for what, sql in QUERIES.items():
            own, through = medians(
                lambda sql=sql: plain.sql(sql.format("plain")).to_arrow_table(),
                lambda sql=sql: ask(sql.format("xcom.wide.load__df")),
            )
            yield what, through
            yield f"{what}{BESIDE}", through / own
        every = Question(sql="FROM xcom.wide.load__df")
        count = lambda _, batches: sum(batch.num_rows for batch in batches)  # noqa: E731
        yield "all rows, batch by batch", medians(lambda: reader.ask(every, count), rounds=3)[0]
    yield "a listing by a reader that comes for it", medians(lambda: listing(home))[0]


def listing(home: Home) -> None:
    """Comes, asks, goes."""
    with reading_xcoms(home) as reader:
        reader.list_values("wide", RUN.run_id)


def medians(*calls: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Milliseconds of each call; they take turns, after a round that isn't counted."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for call, found in zip(calls, times, strict=True):
            began = time.perf_counter()
            call()
            if number:
                found.append((time.perf_counter() - began) * 1000)
    return [statistics.median(found) for found in times]
