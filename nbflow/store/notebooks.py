"""Notebooks in and out of files."""

from __future__ import annotations

import json
import os
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode


_OF_A_SESSION = frozenset({"widgets", "papermill", "execution"})  # metadata that running leaves behind


def without_outputs(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """The notebook's JSON without outputs, execution counts and widget state, as plain dicts."""
    kept = {key: deepcopy(value) for key, value in notebook.items() if key != "cells"}
    metadata = {key: value for key, value in kept.get("metadata", {}).items() if key not in _OF_A_SESSION}
    return {**kept, "metadata": metadata, "cells": [_bare(cell) for cell in notebook["cells"]]}


def _bare(cell: Mapping[str, Any]) -> dict[str, Any]:
    bare = {key: deepcopy(value) for key, value in cell.items() if key != "outputs"}
    source = bare.get("source", "")
    bare["source"] = source if isinstance(source, str) else "".join(source)  # files have lists of lines
    bare["metadata"] = {
        key: value for key, value in bare.get("metadata", {}).items() if key not in _OF_A_SESSION
    }
    if bare["cell_type"] == "code":
        bare |= {"outputs": [], "execution_count": None}
    return bare


def write_notebook(notebook: NotebookNode, target: Path) -> None:
    """Write a notebook so that nobody ever sees half of it; its folder is made if need be."""
    import nbformat  # what only runs notebooks never needs it

    _write(nbformat.writes(notebook), target)


def write_executed(notebook: Mapping[str, Any], target: Path) -> None:
    """Write a notebook's JSON as `write_notebook` would, whose outputs come out of notebook files and so
    need no check.
    """
    cells = [{**cell, "source": _lines(cell["source"])} for cell in notebook["cells"]]
    whole = {**notebook, "cells": cells}
    _write(json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": ")), target)


def _lines(source: str | list[str]) -> list[str]:
    return source.splitlines(keepends=True) if isinstance(source, str) else source


def _write(text: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".tmp")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", "replace") + b"\n")
        part.chmod(0o644)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
