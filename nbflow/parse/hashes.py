"""Hashes of code: what makes a try stale, and what makes a new version."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from nbflow.parse.templates import template_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.model.flow import Flow
    from nbflow.parse.draft import Draft


_FIRST = re.compile(r"[ \t]+--first(?:=|[ \t]+)\d+(?=\s|$)")
_HEADER = re.compile(r"\A\s*%%?task\b.*(?:\\\n.*)*")


def _without_by_hand(source: str) -> str:
    """A cell without what its header says for runs by hand only (`--first 3`)."""
    return _HEADER.sub(lambda header: _FIRST.sub("", header[0]), source, count=1)


def version_of(cells: Sequence[Mapping[str, object]], drafts: Sequence[Draft], groups: Sequence[str]) -> str:
    """A hash over sources of code cells, tags and headings; outputs and prose don't count."""
    parts = [
        [
            str(cell.get("cell_type")) if draft.code else "text",
            _without_by_hand(draft.source) if draft.code else "",
            sorted(draft.tags),
            group,
        ]
        for cell, draft, group in zip(cells, drafts, groups, strict=True)
        if draft.code or draft.tags
    ]
    return digest(parts)


def code_hashes(drafts: Sequence[Draft], flow: Flow) -> dict[str, str]:
    """For each task a hash over its own code, the shared code it can depend on and its upstream code.

    A shared cell counts when the task, or another shared cell that counts, uses a name it defines;
    one that does more than import and define counts for every task below it. The names a task hands on
    count for itself only: where the notebook wants another value of it, its tries have not kept that one.

    Of the options those count that change values: what it is mapped over, what it collects (as a name that it
    hands on), whether its templates are rendered. When it runs, how often it is tried and who is told do not.
    """
    code: dict[str, str] = {}
    own = own_drafts(drafts)
    for task_id in flow.graph.order:
        spec = flow.tasks[task_id]
        parts: list[object] = [spec.kind, flow.imports.get(task_id, "")]
        parts += [_code(draft) for draft in own[task_id]]
        parts += [str(over) for over in spec.map]
        if _has_template(own[task_id]):
            parts.append(["template", spec.no_template])
        parts += [_code(draft) for draft in shared_drafts(drafts, own[task_id], flow, task_id)]
        parts += sorted(code[upstream] for upstream in flow.graph.upstream(task_id))
        code[task_id] = digest(parts)
    return {task_id: digest([own_code, sorted(flow.exports[task_id])]) for task_id, own_code in code.items()}


def own_drafts(drafts: Sequence[Draft]) -> Mapping[str, Sequence[Draft]]:
    """The cells of each task, in order."""
    own: defaultdict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.own and draft.task_id:
            own[draft.task_id].append(draft)
    return own


def shared_drafts(drafts: Sequence[Draft], own: Sequence[Draft], flow: Flow, task_id: str) -> Sequence[Draft]:
    """The shared cells that a task can depend on; `own` are its own."""
    shared = [draft for draft in drafts if draft.shared and draft.index < own[-1].index]
    named = frozenset[str]()
    if _has_template(own):
        named = frozenset((*flow.dag.user_defined_filters.values(), *flow.dag.user_defined_macros.values()))
    return _relevant(shared, own, flow.tasks[task_id].uses | named)


def _has_template(own: Sequence[Draft]) -> bool:
    return any(template_of(draft.body) is not None for draft in own)


def _relevant(shared: Sequence[Draft], own: Sequence[Draft], uses: frozenset[str]) -> list[Draft]:
    wanted = set(uses)
    for draft in own:
        wanted |= draft.names.uses | draft.names.guesses
        wanted |= {name for entry in draft.names.deferred.values() for name in entry.uses}
    chosen: set[int] = set()
    for draft in reversed(shared):
        names = draft.names
        if _acts(draft) or wanted & (names.defines | names.deletes):
            chosen.add(draft.index)
            wanted |= names.uses | names.guesses
            wanted |= {name for entry in names.deferred.values() for name in entry.uses}
    return [draft for draft in shared if draft.index in chosen]


def _acts(draft: Draft) -> bool:
    """Whether a shared cell does something that its names don't show."""
    names = draft.names
    if names.process or names.opaque or names.star or names.mutates or names.deletes:
        return True
    plain = (
        ast.Import,
        ast.ImportFrom,
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Assign,
        ast.AnnAssign,
    )
    return not all(
        isinstance(node, plain) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in draft.tree.body
    )


def _code(draft: Draft) -> str:
    """A cell's code without its header, and without spaces at the ends of lines."""
    return "\n".join(line.rstrip() for line in draft.body.split("\n")).strip()


def digest(parts: object) -> str:
    """A hex sha256 over JSON types."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()
