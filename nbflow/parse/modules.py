"""Which project-local modules a notebook imports, straight or through one another; from their text alone.

A module is local when its file lies below the notebook's folder: the one place, beside those of installed
packages, where a kernel looks. Python's own modules come before it, so a local file of such a name is nobody's.
"""

from __future__ import annotations

import ast
import hashlib
import io
import re
import sys
import tokenize
import warnings
from dataclasses import replace
from functools import lru_cache
from importlib.util import decode_source
from typing import TYPE_CHECKING

from nbflow.parse.hashes import digest, own_drafts, shared_drafts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from nbflow.model.flow import Flow
    from nbflow.parse.draft import Draft

    Read = Callable[[str], str | None]
    """A path relative to the notebook's folder (`lib/clean.py`) → the source there; None: there is no such file."""

_NOT_LOCAL = frozenset({*sys.stdlib_module_names, "nbflow"})
_LARGEST = 1_000_000  # characters of a source that is read with Python's grammar: above it takes seconds
_FROM = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import\b", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([\w., \t]+)", re.MULTILINE)
_WRITES = re.compile(
    r"^%%(?:writefile|file)[ \t]+(?:(?:-a|--append)[ \t]+)?[\"']?(?:\./)?([^\n\"']+?)[\"']?[ \t]*$",
    re.MULTILINE,
)


def imported_names(tree: ast.Module, package: str = "", *, calls: bool = True) -> frozenset[str]:
    """The modules that some code may import, by their full dotted names, wherever in it the import stands.

    `from a import b` gives `a` and `a.b`, which may be a module or not; `from a import *` gives `a.*`.

    Args:
        tree: of a cell or a module.
        package: the package the code belongs to, for relative imports; "" for a cell.
        calls: whether to look for `import_module("a.b")` too, in every expression: ten times the work.
    """
    found: set[str] = set()
    for node in ast.walk(tree) if calls else _statements(tree):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=module, names=names, level=level):
                origin = _absolute(module or "", level, package)
                found |= {origin, *(f"{origin}.{alias.name}" for alias in names)} if origin else set()
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ) if all(part.isidentifier() for part in name.split(".")):
                found.add(name)
            case _:
                pass
    return frozenset(name for name in found if name.partition(".")[0] not in _NOT_LOCAL)


def module_names(drafts: Sequence[Draft], flow: Flow) -> dict[str, frozenset[str]]:
    """`Flow.module_names`: what each task's code may import, under "" what everything that runs may.

    A task's code is what its code hash counts: its own, the shared cells it can depend on, the code above.
    """
    of_cell = {draft.index: imported_names(draft.tree) for draft in drafts if draft.runs}
    own = own_drafts(drafts)
    found: dict[str, frozenset[str]] = {}
    for task_id in flow.graph.order:
        counted = [*own[task_id], *shared_drafts(drafts, own[task_id], flow, task_id)]
        repeated = _tree(flow.imports.get(task_id, ""))
        found[task_id] = frozenset[str]().union(
            *(of_cell[draft.index] for draft in counted),
            *(found[upstream] for upstream in flow.graph.upstream(task_id)),
            frozenset() if repeated is None else imported_names(repeated),
        )
    found[""] = frozenset[str]().union(*of_cell.values())
    return {task_id: names for task_id, names in found.items() if names}


def with_modules(flow: Flow, read: Read) -> Flow:
    """The flow with the project-local modules that its cells import, and hashes that count them.

    A task's code hash changes with any module that its own, its shared or its upstream code imports; the version
    with any module that a run may import. Where no module is local both stay as they are.

    Args:
        flow: as parsed.
        read: gives the modules' sources. What the notebook itself writes (`%%writefile`) is not asked for: that
            is code of a cell.
    """
    written = {path for cell in flow.cells for path in _WRITES.findall(cell.source)}
    library = _Library(lambda path: None if path in written else read(path))
    modules = library.reached(flow.module_names.get("", ()))
    if not modules:
        return flow
    hashes = {path: hash_of(source) for path, source in modules.items()}
    codes = dict(flow.code_hashes)
    for task_id, code in flow.code_hashes.items():
        reached = library.reached(flow.module_names.get(task_id, ()))
        if reached:
            codes[task_id] = digest([code, sorted((path, hashes[path]) for path in reached)])
    return replace(
        flow, modules=modules, code_hashes=codes, version=digest([flow.version, sorted(hashes.items())])
    )


