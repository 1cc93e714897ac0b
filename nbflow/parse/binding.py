"""Reading what binds names: assignments, imports, deletions, annotations."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from nbflow.model.cell import Deferred
from nbflow.parse import mutators
from nbflow.parse.expression import ExpressionReader
from nbflow.parse.known import inner
from nbflow.parse.scope import bound_by
from nbflow.parse.value import kept_code

if TYPE_CHECKING:
    from nbflow.model.cell import Roots

LAZY_ANNOTATIONS = sys.version_info >= (3, 14)


class BindingReader(ExpressionReader):
    """Notes which names are bound, to what, and which objects are changed by it."""

    def bind(
        self, name: str, line: int, *, value: ast.expr | None = None, roots: Roots | None = None
    ) -> None:
        """A name is bound; `value` is the expression if there is one, else `roots` what it may hold."""
        own = self.roots(value) if roots is None else roots
        if not (value is not None and not own and self.scalar(value)):
            self.fresh += 1
            own |= {(f"#{self.known.serial}.{self.fresh}", 0)}
        scope = self.scopes[-1] if self.scopes else None
        while scope is not None and scope.kind == "comprehension":
            index = self.scopes.index(scope)
            scope = self.scopes[index - 1] if index else None
        if scope is not None and name not in scope.outer:
            if scope.kind == "class":
                scope.names.add(name)
            elif name in scope.names:
                self.state.points[name] = own
            elif self.bodies:
                self.bodies[-1].stateful = True  # nonlocal
            return
        if self.bodies:
            self.bodies[-1].defines.add(name)
            return
        certain = not self.conditional and not self.unsure
        state = self.state
        state.points[name] = own
        state.bound.add(name)
        state.maybe.add(name)
        state.gone.discard(name)
        state.lost.discard(name)
        state.imports.pop(name, None)
        if certain:
            self.modules.discard(name)
        self.remember(name, self.held(value), certain=certain)

    def scalar(self, value: ast.expr) -> bool:
        """Whether the value surely has no inner state: numbers, texts, comparisons of them."""
        match value:
            case ast.Constant() | ast.JoinedStr() | ast.Compare():
                return not isinstance(value, ast.Compare) or self.scalar(value.left)
            case ast.Name(id=name):
                return self.pointed(name) == frozenset()
            case ast.UnaryOp(operand=operand):
                return isinstance(value.op, ast.Not) or self.scalar(operand)
            case ast.BinOp(left=left, right=right):
                return self.scalar(left) and self.scalar(right)
            case ast.BoolOp(values=values):
                return all(self.scalar(item) for item in values)
            case ast.IfExp(body=body, orelse=orelse):
                return self.scalar(body) and self.scalar(orelse)
            case ast.Tuple(elts=items):
                return all(self.scalar(item) for item in items)
            case ast.Call(func=ast.Name(id=name)):
                return name in mutators.SCALARS and self.pointed(name) is None
            case _:
                return False

    def assign(self, target: ast.expr, value: ast.expr | None, roots: Roots | None = None) -> None:
        """Bind a target: a name, several, an item or an attribute."""
        match target:
            case ast.Name(id=name):
                self.bind(name, target.lineno, value=value, roots=roots)
            case ast.Starred(value=inside):
                self.assign(inside, None, roots or frozenset())
            case ast.Tuple(elts=items) | ast.List(elts=items):
                given = value.elts if isinstance(value, ast.Tuple | ast.List) else []
                whole = (self.roots(value) if value is not None else roots) or frozenset()
                held = self.held(value)
                for index, item in enumerate(items):
                    if len(given) == len(items) and not any(
                        isinstance(e, ast.Starred) for e in (*given, *items)
                    ):
                        self.assign(item, given[index])
                        continue
                    self.assign(item, None, inner(whole))
                    if held is not None and isinstance(item, ast.Name) and not self.scopes:
                        self.remember(item.id, held, certain=not self.conditional)
            case ast.Attribute() | ast.Subscript():
                self.store_inside(target, value)
            case _:
                pass

    def store_inside(self, target: ast.Attribute | ast.Subscript, value: ast.expr | None) -> None:
        """`x[...] = v`, `x.a = v`: x is changed in place, and holds v from now on."""
        match target:
            case ast.Subscript(
                value=ast.Call(func=ast.Name(id="globals"), args=[]), slice=ast.Constant(value=str(name))
            ):
                self.bind(name, target.lineno, value=value)
                return
            case _:
                pass
        self.read_target(target)
        self.mutate(self.roots(target.value), target.lineno)
        if not self.scopes:
            self.record.effects = True
        if value is not None:
            self.put_inside(target, value)

    def draw_together(self, targets: list[ast.expr], value: ast.expr) -> None:
        """`fig, ax = plt.subplots()`: a figure and its parts, which any use of one of them may change."""
        match value:
            case ast.Call(func=ast.Name(id=called)) if called in mutators.PLOTS:
                whole = None
            case ast.Call(func=ast.Attribute(value=whole, attr=called)) if called in mutators.PLOTS:
                pass
            case _:
                return
        if self.scopes:
            return
        parts = {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
        if isinstance(whole, ast.Name) and whole.id not in self.modules:
            parts |= {whole.id} | self.deferred.get(whole.id, Deferred()).mutates
        drawing = Deferred(uses=frozenset(parts), mutates=frozenset(parts))
        for name in sorted(parts):
            self.remember(name, drawing, certain=False)

    def augment(self, node: ast.AugAssign) -> None:
        """`x += v` uses and defines x, and may change its object in place."""
        target = node.target
        if isinstance(target, ast.Name):
            self.load(target.id, target.lineno)
            self.kept = kept_code(node.value)
            self.read(node.value)
            code = (self.deferred.get(target.id), self.held(node.value))
            if not (self.pointed(target.id) == frozenset() and not self.is_local(target.id)):
                self.mutate(self.roots_of(target.id), node.lineno)
                self.bind(target.id, node.lineno, roots=self.roots_of(target.id))
            else:
                self.bind(target.id, node.lineno, value=ast.BinOp(left=target, op=node.op, right=node.value))
            for entry in code:
                if entry is not None and not self.scopes:  # `handlers += [lambda: x]`
                    self.remember(target.id, entry, certain=False)
            return
        self.read(node.value)
        self.store_inside(target, None)

    def annotated(self, node: ast.AnnAssign) -> None:
        """`x: T = v`; `x: T` alone binds nothing."""
        lazy = self.future_annotations or LAZY_ANNOTATIONS or bool(self.bodies)
        self.kept = [] if node.value is None else kept_code(node.value)
        self.read(node.value)
        if node.value is not None:
            self.assign(node.target, node.value)
        elif not isinstance(node.target, ast.Name):
            self.read_target(node.target)
        if not (self.bodies and isinstance(node.target, ast.Name)):
            self.annotation(node.annotation, lazy=lazy)

    def annotation(self, node: ast.expr | None, *, lazy: bool) -> None:
        """An annotation: evaluated now, or a text that something may evaluate later."""
        if node is None:
            return
        if not lazy:
            self.read(node)
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                try:
                    self.annotation(ast.parse(part.value, mode="eval").body, lazy=True)
                except (SyntaxError, ValueError):
                    continue
            elif lazy and isinstance(part, ast.Name) and not self.is_local(part.id):
                self.guess({part.id})

    def delete(self, target: ast.expr) -> None:
        """`del x`, `del x[0]`."""
        match target:
            case ast.Name(id=name):
                if self.is_local(name):
                    return
                if self.bodies:
                    self.bodies[-1].deletes.add(name)
                    self.bodies[-1].uses.add(name)
                    return
                self.need(name, target.lineno, certain=not self.conditional)
                self.state.bound.discard(name)
                self.state.maybe.discard(name)
                self.state.gone.add(name)
                self.state.lost.add(name)
                self.state.imports.pop(name, None)
                self.state.points[name] = frozenset({(name, 0)})
                self.remember(name, None, certain=not self.conditional)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                for item in items:
                    self.delete(item)
            case ast.Attribute() | ast.Subscript():
                self.read_target(target)
                self.mutate(self.roots(target.value), target.lineno)
            case _:
                pass

    def import_(self, node: ast.Import | ast.ImportFrom) -> None:
        """An import binds names; unconditional ones can be repeated by the tasks below."""
        for alias in node.names:
            if alias.name == "*":
                if not self.scopes:
                    self.record.star.append(ast.unparse(node))
                continue
            (name,) = bound_by(ast.Import(names=[alias]))
            self.bind(name, node.lineno)
            if self.scopes:
                continue
            self.modules.add(name)
            if not self.conditional and not self.unsure:
                one = ast.Import(names=[alias])
                if isinstance(node, ast.ImportFrom):
                    one = ast.ImportFrom(module=node.module, names=[alias], level=node.level)
                self.state.imports[name] = ast.unparse(one)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            self.future_annotations |= any(alias.name == "annotations" for alias in node.names)
