"""The cell tagged `parameters`: the notebook's parameters, their defaults, types and help."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbflow.model.dag import Param

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbflow.parse.draft import Draft


def params_of(drafts: Iterable[Draft]) -> dict[str, Param]:
    """The parameters that plain assignments of the cells define, in their order."""
    found: dict[str, Param] = {}
    for draft in drafts:
        lines = draft.body.split("\n")
        for node in draft.tree.body:
            match node:
                case ast.Assign(targets=targets, value=value):
                    names = [target.id for target in targets if isinstance(target, ast.Name)]
                    annotation = ""
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    names, annotation = [name], ast.unparse(node.annotation)
                case _:
                    continue
            default = ast.unparse(value)
            comment = _comment(lines[(node.end_lineno or node.lineno) - 1])
            if comment.startswith("type:"):
                kind, _, comment = comment.removeprefix("type:").strip().partition("#")
                annotation, comment = annotation or kind.strip(), comment.strip()
            for name in names:
                found[name] = Param(name=name, default=default, annotation=annotation, help=comment)
    return found


def _comment(line: str) -> str:
    """What stands behind the last `#` that is outside of quotes; "" for nothing."""
    quote = ""
    for at, letter in enumerate(line):
        if quote:
            if letter == quote and line[at - 1] != "\\":
                quote = ""
        elif letter in "'\"":
            quote = letter
        elif letter == "#":
            return line[at + 1 :].strip()
    return ""
