"""What a stem imports before any try: the installed packages that a notebook imports in any case."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
import sysconfig
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.execute.imports import package_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_PLACES = tuple(
    sorted(
        {
            os.path.realpath(sysconfig.get_path(name))
            for name in ("stdlib", "platstdlib", "purelib", "platlib")
        }
    )
)
# They stop their threads before a fork and start them again after it (pthread_atfork).
_SURVIVE = frozenset({"numpy", "scipy", "pandas", "pyarrow"})


class Unsuited(Exception):
    """A package that is better imported by each child: this process has been spoilt by it.

    Attributes:
        package: its name.
    """

    def __init__(self, package: str, why: str) -> None:
        self.package = package
        super().__init__(f"{package} {why}")


def preload(statements: Iterable[str], *, without: Iterable[str]) -> tuple[str, ...]:
    """Run import statements, as far as they name installed packages; gives the packages.

    Args:
        statements: unconditional ones, of one module each.
        without: packages that have been found unsuited.

    Raises:
        Unsuited: importing a package has left threads, printed or warned, or brought in code that lies
            in nobody's site-packages.
    """
    avoided = frozenset(without)
    found: dict[str, None] = {}
    for statement in statements:
        package = package_of(statement)
        if package in avoided or not is_installed(package):
            continue
        known, threads = frozenset(sys.modules), _threads()
        with _listening() as said:
            try:
                exec(statement, {})  # noqa: S102 an import statement, as the notebook has it
            except Exception as error:
                raise Unsuited(package, f"can't be imported ({type(error).__name__}: {error})") from error
        if said():
            raise Unsuited(package, "prints or warns when it is imported")
        if _threads() > threads and package not in _SURVIVE:
            raise Unsuited(package, "starts threads when it is imported")
        foreign = next((name for name in sorted(sys.modules.keys() - known) if _is_foreign(name)), None)
        if foreign is not None:
            raise Unsuited(package, f"imports {foreign}, which is no installed package")
        found[package] = None
    return tuple(found)


def is_installed(package: str) -> bool:
    """Whether a package lies where packages are installed; what lies in the notebook's folder does not."""
    if package in sys.stdlib_module_names:
        return True
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    places = [
        *(spec.submodule_search_locations or ()),
        *([spec.origin] if spec.has_location and spec.origin else []),
    ]
    return bool(places) and all(_is_inside(place) for place in places)


def _is_foreign(name: str) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and not _is_inside(file)


def _is_inside(place: str) -> bool:
    real = os.path.realpath(place)
    return any(real.startswith(folder + os.sep) for folder in _PLACES)


def _threads() -> int:
    """How many threads this process has, Python's own or not."""
    return len(list(Path("/proc/self/task").iterdir()))


@contextlib.contextmanager
def _listening() -> Iterator[Callable[[], bool]]:
    """Around an import: gives what tells whether it printed or warned."""
    text = io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(text),
        contextlib.redirect_stderr(text),
    ):
        yield lambda: bool(caught or text.getvalue())
