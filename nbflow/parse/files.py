"""Which files and tables each cell writes and which it mentions, for all that its text shows."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbflow.parse import file_words
from nbflow.parse.paths import Texts, path_text, shell_words
from nbflow.parse.reached import Definition, Reached
from nbflow.parse.scope import bound_by, parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbflow.parse.draft import Draft


@dataclass(slots=True)
class Touches:
    """The files and tables of one cell.

    Attributes:
        writes: those it writes: what they read as (see `path_text`; a table with `table ` before) → how
            the code calls them.
        mentions: those it names, the written ones too, likewise.
    """

    writes: dict[str, str] = field(default_factory=dict)
    mentions: dict[str, str] = field(default_factory=dict)

    def note(self, text: str | None, shown: str, *, written: bool = False) -> None:
        """Add one, unless the text can't say which (None)."""
        if text is not None:
            self.mentions.setdefault(text, shown)
            if written:
                self.writes.setdefault(text, shown)


def touches_of(drafts: Sequence[Draft]) -> dict[int, Touches]:
    """The files of each cell that runs, by the cell's index.

    What a function touches counts where it is called; the names are those of the notebook at that cell.
    """
    reached = Reached(drafts)
    written = _written_parameters(drafts)
    texts: Texts = {}
    found: dict[int, Touches] = {}
    for draft in drafts:
        if not draft.runs:
            continue
        touches = found[draft.index] = Touches()
        for node in draft.tree.body:
            if not isinstance(node, Definition):
                _statement(node, draft.index, texts, written, touches)
        own = [node for node in draft.tree.body if not isinstance(node, Definition)]
        names = {part.id for node in own for part in ast.walk(node) if isinstance(part, ast.Name)}
        for definition in reached.definitions(names):
            inside: Texts = {**texts, **dict.fromkeys(_locals(definition))}
            for call in ast.walk(definition):
                if isinstance(call, ast.Call):
                    _call(call, inside, written, touches)
    return found


def modules_of(node: ast.AST) -> Iterator[str]:
    """The files that an import statement may load from the notebook's folder."""
    match node:
        case ast.Import(names=names):
            modules = [alias.name for alias in names]
        case ast.ImportFrom(module=str(module)):
            modules = [module]
        case _:
            return
    for module in modules:
        parts = module.split(".")
        for length in range(1, len(parts) + 1):
            yield "/".join(parts[:length]) + ".py"
            yield "/".join([*parts[:length], "__init__.py"])


def _statement(
    node: ast.stmt, index: int, texts: Texts, written: Mapping[str, list[tuple[int, str]]], touches: Touches
) -> None:
    """Note what a statement touches, and what its names read as from now on."""
    bound = {name for part in ast.walk(node) for name in bound_by(part)}
    plain = isinstance(node, ast.Assign | ast.AnnAssign)
    if not plain:
        texts.update({name: f"{{{name}@{index}}}" for name in bound})
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            _call(part, texts, written, touches)
        for file in modules_of(part):
            touches.note(file, file)
    if not plain:
        return
    value = path_text(node.value, texts)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    texts.update({name: value if value and name in names else f"{{{name}@{index}}}" for name in bound})


def _call(
    call: ast.Call, texts: Texts, written: Mapping[str, list[tuple[int, str]]], touches: Touches
) -> None:
    if _ipython(call, texts, touches):
        return
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
    words = {word.arg: word.value for word in call.keywords if word.arg}
    targets = [id(node) for node in _targets(call, receiver, words, written)]
    items = [
        item
        for arg in (*call.args, *words.values())
        for item in (arg.elts if isinstance(arg, ast.List | ast.Tuple) else [arg])
    ]
    for node in (*items, *([receiver] if receiver is not None else [])):
        touches.note(path_text(node, texts), ast.unparse(node), written=id(node) in targets)
    name = _name(call)
    if name in ("to_sql", "read_sql_table", "write_database"):
        table = words.get("name") or words.get("table_name") or (call.args[0] if call.args else None)
        if text := path_text(table, texts):
            touches.note(f"table {text}", text, written=name != "read_sql_table")
    if name in file_words.SQL_CALLS:
        for node in items:
            _sql(_constant(node), touches)


