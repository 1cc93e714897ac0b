"""The first lines of a cell: `%%task NAME [options]`, `%%task +`, `%%scratch`, `%%dag NAME`."""

from __future__ import annotations

import re
import shlex
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from nbflow.model.problem import Problem, Severity
from nbflow.model.task import TaskKind
from nbflow.parse.option import nearest
from nbflow.parse.written import options_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.model.task import MapOver

_HEADER = re.compile(r"(?P<percent>%%?)(?P<word>task|scratch|dag)(?P<kind>\.[\w.]*)?(?=\s|$)(?P<rest>.*)")
_INNER = re.compile(r"^[ \t]*%%(?P<word>task(?:\.\w+)?|scratch|dag)(?=\s|$)", re.MULTILINE)
LONGEST_ID = 200


class HeaderKind(StrEnum):
    """What a header makes of its cell."""

    TASK = "task"
    CONTINUES = "continues"
    SCRATCH = "scratch"
    DAG = "dag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header of one cell says.

    Attributes:
        kind: what it makes of the cell.
        name: the task's or the DAG's name, "" when there is none.
        task_kind: for a task: task, sensor, branch, ...
        options: for a task: field of its option → value, only those written on the line. All but those that
            are for cells run by hand (`first`) are fields of TaskSpec.
        words: for a dag: what follows the name on the line, tokenised.
        lines: how many lines of the cell it takes, blank lines and comments above it included.
        body: the cell's source with those lines empty, so that line numbers stay true. It may begin
            with another cell magic (`%%bash`).
        cell_magic: whether it was written with two percent signs.
        problems: what is wrong with it; `line` is set, `cell` is not.
    """

    kind: HeaderKind
    name: str = ""
    task_kind: TaskKind = TaskKind.TASK
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    words: tuple[str, ...] = ()
    lines: int = 1
    body: str = ""
    cell_magic: bool = True
    problems: tuple[Problem, ...] = ()

    @property
    def maps(self) -> tuple[MapOver, ...]:
        """What its task is mapped over; empty when it isn't."""
        found = self.options.get("map", ())
        return found if isinstance(found, tuple) else ()

    @property
    def collects(self) -> str:
        """The name under which what follows a mapped task gets its list; "" for none."""
        return str(self.options.get("collect", ""))


def read_header(source: str) -> Header | None:
    """The header of a cell, or None when it has none. Never raises: problems are in the answer.

    Args:
        source: the cell as in the notebook.
    """
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = _first_line(lines)
    if first is None:
        return None
    start, above = first
    match = _HEADER.fullmatch(lines[start].strip())
    if match is None or (match["percent"] == "%" and match["word"] == "dag"):
        return None  # a %dag line may stand anywhere; `dag_line` finds it
    text, end = _joined(match["rest"], lines, start)
    body = "\n" * end + "\n".join(lines[end:])
    problems = []
    if above:
        problems.append(
            _problem(
                "comment-above-header",
                above,
                f"a comment stands above {match['percent']}{match['word']}: Jupyter takes a cell magic only "
                "from the first line. Move the comment below it.",
            )
        )
    try:
        words = shlex.split(text, comments=True)
    except ValueError as error:
        problems.append(
            _problem(
                "bad-header", start + 1, f"the header can't be split into words ({error}): {text.strip()}"
            )
        )
        words = []
    if match["percent"] == "%%" and (inner := _INNER.search("\n".join(lines[end:]))):
        line = end + 1 + "\n".join(lines[end:])[: inner.start()].count("\n")
        if match["word"] != "dag":
            problems.append(
                _problem(
                    "two-headers",
                    line,
                    f"a second header (%%{inner['word']}) in one cell; split the cell above it.",
                )
            )
    reader = {"task": _task, "scratch": _scratch, "dag": _dag}[match["word"]]
    return reader(match, words, start + 1, end, body, problems)


def name_problem(name: str) -> str | None:
    """Why this can't be the name of a task or DAG, and what could; None when it can.

    Letters and digits of any script, `_`, `-` and `.`, beginning with a letter, digit or `_`.
    """
    if not name:
        return "the name is empty"
    if len(name) > LONGEST_ID:
        return f"the name is longer than {LONGEST_ID} characters"
    fine = "".join(letter if _in_name(letter) else "_" for letter in name).lstrip("-.").rstrip("_") or "task"
    if name[0] in "-.":
        return f"the name {name!r} begins with {name[0]!r}; write {fine}"
    if not all(_in_name(letter) for letter in name):
        wrong = " ".join(sorted({repr(letter) for letter in name if not _in_name(letter)}))
        return f"the name {name!r} has {wrong} in it; write {fine} (letters and digits of any script, _ - .)"
    if name in ("none", "latest"):
        return f"the name {name!r} has a meaning of its own; choose another"
    return None


