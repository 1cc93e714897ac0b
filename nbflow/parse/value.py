"""What the value of an expression may be or hold: objects that have names, code that runs later."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nbflow.model.cell import Call, Deferred, Roots
from nbflow.parse import mutators
from nbflow.parse.builtin import GIVEN
from nbflow.parse.known import inner, nearest_roots, outer
from nbflow.parse.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NOTHING: Roots = frozenset()
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class ValueReader(Reading):
    """Follows values through expressions without noting anything."""

    def described(self, node: ast.Call) -> Call | None:
        """The call as a value, when the notebook could know what is called."""
        args = tuple(self.roots(arg.value if isinstance(arg, ast.Starred) else arg) for arg in node.args)
        if any(isinstance(arg, ast.Starred) for arg in node.args):
            every: Roots = frozenset().union(*args, *(inner(roots) for roots in args))
            args = tuple(every for _ in range(len(args) + 8))
        keywords = {word.arg: self.roots(word.value) for word in node.keywords if word.arg}
        match node.func:
            case ast.Name(id=name) if not self.is_local(name):
                return Call(callee=name, args=args, keywords=keywords)
            case ast.Attribute(value=value, attr=attr):
                return Call(callee=f".{attr}", receiver=self.roots(value), args=args, keywords=keywords)
            case _:
                return None

    def roots(self, node: ast.expr | None) -> Roots:  # noqa: PLR0912 (one case for each kind)
        """What the value of an expression may be or hold; empty for what has no inner state."""
        match node:
            case ast.Name(id=name):
                return self.roots_of(name)
            case ast.Attribute(value=value):
                return inner(self.roots(value))
            case ast.Subscript(value=value, slice=index):
                return _NOTHING if isinstance(index, ast.Compare | ast.List) else inner(self.roots(value))
            case ast.Starred(value=value) | ast.NamedExpr(value=value):
                return self.roots(value)
            case ast.IfExp(body=body, orelse=orelse):
                return self.roots(body) | self.roots(orelse)
            case ast.BoolOp(values=values):
                return _union(self.roots(value) for value in values)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return outer(_union(self.roots(item) for item in items))
            case ast.Dict(values=values):
                return outer(_union(self.roots(value) for value in values))
            case ast.BinOp(op=ast.Add() | ast.Mult() | ast.BitOr(), left=left, right=right):
                if any(isinstance(side, ast.Constant) for side in (left, right)) and isinstance(
                    node.op, ast.Add
                ):
                    return _NOTHING  # a number or a text
                both = self.roots(left) | self.roots(right)
                return nearest_roots((root, max(depth, 1)) for root, depth in both)
            case ast.ListComp(elt=item) | ast.SetComp(elt=item) | ast.GeneratorExp(elt=item):
                return outer(self.comprehended(node, item))
            case ast.DictComp(value=item):
                return outer(self.comprehended(node, item))
            case ast.Call():
                return self.call_roots(node)
            case _:
                return _NOTHING

    def comprehended(self, node: Comprehension, item: ast.expr) -> Roots:
        """What one item of a comprehension may be or hold."""
        targets = stored_names(node)
        kept = {name: self.state.points.get(name) for name in targets}
        for generator in node.generators:
            self.point_targets(generator.target, inner(self.roots(generator.iter)))
        found = self.roots(item)
        for name, roots in kept.items():
            if roots is None:
                self.state.points.pop(name, None)
            else:
                self.state.points[name] = roots
        return found

    def call_roots(self, node: ast.Call) -> Roots:
        """What the result of a call may be or hold."""
        args = [self.roots(arg) for arg in node.args] + [self.roots(word.value) for word in node.keywords]
        match node.func:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in mutators.HOLDERS and node.args:
                return frozenset((root, max(depth, 1)) for root, depth in _union(args))
            case ast.Name(id=name) if name in mutators.ONE_OF:
                return _union(args) | inner(_union(args))
            case ast.Attribute(value=value, attr=attr) if attr in mutators.SAME:
                return inner(self.roots(value)) | _union(args)
            case ast.Attribute(value=value, attr=attr) if attr in mutators.PARTS:
                return frozenset((root, max(depth, 1)) for root, depth in self.roots(value))
            case ast.Name(id=name) if name in self.deferred and not self.is_local(name):
                return self.returned(self.deferred[name], self.described(node))
            case ast.Attribute(value=value, attr=attr) if attr in self.methods:
                return self.returned(self.methods[attr], self.described(node))
            case ast.Name(id=name) | ast.Attribute(attr=name) if name[:1].isupper():  # a class: SGD(params)
                return frozenset((root, max(depth, 1)) for root, depth in _union(args))
            case _:
                return _NOTHING

    def returned(self, entry: Deferred, call: Call | None) -> Roots:
        """What a known function's result may be or hold, given the call."""
        if call is None:
            return _NOTHING
        args = (call.receiver, *call.args) if call.callee.startswith(".") else call.args
        given = {p.lstrip("*"): args[i] for i, p in enumerate(entry.parameters) if i < len(args)}
        given |= call.keywords
        found: set[tuple[str, int]] = set()
        for root, depth in entry.returns:
            if root.startswith("$"):
                found |= {(name, _at(deep, depth)) for name, deep in given.get(root[1:], _NOTHING)}
            elif not root.startswith("#"):
                found |= {(name, _at(deep, depth)) for name, deep in self.roots_of(root)}
        return frozenset(found)

    def held(self, node: ast.expr | None) -> Deferred | None:
        """The code that the value of an expression may run later: functions, instances, generators."""
        if node is None:
            return None
        found: Deferred | None = None
        items = {
            name
            for inside in ast.walk(node)
            if isinstance(inside, Comprehension)
            for name in stored_names(inside)
        }
        called = {
            id(inside.func)
            for inside in ast.walk(node)
            if isinstance(inside, ast.Call)
            and isinstance(inside.func, ast.Name)
            and not self.deferred.get(inside.func.id, Deferred(carries=True)).carries
        }
        for inside in self.kept_parts(node):
            match inside:
                case ast.Name(id=name) if id(inside) not in called and not self.is_local(name):
                    entry = self.deferred.get(name)
                    if entry is not None and inside is not node and name in entry.mutates:
                        continue  # a thing that is changed by using it, no code
                    if entry is not None and inside is not node:
                        full = self.consequences(name)
                        entry = (
                            None
                            if full is None
                            else Deferred(
                                uses=full.uses,
                                defines=full.defines,
                                mutates=full.mutates,
                                deletes=full.deletes,
                                guesses=full.guesses,
                                carries=True,
                                stateful=entry.stateful or entry.makes_stateful,
                            )
                        )
                case ast.Lambda():
                    with self.quiet():
                        entry = self.function(inside)
                    entry = replace(entry, uses=entry.uses - items)
                case ast.GeneratorExp():
                    names = {part.id for part in ast.walk(inside) if isinstance(part, ast.Name)}
                    own = stored_names(inside)
                    entry = Deferred(uses=frozenset(names - own - GIVEN), carries=True)
                case _:
                    continue
            if entry is not None:
                found = entry if found is None else found | entry
        return found

    def kept_parts(self, node: ast.expr) -> Iterator[ast.AST]:
        """The parts of an expression that its value may keep: not what a call surely uses up at once."""
        stack: list[ast.AST] = [node]
        while stack:
            part = stack.pop()
            yield part
            if isinstance(part, ast.Call):
                given = [*part.args, *(word.value for word in part.keywords)]
                stack += [part.func, *(arg for arg in given if not self.used_up(arg, part))]
            else:
                stack += ast.iter_child_nodes(part)

    def used_up(self, arg: ast.expr, call: ast.AST) -> bool:
        """Whether a call runs this code before it returns and doesn't keep it: `sorted(x, key=f)`."""
        match call:
            case ast.Call(func=ast.Name(id=name)):
                lazy, eager = name in mutators.LAZY, name in mutators.EAGER
            case ast.Call(func=ast.Attribute(attr=name)):
                lazy, eager = name in mutators.LAZY - {"map", "filter"}, name in mutators.EAGER_METHODS
            case _:
                return False
        match arg:
            case ast.GeneratorExp():
                return not lazy
            case ast.Lambda():
                return eager
            case ast.Name(id=name):
                entry = self.deferred.get(name)
                return eager and entry is not None and not entry.carries
            case _:
                return False

    def point_targets(self, target: ast.expr, roots: Roots) -> None:
        """Let the names of a target hold parts of a value."""
        match target:
            case ast.Name(id=name):
                self.state.points[name] = roots
            case ast.Starred(value=value):
                self.point_targets(value, outer(roots))
            case ast.Tuple(elts=items) | ast.List(elts=items):
                for item in items:
                    self.point_targets(item, inner(roots))
            case _:
                pass

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Deferred:
        """What running the function's body may do; the reader of expressions knows."""
        raise NotImplementedError


def kept_code(value: ast.expr) -> list[ast.expr]:
    """The functions that a value only keeps: the value itself, or what a container or `partial` holds."""
    match value:
        case ast.Lambda() | ast.Name():
            return [value]
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items) | ast.Dict(values=items):
            return [inside for item in items for inside in kept_code(item)]
        case ast.ListComp(elt=item) | ast.SetComp(elt=item) | ast.DictComp(value=item):
            return kept_code(item)
        case ast.Call(func=ast.Name(id="partial") | ast.Attribute(attr="partial"), args=[first, *_]):
            return kept_code(first)
        case _:
            return []


def stored_names(node: Comprehension) -> set[str]:
    """The names a comprehension's targets bind."""
    parts = (part for generator in node.generators for part in ast.walk(generator.target))
    return {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _union(roots: Iterable[Roots]) -> Roots:
    return frozenset().union(*roots)


def _at(deep: int, depth: int) -> int:
    return min(4, deep + depth)
