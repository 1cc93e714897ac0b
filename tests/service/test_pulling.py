"""What a try had, after the tasks above it have run again."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import nbformat

from nbflow.codec import decode
from nbflow.service.board_target import fresh_target
from nbflow.service.pulling import pulled

if TYPE_CHECKING:
    from pathlib import Path

CELLS = (
    '%%dag again\nschedule = "@daily"\nstart_date = "2026-01-01"',
    """\
%%task load
from pathlib import Path
import pyarrow as pa
label = Path("word.txt").read_text()
frame = pa.table({"word": [label]})""",
    "%%task use\nframe.num_rows, label",
)


def nbflow(folder: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nbflow", *words],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "NBFLOW_HOME"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def written(folder: Path, *cells: str) -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / "again.ipynb"
    nbformat.write(notebook, path)
    (folder / ".nbflow").mkdir()
    return path


def test_a_try_that_succeeded_is_given_what_it_had_not_what_has_come_since(tmp_path: Path) -> None:
    path = written(tmp_path, *CELLS)
    word = tmp_path / "word.txt"
    word.write_text("first", "utf-8")
    nbflow(tmp_path, "run", "again.ipynb", "2026-01-01")
    word.write_text("second", "utf-8")
    nbflow(tmp_path, "clear", "again.ipynb", "2026-01-01", "load", "--yes")
    target = fresh_target(path)
    with pulled(target, "2026-01-01", "use") as found:
        values = {name: decode(value, namespace={}) for name, value in found.inputs.items()}
        assert values["frame"].column("word").to_pylist() == ["first"]  # type: ignore[attr-defined]
        assert values["label"] == "first"
        assert found.notes == (
            "load has run again since: its values here are those of its try 1, as this try had them",
        )
    nbflow(tmp_path, "clear", "again.ipynb", "2026-01-01", "use", "--yes")
    with pulled(target, "2026-01-01", "use") as found:
        values = {name: decode(value, namespace={}) for name, value in found.inputs.items()}
        assert values["frame"].column("word").to_pylist() == ["second"]  # type: ignore[attr-defined]
        assert found.notes == ()
    with pulled(target, "2026-01-01", "use", number=1) as found:
        assert decode(found.inputs["frame"], namespace={}).column("word").to_pylist() == ["first"]  # type: ignore[attr-defined]


def test_what_a_mapped_task_gave_then_is_collected_not_what_its_instances_have_given_since(
    tmp_path: Path,
) -> None:
    cells = (
        CELLS[0],
        """\
%%task each --map "n in [1, 2, 3]" --collect given
from pathlib import Path
import pyarrow as pa
pa.table({"word": [f"{Path('word.txt').read_text()} {n}"]})""",
        "%%task use\nlen(given)",
    )
    path = written(tmp_path, *cells)
    word = tmp_path / "word.txt"
    word.write_text("first", "utf-8")
    nbflow(tmp_path, "run", "again.ipynb", "2026-01-01")
    word.write_text("second", "utf-8")
    nbflow(tmp_path, "clear", "again.ipynb", "2026-01-01", "each[1]", "--yes")

    def given(number: int | None = None) -> tuple[list[object], tuple[str, ...]]:
        with pulled(fresh_target(path), "2026-01-01", "use", number=number) as found:
            tables = [decode(value, namespace={}) for value in found.collected["given"]]
            return [table["word"][0].as_py() for table in tables], found.notes  # type: ignore[index]

    assert given() == (
        ["first 1", "first 2", "first 3"],
        ("each has run again since: what it collected is here as this try had it",),
    )
    nbflow(tmp_path, "clear", "again.ipynb", "2026-01-01", "use", "--yes")
    assert given() == (["first 1", "second 2", "first 3"], ())
    assert given(1)[0] == ["first 1", "first 2", "first 3"]
