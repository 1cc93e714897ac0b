"""A cell of a notebook → plain Python whose line numbers are the cell's. The one IPython import."""

from __future__ import annotations

import ast
import re
import warnings
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.inputtransformer2 import TransformerManager

PYTHON_MAGICS = frozenset({"time", "timeit", "capture", "prun", "memit", "mprun", "lprun"})
"""Cell magics whose body is Python that runs in the notebook's namespace (`timeit`'s does not define)."""

_CELL_MAGIC = re.compile(r"%%(?P<name>[\w.]+)(?P<line>.*)")
_LINE_PYTHON = re.compile(r"^(?P<indent>[ \t]*)%time[ \t]+(?P<code>\S.*)$", re.MULTILINE)
_PLAIN_MAGIC = re.compile(
    r"^(?P<indent>[ \t]*)(?P<target>[^\W\d][\w, \t]*=[ \t]*)?"
    r"(?:(?P<sign>!!?)|%(?P<name>[^\W\d][\w.]*)(?=\s|$))(?P<rest>.*)$",
    re.MULTILINE,
)
_INSTALLER = r"(?:pip3?|conda|mamba|micromamba|uv|apt|apt-get|brew|npm|yarn|sudo[ \t]+apt(?:-get)?)"
_INSTALL = re.compile(
    rf"[ \t]*(?:[%!]{{1,2}}[ \t]*(?:\{{?sys\.executable\}}?[ \t]+-m[ \t]+|python3?[ \t]+-m[ \t]+)?{_INSTALLER}(?=\s|$)"
    r"|%load_ext[ \t]+nbflow\b|%reload_ext[ \t]+nbflow\b|%nbflow\b|%dag\b)"
)
_BARE_INSTALL = re.compile(r"\s*(?:pip3?|conda|mamba)[ \t]+install[ \t][^\n=()]*\s*")
_CAPTURE_OPTION = re.compile(r"--?no-\w+")


def parse(source: str) -> ast.Module:
    """The syntax tree of a cell's code, header lines already empty.

    IPython's syntax (`!`, `%`, `%%`, `?`) appears as the calls IPython makes of it; top-level `await`
    is allowed. Line numbers are the cell's.

    Raises:
        SyntaxError: it is no Python and no IPython either; `lineno` is the cell's.
    """
    try:
        return _tree(source)
    except SyntaxError:
        return _tree(to_python(source))


def to_python(source: str) -> str:
    """The cell's code as plain Python, each statement on the line it has in the cell.

    `%%time`, `%%capture out` and their like leave their body as it is (`out = None` stands for the
    name they define); `%time x = 1` becomes `x = 1`; everything else becomes `get_ipython()...` calls.
    Code without IPython syntax comes back unchanged.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if _BARE_INSTALL.fullmatch(source):
        return "\n" * source.count("\n")
    lines = source.split("\n")
    above = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if (magic := cell_magic(source)) is not None and magic[0] in PYTHON_MAGICS:
        name, line = magic
        lines[above] = _stand_in(name, line)
        if name == "timeit":
            body = "\n".join(lines[above + 1 :])
            return "\n" * above + f"get_ipython().run_cell_magic('timeit', {line!r}, {body!r})"
        return to_python("\n".join(lines)) if any(part.strip() for part in lines) else "\n".join(lines)
    text = "\n".join(_joined(lines[above:])) if magic is None else "\n".join(lines[above:])
    text = _LINE_PYTHON.sub(r"\g<indent>\g<code>", text)
    if magic is None and (quick := _quick(text)) is not None:
        return "\n" * above + quick
    return "\n" * above + _manager().transform_cell(text + "\n")


def cell_magic(source: str) -> tuple[str, str] | None:
    """The name and the rest of the line of the cell magic that the code begins with, if one does."""
    first = next((line for line in source.split("\n") if line.strip()), "")
    match = _CELL_MAGIC.fullmatch(first.strip())
    return None if match is None else (match["name"], match["line"].strip())


def is_install(line: str) -> bool:
    """Whether a line is never repeated in runs: an install, `%load_ext nbflow`, `%nbflow`, `%dag`."""
    return _INSTALL.match(line) is not None


def without_installs(source: str) -> str:
    """The cell with every line that is never repeated in runs emptied; line numbers stay true. Of a `%%nbflow`
    cell that is all of them.

    An indented one becomes `pass`, so that a block isn't left empty. Takes a cell with its header or
    without it. The body of another language's cell magic (`%%bash`) is left alone.
    """
    if (magic := cell_magic(source)) is not None and magic[0] == "nbflow":
        return "\n" * source.count("\n")
    if not any(is_install(line) for line in source.split("\n")) and not _BARE_INSTALL.fullmatch(source):
        return source
    body = re.sub(r"\A\s*%%?task\b[^\n]*", "", source)
    if (magic := cell_magic(body)) is not None and magic[0] not in PYTHON_MAGICS:
        return source
    try:
        _tree(body)
    except SyntaxError:
        pass
    else:
        return source  # the lines stand in a string
    if _BARE_INSTALL.fullmatch(body):
        return source[: len(source) - len(body)] + "\n" * body.count("\n")
    kept: list[str] = []
    inside = False
    for line in source.split("\n"):
        if inside or is_install(line):
            indent = line[: len(line) - len(line.lstrip())]
            kept.append(f"{indent}pass" if indent and not inside else "")
            inside = line.endswith("\\")
        else:
            kept.append(line)
    return "\n".join(kept)


def has_code(source: str) -> bool:
    """Whether anything but blank lines and comments stands in it."""
    return any(line.strip() and not line.strip().startswith("#") for line in source.split("\n"))


def _quick(text: str) -> str | None:
    """What IPython makes of plain `!` and `%` lines, without its tokeniser; None where that isn't enough."""
    if any(line.endswith("\\") for line in text.split("\n")):
        return None
    quick = _PLAIN_MAGIC.sub(_call_of, text)
    try:
        _tree(quick)
    except SyntaxError:
        return None
    return quick


def _call_of(match: re.Match[str]) -> str:
    name, rest = match["name"], match["rest"].strip()
    if name:
        call = f"run_line_magic({name!r}, {rest!r})"
    else:
        call = f"{'getoutput' if match['target'] or match['sign'] == '!!' else 'system'}({rest!r})"
    return f"{match['indent']}{match['target'] or ''}get_ipython().{call}"


def _tree(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape is for the person who runs the cell
        try:
            return ast.parse(source, "<cell>")
        except (ValueError, MemoryError, RecursionError) as error:  # null bytes; nested too deep
            raise SyntaxError(str(error)) from error


def _stand_in(name: str, line: str) -> str:
    """What a Python cell magic's own line becomes: the name it defines, or nothing."""
    if name != "capture":
        return ""
    words = [word for word in line.split() if not _CAPTURE_OPTION.fullmatch(word)]
    return f"{words[0]} = None" if words and words[0].isidentifier() else ""


def _joined(lines: list[str]) -> list[str]:
    """Magic lines that continue after a backslash on one line, with empty lines for the others."""
    result: list[str] = []
    for line in lines:
        previous = next((index for index in range(len(result) - 1, -1, -1) if result[index]), None)
        if (
            previous is not None
            and result[previous].lstrip()[:1] in ("!", "%")
            and result[previous].endswith("\\")
        ):
            result[previous] = result[previous][:-1] + line.strip()
            result.append("")
        else:
            result.append(line)
    return result


@cache
def _manager() -> TransformerManager:
    from IPython.core.inputtransformer2 import TransformerManager  # slow: only where a cell needs it

    return TransformerManager()
