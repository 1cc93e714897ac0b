"""Reading the expressions of a cell: loads, calls, comprehensions, lambdas, what values may hold."""

from __future__ import annotations

import ast
from collections import ChainMap, defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbflow.model.cell import Call, Deferred, Roots
from nbflow.parse import magic, mutators
from nbflow.parse.builtin import GIVEN
from nbflow.parse.known import changed_arguments, consequences, inner, nearest_roots, outer
from nbflow.parse.record import BodyRecord, CellRecord, Flowing
from nbflow.parse.scope import Scope, function_scope, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nbflow.parse.known import Consequences, Known

_CONTAINERS = (ast.List, ast.Tuple, ast.Set, ast.Dict)
_NOTHING: Roots = frozenset()
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class ExpressionReader:
    """Walks expressions in the order Python evaluates them and notes what they do with names."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.state = Flowing(base=known.points)
        self.holders: dict[str, set[str]] | None = None
        self.record = CellRecord()
        self.deferred: dict[str, Deferred] = dict(known.deferred)
        self.methods: dict[str, Deferred] = dict(known.methods)
        self.modules: set[str] = set(known.modules)
        self.scopes: list[Scope] = []
        self.bodies: list[BodyRecord] = []
        self.conditional = 0
        self.guards = 0
        self.fresh = 0
        self.kept: list[ast.expr] = []
        self.memo: dict[str, Consequences | None] = {}

    # --- where a name belongs ---

    def is_local(self, name: str) -> bool:
        """Whether a name belongs to a function, class or comprehension rather than to the notebook."""
        innermost = True
        for scope in reversed(self.scopes):
            if name in scope.outer:
                return False
            if name in scope.names and (scope.kind != "class" or innermost):
                return True
            innermost = False
        return False

    @contextmanager
    def maybe(self) -> Iterator[None]:
        """What is read inside may not run."""
        self.conditional += 1
        yield
        self.conditional -= 1

    @contextmanager
    def perhaps(self) -> Iterator[None]:
        """As `maybe`; what is bound inside is bound only perhaps."""
        before = set(self.state.bound)
        with self.maybe():
            yield
        self.state.bound = before & self.state.bound

    # --- names ---

    def load(self, name: str, line: int) -> None:
        """The code reads a name; whatever calling it does may happen."""
        if self.is_local(name):
            return
        if self.bodies:
            self.bodies[-1].uses.add(name)
            return
        self.need(name, line, certain=not self.conditional)
        found = self.consequences(name)
        if found is not None:
            self.happen(found, line)

    def need(self, name: str, line: int, *, certain: bool) -> None:
        """A use of a name by the cell itself."""
        state = self.state
        if name in state.bound or (name.startswith("__") and name.endswith("__")):
            return
        self.record.uses.setdefault(name, line)
        if not self.guards:
            self.record.unguarded.add(name)
        if certain and name not in state.maybe and state.alive:
            self.record.certain.add(name)

    def happen(self, found: Consequences, line: int) -> None:
        """Something was mentioned that may be called: what its code may do, may happen now."""
        for name in sorted(found.uses):
            self.need(name, line, certain=False)
        for name in found.mutates:
            self.mutate(self.roots_of(name), line)
        for name in found.defines:
            self.state.maybe.add(name)
            self.state.imports.pop(name, None)
            self.state.gone.discard(name)
        for name in found.deletes:
            self.state.bound.discard(name)
            self.state.lost.add(name)
        self.record.guesses |= found.guesses - self.state.bound

    def consequences(self, name: str) -> Consequences | None:
        """What calling a name may lead to, remembered until a definition changes."""
        if name not in self.memo:
            self.memo[name] = consequences(name, self.deferred, self.methods)
        return self.memo[name]

    def remember(self, name: str, entry: Deferred | None, *, certain: bool) -> None:
        """From now on a name of the notebook holds this code (None: no code)."""
        old = self.deferred.get(name)
        if entry is None and certain:
            if old is not None:
                del self.deferred[name]
                self.record.deferred.pop(name, None)
                self.memo.clear()
        elif entry is not None:
            merged = entry if certain or old is None else old | entry
            self.deferred[name] = self.record.deferred[name] = merged
            self.memo.clear()

    def roots_of(self, name: str) -> Roots:
        """What the value of a name may be or hold."""
        found = self.pointed(name)
        return frozenset({(name, 0)}) if found is None else found

    def pointed(self, name: str) -> Roots | None:
        """What is known of a name's value: None when it is just an object of its own."""
        found = self.state.points.get(name)
        return self.state.base.get(name) if found is None else found

    def base_holders(self, root: str) -> set[str]:
        """The names above that hold an object."""
        if self.holders is None:
            self.holders = defaultdict(set)
            for name, roots in self.known.points.items():
                for held, _ in roots:
                    self.holders[held].add(name)
        return self.holders.get(root, set())

    def mutate(self, roots: Roots, line: int) -> None:
        """The objects at depth 0 are changed in place, and so is every name that holds one of them."""
        changed = {root for root, depth in roots if depth == 0}
        if not changed:
            return
        if self.bodies:
            self._mutate_in_body(changed)
            return
        holders = {
            name for name, held in self.state.points.items() if any(root in changed for root, _ in held)
        } | {root for root in changed if root[0] not in "#$" and self.pointed(root) is None}
        holders |= {
            name for root in changed for name in self.base_holders(root) if name not in self.state.points
        }
        for name in holders:
            if name in self.modules and not self.is_local(name):
                self.record.process.setdefault(name, line)
                continue
            if name.startswith("$"):
                continue
            self.need(name, line, certain=False)
            self.record.mutates.add(name)

    def _mutate_in_body(self, changed: set[str]) -> None:
        holders = {
            name for name, held in self.state.points.items() if any(root in changed for root, _ in held)
        }
        for root in changed:
            if root.startswith("$"):
                for body in reversed(self.bodies):
                    stars = {parameter.lstrip("*"): parameter for parameter in body.parameters}
                    if root[1:] in stars:
                        body.changes.add(stars[root[1:]])
                        break
            elif not root.startswith("#") and not self.is_local(root):
                self.bodies[-1].mutates.add(root)
                self.bodies[-1].uses.add(root)
        for name in holders - changed:
            if not self.is_local(name) and not name.startswith(("#", "$")):
                self.bodies[-1].mutates.add(name)
                self.bodies[-1].uses.add(name)

    # --- expressions ---

    def read(self, node: ast.expr | None) -> None:
        """Read one expression."""
        match node:
            case None | ast.Constant():
                pass
            case ast.Name(id=name):
                self.load(name, node.lineno)
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
        scope = Scope(
            "comprehension", {n.id for g in node.generators for n in ast.walk(g.target) if _stored(n)}
        )
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

    def call(self, node: ast.Call) -> None:
        """A call: what it is called on, the arguments, and what it is known to change."""
        if self.ipython(node):
            return
        self.read(node.func)
        self.read_all(node.args)
        self.read_all(word.value for word in node.keywords)
        line = node.lineno
        if not self.bodies:
            self.record.effects = True
        described = self.described(node)
        if described is not None:
            if self.bodies:
                self.bodies[-1].calls.append(described)
            else:
                for roots in changed_arguments(described, self.deferred, self.methods):
                    self.mutate(roots, line)
        match node.func:
            case ast.Attribute(value=value, attr=attr):
                root = _root(value)
                in_place = any(_is_true(word) for word in node.keywords if word.arg == "inplace")
                if attr in mutators.METHODS and not (root in self.modules and isinstance(value, ast.Name)):
                    self.mutate(self.roots(value), line)
                elif in_place:
                    self.mutate(self.roots(value), line)
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

    def guess(self, names: Iterable[str]) -> None:
        """Words that may be names."""
        if self.bodies:
            self.bodies[-1].guesses |= {name for name in names if not self.is_local(name)}
        else:
            self.record.guesses |= set(names) - self.state.bound

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
                effect = magic.cell_magic_effect(name, line, body)
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

    # --- values ---

    def roots(self, node: ast.expr | None) -> Roots:
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
        targets = {n.id for g in node.generators for n in ast.walk(g.target) if _stored(n)}
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
        called = {
            id(inside.func)
            for inside in ast.walk(node)
            if isinstance(inside, ast.Call)
            and isinstance(inside.func, ast.Name)
            and not self.deferred.get(inside.func.id, Deferred(carries=True)).carries
        }
        for inside in ast.walk(node):
            match inside:
                case ast.Name(id=name) if id(inside) not in called and not self.is_local(name):
                    entry = self.deferred.get(name)
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
                            )
                        )
                case ast.Lambda():
                    with self.quiet():
                        entry = self.function(inside)
                case ast.GeneratorExp():
                    names = {part.id for part in ast.walk(inside) if isinstance(part, ast.Name)}
                    own = {n.id for g in inside.generators for n in ast.walk(g.target) if _stored(n)}
                    entry = Deferred(uses=frozenset(names - own - GIVEN), carries=True)
                case _:
                    continue
            if entry is not None:
                found = entry if found is None else found | entry
        return found

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Read without noting anything about the cell."""
        record, state = self.record, self.state
        self.record, self.state = CellRecord(), state.copy()
        yield
        self.record, self.state = record, state

    # --- functions ---

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Deferred:
        """What running the function's body may do."""
        names = parameters(node.args)
        body = BodyRecord(parameters=names, carries=isinstance(node, ast.AsyncFunctionDef))
        scope = function_scope(node)
        state, conditional = self.state, self.conditional
        self.state, self.conditional = Flowing(points=dict(state.points) if self.bodies else {}), 0
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

    # --- what statements provide ---

    def statements(self, body: Sequence[ast.stmt]) -> None:
        """Read statements."""
        raise NotImplementedError

    def embedded(self, code: str, line: int, *, local: bool) -> None:
        """Read code that a magic runs."""
        raise NotImplementedError

    def bind(
        self, name: str, line: int, *, value: ast.expr | None = None, roots: Roots | None = None
    ) -> None:
        """Bind a name."""
        raise NotImplementedError

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

    def read_target(self, target: ast.expr) -> None:
        """Read what a target that is no plain name needs."""
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self.load(node.id, node.lineno)


def _stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _union(roots: Iterable[Roots]) -> Roots:
    return frozenset().union(*roots)


def _at(deep: int, depth: int) -> int:
    return min(4, deep + depth)


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
