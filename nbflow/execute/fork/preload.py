"""What a stem imports before any try: the installed packages that a notebook imports in any case."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import site
import sys
import sysconfig
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.execute.imports import package_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

_SCHEME = ("stdlib", "platstdlib", "purelib", "platlib")
PLACES = tuple(
    sorted(
        {os.path.realpath(sysconfig.get_path(name)) for name in _SCHEME}
        | ({os.path.realpath(site.getusersitepackages())} if site.ENABLE_USER_SITE else set())
    )
)


class Unsuited(Exception):
    """A package that is better imported by each child: this process has been spoilt by it.

    Attributes:
        package: its name.
    """

    def __init__(self, package: str, why: str) -> None:
        self.package = package
        super().__init__(f"{package} {why}")


def preload(
    statements: Iterable[str], *, without: Iterable[str], places: Collection[str] = PLACES
) -> tuple[str, ...]:
    """Run import statements, as far as they name installed packages; gives the packages.

    Args:
        statements: unconditional ones, of one module each.
        without: packages that each child has to import itself.
        places: the folders of installed packages.

    Raises:
        Unsuited: importing a package has left threads, printed or warned, or brought in one that was to be
            left out, or code that lies in nobody's site-packages.
    """
    avoided = frozenset(without)
    found: dict[str, None] = {}
    for statement in statements:
        package = package_of(statement)
        if package in avoided or not is_installed(package, places):
            continue
        known, threads = frozenset(sys.modules), _threads()
        with _listening() as said:
            try:
                exec(statement, {})  # noqa: S102 an import statement, as the notebook has it
            except Exception as error:
                raise Unsuited(package, f"can't be imported ({type(error).__name__}: {error})") from error
        if said():
            raise Unsuited(package, "prints or warns when it is imported")
        if _threads() > threads and _threads_after_a_fork() > threads:
            raise Unsuited(package, "starts threads when it is imported")
        new = sorted(sys.modules.keys() - known)
        if not avoided.isdisjoint(new):
            raise Unsuited(package, f"imports {', '.join(avoided.intersection(new))}")
        foreign = next((name for name in new if _is_foreign(name, places)), None)
        if foreign is not None:
            raise Unsuited(package, f"imports {foreign}, which is no installed package")
        found[package] = None
    return tuple(found)


def is_installed(package: str, places: Collection[str] = PLACES) -> bool:
    """Whether a package lies where packages are installed; what lies in the notebook's folder does not."""
    if package in sys.stdlib_module_names:
        return True
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    found = [
        *(spec.submodule_search_locations or ()),
        *([spec.origin] if spec.has_location and spec.origin else []),
    ]
    return bool(found) and all(_is_inside(place, places) for place in found)


def _is_foreign(name: str, places: Collection[str]) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None)
    if name.partition(".")[0] in sys.stdlib_module_names:
        return False
    return file is not None and not _is_inside(file, places)


def _is_inside(place: str, places: Collection[str]) -> bool:
    real = os.path.realpath(place)
    return any(real.startswith(folder + os.sep) for folder in places)


def _threads() -> int:
    """How many threads this process has, Python's own or not."""
    return len(list(Path("/proc/self/task").iterdir()))


def _threads_after_a_fork() -> int:
    """As above, when a child has been forked: some libraries stop their threads for it, to start them
    again where they are needed (OpenBLAS).
    """
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return _threads()


@contextlib.contextmanager
def _listening() -> Iterator[Callable[[], bool]]:
    """Around an import: gives what tells whether it printed or warned. Its warning filters stay."""
    text = io.StringIO()
    show = warnings.showwarning
    warnings.showwarning = lambda *_args, **_options: text.write("warned")  # type: ignore[assignment]
    try:
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            yield lambda: bool(text.getvalue())
    finally:
        warnings.showwarning = show
