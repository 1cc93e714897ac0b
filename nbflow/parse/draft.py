"""A cell on its way to being understood: its text, header and syntax tree."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbflow.model.cell import Cell, Names, Role
from nbflow.model.problem import Problem, Severity
from nbflow.parse.header import Header, HeaderKind, read_header
from nbflow.parse.mapping import bindings
from nbflow.parse.source import cell_magic, has_code, is_install, parse, without_installs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_EMPTY = ast.Module(body=[], type_ignores=[])
_CONFIGURES = ("%load_ext", "%reload_ext", "%matplotlib", "%config", "%autoreload", "%pylab", "%alias")


@dataclass(slots=True)
class Draft:
    """A cell while the flow is being made; becomes a `Cell`.

    Attributes:
        index, number, cell_id, source: as in `Cell`.
        code: whether it is a code cell with something in it.
        tags: its tags.
        header: what its first line says, None without a header.
        body: its code as it runs, header and installs empty.
        tree: the syntax tree of that; before it, for a mapped task's header, what binds its items.
        mapped: whether it runs in each instance of a mapped task: what it defines stays inside of them.
        role, task_id, reason, names: as in `Cell`; filled in step by step.
    """

    index: int
    number: int
    cell_id: str
    source: str
    code: bool
    tags: frozenset[str]
    header: Header | None = None
    body: str = ""
    tree: ast.Module = field(default_factory=lambda: _EMPTY)
    role: Role = Role.TEXT
    task_id: str | None = None
    reason: str = "no code"
    mapped: bool = False
    names: Names = field(default_factory=Names)

    @property
    def own(self) -> bool:
        """Whether it runs as part of a task."""
        return self.role in (Role.TASK, Role.CONTINUES)

    @property
    def shared(self) -> bool:
        """Whether it runs before each task below it."""
        return self.role in (Role.SHARED, Role.PARAMETERS)

    @property
    def runs(self) -> bool:
        """Whether it runs at all."""
        return self.own or self.shared

    @property
    def only_installs(self) -> bool:
        """Whether nothing is left of it when what isn't repeated is taken away."""
        return self.code and has_code(self.source) and not self.tree.body and not has_code(self.body)

    @property
    def only_configures(self) -> bool:
        """Whether it only sets IPython up (`%load_ext`, `%matplotlib`)."""
        lines = [
            line.strip()
            for line in self.body.split("\n")
            if line.strip() and not line.strip().startswith("#")
        ]
        return bool(lines) and all(line.startswith(_CONFIGURES) for line in lines)

    def freeze(self) -> Cell:
        """The cell as a value."""
        return Cell(
            index=self.index,
            number=self.number,
            cell_id=self.cell_id,
            role=self.role,
            task_id=self.task_id,
            source=self.source,
            names=self.names,
            reason=self.reason,
        )


def drafts_of(cells: Iterable[Mapping[str, object]]) -> tuple[list[Draft], list[Problem]]:
    """The notebook's cells with headers and syntax trees, and what is wrong with those."""
    drafts: list[Draft] = []
    problems: list[Problem] = []
    number = 0
    for index, node in enumerate(cells):
        source = _text(node.get("source", ""))
        code = node.get("cell_type") == "code" and bool(source.strip())
        number += code
        metadata = node.get("metadata")
        tags = metadata.get("tags", ()) if isinstance(metadata, dict) else ()
        draft = Draft(
            index=index,
            number=number if code else 0,
            cell_id=str(node.get("id") or f"cell-{index}"),
            source=source,
            code=code,
            tags=frozenset(str(tag) for tag in tags),
        )
        if code:
            problems += _understand(draft)
        drafts.append(draft)
    return drafts, problems


def _understand(draft: Draft) -> list[Problem]:
    """Read the header, and the code unless nobody runs it."""
    header = draft.header = read_header(draft.source)
    task = header.name if header is not None and header.kind is HeaderKind.TASK else None
    problems = [placed(problem, draft, task) for problem in header.problems] if header else []
    if "scratch" in draft.tags or (
        header is not None and header.kind in (HeaderKind.SCRATCH, HeaderKind.DAG)
    ):
        draft.body = header.body if header else draft.source
        return problems
    draft.body = without_installs(header.body if header else draft.source)
    maps = header.maps if header else ()
    draft.mapped = bool(maps)
    try:
        draft.tree = parse(draft.body)
        draft.tree.body[:0] = bindings(maps, header.lines if header else 1)
    except SyntaxError as error:
        line = min(error.lineno or 1, draft.source.count("\n") + 1)
        text = draft.source.split("\n")[line - 1].strip()
        problems.append(
            Problem(
                severity=Severity.ERROR,
                code="syntax-error",
                message=f"this is no Python: {error.msg} ({text[:60]!r}). Mend it, or tag the cell scratch.",
                cell=draft.number,
                line=line,
                task=task,
            )
        )
    return problems


def placed(problem: Problem, draft: Draft, task: str | None = None) -> Problem:
    """A problem of a header, with its cell."""
    return Problem(
        severity=problem.severity,
        code=problem.code,
        message=problem.message,
        cell=draft.number,
        line=problem.line,
        task=task or problem.task,
    )


def dag_lines(draft: Draft) -> list[tuple[int, str]]:
    """The `%dag` lines of a cell with their line numbers, from 1."""
    if "%dag" not in draft.source or ((magic := cell_magic(draft.source)) is not None and magic[0] == "dag"):
        return []
    lines = enumerate(draft.source.split("\n"), start=1)
    return [(at, line.strip()) for at, line in lines if line.startswith("%dag") and is_install(line)]


def _text(source: object) -> str:
    text = "".join(str(line) for line in source) if isinstance(source, list) else str(source)
    return text.replace("\r\n", "\n").replace("\r", "\n")
