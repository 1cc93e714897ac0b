"""The values of `%%dag`'s options: each is read, checked and put into the DagSpec by a function of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from nbflow.model.dag import DagSpec, MissedRuns, Order, TimetableKind
from nbflow.model.duration import ago, duration
from nbflow.model.schedule import read_schedule
from nbflow.parse.dag_params import params_with
from nbflow.parse.option import nearest, python_name, value_of
from nbflow.parse.options import BY_FIELD

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[DagSpec, str, Any], DagSpec]

_CHAIN = re.compile(r"\s*>>\s*")


def chain(text: str) -> list[tuple[str, str]]:
    """The pairs of `a >> [b, c] >> d`, in Airflow's way: each of one side before each of the next.

    Raises:
        ValueError: it is no chain.
    """
    groups: list[list[str]] = []
    for piece in _CHAIN.split(text.strip()):
        inside = piece[1:-1] if piece.startswith("[") and piece.endswith("]") else piece
        names = [name.strip().strip("'\"") for name in inside.split(",")]
        if (
            not all(names)
            or any(letter in name for name in names for letter in "[]<>")
            or (inside is piece and len(names) > 1)
        ):
            msg = f"{text!r} is no chain of tasks; write a >> b, or a >> [b, c] >> d"
            raise ValueError(msg)
        groups.append(names)
    if len(groups) < 2:
        msg = f"{text!r} has no >> in it; write a >> b, or a >> [b, c] >> d"
        raise ValueError(msg)
    return [(up, down) for ups, downs in pairwise(groups) for up in ups for down in downs]


def _text(spec: DagSpec, key: str, value: object) -> DagSpec:
    if not isinstance(value, str | int | float):
        msg = f"{value!r} is no text"
        raise ValueError(msg)  # noqa: TRY004 (a value of a text, whatever type TOML gave it)
    return replace(spec, **{key: str(value)})


def _none_or_text(spec: DagSpec, key: str, value: object) -> DagSpec:
    return replace(spec, **{key: None}) if value in ("", "none", None) else _text(spec, key, value)


def _schedule(spec: DagSpec, key: str, value: object) -> DagSpec:
    found = _none_or_text(spec, key, value)
    if found.schedule is not None:
        read_schedule(found.schedule)
    return found


def _flag(spec: DagSpec, key: str, value: object) -> DagSpec:
    if not isinstance(value, bool):
        msg = f"{value!r} is neither true nor false"
        raise ValueError(msg)  # noqa: TRY004 (a value of a text, whatever type TOML gave it)
    return replace(spec, **{key: value})


def _count(spec: DagSpec, key: str, value: object) -> DagSpec:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        msg = f"{value!r} is no whole number above 0"
        raise ValueError(msg)
    return replace(spec, **{key: value})


def _count_or_zero(spec: DagSpec, key: str, value: object) -> DagSpec:
    if value == 0 and not isinstance(value, bool):
        return replace(spec, **{key: 0})
    return _count(spec, key, value)


def _duration(spec: DagSpec, key: str, value: object) -> DagSpec:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        msg = f"{value!r} is no duration; write 30s, 5m, 6h, 1d or a number of seconds"
        raise ValueError(msg)  # noqa: TRY004 (a value of a text, whatever type TOML gave it)
    found = duration(str(value))
    if found <= timedelta(0):
        msg = "it must be longer than nothing"
        raise ValueError(msg)
    return replace(spec, **{key: found})


def _tags(spec: DagSpec, key: str, value: object) -> DagSpec:
    tags = [value] if isinstance(value, str) else value
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        msg = f'{value!r} is no list of texts; write ["a", "b"]'
        raise ValueError(msg)
    return replace(spec, **{key: tuple(tags)})


def _zone(spec: DagSpec, key: str, value: object) -> DagSpec:
    try:
        ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:
        msg = f"{value!r} is no time zone; write an IANA name such as Europe/Berlin or UTC"
        raise ValueError(msg) from error
    return replace(spec, **{key: str(value)})


def _date(spec: DagSpec, key: str, value: object) -> DagSpec:
    """A date or datetime, read in the DAG's zone; TOML dates or texts."""
    zone = ZoneInfo(spec.timezone)
    moment: datetime | None = None
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            msg = f"{value!r} is no date; write 2026-02-17 or 2026-02-17T06:00"
            raise ValueError(msg) from error
    elif isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=zone)
    if moment is None:
        msg = f"{value!r} is no date; write 2026-02-17 or 2026-02-17T06:00"
        raise ValueError(msg)
    return replace(spec, **{key: moment.replace(tzinfo=zone) if moment.tzinfo is None else moment})


