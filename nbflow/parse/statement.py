"""Reading the statements of a cell: which ways lead through the code, and what each binds."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbflow.parse import source
from nbflow.parse.definition import DefinitionReader
from nbflow.parse.known import inner
from nbflow.parse.record import BodyRecord, Flowing, joined
from nbflow.parse.scope import Scope, bound_by
from nbflow.parse.value import kept_code

if TYPE_CHECKING:
    from collections.abc import Sequence

_CATCH_ALL = frozenset({"NameError", "Exception", "BaseException", "UnboundLocalError"})


class StatementReader(DefinitionReader):
    """Walks statements in the order they run and follows the ways through them."""

    def statements(self, body: Sequence[ast.stmt]) -> None:
        """Read statements one after the other; what can't be reached is read as conditional."""
        for node in body:
            self.statement(node)

    def statement(self, node: ast.stmt) -> None:  # noqa: PLR0912, PLR0915 (one case for each kind)
        """Read one statement."""
        match node:
            case ast.Expr(value=value):
                if not isinstance(value, ast.Constant | ast.Name) and not self.bodies:
                    self.record.effects = True
                self.kept = []
                self.read(value)
            case ast.Assign(targets=targets, value=value):
                self.kept = kept_code(value)
                self.read(value)
                for target in targets:
                    self.assign(target, value)
                self.draw_together(targets, value)
            case ast.AugAssign():
                self.augment(node)
            case ast.AnnAssign():
                self.annotated(node)
            case ast.For() | ast.AsyncFor():
                self.loop(node)
            case ast.While():
                self.while_(node)
            case ast.If():
                self.if_(node)
            case ast.With() | ast.AsyncWith():
                self.with_(node)
            case ast.Try():
                self.try_(node)
            case ast.Match():
                self.match_(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.define_function(node)
            case ast.ClassDef():
                self.define_class(node)
            case ast.Import() | ast.ImportFrom():
                self.import_(node)
            case ast.Delete(targets=targets):
                for target in targets:
                    self.delete(target)
            case ast.Return(value=value):
                self.read(value)
                if self.bodies and value is not None:
                    self.bodies[-1].returns |= self.roots(value)
                    self.carry(value)
                self.state.alive = False
            case ast.Raise(exc=exc, cause=cause):
                self.read(exc)
                self.read(cause)
                self.state.alive = False
            case ast.Break() | ast.Continue():
                if self.exits:
                    self.exits[-1][isinstance(node, ast.Continue)].append(self.state.copy())
                self.state.alive = False
            case ast.Assert(test=test, msg=msg):
                self.read(test)
                with self.perhaps():
                    self.read(msg)
            case _ if type(node).__name__ == "TryStar":
                self.try_(node)  # type: ignore[arg-type]
            case _ if type(node).__name__ == "TypeAlias":
                self.bind(node.name.id, node.lineno)  # type: ignore[attr-defined]
                self.guess({part.id for part in ast.walk(node) if isinstance(part, ast.Name)})
            case _:
                pass  # pass, global, nonlocal

    def if_(self, node: ast.If) -> None:
        """Two ways that meet again."""
        self.read(node.test)
        before = self.state
        self.conditional += 1
        self.state = before.copy()
        self.statements(node.body)
        yes = self.state
        self.state = before.copy()
        self.statements(node.orelse)
        self.conditional -= 1
        self.state = joined(yes, self.state)

    def loop(self, node: ast.For | ast.AsyncFor) -> None:
        """`for`: the body may never run, unless the iterable is surely not empty."""
        self.read(node.iter)
        self._repeat(node.body, node.orelse, certain=_never_empty(node.iter), endless=False, head=node)

    def while_(self, node: ast.While) -> None:
        """`while`: as `for`; `while True` ends only by `break`."""
        self.read(node.test)
        always = isinstance(node.test, ast.Constant) and bool(node.test.value)
        self._repeat(node.body, node.orelse, certain=always, endless=always, head=None)

    def _repeat(
        self,
        body: Sequence[ast.stmt],
        orelse: Sequence[ast.stmt],
        *,
        certain: bool,
        endless: bool,
        head: ast.For | ast.AsyncFor | None,
    ) -> None:
        before = self.state
        self.state = before.copy()
        self.exits.append(([], []))
        self.conditional += not certain
        if head is not None:
            self.read_target(head.target)
            self.assign(head.target, None, inner(self.roots(head.iter)))
        self.statements(body)
        self.conditional -= not certain
        breaks, continues = self.exits.pop()
        through = joined(self.state, *continues)
        if endless:
            maybe = through.maybe
            self.state = joined(*breaks) if breaks else through
            self.state.alive = bool(breaks)
            self.state.maybe |= maybe
            return
        self.state = through if certain else joined(before, through)
        if orelse:
            self.conditional += bool(breaks)
            self.statements(orelse)
            self.conditional -= bool(breaks)
        self.state = joined(self.state, *breaks)

    def with_(self, node: ast.With | ast.AsyncWith) -> None:
        """`with`: the body runs, but `suppress` may end it early."""
        swallows = False
        for item in node.items:
            self.read(item.context_expr)
            called = item.context_expr.func if isinstance(item.context_expr, ast.Call) else item.context_expr
            swallows |= ast.unparse(called).rpartition(".")[2] in ("suppress", "raises", "assertRaises")
            if item.optional_vars is not None:
                self.read_target(item.optional_vars)
                self.assign(item.optional_vars, None, self.roots(item.context_expr))
        before = self.state.copy()
        self.conditional += swallows
        self.statements(node.body)
        self.conditional -= swallows
        if swallows:
            self.state = joined(before, _alive(self.state))

    def try_(self, node: ast.Try) -> None:
        """`try`: a handler may start after any part of the body."""
        before = self.state.copy()
        catches = bool(node.handlers)
        lenient = any(_catches_name_error(handler) for handler in node.handlers)
        self.unsure += catches
        self.conditional += lenient
        self.guards += lenient
        self.statements(node.body)
        self.guards -= lenient
        self.conditional -= lenient
        self.unsure -= catches
        after_body = self.state
        partial = joined(before, _alive(after_body))
        partial.bound = before.bound & partial.bound
        ways: list[Flowing] = []
        self.conditional += catches
        for handler in node.handlers:
            self.state = partial.copy()
            self.state.alive = before.alive
            self.read(handler.type)
            if handler.name:
                self.bind(handler.name, handler.lineno)
            self.statements(handler.body)
            if handler.name and not self.scopes:
                for names in (self.state.bound, self.state.maybe):
                    names.discard(handler.name)
                self.state.lost.add(handler.name)
                self.state.points[handler.name] = frozenset({(handler.name, 0)})
            ways.append(self.state)
        self.state = after_body
        self.statements(node.orelse)
        self.conditional -= catches
        self.state = joined(self.state, *ways) if ways else self.state
        if node.finalbody:
            reached = self.state
            self.state = reached.copy()
            self.state.alive = before.alive
            self.state.bound &= before.bound
            self.statements(node.finalbody)
            self.state.bound |= reached.bound - self.state.gone
            self.state.alive &= reached.alive

    def match_(self, node: ast.Match) -> None:
        """`match`: a pattern may bind names although its case is not taken."""
        self.read(node.subject)
        before = self.state
        ways: list[Flowing] = []
        complete = False
        falling = before.copy()
        self.conditional += 1
        for case in node.cases:
            self.state = falling.copy()
            for part in ast.walk(case.pattern):
                if isinstance(part, ast.expr) and not isinstance(part, ast.Constant):
                    self.read(part) if not isinstance(part, ast.Attribute) else self.read_target(part)
                for name in bound_by(part) if isinstance(part, ast.pattern) else ():
                    self.bind(
                        name, node.lineno, roots=inner(self.roots(node.subject)) | self.roots(node.subject)
                    )
            self.read(case.guard)
            falling = joined(falling, self.state)
            self.statements(case.body)
            ways.append(self.state)
            complete |= case.guard is None and _irrefutable(case.pattern)
        self.conditional -= 1
        self.state = joined(*ways) if complete else joined(falling, *ways)

    def embedded(self, code: str, line: int, *, local: bool) -> None:
        """Read code that a magic runs; `local` when its names don't stay."""
        try:
            tree = source.parse(code)
        except SyntaxError:
            return
        for part in ast.walk(tree):
            if isinstance(part, ast.stmt | ast.expr | ast.ExceptHandler):
                part.lineno = line
        if not local:
            self.statements(tree.body)
            return
        scope = Scope("function")
        for part in ast.walk(tree):
            scope.names |= set(bound_by(part))
        self.bodies.append(BodyRecord())
        self.scopes.append(scope)
        self.statements(tree.body)
        self.scopes.pop()
        body = self.bodies.pop()
        for name in sorted(body.uses):
            self.load(name, line)
        for name in sorted(body.mutates):
            self.mutate(self.roots_of(name), line)


def _alive(state: Flowing) -> Flowing:
    copy = state.copy()
    copy.alive = True
    return copy


def _never_empty(node: ast.expr) -> bool:
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return any(not isinstance(item, ast.Starred) for item in items)
        case ast.Constant(value=str(text)):
            return bool(text)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(stop))], keywords=[]):
            return stop > 0
        case _:
            return False


def _catches_name_error(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(part, ast.Name) and part.id in _CATCH_ALL for part in ast.walk(handler.type))


def _irrefutable(pattern: ast.pattern) -> bool:
    match pattern:
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchAs(pattern=inside) if inside is not None:
            return _irrefutable(inside)
        case ast.MatchOr(patterns=patterns):
            return any(_irrefutable(part) for part in patterns)
        case _:
            return False