def _targets(
    call: ast.Call,
    receiver: ast.expr | None,
    words: Mapping[str, ast.expr],
    written: Mapping[str, list[tuple[int, str]]],
) -> Iterator[ast.expr]:
    """The expressions among a call's that name what it writes."""
    name, args = _name(call), call.args
    module = receiver.id if isinstance(receiver, ast.Name) else ""
    if name == "open":
        mode = words.get("mode") or (args[-1] if args else None)
        if isinstance(mode, ast.Constant) and file_words.MODE.fullmatch(str(mode.value)):
            yield from [args[0]] if args and args[0] is not mode else [receiver] if receiver else []
        return
    if name in file_words.FIRST or name in file_words.SECOND:
        yield from (word for key, word in words.items() if key in file_words.KEYWORDS)
    if name in file_words.FIRST:
        yield from args[:1]
    if name in file_words.SECOND:
        yield from args[1:2]
    if name in file_words.RECEIVER and receiver is not None:
        yield receiver
    if name in file_words.OF_MODULES and module in ("os", "shutil"):
        yield from args if name not in ("copy", "copyfile", "copy2") else args[1:]
    if receiver is None:
        for place, parameter in written.get(name, ()):
            yield from args[place : place + 1]
            yield from (word for key, word in words.items() if key == parameter)


def _ipython(call: ast.Call, texts: Texts, touches: Touches) -> bool:
    """A shell line or magic, as the call IPython makes of it."""
    match call:
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=method), args=args
        ):
            given = [_constant(arg) for arg in args]
        case _:
            return False
    match method, given:
        case ("system" | "getoutput" | "getoutput_s", [line]):
            _shell(line, texts, touches)
        case ("run_line_magic", [_, line]):
            for word in shell_words(line, texts):
                touches.note(word, word)
        case ("run_cell_magic", ["writefile" | "file", line, _]):
            file = shell_words(line, texts)[-1:]
            for word in file:
                touches.note(word, word, written=True)
        case ("run_cell_magic", [name, line, body]):
            for command in body.split("\n") if name in file_words.SHELLS else ():
                _shell(command, {}, touches)
            if "sql" in name:
                _sql(f"{line}\n{body}", touches)
        case _:
            pass
    return True


def _shell(line: str, texts: Texts, touches: Touches) -> None:
    before, command = "", ""
    words = shell_words(line, texts)
    for place, word in enumerate(words):
        if word[0] in "|;&>":
            command = command if word[0] == ">" else ""
        else:
            last = place + 1 == len(words) or words[place + 1][0] in "|;&"
            into = before.startswith(">") or before in ("-o", "-O") or command == "tee"
            touches.note(word, word, written=into or (last and command in ("cp", "mv", "touch", "rm")))
            command = command or word
        before = word


def _sql(text: str, touches: Touches) -> None:
    for table in file_words.SQL_WRITES.findall(text):
        touches.note(f"table {table}", table, written=True)
    for table in file_words.SQL_READS.findall(text):
        touches.note(f"table {table}", table)


def _written_parameters(drafts: Sequence[Draft]) -> dict[str, list[tuple[int, str]]]:
    """For each function of the notebook the parameters (place, name) that name a file it writes."""
    found: dict[str, list[tuple[int, str]]] = {}
    for draft in drafts:
        for node in draft.tree.body if draft.runs else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = parameters(node.args)
                targets = {
                    part.id
                    for call in ast.walk(node)
                    if isinstance(call, ast.Call)
                    for target in _targets(
                        call,
                        call.func.value if isinstance(call.func, ast.Attribute) else None,
                        {word.arg: word.value for word in call.keywords if word.arg},
                        found,
                    )
                    for part in ast.walk(target)
                    if isinstance(part, ast.Name)
                }
                found[node.name] = [(place, name) for place, name in enumerate(names) if name in targets]
    return found


def _locals(node: Definition) -> set[str]:
    """The names of a definition's own scopes, whose values differ from call to call."""
    names = {name for part in ast.walk(node) for name in bound_by(part)}
    return names | {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _constant(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_constant(value) for value in values)
        case ast.BinOp(left=left, right=right):
            return f"{_constant(left)} {_constant(right)}"
        case _:
            return ""
