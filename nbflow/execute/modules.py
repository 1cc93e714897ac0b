"""In the process of a try of a stored version: its modules in place of files that have changed since.

A module whose file is as it was is imported as ever. One whose file has changed, or is gone, is imported as it was
stored, and still believes to lie where it lay: `__file__`, tracebacks, data beside it and what nobody stored are
those of the notebook's folder. Processes that the task spawns look into the folder of stored modules first.
"""

from __future__ import annotations

import linecache
import os
import sys
import time
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType
from typing import TYPE_CHECKING

from nbflow.parse.modules import source_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from pathlib import Path
    from types import ModuleType

_NOTE = """\
{paths} {have} changed since this version was stored; the try imported what was stored. To have the schedule run \
what is there now: nbflow publish NOTEBOOK"""


def use_stored_modules(folder: Path, cwd: Path) -> StoredModules:
    """Have this process import a version's modules.

    Args:
        folder: where they lie, as below the notebook's folder.
        cwd: the notebook's folder.
    """
    finder = StoredModules(folder, cwd)
    if finder.changed:
        sys.meta_path.insert(0, finder)
        # IPython has put the notebook's folder behind Python's own modules.
        sys.path.insert(sys.path.index("") if "" in sys.path else 0, str(folder))
    return finder


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a module was stored, where it lies for everybody else, and whether the two differ."""

    stored: Path
    file: Path
    changed: bool

    @property
    def is_package(self) -> bool:
        return self.file.name == "__init__.py"


class StoredModules(MetaPathFinder):
    """Finds the modules of a stored version.

    Attributes:
        changed: whether any file differs from what was stored.
    """

    def __init__(self, folder: Path, cwd: Path) -> None:
        self._began = time.time()
        self._places: dict[str, _Place] = {}
        self._taken: dict[str, None] = {}
        for stored in sorted(folder.rglob("*.py")):
            path = stored.relative_to(folder)
            parts = path.parent.parts if path.name == "__init__.py" else path.with_suffix("").parts
            file = cwd / path
            self._places[".".join(parts)] = _Place(stored, file, _differ(stored, file))
        self.changed = any(place.changed for place in self._places.values())
        self._cwd = cwd

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module comes from, if it is one of these."""
        place = self._places.get(fullname)
        if place is None or (path is not None and not _lies_in(place, path)):
            return None
        inside = [str(place.file.parent)] if place.is_package else None
        if (
            not place.changed or _modified(place.file) > self._began
        ):  # by this try itself: it wants the new one
            return spec_from_file_location(fullname, place.file, submodule_search_locations=inside)
        self._taken[str(place.file.relative_to(self._cwd))] = None
        loader = _Loader(fullname, str(place.file), str(place.stored))
        return spec_from_file_location(fullname, place.file, loader=loader, submodule_search_locations=inside)

    def notes(self) -> tuple[str, ...]:
        """What is to be said of the try, once it is over."""
        if not self._taken:
            return ()
        have = "has" if len(self._taken) == 1 else "have"
        return (_NOTE.format(paths=", ".join(self._taken), have=have),)


class _Loader(SourceFileLoader):
    """Loads a module's code from where it was stored, as if it lay at `path`."""

    def __init__(self, fullname: str, path: str, stored: str) -> None:
        super().__init__(fullname, path)
        self._stored = stored

    def get_data(self, path: str) -> bytes:
        """The source, and what lies beside the file."""
        return super().get_data(self._stored if path == self.path else path)

    def get_code(self, fullname: str) -> CodeType | None:
        """The code; compiled once for all tries."""
        code = SourceFileLoader(fullname, self._stored).get_code(fullname)
        return None if code is None else _placed(code, self.path)

    def exec_module(self, module: ModuleType) -> None:
        """Run it; tracebacks show the lines that ran."""
        source = self.get_source(module.__name__) or ""
        linecache.cache[self.path] = (len(source), None, source.splitlines(keepends=True), self.path)
        super().exec_module(module)


def _placed(code: CodeType, path: str) -> CodeType:
    inner = (_placed(one, path) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.replace(co_filename=path, co_consts=tuple(inner))


def _differ(stored: Path, file: Path) -> bool:
    try:
        return source_text(stored.read_bytes()) != source_text(file.read_bytes())
    except OSError:
        return True


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _lies_in(place: _Place, path: Sequence[str]) -> bool:
    """Whether a submodule belongs to the package whose `__path__` this is, not to another of its name."""
    around = {
        _real(where.parent.parent if place.is_package else where.parent)
        for where in (place.file, place.stored)
    }
    return any(_real(entry) in around for entry in path)


def _real(path: str | Path) -> str:
    return os.path.realpath(path)
