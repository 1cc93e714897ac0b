"""Notebook files and their JSON, whatever they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from nbflow.errors import NotebookUnreadable

_PUT_BACK = """\
Put a sound copy of it back: Jupyter keeps one in .ipynb_checkpoints, nbflow the versions that have run (nbflow \
versions DAG)."""


def load(path: str | Path) -> dict[str, Any]:
    """The JSON of a notebook file, as nbformat 4 (older ones are converted in memory).

    Raises:
        NotebookUnreadable: there is no such file, or it holds no notebook.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        msg = f"{path}: there is no such file"
        raise NotebookUnreadable(msg) from None
    except IsADirectoryError:
        msg = f"{path}: this is a folder; name a notebook in it"
        raise NotebookUnreadable(msg) from None
    except UnicodeDecodeError:
        msg = f"{path}: this is no text file, so no notebook. {_PUT_BACK}"
        raise NotebookUnreadable(msg) from None
    except OSError as error:
        msg = f"{path}: the file can't be read ({error.strerror or error})"
        raise NotebookUnreadable(msg) from error
    if not text.strip():
        msg = f"{path}: the file is empty. {_PUT_BACK}"
        raise NotebookUnreadable(msg)
    try:
        notebook = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f" (line {error.lineno}: {error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"{path}: this is no notebook: not JSON{where}. {_PUT_BACK}"
        raise NotebookUnreadable(msg) from None
    return version_4(notebook, str(path))


def version_4(notebook: object, where: str) -> dict[str, Any]:
    """A notebook's JSON as nbformat 4; `where` names it in messages.

    Raises:
        NotebookUnreadable: it is no notebook, or of a format newer than 4.
    """
    if not isinstance(notebook, dict):
        msg = f"{where}: this is no notebook: the JSON is no object"
        raise NotebookUnreadable(msg)
    found = cast("dict[str, Any]", notebook)
    major = found.get("nbformat")
    if "cells" not in found and "worksheets" not in found:
        msg = f"{where}: this is no notebook: the JSON has no cells"
        raise NotebookUnreadable(msg)
    if "worksheets" in found or (isinstance(major, int) and major < 4):
        import nbformat  # only old notebooks need it

        try:
            found = cast("dict[str, Any]", nbformat.convert(nbformat.from_dict(found), 4))
        except Exception as error:
            msg = f"{where}: the notebook of nbformat {major} can't be converted to version 4 ({error})"
            raise NotebookUnreadable(msg) from error
    elif isinstance(major, int) and major > 4:
        msg = (
            f"{where}: the notebook has nbformat {major}; this nbflow reads up to version 4. Upgrade nbflow."
        )
        raise NotebookUnreadable(msg)
    cells = found.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        msg = f"{where}: this is no notebook: its cells are no list of objects"
        raise NotebookUnreadable(msg)
    return found
