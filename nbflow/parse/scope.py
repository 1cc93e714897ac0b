"""Which names a function's or class's body binds, without what its nested scopes bind."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(slots=True)
class Scope:
    """A scope inside the notebook's module while its code is read.

    Attributes:
        kind: "function", "class" or "comprehension".
        names: names bound in it; for a class those bound so far.
        outer: names it declares `global`.
    """

    kind: str
    names: set[str] = field(default_factory=set)
    outer: set[str] = field(default_factory=set)


def parameters(args: ast.arguments) -> tuple[str, ...]:
    """A function's parameters in order, those after `*` last; `*args` and `**options` with their stars."""
    names = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    if args.vararg:
        names.append("*" + args.vararg.arg)
    names += [arg.arg for arg in args.kwonlyargs]
    if args.kwarg:
        names.append("**" + args.kwarg.arg)
    return tuple(names)


def function_scope(node: FunctionNode) -> Scope:
    """The scope of a function: parameters and everything its body binds, less `global` and `nonlocal`."""
    scope = Scope("function", {name.lstrip("*") for name in parameters(node.args)})
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    nonlocals: set[str] = set()
    for inner in _own(body):
        match inner:
            case ast.Global(names):
                scope.outer |= set(names)
            case ast.Nonlocal(names):
                nonlocals |= set(names)
            case _:
                scope.names |= set(bound_by(inner))
    scope.names -= scope.outer | nonlocals
    return scope


def globals_of(body: Iterable[ast.stmt]) -> set[str]:
    """The names a class body declares `global`."""
    return {name for inner in _own(body) if isinstance(inner, ast.Global) for name in inner.names}


def bound_by(node: ast.AST) -> Iterator[str]:
    """The names that one node by itself binds."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            for alias in names:
                if alias.name != "*":
                    yield alias.asname or alias.name.partition(".")[0]
        case _ if type(node).__name__ == "TypeAlias":  # PEP 695
            yield node.name.id  # type: ignore[attr-defined]


def _own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a body that belong to its own scope; a comprehension's walrus belongs to it too."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                stack += [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)]
            case ast.Lambda():
                stack += [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
            case ast.ClassDef():
                stack += [*node.decorator_list, *node.bases, *(word.value for word in node.keywords)]
            case _ if isinstance(node, _COMPREHENSIONS):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.NamedExpr):
                        yield inner.target
                stack.append(node.generators[0].iter)
            case _:
                stack += ast.iter_child_nodes(node)
