"""The words of a `%%task` line → its name and options, or why they are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.parse.mapping import map_problem
from nbflow.parse.options import (
    BY_FIELD,
    BY_FLAG,
    BY_OPPOSITE,
    TASK_OPTIONS,
    OptionType,
    misplaced,
    nearest,
    sentence,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.model.task import MapOver, TaskKind
    from nbflow.parse.options import Option

Finding = tuple[str, str]
"""A problem's code and message."""


def options_of(
    words: Sequence[str], written: str, kind: TaskKind | None
) -> tuple[list[str], dict[str, object], list[Finding]]:
    """The positional words, the options by field, and what is wrong with them.

    Args:
        words: what follows `%%task`, split as a shell does.
        written: the magic, for messages (`%%task.sensor`).
        kind: which options make sense; None when that isn't known.
    """
    names: list[str] = []
    options: dict[str, object] = {}
    problems: list[Finding] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            if word.startswith("-") and len(word) > 1:
                problems.append(_unknown(word, written))
            else:
                names.append(word)
            continue
        flag, equals, inline = word.partition("=")
        option = BY_FLAG.get(flag)
        if option is None and not equals and (turned := BY_OPPOSITE.get(flag)) is not None:
            options[turned.field] = False
        elif option is None:
            problems.append(_unknown(flag, written))
            if not equals and rest and not rest[0].startswith("-") and (names or len(rest) > 1):
                rest.pop(0)  # its value, most likely: no second problem for it
        elif option.type is OptionType.FLAG and not equals:
            options[option.field] = True
        elif not equals and (not rest or rest[0].startswith("--")):
            problems.append(("bad-option", f"{flag} needs a value ({option.type}): {option.help}."))
        else:
            try:
                _put(options, option, inline if equals else rest.pop(0))
            except ValueError as error:
                problems.append(("bad-option", sentence(f"{flag}: {error}")))
    mapped = any(word.partition("=")[0] == "--map" for word in words)
    return names, options, problems + _together(options, kind, mapped=mapped)


def _put(options: dict[str, object], option: Option, text: str) -> None:
    """Read one option's value; what is mapped over comes together from all that say so.

    Raises:
        ValueError: the value doesn't fit.
    """
    flag = option.type is OptionType.FLAG and text.lower() in ("true", "false")
    value = value_of(option, text.lower() == "true" if flag else text)
    if option.type is OptionType.MAP and isinstance(value, tuple):
        value = (*_maps(options), *value)
    options[option.field] = value


def _together(options: dict[str, object], kind: TaskKind | None, *, mapped: bool) -> list[Finding]:
    """What is wrong with options that each are fine by themselves."""
    maps = _maps(options)
    whys = [kind and misplaced(BY_FIELD[field], kind, mapped=mapped) for field in options]
    found = [why for why in whys if why]
    if (why := map_problem(maps)) is not None:
        found.append(f"--map: {why}")
    collected = options.get("collect")
    if any(collected in over.names for over in maps):
        found.append(f"--collect names `{collected}`, which --map binds to each item; choose another name")
    return [("bad-option", sentence(why)) for why in found]


def _maps(options: dict[str, object]) -> tuple[MapOver, ...]:
    found = options.get("map", ())
    return found if isinstance(found, tuple) else ()


def _unknown(flag: str, written: str) -> Finding:
    known = [option.flag for option in TASK_OPTIONS]
    return (
        "unknown-option",
        f"{written} has no option {flag}.{nearest(flag, known)} There are {', '.join(known)}.",
    )
