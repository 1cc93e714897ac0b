"""One step on the way of a value of more than 2 GiB, in a process of its own; prints its peak of memory in bytes.

DuckDB may use 1 GB: the value can't be in its memory as a whole.

python large_value.py encode|commit|fetch|decode bytes|texts HOME
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from nbflow.codec import decode, encode
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.xcom import XComValue
from nbflow.store import xcom_file
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from collections.abc import Callable

LENGTH = 2_200 << 20  # bytes
TASK = TaskKey(RunKey("dag", "2026-02-17T00:00:00Z"), "task")


def _bytes() -> bytes:
    return np.arange(LENGTH // 8).tobytes()


def _texts() -> pa.Table:
    """So many short ones that a batch of rows seems small, then some of 30 kB: a batch of those is more than 2 GiB."""
    pieces = [pa.array(["x"] * 1_000_000)]
    pieces += [
        pa.array([str(n + 10_000) * 6_000 for n in range(start, start + 1000)])
        for start in range(0, 77_000, 1000)
    ]
    return pa.table({"s": pa.chunked_array(pieces)})


VALUES: dict[str, Callable[[], Any]] = {"bytes": _bytes, "texts": _texts}


def main(step: str, kind: str, home: Path) -> None:
    """Do the step; between two of them the value lies in files of `home`."""
    note = home / "value.json"
    if step == "encode":
        value = encode("x", VALUES[kind](), folder=home / "in", shared={}, namespace={})
        note.write_text(json.dumps(value.to_json()))
        return
    if step == "decode":
        value = decode(XComValue.from_json(json.loads(note.read_text())), namespace={})
        assert value == VALUES[kind]() if kind == "bytes" else value.equals(VALUES[kind]())
        return
    xcom_file._CONFIG["memory_limit"] = "1GB"
    with XComStore.open(home, read_only=step == "fetch") as store:
        if step == "commit":
            value = XComValue.from_json(json.loads(note.read_text()))
            at = datetime(2026, 2, 17, tzinfo=UTC)
            store.commit(
                [TryXComs(key=TASK, try_number=1, ds="2026-02-17", token="1", xcoms=(value,), at=at)]
            )
        else:
            found = store.get(TASK, "x", folder=home / "out")
            assert found is not None
            note.write_text(json.dumps(found.to_json()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
