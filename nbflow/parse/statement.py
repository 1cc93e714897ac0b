"""Reading the statements of a cell: what binds names, and which ways lead through the code."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from nbflow.model.cell import Deferred, Roots
from nbflow.parse import mutators, source
from nbflow.parse.expression import ExpressionReader
from nbflow.parse.known import inner
from nbflow.parse.record import BodyRecord, Flowing, joined
from nbflow.parse.scope import Scope, bound_by, globals_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_CATCH_ALL = frozenset({"NameError", "Exception", "BaseException", "UnboundLocalError"})
_LAZY_ANNOTATIONS = sys.version_info >= (3, 14)
_ENDS = ast.Return | ast.Raise | ast.Break | ast.Continue
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class StatementReader(ExpressionReader):
    """Walks statements in the order they run and follows the ways through them."""

    future_annotations = False

    def statements(self, body: Sequence[ast.stmt]) -> None:
        """Read statements one after the other; what can't be reached is read as conditional."""
        for node in body:
            self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        """Read one statement."""
        match node:
            case ast.Expr(value=value):
                if not isinstance(value, ast.Constant | ast.Name) and not self.bodies:
                    self.record.effects = True
                self.read(value)
            case ast.Assign(targets=targets, value=value):
                self.kept = _kept_lambdas(value)
                self.read(value)
                for target in targets:
                    self.assign(target, value)
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

    exits: list[tuple[list[Flowing], list[Flowing]]]

    # --- binding ---

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
        base: ast.expr = target
        while isinstance(base, ast.Attribute | ast.Subscript):
            base = base.value
        if isinstance(base, ast.Name):
            added = (
                frozenset((root, 1) for root, _ in self.roots(value)) if value is not None else frozenset()
            )
            if added and (self.pointed(base.id) is not None or not self.is_local(base.id)):
                self.state.points[base.id] = self.roots_of(base.id) | added
            held = self.held(value)
            if held is not None and not self.scopes:
                self.remember(base.id, held, certain=False)

    def augment(self, node: ast.AugAssign) -> None:
        """`x += v` uses and defines x, and may change its object in place."""
        target = node.target
        if isinstance(target, ast.Name):
            self.load(target.id, target.lineno)
            self.read(node.value)
            if not (self.pointed(target.id) == frozenset() and not self.is_local(target.id)):
                self.mutate(self.roots_of(target.id), node.lineno)
                self.bind(target.id, node.lineno, roots=self.roots_of(target.id))
            else:
                self.bind(target.id, node.lineno, value=ast.BinOp(left=target, op=node.op, right=node.value))
            return
        self.read(node.value)
        self.store_inside(target, None)

    def annotated(self, node: ast.AnnAssign) -> None:
        """`x: T = v`; `x: T` alone binds nothing."""
        lazy = self.future_annotations or _LAZY_ANNOTATIONS or bool(self.bodies)
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

    # --- definitions ---

    def define_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """`def`: decorators, defaults and annotations now, the body when it is called."""
        self.read_all(node.decorator_list)
        self.read_defaults(node.args)
        pushed = self.type_parameters(node)
        every = [
            *node.args.posonlyargs,
            *node.args.args,
            *node.args.kwonlyargs,
            node.args.vararg,
            node.args.kwarg,
        ]
        lazy = self.future_annotations or _LAZY_ANNOTATIONS
        for arg in every:
            self.annotation(arg.annotation if arg else None, lazy=lazy)
        self.annotation(node.returns, lazy=lazy)
        entry = self.function(node)
        if pushed:
            self.scopes.pop()
        self.define(node, entry)

    def define_class(self, node: ast.ClassDef) -> None:
        """`class`: the body runs now, in a scope of its own; its methods when they are called."""
        self.read_all(node.decorator_list)
        pushed = self.type_parameters(node)
        self.read_all(node.bases)
        self.read_all(word.value for word in node.keywords)
        self.scopes.append(Scope("class", set(), globals_of(node.body)))
        whole = Deferred(carries=True)
        self.classes.append({})
        state_points = dict(self.state.points)
        self.statements(node.body)
        if not self.bodies:
            self.state.points = state_points
        methods = self.classes.pop()
        self.scopes.pop()
        if pushed:
            self.scopes.pop()
        for name, entry in methods.items():
            plain = Deferred(
                uses=entry.uses,
                defines=entry.defines,
                mutates=entry.mutates,
                deletes=entry.deletes,
                guesses=entry.guesses,
                calls=tuple(call for call in entry.calls),
            )
            whole |= plain
            if name == "__init__":
                whole |= Deferred(
                    parameters=entry.parameters[1:],
                    changes=entry.changes - {entry.parameters[0]} if entry.parameters else frozenset(),
                )
                whole |= Deferred(returns=frozenset((f"${p.lstrip('*')}", 1) for p in entry.parameters[1:]))
            old = self.methods.get(name)
            merged = entry if old is None else old | entry
            self.methods[name] = merged
            if not self.bodies:
                self.record.methods[name] = merged
        for base in node.bases:
            held = self.held(base) or (self.deferred.get(base.id) if isinstance(base, ast.Name) else None)
            if held is not None:
                whole |= held
        self.memo.clear()
        self.define(node, whole)

    classes: list[dict[str, Deferred]]

    def define(self, node: Definition, entry: Deferred) -> None:
        """Bind the name of a function or class, and what a decorator takes over of it."""
        if self.scopes and self.scopes[-1].kind == "class" and self.classes:
            old = self.classes[-1].get(node.name)
            self.classes[-1][node.name] = entry if old is None else old | entry
        self.bind(node.name, node.lineno, roots=frozenset())
        if self.bodies:
            self.bodies[-1].absorb(entry)
            return
        if self.scopes:
            return
        for decorator in node.decorator_list:
            held = self.held(decorator) or (
                self.deferred.get(decorator.id) if isinstance(decorator, ast.Name) else None
            )
            base: ast.expr = decorator
            while isinstance(base, ast.Attribute | ast.Call):
                base = base.func if isinstance(base, ast.Call) else base.value
            if isinstance(base, ast.Name) and base.id not in self.modules and base is not decorator:
                self.remember(base.id, entry, certain=False)  # @app.route keeps the function
            if held is not None:
                entry |= held
        self.remember(node.name, entry, certain=not self.conditional)

    def type_parameters(self, node: Definition) -> bool:
        """PEP 695: `def f[T](...)`; whether a scope was opened for them."""
        found = getattr(node, "type_params", [])
        if not found:
            return False
        self.scopes.append(Scope("function", {part.name for part in found}))
        for part in found:
            self.guess({n.id for n in ast.walk(part) if isinstance(n, ast.Name)})
        return True

    def carry(self, value: ast.expr) -> None:
        """A function's result that may run code later: something of the notebook it doesn't just call."""
        if isinstance(value, ast.Constant):
            return
        called = {id(n.func) for n in ast.walk(value) if isinstance(n, ast.Call)}
        for part in ast.walk(value):
            if isinstance(part, ast.Name) and not self.is_local(part.id) and part.id in self.deferred:
                entry = self.deferred[part.id]
                if id(part) not in called or entry.carries:
                    self.bodies[-1].carries = True

    # --- ways through the code ---

    def if_(self, node: ast.If) -> None:
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
        self.read(node.iter)
        self._repeat(node.body, node.orelse, certain=_never_empty(node.iter), endless=False, head=node)

    def while_(self, node: ast.While) -> None:
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

    unsure: int = 0

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


def _kept_lambdas(value: ast.expr) -> list[ast.expr]:
    """The lambdas that an assignment only keeps: the value itself, or what a container holds."""
    match value:
        case ast.Lambda():
            return [value]
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Dict(values=items):
            return [inside for item in items for inside in _kept_lambdas(item)]
        case _:
            return []


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
