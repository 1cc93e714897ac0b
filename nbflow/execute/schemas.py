"""Importing nbformat without what it has no use for."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The first compiles grammars; the second imports six, which is then among a cell's importers (`sys.meta_path`).
_FORMATS = ("rfc3987_syntax", "rfc3339_validator")
_CHECKS = "jsonschema"


def import_nbformat() -> None:
    """Import nbformat in a tenth of the time it takes where JupyterLab is installed.

    It imports jsonschema, for its error messages; that one, for formats that notebooks haven't, a package which
    compiles forty grammars, for more than a second. Whoever imports jsonschema later in this process gets all of it.
    """
    if _CHECKS in sys.modules:
        import nbformat  # noqa: F401 nothing is saved any more
    else:
        with hidden(*_FORMATS):
            importlib.import_module("nbformat")
        for name in [name for name in sys.modules if name.partition(".")[0] == _CHECKS]:
            del sys.modules[name]


@contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Have modules be not installed while the block lasts, but for those that are imported already."""
    mine = [name for name in names if name not in sys.modules]
    for name in mine:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in mine:
            del sys.modules[name]
