"""What is written a second time has nothing of the first, in a file as in memory."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from nbflow.model.xcom import Form
from nbflow.store.xcom_native import _sink
from nbflow.store.xcom_target import emptied, files_in, size_of

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.store.xcom_target import Target


@pytest.fixture(params=["file", "memory"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    return files_in(tmp_path)("key", Form.ARROW, 3) if request.param == "file" else BytesIO()


def content(target: Target) -> bytes:
    return target.getvalue() if isinstance(target, BytesIO) else target.read_bytes()


def test_a_shorter_text_replaces_a_longer_one(target: Target) -> None:
    for text in (b"long enough", b"short"):
        with emptied(target) as file:
            file.write(text)
        assert content(target) == text
        assert size_of(target) == len(text)


def test_a_shorter_frame_replaces_a_longer_one(target: Target) -> None:
    for rows in (1_000, 3):
        table = pa.table({"n": list(range(rows))})
        with _sink(target) as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        assert pa.ipc.open_file(pa.py_buffer(content(target))).read_all() == table
