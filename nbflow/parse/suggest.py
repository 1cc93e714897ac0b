"""Proposes task lines for an ordinary notebook: where each step begins, and what to call it."""

from __future__ import annotations

import ast
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbflow.parse import mutators
from nbflow.parse.draft import drafts_of
from nbflow.parse.header import name_problem
from nbflow.parse.headings import headings_above
from nbflow.parse.notebook_file import version_4
from nbflow.parse.roles import assign_roles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.parse.draft import Draft

_WORDS = 4
"""A task's name takes this many words of a heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A line to put on top of one cell.

    Attributes:
        index: the cell's place among all cells, from 0.
        number: its number as Jupyter counts (see `Cell.number`).
        name: the task's name; the line is `%%task NAME`.
        why: why here, and where the name comes from.
    """

    index: int
    number: int
    name: str
    why: str


def suggest(notebook: Mapping[str, Any]) -> list[Suggestion]:
    """Where the steps of a notebook without `%%task` begin; empty when it has some already.

    Cells that only import, define functions or set constants above the first step stay shared. Each
    section under a heading becomes a task; without headings each cell that makes something later
    cells use begins one. A cell that isn't named here runs with the step above it.

    Raises:
        NotebookUnreadable: it is no notebook.
    """
    cells = version_4(notebook, "the notebook")["cells"]
    drafts, _ = drafts_of(cells)
    if any(draft.header is not None and draft.header.kind == "task" for draft in drafts):
        return []
    assign_roles(drafts, whole="notebook")
    steps = [draft for draft in drafts if draft.own]
    while steps and not _works(steps[0]):
        steps.pop(0)
    if not steps:
        return []
    sections = [path[-1][1] if path else "" for path in headings_above(cells)]
    if len({sections[draft.index] for draft in steps}) > 1:
        return _by_section(steps, sections)
    return _by_use(steps)


def _by_section(steps: Sequence[Draft], sections: Sequence[str]) -> list[Suggestion]:
    found: list[Suggestion] = []
    taken: set[str] = set()
    section: str | None = None
    made: set[str] = set()
    for draft in steps:
        works = _works(draft) or not made.isdisjoint(draft.names.uses)
        made |= draft.names.defines if works else set()
        if sections[draft.index] == section or not works:
            continue
        section = sections[draft.index]
        name = _free(slug(section) or _named_after(draft), taken)
        why = f"the section «{section}» begins here" if section else "the first step, above every heading"
        found.append(Suggestion(index=draft.index, number=draft.number, name=name, why=why))
    return found


def _by_use(steps: Sequence[Draft]) -> list[Suggestion]:
    found: list[Suggestion] = []
    taken: set[str] = set()
    made: set[str] = set()
    for place, draft in enumerate(steps):
        later = frozenset[str]().union(*(other.names.uses for other in steps[place + 1 :]))
        new = (draft.names.defines - draft.names.mutates - made) & later
        new -= set(draft.names.imports)
        if found and (not new or not _works(draft)):
            made |= draft.names.defines
            continue
        made |= draft.names.defines
        name = _free(_named_after(draft), taken)
        first = min(new, key=lambda one: (_line(draft, one), one), default="")
        why = f"makes `{first}`, which later cells use" if first else "the first step"
        found.append(Suggestion(index=draft.index, number=draft.number, name=name, why=why))
    return found


def _works(draft: Draft) -> bool:
    """Whether a cell does a step's work: more than import, define, configure and set constants."""
    return any(_is_work(node) for node in draft.tree.body)


def _is_work(node: ast.stmt) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return False
        case ast.Expr(value=ast.Constant()):
            return False
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))) if name in mutators.PROCESS | {
            "run_line_magic"
        }:
            return False
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return any(
                (isinstance(part, ast.Call) and not _called(part)[:1].isupper())
                or isinstance(part, ast.ListComp | ast.SetComp | ast.DictComp)
                for part in ast.walk(value)
            )
        case _:
            return True


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _named_after(draft: Draft) -> str:
    """The function that makes its main value, else the value: `load_flights`, `make_raw`."""
    for node in reversed(draft.tree.body):
        match node:
            case ast.Assign(value=ast.Call(func=ast.Name(id=called))) if (
                called in draft.names.uses and "_" in called
            ):
                return called
            case ast.Assign(targets=[ast.Name(id=name)]):
                return slug(f"make_{name}")
            case _:
                continue
    return f"step_{draft.number}"


def _line(draft: Draft, name: str) -> int:
    """The line on which a cell first binds a name at its top level."""
    for node in draft.tree.body:
        if any(
            isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Store)
            for part in ast.walk(node)
        ):
            return node.lineno
    return 0


def slug(text: str) -> str:
    """A heading as a task's name: its first words in small letters, `_` between; "" when nothing is left."""
    plain = unicodedata.normalize("NFC", text).lower()
    words = re.findall(r"[^\W_]+", plain)
    name = "_".join(words[:_WORDS])
    return name if name and name_problem(name) is None else ""


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number behind it when it is taken."""
    free, count = name, 2
    while free in taken:
        free, count = f"{name}_{count}", count + 1
    taken.add(free)
    return free
