"""Reading the calls of a cell, and the magics, which are calls to IPython."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbflow.parse import magic, mutators
from nbflow.parse.known import changed_arguments, nearest_roots
from nbflow.parse.value import ValueReader, kept_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbflow.model.cell import Deferred, Roots


class CallReader(ValueReader):
    """Notes what calls do with names."""

    def call(self, node: ast.Call) -> None:  # noqa: PLR0912 (one case for each kind)
        """A call: what it is called on, the arguments, and what it is known to change."""
        if self.ipython(node):
            return
        given = [*node.args, *(word.value for word in node.keywords)]
        kept_by = self.keeper(node)
        if kept_by is not None:
            self.kept = [*self.kept, *(code for arg in given for code in kept_code(arg))]
        self.read(node.func)
        self.read_all(given)
        if kept_by is not None:
            for arg in given:
                self.put_inside(kept_by, arg)
        line = node.lineno
        if not self.bodies:
            self.record.effects = True
        self.known_call(node, given)
        for word in node.keywords:
            if word.arg == "out":
                self.mutate(self.roots(word.value), line)
        match node.func:
            case ast.Attribute(value=value, attr=attr):
                root = _root(value)
                of_module = root in self.modules and isinstance(value, ast.Name)
                in_place = any(_is_true(word) for word in node.keywords if word.arg == "inplace")
                if in_place or (not of_module and mutators.changes(attr, bare=not given)):
                    found = self.roots(value)
                    deep = attr in mutators.DEEP
                    self.mutate(frozenset((name, 0) for name, _ in found) if deep else found, line)
                if attr in mutators.FUNCTIONS and node.args:
                    self.mutate(self.roots(node.args[0]), line)
                if attr in mutators.PROCESS and root in self.modules and not self.bodies:
                    self.record.process.setdefault(ast.unparse(node.func), line)
                self.strings(node, attr)
            case ast.Name(id=name) if not self.is_local(name):
                if name in mutators.FUNCTIONS and node.args:
                    self.mutate(self.roots(node.args[0]), line)
                if name in mutators.PROCESS and name in self.modules and not self.bodies:
                    self.record.process.setdefault(name, line)
                if name in mutators.OPAQUE and not (name == "vars" and node.args):
                    self.record.opaque.setdefault(f"{name}()", line)
            case _:
                pass

    def keeper(self, node: ast.Call) -> ast.expr | None:
        """What keeps the arguments of a call, as a list does those of `append`."""
        match node.func:
            case ast.Attribute(value=ast.Name(id=name)) if name in self.modules:
                return None
            case ast.Attribute(value=value, attr=attr) if attr in mutators.KEEPERS:
                return value
            case _:
                return None

    def known_call(self, node: ast.Call, given: Sequence[ast.expr]) -> None:
        """A call of what the notebook defines: what it changes may keep the code it is given."""
        described = self.described(node)
        if described is None:
            return
        if self.bodies:
            self.bodies[-1].calls.append(described)
            return
        changed: set[str] = set()
        for roots in changed_arguments(described, self.deferred, self.methods):
            self.mutate(roots, node.lineno)
            changed |= {root for root, depth in roots if depth == 0 and root[0] not in "#$"}
        found = self.consequences(described.callee)
        changed |= found.mutates if found else set()
        if changed and not self.scopes:
            for arg in given:
                self.keep(changed, self.held(arg))

    def keep(self, names: Iterable[str], held: Deferred | None) -> None:
        """Things of these names may keep some code from now on."""
        if held is not None and not self.scopes:
            for name in names:
                self.remember(name, held, certain=False)

    def put_inside(self, keeper: ast.expr, value: ast.expr) -> None:
        """`x[...] = v`, `x.append(v)`: x holds v from now on, and the code in it."""
        base = keeper
        while isinstance(base, ast.Attribute | ast.Subscript):
            base = base.value
        if not isinstance(base, ast.Name) or (self.pointed(base.id) is None and self.is_local(base.id)):
            return
        added = frozenset((root, 1) for root, _ in self.roots(value))
        if added:
            self.state.points[base.id] = nearest_roots(self.roots_of(base.id) | added)
        self.keep([base.id], self.held(value))

    def strings(self, node: ast.Call, attr: str) -> None:
        """Names inside the text given to a query."""
        if not node.args or not (text := _text(node.args[0])):
            return
        guesses: frozenset[str] = frozenset()
        if attr in mutators.QUERIES:
            guesses |= magic.query_names(text)
        if attr in mutators.SQL_CALLS and self.modules & {"duckdb", "polars", "pl"}:
            guesses |= magic.sql_names(text)
        self.guess(guesses)

    def ipython(self, node: ast.Call) -> bool:
        """Whether this is a call that IPython makes of a `!` or `%` line; if so, what it does is noted."""
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython"), args=[]), attr=method),
                args=args,
            ):
                texts = [
                    arg.value for arg in args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                ]
            case _:
                return False
        self.record.effects = True
        match method, texts:
            case ("system" | "getoutput" | "getoutput_s", [text]):
                effect = magic.shell(text)
            case ("run_line_magic", [name, text]):
                effect = magic.line_magic(name, text)
            case ("run_cell_magic", [name, line, body]):
                effect = magic.cell_magic_effect(name, line, body, rendered=self.known.rendered)
            case ("ex" | "ev" | "run_cell" | "push" | "reset" | "run_code", _):
                self.record.opaque.setdefault(f"get_ipython().{method}", node.lineno)
                return False
            case _:
                return False
        self.magic(effect, node.lineno, method)
        return True

    def magic(self, effect: magic.MagicEffect, line: int, method: str) -> None:
        """Note what a magic does."""
        self.guess(effect.guesses)
        for name in sorted(effect.uses):
            self.load(name, line)
        for name in sorted(effect.defines):
            self.bind(name, line)
        if effect.process and not self.bodies:
            self.record.process.setdefault(effect.process, line)
        if effect.opaque:
            self.record.opaque.setdefault("a magic that runs other code", line)
        if effect.python is not None:
            self.embedded(effect.python, line, local=effect.local)

    def read(self, node: ast.expr | None) -> None:
        """Read one expression."""
        raise NotImplementedError

    def read_all(self, nodes: Iterable[ast.expr]) -> None:
        """Read expressions one after the other."""
        raise NotImplementedError

    def embedded(self, code: str, line: int, *, local: bool) -> None:
        """Read code that a magic runs."""
        raise NotImplementedError

    def bind(
        self, name: str, line: int, *, value: ast.expr | None = None, roots: Roots | None = None
    ) -> None:
        """Bind a name."""
        raise NotImplementedError


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _is_true(word: ast.keyword) -> bool:
    return not (isinstance(word.value, ast.Constant) and not word.value.value)


def _text(node: ast.expr) -> str:
    """The constant text of a string or f-string."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return " ".join(_text(value) for value in values)
        case _:
            return ""
