"""Notebooks in and out of files."""

from __future__ import annotations

import os
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

if TYPE_CHECKING:
    from nbformat import NotebookNode


def without_outputs(notebook: NotebookNode) -> dict[str, Any]:
    """The notebook's JSON without outputs, execution counts and widget state, as plain dicts."""
    bare = deepcopy(dict(notebook))
    metadata = dict(bare.get("metadata", {}))
    metadata.pop("widgets", None)
    metadata.pop("papermill", None)
    bare["metadata"] = metadata
    bare["cells"] = [dict(cell) for cell in bare["cells"]]
    for cell in bare["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
            for key in ("papermill", "execution"):
                cell.get("metadata", {}).pop(key, None)
    return bare


def write_notebook(notebook: NotebookNode, target: Path) -> None:
    """Write a notebook so that nobody ever sees half of it; its folder is made if need be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".tmp")
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            nbformat.write(notebook, file)
        part.chmod(0o644)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
