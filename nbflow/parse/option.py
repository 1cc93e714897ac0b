"""One option of a `%%task` line: what it sets, what it takes, where it makes sense."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from nbflow.model.duration import duration
from nbflow.model.task import SensorMode, TaskKind, TriggerRule, WeightRule
from nbflow.parse.mapping import read_map

if TYPE_CHECKING:
    from collections.abc import Iterable


class OptionType(StrEnum):
    """What an option's value is."""

    TASKS = "tasks"  # task ids, comma-separated
    NAMES = "names"  # variable names, comma-separated
    NAME = "name"  # one variable name
    FUNCTION = "function"  # the name of a function of the notebook
    INTEGER = "integer"
    DURATION = "duration"
    FLAG = "flag"  # --name or --no-name
    RULE = "trigger rule"
    WEIGHT = "weight rule"
    MODE = "sensor mode"
    MAP = "names in expression"  # may be written several times
    WORD = "word"  # a text with something in it
    TEXT = "text"


_CHOICES: dict[OptionType, type[TriggerRule | WeightRule | SensorMode]] = {
    OptionType.RULE: TriggerRule,
    OptionType.WEIGHT: WeightRule,
    OptionType.MODE: SensorMode,
}
SENSOR = frozenset({TaskKind.SENSOR})
SHORT_CIRCUIT = frozenset({TaskKind.SHORT_CIRCUIT})
TEARDOWN = frozenset({TaskKind.TEARDOWN})
MAPPABLE = frozenset({TaskKind.TASK, TaskKind.SENSOR})
"""Kinds of which a run can have an instance for each item. What several instances of a branch would choose
together, nobody could say.
"""
EVERY_KIND = frozenset(TaskKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a task.

    Attributes:
        field: the field of TaskSpec it sets, which is Airflow's name of it where it has one.
        type: what its value is.
        help: one line for people.
        least: the smallest integer it takes.
        default_arg: whether `default_args` of `%%dag` may set it for all tasks; there it counts for those
            tasks that it makes sense for.
        kinds: the kinds of task it makes sense for.
        mapped: whether it makes sense only beside `--map`.
        by_hand: whether it is for cells run by hand only, and no field of TaskSpec.
    """

    field: str
    type: OptionType
    help: str
    least: int = 0
    default_arg: bool = True
    kinds: frozenset[TaskKind] = EVERY_KIND
    mapped: bool = False
    by_hand: bool = False

    @property
    def flag(self) -> str:
        """As written on a `%%task` line: `--retry-delay`."""
        return "--" + self.field.replace("_", "-")

    @property
    def opposite(self) -> str:
        """What turns a flag off: `--no-soft-fail`; `--template` for `--no-template`. Empty for others."""
        if self.type is not OptionType.FLAG:
            return ""
        return (
            "--" + self.flag.removeprefix("--no-")
            if self.flag.startswith("--no-")
            else f"--no-{self.flag[2:]}"
        )

    @property
    def choices(self) -> tuple[str, ...]:
        """The values it takes, where they can be listed; else empty."""
        return tuple(_CHOICES.get(self.type, ()))


def sentence(text: str) -> str:
    """A text with a full stop, unless it ends a sentence already: «did you mean x?» needs none."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def nearest(word: str, known: Iterable[str]) -> str:
    """« Did you mean …?» with a leading space for the closest known word; empty when none is close."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {found[0]}?" if found else ""


def value_of(option: Option, written: object) -> object:  # noqa: PLR0912 (one case for each kind)
    """The value of an option for TaskSpec, from header text or from TOML.

    Args:
        option: a row of the table.
        written: the text on the line; or a TOML value (string, number, boolean, list of strings).

    Raises:
        ValueError: the value doesn't fit; the message says what fits.
    """
    match option.type:
        case OptionType.TASKS:
            words = _words(written)
            return () if words == ("none",) else words
        case OptionType.NAMES:
            names = _words(written)
            if wrong := [name for name in names if not name.isidentifier()]:
                msg = f"{', '.join(wrong)} is no Python name; write names with commas between, such as a,b"
                raise ValueError(msg)
            return frozenset(names)
        case OptionType.NAME | OptionType.FUNCTION:
            return python_name(written)
        case OptionType.INTEGER:
            return _integer(option, written)
        case OptionType.DURATION:
            if isinstance(written, timedelta):
                return written
            if isinstance(written, bool) or not isinstance(written, str | int | float):
                msg = f"{written!r} is no duration; write 30s, 5m, 6h, 1d or a number of seconds"
                raise ValueError(msg)  # noqa: TRY004 (as above)
            return duration(str(written))
        case OptionType.FLAG:
            if isinstance(written, bool):
                return written
            msg = f"{written!r} is neither true nor false"
            raise ValueError(msg)
        case OptionType.RULE | OptionType.WEIGHT | OptionType.MODE:
            return _choice(option, str(written))
        case OptionType.MAP:
            return (read_map(str(written)),)
        case OptionType.WORD:
            if word := str(written).strip():
                return word
            msg = "nothing is named"
            raise ValueError(msg)
        case OptionType.TEXT:
            return str(written)
        case _:
            assert_never(option.type)


def python_name(written: object) -> str:
    """One name of the notebook.

    Raises:
        ValueError: it is none.
    """
    if isinstance(written, str) and written.strip().isidentifier():
        return written.strip()
    msg = f"{written!r} is no Python name"
    raise ValueError(msg)


def _choice(option: Option, written: str) -> TriggerRule | WeightRule | SensorMode:
    if written in option.choices:
        return _CHOICES[option.type](written)
    msg = f"{written!r} is no {option.type}.{nearest(written, option.choices)} There are: {', '.join(option.choices)}"
    raise ValueError(msg)


def _words(written: object) -> tuple[str, ...]:
    pieces = (
        [str(piece) for piece in written] if isinstance(written, list | tuple) else str(written).split(",")
    )
    words = tuple(piece.strip() for piece in pieces if piece.strip())
    if not words:
        msg = "nothing is named; write names with commas between, such as a,b"
        raise ValueError(msg)
    return tuple(dict.fromkeys(words))


def _integer(option: Option, written: object) -> int:
    msg = f"{written!r} is no whole number"
    if isinstance(written, bool):
        raise ValueError(msg)  # noqa: TRY004 (a value of a text, whatever type TOML gave it)
    try:
        number = int(str(written))
    except ValueError:
        raise ValueError(msg) from None
    if number < option.least:
        msg = f"{number} is too small; {option.least} is the least"
        raise ValueError(msg)
    return number
