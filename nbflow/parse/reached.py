"""Which code a cell runs, for all that the text shows: its own, and the functions it reaches by their names."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

from nbflow.parse.scope import bound_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbflow.parse.draft import Draft

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Reached:
    """The code behind the notebook's names."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self._definitions: defaultdict[str, list[Definition]] = defaultdict(list)
        self._loads: dict[int, frozenset[str]] = {}
        for draft in drafts:
            if draft.runs:
                for node in draft.tree.body:
                    if isinstance(node, Definition):
                        self._definitions[node.name].append(node)

    def of(self, draft: Draft) -> list[ast.AST]:
        """A cell's own statements but for its definitions, and each definition of a name that it reaches."""
        own: list[ast.AST] = [node for node in draft.tree.body if not isinstance(node, Definition)]
        return [*own, *self.definitions(_loads(own))]

    def definitions(self, names: Iterable[str]) -> list[Definition]:
        """The functions and classes that can be reached from these names."""
        stack = [name for name in names if name in self._definitions]
        seen = set(stack)
        found: list[Definition] = []
        while stack:
            for node in self._definitions[stack.pop()]:
                found.append(node)
                if id(node) not in self._loads:
                    self._loads[id(node)] = _loads([node])
                more = {name for name in self._loads[id(node)] if name in self._definitions} - seen
                seen |= more
                stack += more
        return found


class Behind:
    """The names behind a name: those in the statements that bind it, near or far (`o = C()`: o, C)."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self._behind: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
        for draft in drafts:
            for node in draft.tree.body if draft.runs else ():
                loads = _loads([node])
                for name in {name for part in ast.walk(node) for name in bound_by(part)}:
                    self._behind[name].append(loads)

    def of(self, names: Iterable[str]) -> set[str]:
        """These names and all behind them."""
        stack = list(names)
        seen = set(stack)
        read: set[int] = set()
        while stack:
            for loads in self._behind.get(stack.pop(), ()):
                if id(loads) not in read:
                    read.add(id(loads))
                    stack += loads - seen
                    seen |= loads
        return seen


def _loads(nodes: Iterable[ast.AST]) -> frozenset[str]:
    return frozenset(
        part.id
        for node in nodes
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
    )
