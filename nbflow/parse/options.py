"""The options of a `%%task` line: one table for reading, completing and explaining them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from nbflow.model.duration import duration
from nbflow.model.task import TriggerRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class OptionType(StrEnum):
    """What an option's value is."""

    TASKS = "tasks"  # task ids, comma-separated
    NAMES = "names"  # variable names, comma-separated
    INTEGER = "integer"
    DURATION = "duration"
    FLAG = "flag"  # --name or --no-name
    RULE = "trigger rule"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a task.

    Attributes:
        field: the field of TaskSpec it sets, which is Airflow's name of it where it has one.
        type: what its value is.
        help: one line for people.
        least: the smallest integer it takes.
        default_arg: whether `default_args` of `%%dag` may set it for all tasks.
    """

    field: str
    type: OptionType
    help: str
    least: int = 0
    default_arg: bool = True

    @property
    def flag(self) -> str:
        """As written on a `%%task` line: `--retry-delay`."""
        return "--" + self.field.replace("_", "-")

    @property
    def choices(self) -> tuple[str, ...]:
        """The values it takes, where they can be listed; else empty."""
        return tuple(TriggerRule) if self.type is OptionType.RULE else ()


_T = OptionType
TASK_OPTIONS: tuple[Option, ...] = (
    Option(
        field="after",
        type=_T.TASKS,
        help="task ids it follows, comma-separated; none: follows no task by position",
        default_arg=False,
    ),
    Option(
        field="uses",
        type=_T.NAMES,
        help="names it reads that its text doesn't show, comma-separated",
        default_arg=False,
    ),
    Option(
        field="exports",
        type=_T.NAMES,
        help="names it hands on that its text doesn't show, comma-separated",
        default_arg=False,
    ),
    Option(field="retries", type=_T.INTEGER, help="how often it runs again after a failure (0)"),
    Option(field="retry_delay", type=_T.DURATION, help="the wait before a retry (300s)"),
    Option(
        field="retry_exponential_backoff",
        type=_T.FLAG,
        help="whether the wait doubles with each try; --no-retry-exponential-backoff turns it off (off)",
    ),
    Option(field="max_retry_delay", type=_T.DURATION, help="the longest wait before a retry (24h)"),
    Option(field="execution_timeout", type=_T.DURATION, help="the longest time one try may take (no limit)"),
    Option(
        field="trigger_rule", type=_T.RULE, help="when it may run, given its upstream tasks (all_success)"
    ),
    Option(
        field="priority_weight",
        type=_T.INTEGER,
        help="higher starts first among ready tasks (1)",
        least=-(2**31),
    ),
    Option(field="group", type=_T.TEXT, help="the group it is shown in, dots between levels (its headings)"),
    Option(field="doc", type=_T.TEXT, help="a line about it, shown where it is"),
)

BY_FLAG: Mapping[str, Option] = {option.flag: option for option in TASK_OPTIONS}
BY_FIELD: Mapping[str, Option] = {option.field: option for option in TASK_OPTIONS}


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
        case OptionType.RULE:
            if str(written) in tuple(TriggerRule):
                return TriggerRule(str(written))
            hint = nearest(str(written), TriggerRule)
            msg = f"{written!r} is no trigger rule.{hint} There are: {', '.join(TriggerRule)}"
            raise ValueError(msg)
        case OptionType.TEXT:
            return str(written)
        case _:
            assert_never(option.type)


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