def _start(spec: DagSpec, key: str, value: object) -> DagSpec:
    """As `_date`; `14 days ago` is kept as it is, for it is pinned when the DAG is registered."""
    if isinstance(value, str) and (back := ago(value)) is not None:
        return replace(spec, start_date=None, start_ago=back)
    return replace(_date(spec, key, value), start_ago=None)


def _choice(kinds: type[Order | TimetableKind | MissedRuns]) -> Reader:
    """A reader of one word of several."""

    def read(spec: DagSpec, key: str, value: object) -> DagSpec:
        if value not in tuple(kinds):
            msg = f"{value!r} is none of {', '.join(kinds)}.{nearest(str(value), kinds)}"
            raise ValueError(msg)
        return replace(spec, **{key: kinds(str(value))})

    return read


def _function(spec: DagSpec, key: str, value: object) -> DagSpec:
    """The name of a function of the notebook; whether it is there, `names` says."""
    return replace(spec, **{key: python_name(value)})


def _named(spec: DagSpec, key: str, value: object) -> DagSpec:
    """Things of the notebook that templates see: a list of names, or a table name there → name here."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        value = {name: name for name in map(python_name, value)}
    if not isinstance(value, dict):
        msg = f'{value!r} is no list of names; write ["double"], or a table such as {{ twice = "double" }}'
        raise ValueError(msg)  # noqa: TRY004 (a value of a text, whatever type TOML gave it)
    return replace(spec, **{key: {python_name(there): python_name(here) for there, here in value.items()}})


def _edges(spec: DagSpec, key: str, value: object) -> DagSpec:
    lines = [value] if isinstance(value, str) else value
    if not isinstance(lines, list):
        msg = f'{value!r} is no list of chains; write ["a >> b"]'
        raise ValueError(msg)  # noqa: TRY004 (a value of a text, whatever type TOML gave it)
    return replace(spec, **{key: tuple(dict.fromkeys(pair for text in lines for pair in chain(str(text))))})


def _params(spec: DagSpec, key: str, value: object) -> DagSpec:
    """`[params]`: a default each, or a table with default, type, help and limits."""
    if not isinstance(value, dict):
        msg = "it is a table: write [params] and below it lines such as limit = 10"
        raise ValueError(msg)  # noqa: TRY004 (a value of a text, whatever type TOML gave it)
    return replace(spec, **{key: params_with(spec.params, value)})


def _default_args(spec: DagSpec, key: str, value: object) -> DagSpec:
    """`[default_args]`: task options for every task."""
    if not isinstance(value, dict):
        msg = "it is a table: write [default_args] and below it lines such as retries = 2"
        raise ValueError(msg)  # noqa: TRY004 (a value of a text, whatever type TOML gave it)
    found: dict[str, object] = {}
    known = [field for field, option in BY_FIELD.items() if option.default_arg]
    for written, given in value.items():
        field = written.replace("-", "_")
        if field not in known:
            msg = f"there is no task option {written}.{nearest(field, known)} There are {', '.join(known)}"
            raise ValueError(msg)
        try:
            found[field] = value_of(BY_FIELD[field], given)
        except ValueError as error:
            msg = f"{written}: {error}"
            raise ValueError(msg) from None
    return replace(spec, **{key: found})


READERS: dict[str, Reader] = {
    "description": _text,
    "owner": _text,
    "tags": _tags,
    "schedule": _schedule,
    "timetable": _choice(TimetableKind),
    "timezone": _zone,
    "start_date": _start,
    "end_date": _date,
    "catchup": _flag,
    "missed_runs": _choice(MissedRuns),
    "max_lateness": _duration,
    "order": _choice(Order),
    "edges": _edges,
    "strict": _flag,
    "date_param": _none_or_text,
    "params": _params,
    "max_active_runs": _count,
    "max_active_tasks": _count,
    "dagrun_timeout": _duration,
    "fail_fast": _flag,
    "max_consecutive_failed_runs": _count_or_zero,
    "is_paused_upon_creation": _flag,
    "user_defined_filters": _named,
    "user_defined_macros": _named,
    "on_success_callback": _function,
    "on_failure_callback": _function,
    "deadline": _duration,
    "on_deadline_callback": _function,
    "default_args": _default_args,
}
DAG_OPTIONS = tuple(READERS)
"""The options of `%%dag`, as written in TOML; on a `%dag` line with dashes."""

DAG_FLAGS = frozenset(key for key, reader in READERS.items() if reader is _flag)
DAG_COUNTS = frozenset(key for key, reader in READERS.items() if reader in (_count, _count_or_zero))
DAG_LISTS = frozenset(key for key, reader in READERS.items() if reader in (_tags, _named))
