"""Reading definitions of functions and classes: what happens now, what when they are called."""

from __future__ import annotations

import ast

from nbflow.model.cell import Deferred
from nbflow.parse.binding import LAZY_ANNOTATIONS, BindingReader
from nbflow.parse.scope import Scope, globals_of

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class DefinitionReader(BindingReader):
    """Notes what functions, classes and their decorators do."""

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
        lazy = self.future_annotations or LAZY_ANNOTATIONS
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
        state_points = self.state.points.copy()
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
            found = self.consequences(base.id) if isinstance(base, ast.Name) else None
            if found is not None:
                self.keep(found.mutates, entry)  # @register puts it into a registry
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
