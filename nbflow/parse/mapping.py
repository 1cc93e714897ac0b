"""`--map "p in grid"`: what a mapped task is mapped over, and what its header does with names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbflow.model.task import MapOver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SHAPE = 'write --map "p in grid", or --map "a, b in pairs"'


def read_map(text: str) -> MapOver:
    """What one `--map` says.

    Where the target is more than names side by side (`a, (b, c) in rows`, `first, *rest in rows`), or the
    items are chosen (`p in grid if p`), the expression becomes one that gives tuples of the names.

    Raises:
        ValueError: it is no «names in expression».
    """
    written = text.strip()
    try:
        tree = ast.parse(f"[0 for {written}]", mode="eval").body
    except (SyntaxError, ValueError):
        tree = None
    if not isinstance(tree, ast.ListComp):
        msg = f"{text!r} is no «names in expression»; {_SHAPE}"
        raise ValueError(msg)  # noqa: TRY004 (a text, whatever it says)
    loop = tree.generators[0]
    if len(tree.generators) > 1 or loop.is_async:
        msg = f"{text!r} goes through more than one thing; write --map once for each, which makes the product"
        raise ValueError(msg)
    names = tuple(_names(loop.target))
    if len(set(names)) < len(names):
        msg = f"{text!r} binds a name twice; {_SHAPE}"
        raise ValueError(msg)
    for node in ast.walk(tree):
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
            msg = f"{text!r} does more than give items ({ast.unparse(node)}); do that in a cell above and map over the result"
            raise ValueError(msg)  # noqa: TRY004 (as above)
    if _plain(loop.target) and not loop.ifs:
        return MapOver(names=names, expression=_expression(written, loop.iter))
    each = names[0] if len(names) == 1 else f"({', '.join(names)})"
    return MapOver(names=names, expression=f"({each} for {written})")


def map_problem(maps: Sequence[MapOver]) -> str | None:
    """Why these can't stand together on one line; None when they can."""
    bound: dict[str, MapOver] = {}
    for over in maps:
        for name in over.names:
            if name in bound:
                return f'`{name}` is bound twice, by "{bound[name]}" and by "{over}"; rename one'
        seen = {node.id for node in ast.walk(_parsed(over)) if isinstance(node, ast.Name)}
        if inner := sorted(seen & bound.keys()):
            return (
                f'"{over}" uses `{inner[0]}`, but several --map make the product: neither knows the other\'s items. '
                f'Write one --map "{", ".join((*bound, *over.names))} in ..." over a list of tuples made above'
            )
        bound |= dict.fromkeys(over.names, over)
    return None


def bindings(maps: Iterable[MapOver], line: int) -> list[ast.stmt]:
    """What the header does before the cell's code, as statements of this line: `(a, b,) = pairs`.

    The names are bound, and what the expression reads is read.
    """
    found: list[ast.stmt] = []
    for over in maps:
        for statement in ast.parse(f"({', '.join(over.names)},) = {over.expression}").body:
            for node in ast.walk(statement):
                if hasattr(node, "lineno"):
                    node.lineno = node.end_lineno = line  # type: ignore[attr-defined]
            found.append(statement)
    return found


def _names(target: ast.expr) -> Iterator[str]:
    """The names of a target, from left to right.

    Raises:
        ValueError: it binds something else (`x.a`, `x[0]`).
    """
    match target:
        case ast.Name(id=name):
            yield name
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from _names(part)
        case ast.Starred(value=value):
            yield from _names(value)
        case _:
            msg = f"{ast.unparse(target)!r} is no name; {_SHAPE}"
            raise ValueError(msg)


def _plain(target: ast.expr) -> bool:
    """Whether a target is one name, or several side by side."""
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    alone = len(parts) == 1 and parts[0] is not target  # `a, in rows` takes items apart
    return not alone and all(isinstance(part, ast.Name) for part in parts)


def _expression(written: str, node: ast.expr) -> str:
    """The expression as written, fit to stand behind `in`; `pairs` of `a, b in pairs`."""
    found = ast.get_source_segment(f"[0 for {written}]", node) or ast.unparse(node)
    return f"({found})" if isinstance(node, ast.IfExp | ast.Lambda) else found


def _parsed(over: MapOver) -> ast.expr:
    return ast.parse(over.expression.strip(), mode="eval").body
