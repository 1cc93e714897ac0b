"""Completion of `%%task` lines, `%dag` and `%nbflow`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbflow.magics.commands import COMMANDS
from nbflow.model.task import TaskKind
from nbflow.parse.options import BY_FLAG, TASK_OPTIONS, OptionType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from IPython.core.completer import CompletionContext, SimpleMatcherResult

_HEADER = re.compile(r"\s*%%?task(?:\.\w+)?\s")
_KIND = re.compile(r"\s*%%?task\.\w*$")
_VALUE = re.compile(r"(?P<flag>--[\w-]+)(?:\s+|=)(?P<value>\S*)$")


def completions(line: str, *, tasks: Sequence[str]) -> tuple[list[str], str] | None:
    """What may stand at the end of a line of ours.

    Args:
        line: the text up to the cursor.
        tasks: the ids that `--after` may name.

    Returns:
        The words, and the fragment before the cursor that they replace; None for a line that isn't ours.
    """
    fragment = re.split(r"[\s=,]", line)[-1]
    if re.match(r"\s*%nbflow\s", line):
        first = not re.match(r"\s*%nbflow\s+\S+\s", line)
        return (_starting(COMMANDS, fragment), fragment) if first else None
    if re.match(r"\s*%dag\s", line):
        return _starting(("--date", "--date reset", "--date today", "--date yesterday"), fragment), fragment
    if _KIND.match(line):
        percent = line.strip().partition("task")[0]
        kinds = [f"{percent}task.{kind.value}" for kind in TaskKind if kind is not TaskKind.TASK]
        return _starting(kinds, fragment), fragment
    if not _HEADER.match(line):
        return None
    if (value := _VALUE.search(line)) is not None and (option := BY_FLAG.get(value["flag"])) is not None:
        if option.type is OptionType.TASKS:
            # Neither the ones written already, nor the task itself.
            written = {*value["value"].split(",")[:-1], line.split()[1]}
            known = [task for task in (*tasks, "none") if task not in written]
            return _starting(known, fragment), fragment
        if option.choices:
            return _starting(option.choices, fragment), fragment
        if option.type is not OptionType.FLAG:
            return [], fragment  # a value nobody can guess
    written = set(re.findall(r"--[\w-]+(?=[\s=])", line))
    flags = [option.flag for option in TASK_OPTIONS if option.flag not in written]
    return _starting(flags, fragment), fragment


def matcher(tasks: Callable[[], Iterable[str]]) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """A matcher for IPython's completer (its API, version 2).

    Args:
        tasks: asked at each completion for the ids that `--after` may name.
    """
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier="nbflow")
    def nbflow_matcher(context: CompletionContext) -> SimpleMatcherResult:
        line = context.text_until_cursor
        # Tasks are read from the notebook: only where a line of ours is being written.
        known = tuple(tasks()) if _HEADER.match(line) else ()
        found = completions(line, tasks=known)
        if found is None:
            return {"completions": []}
        words, fragment = found
        return {
            "completions": [SimpleCompletion(word, type="nbflow") for word in words],
            "matched_fragment": fragment,
            "suppress": True,
        }

    return nbflow_matcher


def _starting(words: Iterable[str], fragment: str) -> list[str]:
    return [str(word) for word in words if word.startswith(fragment)]
