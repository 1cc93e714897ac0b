"""Notebooks in and out of files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from nbflow.store.notebooks import write_executed, write_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode


def executed() -> NotebookNode:
    outputs = [
        new_output("stream", text="one\ntwo 추출\n"),
        new_output(
            "display_data", data={"text/plain": "a\nb", "image/png": "iVBO\n", "application/json": {"z": [1]}}
        ),
        new_output("error", ename="E", evalue="no\nway", traceback=["a\nb", "c"]),
    ]
    return new_notebook(
        cells=[
            new_markdown_cell("# Title\n\ntext"),
            new_code_cell("x = 1\r\nx\n", outputs=outputs, execution_count=2, metadata={"tags": ["a"]}),
            new_code_cell(""),
        ],
        metadata={"papermill": {"parameters": {}}, "kernelspec": {"name": "python3", "display_name": "3"}},
    )


def test_an_executed_notebook_is_written_as_nbformat_writes_it(tmp_path: Path) -> None:
    notebook = executed()
    write_notebook(notebook, tmp_path / "new" / "whole.ipynb")
    out_of_files: Any = json.loads((tmp_path / "new" / "whole.ipynb").read_bytes())
    for cell, original in zip(out_of_files["cells"], notebook.cells, strict=True):
        cell["source"] = original.source  # as a notebook is kept in memory
    write_executed(out_of_files, tmp_path / "again" / "whole.ipynb")
    written = (tmp_path / "again" / "whole.ipynb").read_bytes()
    assert written == (tmp_path / "new" / "whole.ipynb").read_bytes()
    assert nbformat.reads(written.decode(), as_version=4) == notebook
    assert [path.name for path in tmp_path.rglob("*")].count("whole.ipynb") == 2
    assert len(list(tmp_path.rglob("*"))) == 4  # nothing half-made is left


def test_text_that_no_file_can_hold_does_not_lose_the_notebook(tmp_path: Path) -> None:
    write_executed({"cells": [{"source": ["x = '\ud800'"]}]}, tmp_path / "n.ipynb")
    assert json.loads((tmp_path / "n.ipynb").read_bytes())["cells"][0]["source"] == ["x = '?'"]
