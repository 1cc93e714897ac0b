"""Reading the expressions of a cell: loads, comprehensions, lambdas."""

from __future__ import annotations

import ast
from collections import ChainMap
from typing import TYPE_CHECKING

from nbflow.parse.calls import CallReader
from nbflow.parse.known import consequences, inner, outer
from nbflow.parse.points import Points
from nbflow.parse.record import BodyRecord, Flowing
from nbflow.parse.scope import Scope, function_scope, parameters
from nbflow.parse.value import Comprehension, stored_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbflow.model.cell import Deferred


class ExpressionReader(CallReader):
    """Walks expressions in the order Python evaluates them and notes what they do with names."""

    def read(self, node: ast.expr | None) -> None:  # noqa: PLR0912 (one case for each kind)
        """Read one expression."""
        match node:
            case None | ast.Constant():
                pass
            case ast.Name(id=name):
                self.load(name, node.lineno, called=node not in self.kept)
            case ast.NamedExpr(target=target, value=value):
                self.read(value)
                self.bind(target.id, target.lineno, value=value)
            case ast.BoolOp(values=[first, *others]):
                self.read(first)
                with self.perhaps():
                    self.read_all(others)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.read(test)
                with self.perhaps():
                    self.read(body)
                    self.read(orelse)
            case ast.Compare(left=left, comparators=[first, *others]):
                self.read(left)
                self.read(first)
                with self.perhaps():
                    self.read_all(others)
            case ast.Lambda():
                self.read_defaults(node.args)
                entry = self.function(node)
                if self.bodies:
                    self.bodies[-1].absorb(entry)
                elif node not in self.kept:
                    self.run_now(entry, node.lineno)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self.comprehension(node)
            case ast.Call():
                self.call(node)
            case ast.Yield() | ast.YieldFrom():
                if self.bodies:
                    self.bodies[-1].carries = True
                    if node.value is not None:
                        self.bodies[-1].returns |= outer(self.roots(node.value))
                self.read(node.value)
            case _:
                self.read_all(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))

    def read_all(self, nodes: Iterable[ast.expr]) -> None:
        """Read expressions one after the other."""
        for node in nodes:
            self.read(node)

    def read_defaults(self, args: ast.arguments) -> None:
        """Defaults are evaluated where the function is defined."""
        self.read_all(args.defaults)
        self.read_all(default for default in args.kw_defaults if default is not None)

    def run_now(self, entry: Deferred, line: int) -> None:
        """A function without a name was handed to something that may call it."""
        found = consequences("<lambda>", ChainMap({"<lambda>": entry}, self.deferred), self.methods)
        if found is not None:
            self.happen(found, line)

    def comprehension(self, node: Comprehension) -> None:
        """The first iterable belongs to the scope around; the rest may never run."""
        first = node.generators[0]
        self.read(first.iter)
        scope = Scope("comprehension", stored_names(node))
        kept = {name: self.state.points.get(name) for name in scope.names}
        self.scopes.append(scope)
        before = set(self.state.bound)
        with self.maybe():
            for generator in node.generators:
                if generator is not first:
                    self.read(generator.iter)
                self.point_targets(generator.target, inner(self.roots(generator.iter)))
                self.read_target(generator.target)
                self.read_all(generator.ifs)
            if isinstance(node, ast.DictComp):
                self.read(node.key)
                self.read(node.value)
            else:
                self.read(node.elt)
        self.scopes.pop()
        self.state.bound &= before
        for name, roots in kept.items():
            if roots is None:
                self.state.points.pop(name, None)
            else:
                self.state.points[name] = roots

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Deferred:
        """What running the function's body may do."""
        names = parameters(node.args)
        body = BodyRecord(parameters=names, carries=isinstance(node, ast.AsyncFunctionDef))
        scope = function_scope(node)
        state, conditional = self.state, self.conditional
        self.state, self.conditional = Flowing(points=state.points.copy() if self.bodies else Points()), 0
        for name in scope.names:
            self.state.points.pop(name, None)
        for name in names:
            plain = name.lstrip("*")
            self.state.points[plain] = frozenset({(f"${plain}", 1 if name.startswith("*") else 0)})
        self.scopes.append(scope)
        self.bodies.append(body)
        if isinstance(node, ast.Lambda):
            self.read(node.body)
            body.returns |= self.roots(node.body)
        else:
            self.statements(node.body)
        self.bodies.pop()
        self.scopes.pop()
        self.state, self.conditional = state, conditional
        if self.bodies:
            self.bodies[-1].carries = True
        return body.freeze()

    def statements(self, body: Sequence[ast.stmt]) -> None:
        """Read statements."""
        raise NotImplementedError

    def read_target(self, target: ast.expr) -> None:
        """Read what a target that is no plain name needs."""
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self.load(node.id, node.lineno)