def hash_of(source: str) -> str:
    """A hex sha256 of a module's source."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def source_text(data: bytes) -> str:
    """A file's text as Python reads it; of one that Python can't read, something that changes with it."""
    try:
        text = decode_source(data)
        text.encode()  # no half of a surrogate pair, which no store takes
    except (SyntaxError, UnicodeError, LookupError):
        return data.decode("utf-8", "backslashreplace")
    return text


def source_bytes(source: str) -> bytes:
    """The inverse of `source_text`, but for the ends of lines: in the encoding that its first lines name."""
    data = source.encode()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return source.encode(encoding)
    except (SyntaxError, UnicodeError, LookupError):
        return data


class _Library:
    """The local modules, each asked for once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._sources: dict[str, str | None] = {}

    def reached(self, names: Iterable[str]) -> dict[str, str]:
        """Path → source of every file that importing these modules may run, by path."""
        waiting, seen = sorted(names), set[str]()
        found: dict[str, str] = {}
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for path, source in self._on_the_way(name):
                if path not in found:
                    found[path] = source
                    waiting += _names_of(source, _package_of(path))
            if name.endswith(".*"):
                waiting += self._starred(name[:-2])
        return dict(sorted(found.items()))

    def _on_the_way(self, name: str) -> Iterator[tuple[str, str]]:
        """The files that an import of a module runs: those of the packages around it, and its own."""
        path = ""
        for part in name.removesuffix(".*").split("."):
            path = f"{path}/{part}" if path else part
            if (source := self._source(f"{path}/__init__.py")) is not None:
                yield f"{path}/__init__.py", source
            elif (source := self._source(f"{path}.py")) is not None:
                yield f"{path}.py", source
                return  # a plain module has none below it
            # else: a namespace folder, which has no file of its own, or nothing here

    def _starred(self, package: str) -> list[str]:
        """The modules that `from package import *` may bring: those its `__all__` names."""
        source = self._source(f"{package.replace('.', '/')}/__init__.py")
        return [] if source is None else [f"{package}.{name}" for name in _all_of(source)]

    def _source(self, path: str) -> str | None:
        if path not in self._sources:
            self._sources[path] = self._read(path)
        return self._sources[path]


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        for within in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, within, None)
            if isinstance(inner, list):  # a conditional expression has one that is none
                waiting += inner


def _absolute(module: str, level: int, package: str) -> str:
    """The full name behind `from ..module import`; "" where it goes above the outermost package."""
    if level == 0:
        return module
    parts = package.split(".") if package else []
    if level > len(parts):
        return ""
    return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])


def _package_of(path: str) -> str:
    """The package that the code of a file belongs to: `a.b` for `a/b/__init__.py` and for `a/b/c.py`."""
    return path.rpartition("/")[0].replace("/", ".")


@lru_cache(maxsize=512)
def _names_of(source: str, package: str) -> frozenset[str]:
    """The names that a module imports; as its lines show them where it is no Python, or very large."""
    tree = _tree(source) if len(source) <= _LARGEST else None
    if tree is not None:
        return imported_names(tree, package, calls="import_module" in source or "__import__" in source)
    found = {_absolute(module, len(dots), package) for dots, module in _FROM.findall(source)}
    for names in _IMPORT.findall(source):
        found |= {name.split()[0] for name in names.split(",") if name.strip()}
    return frozenset(
        name
        for name in found
        if name.partition(".")[0] not in _NOT_LOCAL and all(map(str.isidentifier, name.split(".")))
    )


def _all_of(source: str) -> list[str]:
    tree = _tree(source) if len(source) <= _LARGEST else None
    for node in [] if tree is None else tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id="__all__")], value=ast.List(elts=elements) | ast.Tuple(elts=elements)
            ):
                values = (element.value for element in elements if isinstance(element, ast.Constant))
                return [value for value in values if isinstance(value, str) and value.isidentifier()]
            case _:
                pass
    return []


def _tree(source: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape is for whoever imports it
        try:
            return ast.parse(source, "<module>")
        except (SyntaxError, ValueError, MemoryError, RecursionError):  # null bytes; nested too deep
            return None
