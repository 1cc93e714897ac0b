"""Where a frame can be kept: nbflow's store, a DuckDB file, Parquet, a pickle. Each writes a run's and reads it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from nbflow.codec import decode, encode
from nbflow.model.run import RunKey, TaskKey
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from nbflow.model.xcom import XComValue

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
Put = Any  # what a place takes: a pandas frame, an Arrow table, an encoded value
Got = Any  # what it gives back


def frame(rows: int, seed: int) -> pd.DataFrame:
    """A mixed frame: whole numbers, floats, text (some of it twice), moments, a category."""
    chance = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "number": chance.integers(0, 1 << 40, rows),
            "amount": chance.normal(size=rows),
            "name": [f"name {n}" for n in chance.integers(0, rows, rows)],
            "seen": pd.Timestamp("2026-01-01").as_unit("us")
            + pd.to_timedelta(chance.integers(0, 10**6, rows), "s").as_unit("us"),
            "colour": pd.Categorical.from_codes(
                chance.integers(0, 5, rows), ["black", "blue", "green", "red", "white"]
            ),
        }
    )


def date_of(run: int) -> str:
    """The date of a run: each has its own."""
    return f"{FIRST + timedelta(days=run):%Y-%m-%d}"


class FrameStore(Protocol):
    """One place. What isn't measured (making what is put in, looking at what came out) has its own methods."""

    def prepare(self, value: pd.DataFrame, run: int) -> Put:
        """What `write` takes."""
        ...

    def write(self, prepared: Put, run: int) -> None:
        """Keep it, so that it survives the machine's end."""
        ...

    def read(self, run: int) -> Got:
        """Get it back."""
        ...

    def rows(self, found: Got) -> int:
        """How many rows came back."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class Nbflow:
    """The store as a run uses it: the task's process has written an Arrow file, the next one gets such a file.

    With `whole`, the two processes' work is measured too: from a pandas frame to a pandas frame.
    """

    def __init__(self, folder: Path, *, whole: bool) -> None:
        self._whole = whole
        self._files = folder / "files"
        self._home = folder / "home"
        self._home.mkdir(parents=True)
        self.store = XComStore.open(self._home)
        self.store.get_ready()

    def prepare(self, value: pd.DataFrame, run: int) -> Put:
        """As `FrameStore`."""
        return value if self._whole else self._encoded(value, run)

    def write(self, prepared: Put, run: int) -> None:
        """As `FrameStore`."""
        xcom: XComValue = self._encoded(prepared, run) if self._whole else prepared
        entry = TryXComs(
            key=self._task(run), try_number=1, ds=date_of(run), token=str(run), xcoms=(xcom,), at=FIRST
        )
        self.store.commit([entry])

    def read(self, run: int) -> Got:
        """As `FrameStore`."""
        found = self.store.get(self._task(run), "df", folder=self._files / f"out-{run}")
        assert found is not None
        return decode(found, namespace={}) if self._whole else found

    def rows(self, found: Got) -> int:
        """As `FrameStore`."""
        return len(found if self._whole else decode(found, namespace={}))

    def close(self) -> None:
        """As `FrameStore`."""
        self.store.close()

    def _encoded(self, value: pd.DataFrame, run: int) -> XComValue:
        self._files.mkdir(exist_ok=True)
        return encode("df", value, folder=self._files / f"in-{run}", shared={}, namespace={})

    def _task(self, run: int) -> TaskKey:
        return TaskKey(RunKey("bench", f"{date_of(run)}T00:00:00Z"), "task")


class PlainDuckDB:
    """One table with the frame's columns and a date: what somebody would write by hand.

    From an Arrow table to an Arrow file, since whoever reads is another process; with `whole` from a pandas frame
    to a pandas frame, in one process and without a file.
    """

    def __init__(self, folder: Path, *, whole: bool) -> None:
        folder.mkdir(parents=True)
        self._whole = whole
        self.path = folder / "plain.duckdb"
        self.connection = duckdb.connect(str(self.path), config={"threads": 1, "memory_limit": "25%"})
        self.connection.execute(
            "CREATE TABLE plain (ds VARCHAR, number BIGINT, amount DOUBLE, name VARCHAR, seen TIMESTAMP, colour VARCHAR)"
        )

    def prepare(self, value: pd.DataFrame, run: int) -> Put:
        """As `FrameStore`."""
        return value if self._whole else self._table(value)

    def write(self, prepared: Put, run: int) -> None:
        """As `FrameStore`."""
        self.connection.register("source", self._table(prepared) if self._whole else prepared)
        self.connection.execute("INSERT INTO plain SELECT ?, * FROM source", [date_of(run)])
        self.connection.unregister("source")

    def read(self, run: int) -> Got:
        """As `FrameStore`."""
        query = "SELECT * EXCLUDE (ds) FROM plain WHERE ds = $ds"
        table = self.connection.sql(query, params={"ds": date_of(run)}).to_arrow_table()
        if self._whole:
            return table.to_pandas(categories=["colour"])
        path = self.path.with_name(f"out-{run}.arrow")
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table)
        return path

    def rows(self, found: Got) -> int:
        """As `FrameStore`."""
        return len(found) if self._whole else pa.ipc.open_file(pa.memory_map(str(found))).read_all().num_rows

    def close(self) -> None:
        """As `FrameStore`."""
        self.connection.close()

    def _table(self, value: pd.DataFrame) -> pa.Table:
        return pa.Table.from_pandas(value.assign(colour=value["colour"].astype("str")), preserve_index=False)


class Files:
    """A file for each run, written by pandas and synced."""

    def __init__(self, folder: Path, *, suffix: str) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._suffix = suffix

    def prepare(self, value: pd.DataFrame, run: int) -> Put:
        """As `FrameStore`."""
        return value

    def write(self, prepared: Put, run: int) -> None:
        """As `FrameStore`."""
        with self._path(run).open("wb") as file:
            if self._suffix == "parquet":
                prepared.to_parquet(file)
            else:
                prepared.to_pickle(file)
            file.flush()
            os.fsync(file.fileno())

    def read(self, run: int) -> Got:
        """As `FrameStore`."""
        path = self._path(run)
        return pd.read_parquet(path) if self._suffix == "parquet" else pd.read_pickle(path)

    def rows(self, found: Got) -> int:
        """As `FrameStore`."""
        return len(found)

    def close(self) -> None:
        """Nothing is open."""

    def _path(self, run: int) -> Path:
        return self._folder / f"{run}.{self._suffix}"


def every_store(folder: Path, stack: ExitStack) -> dict[str, FrameStore]:
    """All places, by the name they have in the tables."""
    stores: dict[str, FrameStore] = {
        "nbflow's store": Nbflow(folder / "store", whole=False),
        "DuckDB": PlainDuckDB(folder / "duckdb", whole=False),
        "nbflow, pandas to pandas": Nbflow(folder / "whole", whole=True),
        "DuckDB, pandas to pandas": PlainDuckDB(folder / "duckdb-whole", whole=True),
        "Parquet": Files(folder / "parquet", suffix="parquet"),
        "pickle": Files(folder / "pickle", suffix="pickle"),
    }
    for store in stores.values():
        stack.callback(store.close)
    return stores
