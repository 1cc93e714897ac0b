"""The imports that every try of a notebook may begin with."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from nbflow.execute.templates import has_template
from nbflow.model.cell import Role
from nbflow.parse.magic import TEMPLATED

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.model.cell import Cell
    from nbflow.model.flow import Flow

_OURS = ("import jinja2",)  # 40 ms in each child that renders a template
_RENDERED = re.compile(rf"^[ \t]*%%(?:{'|'.join(sorted(TEMPLATED))})\b", re.MULTILINE)
_MAGICS = frozenset({"%env", "%set_env", "%cd", "%pushd", "%popd"})


def imports_of(flow: Flow, folder: Path) -> tuple[str, ...]:
    """The unconditional import statements of its cells, one module each, up to the first cell that changes
    the environment: what comes after it might be another package.

    Args:
        flow: the notebook as read.
        folder: where it lies; what its own modules and packages hide is left out.
    """
    found: dict[str, None] = {}
    inner: set[str] = set()  # names by which cells change the interpreter's surroundings: `os`, `environ`
    for cell in flow.cells:
        if cell.role is Role.SCRATCH:
            continue
        imports = cell.names.imports
        inner |= {name for name, statement in imports.items() if package_of(statement) in ("os", "sys")}
        if any(what in _MAGICS or what.partition(".")[0] in inner for what in cell.names.process):
            break
        found |= dict.fromkeys(imports.values())
    local = {path.partition("/")[0].removesuffix(".py") for path in flow.modules}  # the files may be gone
    theirs = tuple(
        statement
        for statement in found
        if package_of(statement) not in local and not _is_beside(package_of(statement), folder)
    )
    return (*theirs, *_OURS) if any(map(_renders, flow.cells)) and _OURS[0] not in theirs else theirs


def _renders(cell: Cell) -> bool:
    """Whether templates are rendered when it runs, as far as a glance tells."""
    return has_template(cell.source) and _RENDERED.search(cell.source) is not None


def package_of(statement: str) -> str:
    """The top-level package of an import statement of one module."""
    return statement.split()[1].partition(".")[0]


def _is_beside(package: str, folder: Path) -> bool:
    if package in sys.stdlib_module_names:
        return False  # Python's own come first
    return (folder / package).is_dir() or (folder / f"{package}.py").exists()
