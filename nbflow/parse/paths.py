"""Which file an expression names, as text: two equal texts are one file."""

from __future__ import annotations

import ast
import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Texts = dict[str, str | None]
"""For a name what its value reads as; None where the text can't say."""

_SAME = frozenset({"Path", "PurePath", "PosixPath", "str", "fspath", "abspath", "realpath", "expanduser"})
_METHODS = frozenset({"resolve", "absolute", "expanduser", "as_posix", "as_uri"})


def path_text(node: ast.expr | None, texts: Mapping[str, str | None]) -> str | None:
    """What an expression reads as when it is a path: `OUT / f"{day}.csv"` as `out/{day}.csv`.

    A name stands for the literal it was bound to, else for itself in braces; None for what is no path
    or has a part that differs from call to call.
    """
    text = _text(node, texts)
    return posixpath.normpath(text) if text and text.strip() else None


def shell_words(line: str, texts: Mapping[str, str | None]) -> list[str]:
    """The words of a shell line, with `{x}` and `$x` as the texts of those names, `>` apart."""

    def filled(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return texts.get(name, f"{{{name}}}") or match[0]

    whole = re.sub(r"(?<!\$)\{(\w+)\}|(?<!\$)\$(\w+)", filled, line)
    words = re.findall(
        r"\"[^\"]*\"|'[^']*'|>>?|[|;&]+|[^\s|;&>'\"]+", re.sub(r"\d?>&\d?|2>>?\S*", " ", whole)
    )
    return [word if word[0] in ">|;&" else posixpath.normpath(word.strip("\"'") or ".") for word in words]


def _text(node: ast.expr | None, texts: Mapping[str, str | None]) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return texts.get(name, f"{{{name}}}")
        case ast.JoinedStr(values=values):
            return _joined("", [_part(value, texts) for value in values])
        case ast.BinOp(op=ast.Div(), left=left, right=right):
            return _joined("/", [_text(left, texts), _text(right, texts)])
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _joined("", [_text(left, texts), _text(right, texts)])
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[_, *_] as args) if (
            name in _SAME
        ):
            return _joined("/", [_text(arg, texts) for arg in args])
        case ast.Call(func=ast.Attribute(value=value, attr="joinpath"), args=args):
            return _joined("/", [_text(value, texts), *(_text(arg, texts) for arg in args)])
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="path"), attr="join"), args=args):
            return _joined("/", [_text(arg, texts) for arg in args])
        case ast.Call(func=ast.Attribute(value=value, attr=attr), args=[]) if attr in _METHODS:
            return _text(value, texts)
        case ast.Attribute() | ast.Subscript():
            return _written(node, texts)
        case _:
            return None


def _part(node: ast.expr, texts: Mapping[str, str | None]) -> str | None:
    """A piece of an f-string."""
    if not isinstance(node, ast.FormattedValue):
        return _text(node, texts)
    plain = node.format_spec is None and node.conversion == -1
    found = _text(node.value, texts) if plain else None
    return found if found is not None else _written(node.value, texts)


def _written(node: ast.expr, texts: Mapping[str, str | None]) -> str | None:
    """An expression as it is written, unless the text can't say what one of its names is."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    if any(name in texts and texts[name] is None for name in names):
        return None
    return f"{{{ast.unparse(node)}}}"


def _joined(between: str, parts: list[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return between.join(known) if known and len(known) == len(parts) else None
