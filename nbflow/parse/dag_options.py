"""`%%dag NAME` with its TOML body, and `%dag` lines with the same options → `DagSpec`."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from nbflow.model.dag import DagSpec, Order, Param
from nbflow.model.duration import duration
from nbflow.model.problem import Problem, Severity
from nbflow.model.schedule import read_schedule
from nbflow.parse.draft import dag_lines, placed
from nbflow.parse.header import HeaderKind, name_problem
from nbflow.parse.options import BY_FIELD, nearest, sentence, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nbflow.parse.draft import Draft

_CHAIN = re.compile(r"\s*>>\s*")
_NOT_OURS = frozenset({"date", "reset"})
"""`%dag --date` sets the date by hand; it says nothing of the DAG."""


def dag_of(
    drafts: Sequence[Draft], *, default: str, params: Mapping[str, Param]
) -> tuple[DagSpec, list[Problem]]:
    """What the notebook says of itself, and what is wrong with it.

    Args:
        drafts: all cells.
        default: the DAG's name when none is given.
        params: the parameters of the cells tagged so; `[params]` adds to them.
    """
    problems: list[Problem] = []
    spec = DagSpec(dag_id=default, params=dict(params))
    first: Draft | None = None
    for draft in drafts:
        header = draft.header
        if header is not None and header.kind is HeaderKind.DAG and "scratch" not in draft.tags:
            if first is not None:
                message = f"a second %%dag; cell {first.number} has the first. Put both into one."
                problems.append(_error(draft, "two-dags", message))
                continue
            first = draft
            if header.name:
                spec = replace(spec, dag_id=header.name)
            found = _toml(draft, header.body, problems) | _words(header.words, draft, header.lines, problems)
            spec = _apply(spec, found, draft, problems)
        if header is None or header.kind in (HeaderKind.TASK, HeaderKind.CONTINUES):
            for line, text in dag_lines(draft):
                spec = _line(spec, text, draft, line, problems)
    if spec.date_param is not None and spec.date_param not in spec.params:
        known = ", ".join(spec.params) or "none; tag the cell that defines them `parameters`"
        message = (
            f"date_param names `{spec.date_param}`, which is no parameter.{nearest(spec.date_param, spec.params)} "
            f"Parameters: {known}."
        )
        problems.append(
            Problem(
                severity=Severity.ERROR, code="bad-dag", message=message, cell=first.number if first else None
            )
        )
    if spec.start_date and spec.end_date and spec.end_date < spec.start_date:
        message = (
            f"end_date {spec.end_date.date()} lies before start_date {spec.start_date.date()}; swap them."
        )
        problems.append(
            Problem(
                severity=Severity.ERROR, code="bad-dag", message=message, cell=first.number if first else None
            )
        )
    return spec, problems


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


def _toml(draft: Draft, body: str, problems: list[Problem]) -> dict[str, Any]:
    try:
        return tomllib.loads(body)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"line (\d+)", str(error))
        message = f'the body of %%dag is no TOML: {error}. Write lines such as schedule = "@daily".'
        problems.append(_error(draft, "bad-dag", message, int(match[1]) if match else None))
        return {}


def _line(spec: DagSpec, text: str, draft: Draft, line: int, problems: list[Problem]) -> DagSpec:
    """A `%dag [NAME] --schedule @daily` line."""
    try:
        words = shlex.split(text, comments=True)[1:]
    except ValueError as error:
        problems.append(
            _error(draft, "bad-dag", f"the line can't be split into words ({error}): {text}", line)
        )
        return spec
    if words and not words[0].startswith("-"):
        name = words.pop(0)
        if wrong := name_problem(name):
            problems.append(_error(draft, "bad-name", f"{wrong}.", line))
        else:
            spec = replace(spec, dag_id=name)
    return _apply(spec, _words(tuple(words), draft, line, problems), draft, problems, line)


def _words(words: Sequence[str], draft: Draft, line: int, problems: list[Problem]) -> dict[str, Any]:
    """`--start-date 2026-01-01 --catchup --no-strict --tags a,b` as TOML would give it."""
    found: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            problems.append(
                _error(draft, "bad-dag", f"{word!r} is no option; write --schedule {word} or the like.", line)
            )
            continue
        flag, equals, value = word.removeprefix("--").partition("=")
        key = flag.replace("-", "_")
        if key in _FLAGS or key.removeprefix("no_") in _FLAGS:
            found[key.removeprefix("no_")] = not key.startswith("no_")
            continue
        if not equals:
            if not rest or (rest[0].startswith("--") and key != "date"):
                if key not in _NOT_OURS:
                    problems.append(_error(draft, "bad-dag", f"--{flag} needs a value.", line))
                continue
            value = rest.pop(0)
        if key in _NOT_OURS:
            continue
        if key in ("tags", "edges"):
            found[key] = [piece.strip() for piece in value.split("," if key == "tags" else ";")]
        elif key in ("max_active_runs", "max_active_tasks") and value.isdigit():
            found[key] = int(value)
        else:
            found[key] = value
    return found


def _apply(
    spec: DagSpec, found: Mapping[str, Any], draft: Draft, problems: list[Problem], line: int | None = None
) -> DagSpec:
    """The spec with the options of one place; dates are read in the zone that holds in the end."""
    order = sorted(found, key=lambda key: key != "timezone")
    for key in order:
        at = line or _line_of(draft, key)
        reader = _KEYS.get(key)
        if reader is None:
            message = f"%%dag has no option {key}.{nearest(key, _KEYS)} There are {', '.join(_KEYS)}."
            problems.append(_error(draft, "unknown-option", message, at))
            continue
        try:
            spec = reader(spec, key, found[key])
        except ValueError as error:
            problems.append(_error(draft, "bad-dag", sentence(f"{key}: {error}"), at))
    return spec


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


def _order(spec: DagSpec, key: str, value: object) -> DagSpec:
    if value not in tuple(Order):
        msg = f"{value!r} is neither of {', '.join(Order)}"
        raise ValueError(msg)
    return replace(spec, **{key: Order(str(value))})


def _edges(spec: DagSpec, key: str, value: object) -> DagSpec:
    lines = [value] if isinstance(value, str) else value
    if not isinstance(lines, list):
        msg = f'{value!r} is no list of chains; write ["a >> b"]'
        raise ValueError(msg)  # noqa: TRY004 (a value of a text, whatever type TOML gave it)
    return replace(spec, **{key: tuple(dict.fromkeys(pair for text in lines for pair in chain(str(text))))})


def _params(spec: DagSpec, key: str, value: object) -> DagSpec:
    """`[params]`: a default each, or a table with default, type and help."""
    if not isinstance(value, dict):
        msg = "it is a table: write [params] and below it lines such as limit = 10"
        raise ValueError(msg)  # noqa: TRY004 (a value of a text, whatever type TOML gave it)
    params = dict(spec.params)
    for name, given in value.items():
        if not name.isidentifier():
            msg = f"{name!r} is no Python name"
            raise ValueError(msg)
        table = given if isinstance(given, dict) else {"default": given}
        if unknown := sorted(set(table) - {"default", "type", "help"}):
            msg = f"`{name}` has no {unknown[0]}; there are default, type, help"
            raise ValueError(msg)
        old = params.get(name, Param(name=name))
        params[name] = Param(
            name=name,
            default=repr(table["default"]) if "default" in table and name not in spec.params else old.default,
            annotation=str(table.get("type", old.annotation)),
            help=str(table.get("help", old.help)),
        )
    return replace(spec, **{key: params})


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


_FLAGS = frozenset({"catchup", "strict"})
_KEYS: dict[str, Callable[[DagSpec, str, Any], DagSpec]] = {
    "description": _text,
    "owner": _text,
    "tags": _tags,
    "schedule": _schedule,
    "timezone": _zone,
    "start_date": _date,
    "end_date": _date,
    "catchup": _flag,
    "order": _order,
    "edges": _edges,
    "strict": _flag,
    "date_param": _none_or_text,
    "params": _params,
    "max_active_runs": _count,
    "max_active_tasks": _count,
    "dagrun_timeout": _duration,
    "default_args": _default_args,
}
DAG_OPTIONS = tuple(_KEYS)
"""The options of `%%dag`, as written in TOML; on a `%dag` line with dashes."""


def _line_of(draft: Draft, key: str) -> int | None:
    pattern = re.compile(rf"\s*(\[\s*)?{re.escape(key)}\b")
    return next(
        (at for at, line in enumerate(draft.source.split("\n"), start=1) if pattern.match(line)), None
    )


def _error(draft: Draft, code: str, message: str, line: int | None = None) -> Problem:
    return placed(Problem(severity=Severity.ERROR, code=code, message=message, line=line), draft)
