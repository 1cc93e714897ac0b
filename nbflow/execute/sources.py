"""The text of the notebook's cells, for tracebacks and `inspect.getsource`, also of functions carried here.

A function keeps the file name it was compiled under. ipykernel puts its process id into it, so that
nobody else can look it up; here it depends on the cell's text only.
"""

from __future__ import annotations

import hashlib
import linecache
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from IPython.core.interactiveshell import InteractiveShell

    from nbflow.execute.brief import CellText

_FOLDER = "ipykernel_0"  # numba knows cells by a folder of such a name


def code_name(source: str) -> str:
    """The file name that a cell of this text is compiled under. No such file exists."""
    number = int.from_bytes(hashlib.blake2b(source.encode("utf-8", "replace"), digest_size=6).digest())
    return str(Path(tempfile.gettempdir()) / _FOLDER / f"{number}.py")


def name_cells(shell: InteractiveShell, others: Iterable[CellText]) -> None:
    """Have the kernel compile cells under such names, and know the text of cells that don't run in it.

    Args:
        shell: the kernel's.
        others: cells of other tasks.
    """
    compiler = shell.compile
    if "IPYKERNEL_CELL_NAME" not in os.environ:
        compiler.get_code_name = lambda raw_code, transformed_code, number: code_name(raw_code)
    known = {code_name(other.source): other for other in others}
    own_format = compiler.format_code_name

    def format_code_name(name: str) -> tuple[str, str] | None:
        found = own_format(name)
        if found is None and name in known:
            return "Cell", f"{known[name].number} (task {known[name].task_id!r})"
        return found

    compiler.format_code_name = format_code_name  # type: ignore[assignment]
    for name, other in known.items():
        linecache.cache[name] = (_text_of(shell, other.source),)


def _text_of(shell: InteractiveShell, source: str) -> Callable[[], str]:
    return lambda: shell.transform_cell(source)
