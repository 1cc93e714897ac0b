"""What IPython's shell lines and magics do with the names of the notebook, as far as their text says."""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass

_DOLLAR = re.compile(r"(?<![\\$])\$\{?([^\W\d]\w*)")
_JINJA = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
_WORD = re.compile(r"(?<![\w.'\"])[^\W\d]\w*")
_FROM = re.compile(
    r"(?<!delete )\b(?:from|join|describe|summarize)\s+((?:[^\W\d]\w*\s*,\s*)*[^\W\d]\w*)", re.IGNORECASE
)
_COLON = re.compile(r"(?<![:\w]):([^\W\d]\w*)")
_SQL_INTO = re.compile(r"\s*(?:--\S+\s+)*([^\W\d]\w*)\s*<<")
_AT = re.compile(r"@([^\W\d]\w*)")
SHELL_MAGICS = frozenset(
    {"bash", "sh", "script", "python", "python2", "python3", "perl", "ruby", "pypy", "cmd"}
)
SQL_MAGICS = frozenset({"sql", "bigquery", "duckdb", "dql"})
TEMPLATED = SQL_MAGICS | {"bash", "sh", "script", "cmd"}
"""Cell magics whose body is rendered as a template before it runs, unless the task says `--no-template`."""
INLINE = frozenset({"time", "prun", "memit", "mprun", "lprun"})
PROCESS_MAGICS = frozenset(
    {"env", "set_env", "cd", "pushd", "popd", "matplotlib", "config", "load_ext", "pylab"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MagicEffect:
    """What one magic or shell line does.

    Attributes:
        defines: names it binds.
        uses: names it needs for certain.
        guesses: names in its text that may be variables; they count where the notebook defines them.
        python: Python code it runs in the notebook's namespace, or None.
        local: whether that code binds its names elsewhere (`%timeit`).
        process: what it changes in the process itself («%cd»), or "".
        opaque: whether it can define names that no text shows (`%run`).
    """

    defines: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    guesses: frozenset[str] = frozenset()
    python: str | None = None
    local: bool = False
    process: str = ""
    opaque: bool = False


def shell(text: str) -> MagicEffect:
    """A `!` line: `{expression}` and `$name`, each left as it stands where it is no Python name."""
    return MagicEffect(guesses=interpolated(text))


def line_magic(name: str, text: str) -> MagicEffect:
    """A `%name text` line."""
    if name in INLINE:
        return MagicEffect(python=_after_options(text))
    match name:
        case "timeit":
            return MagicEffect(python=_after_options(text), local=True)
        case "store" if "-r" in text.split():
            return MagicEffect(defines=frozenset(word for word in text.split() if word.isidentifier()))
        case "run" | "load" | "loadpy" | "macro" | "reset" | "reset_selective" | "xdel":
            return MagicEffect(guesses=interpolated(text), opaque=True)
        case "sql":
            return _sql(text, "", rendered=False)
        case "psearch" | "pinfo" | "pinfo2" | "who" | "whos" | "who_ls":
            return MagicEffect()
        case _:
            process = f"%{name}" if name in PROCESS_MAGICS else ""
            return MagicEffect(guesses=interpolated(text), process=process)


def cell_magic_effect(name: str, line: str, body: str, *, rendered: bool = True) -> MagicEffect:
    """A `%%name line` cell with its body.

    Args:
        name: the magic's.
        line: what follows it on its line.
        body: the lines below.
        rendered: whether nbflow renders the templates of those in `TEMPLATED`. It knows the names of the run,
            not the notebook's; whoever renders them else (JupySQL) knows the notebook's.
    """
    if name == "timeit":
        setup = _after_options(line)
        return MagicEffect(python=f"{setup}\n{body}", local=True)
    words = _words(line)
    guesses = interpolated(line)
    if name in SHELL_MAGICS:
        words_of = frozenset[str]() if name in TEMPLATED else _templates(body)
        return MagicEffect(defines=_after(words, ("--out", "--err", "--proc")), guesses=guesses | words_of)
    if name in SQL_MAGICS:
        return _sql(line, body, rendered=rendered)
    match name:
        case "R":
            return MagicEffect(
                defines=_after(words, ("-o", "--output")),
                uses=_after(words, ("-i", "--input")),
                guesses=guesses,
            )
        case "cython" | "run" | "writefile" | "file":
            return MagicEffect(guesses=guesses, opaque=name == "cython")
        case _:
            return MagicEffect(guesses=guesses | _templates(body))


def interpolated(text: str) -> frozenset[str]:
    """The names that IPython would put into a shell or magic line: `{x}`, `{len(x)}`, `$x`; not `$$x`."""
    found = set(_DOLLAR.findall(text))
    for piece in re.findall(r"\{([^{}]+)\}", text):
        found |= _names_in(piece)
    return frozenset(found)


def query_names(text: str) -> frozenset[str]:
    """The `@name`s of a pandas `query` or `eval` string."""
    return frozenset(_AT.findall(text))


def sql_names(text: str) -> frozenset[str]:
    """The tables a SQL text reads: DuckDB finds frames by their variable's name. Not what it deletes from."""
    plain = re.sub(r"--[^\n]*|'[^']*'", " ", text)
    return frozenset(word for words in _FROM.findall(plain) for word in _WORD.findall(words))


def _sql(line: str, body: str, *, rendered: bool) -> MagicEffect:
    into = _SQL_INTO.match(line)
    text = f"{line}\n{_JINJA.sub(' ', body) if rendered else body}"
    guesses = interpolated(text) | _templates(text) | sql_names(text) | frozenset(_COLON.findall(text))
    defines = frozenset({into[1]}) if into else frozenset[str]()
    return MagicEffect(defines=defines, guesses=guesses - defines)


def _templates(text: str) -> frozenset[str]:
    """The words inside `{{ }}` and `{% %}`."""
    found = (_WORD.findall(first or second) for first, second in _JINJA.findall(text))
    return frozenset(word for words in found for word in words)


def _names_in(expression: str) -> set[str]:
    try:
        tree = ast.parse(expression.split("!", maxsplit=1)[0].split(":", maxsplit=1)[0].strip(), mode="eval")
    except (SyntaxError, ValueError):
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _after_options(text: str) -> str:
    """The statement behind options such as `-n 10 -r3 -o`."""
    return re.sub(r"\A\s*(?:-[nrptslDTfm](?:\s*\d+|\s+\S+)?\s+|-[oqcvri]+\s+)*", "", text)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _after(words: list[str], flags: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for word, following in zip(words, [*words, ""][1:], strict=True):
        flag, equals, value = word.partition("=")
        if flag in flags:
            found |= {name for name in (value if equals else following).split(",") if name.isidentifier()}
    return frozenset(found)