def _in_name(letter: str) -> bool:
    return letter in "_-." or unicodedata.category(letter)[0] in "LMN"


def _first_line(lines: Sequence[str]) -> tuple[int, int] | None:
    """The index of the line that a header could be on, and the number (from 1) of a comment above it or 0."""
    comment = 0
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        if not line.startswith("#"):
            return index, comment
        comment = comment or index + 1
    return None


def _joined(rest: str, lines: Sequence[str], start: int) -> tuple[str, int]:
    """The header's text with lines that end in a backslash joined, and the index of the line after it."""
    text, end = rest, start + 1
    while text.endswith("\\") and end < len(lines):
        text = text[:-1] + " " + lines[end].strip()
        end += 1
    return text.removesuffix("\\"), end


def _task(
    match: re.Match[str], words: list[str], line: int, end: int, body: str, problems: list[Problem]
) -> Header:
    written = f"{match['percent']}task{match['kind'] or ''}"
    kind: TaskKind | None = TaskKind.TASK
    if match["kind"]:
        try:
            kind = TaskKind(match["kind"][1:])
        except ValueError:
            kind = None
            kinds = [f"%%task.{name}" for name in TaskKind if name is not TaskKind.TASK]
            hint = nearest(f"%%task{match['kind']}", kinds)
            problems.append(
                _problem(
                    "unknown-kind",
                    line,
                    f"there is no {written}.{hint} There are %%task, {', '.join(kinds)}.",
                )
            )
    names, options, found = options_of(words, written, kind)
    problems += [_problem(code, line, message) for code, message in found]
    if names == ["+"]:
        if match["kind"] or options:
            problems.append(
                _problem(
                    "bad-header",
                    line,
                    f"{written} + only continues the task above and takes no kind or options; "
                    "write them on that task's line.",
                )
            )
        return Header(
            kind=HeaderKind.CONTINUES,
            lines=end,
            body=body,
            cell_magic=match["percent"] == "%%",
            problems=tuple(problems),
        )
    if not names:
        problems.append(
            _problem("no-name", line, f"{written} has no name; write {written} NAME, such as {written} load.")
        )
    elif len(names) > 1:
        suggestion = "_".join(names)
        problems.append(
            _problem(
                "bad-name",
                line,
                f"{written} takes one name and got {len(names)}: {' '.join(names)}. Write {written} {suggestion}.",
            )
        )
    name = unicodedata.normalize("NFC", names[0]) if names else ""
    if len(names) == 1 and (wrong := name_problem(name)):
        problems.append(_problem("bad-name", line, f"{wrong}."))
    return Header(
        kind=HeaderKind.TASK,
        name=name,
        task_kind=kind or TaskKind.TASK,
        options=options,
        lines=end,
        body=body,
        cell_magic=match["percent"] == "%%",
        problems=tuple(problems),
    )


def _scratch(
    match: re.Match[str], words: list[str], line: int, end: int, body: str, problems: list[Problem]
) -> Header:
    if words:
        problems.append(_problem("bad-header", line, f"%%scratch takes nothing and got {' '.join(words)}."))
    return Header(
        kind=HeaderKind.SCRATCH,
        lines=end,
        body=body,
        cell_magic=match["percent"] == "%%",
        problems=tuple(problems),
    )


def _dag(
    match: re.Match[str], words: list[str], line: int, end: int, body: str, problems: list[Problem]
) -> Header:
    name = words[0] if words and not words[0].startswith("-") else ""
    if name and (wrong := name_problem(name)):
        problems.append(_problem("bad-name", line, f"{wrong}."))
    return Header(
        kind=HeaderKind.DAG,
        name=unicodedata.normalize("NFC", name),
        words=tuple(words[1:] if name else words),
        lines=end,
        body=body,
        problems=tuple(problems),
    )


def _problem(code: str, line: int, message: str) -> Problem:
    return Problem(severity=Severity.ERROR, code=code, message=message, line=line)
