"""`%%dag NAME` with its TOML body, and `%dag` lines with the same options → `DagSpec`."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbflow.errors import OptionError
from nbflow.model.dag import DagSpec, MissedRuns, Param
from nbflow.model.problem import Problem, Severity
from nbflow.model.schedule import Continuous, read_schedule
from nbflow.parse.dag_values import DAG_COUNTS, DAG_FLAGS, DAG_LISTS, READERS
from nbflow.parse.draft import dag_lines, placed
from nbflow.parse.header import HeaderKind, name_problem
from nbflow.parse.option import nearest, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbflow.parse.draft import Draft

_NOT_OURS = frozenset({"date", "reset"})
"""`%dag --date` sets the date by hand; it says nothing of the DAG."""
_CATCHUP_IS_ALL = """\
catchup runs every interval since start_date, and missed_runs = "{missed}" leaves some out. Leave one of them out."""
_HOW_LATE = """\
missed_runs = "skip" leaves out what is too late: say how late that is, such as max_lateness = "6h"."""
_LATE_FOR_WHAT = """\
max_lateness counts for missed_runs = "skip" alone, and missed_runs is "{missed}". Leave one of them out."""
_ONE_RUN = """\
max_active_runs is {most}, but with @continuous one run is active at a time: each begins where the one before it \
ended. Leave max_active_runs out."""


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
    cell = first.number if first else None
    problems += [
        Problem(severity=Severity.ERROR, code="bad-dag", message=message, cell=cell)
        for message in _at_odds(spec)
    ]
    # Each run of @continuous begins where another ended (semantics.md, `@continuous`).
    return replace(spec, max_active_runs=1) if _is_continuous(spec) else spec, problems


def with_options(spec: DagSpec, given: Mapping[str, Any]) -> DagSpec:
    """The DAG with options that somebody gives from outside the notebook.

    Args:
        spec: as the notebook says it.
        given: as the body of `%%dag` would have them.

    Raises:
        OptionError: one of them is none, or they don't go together; the message says which and why.
    """
    for key in sorted(given, key=lambda key: key != "timezone"):
        reader = READERS.get(key)
        if reader is None:
            raise OptionError(f"a DAG has no option {key}.{nearest(key, READERS)}")
        try:
            spec = reader(spec, key, given[key])
        except ValueError as error:
            raise OptionError(sentence(f"{key}: {error}")) from error
    if problem := next(_at_odds(spec), None):
        raise OptionError(problem)
    return replace(spec, max_active_runs=1) if _is_continuous(spec) else spec


def _at_odds(spec: DagSpec) -> Iterator[str]:
    """What is wrong with options that are right one by one: they don't go together."""
    if spec.date_param is not None and spec.date_param not in spec.params:
        known = ", ".join(spec.params) or "none; tag the cell that defines them `parameters`"
        guess = nearest(spec.date_param, spec.params)
        yield f"date_param names `{spec.date_param}`, which is no parameter.{guess} Parameters: {known}."
    if spec.start_date and spec.end_date and spec.end_date < spec.start_date:
        yield f"end_date {spec.end_date.date()} lies before start_date {spec.start_date.date()}; swap them."
    missed = spec.missed_policy
    if spec.catchup and missed is MissedRuns.LATEST:
        yield _CATCHUP_IS_ALL.format(missed=missed)
    if missed is MissedRuns.SKIP and spec.max_lateness is None:
        yield _HOW_LATE
    if missed is not MissedRuns.SKIP and spec.max_lateness is not None:
        yield _LATE_FOR_WHAT.format(missed=missed)
    if _is_continuous(spec) and spec.max_active_runs not in (1, DagSpec(dag_id="").max_active_runs):
        yield _ONE_RUN.format(most=spec.max_active_runs)


def _is_continuous(spec: DagSpec) -> bool:
    return spec.schedule is not None and isinstance(read_schedule(spec.schedule), Continuous)


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
        if key in DAG_FLAGS or key.removeprefix("no_") in DAG_FLAGS:
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
        if key == "edges" or key in DAG_LISTS:
            found[key] = [piece.strip() for piece in value.split(";" if key == "edges" else ",")]
        elif key in DAG_COUNTS and value.isdigit():
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
        at = line or line_of(draft, key)
        reader = READERS.get(key)
        if reader is None:
            message = f"%%dag has no option {key}.{nearest(key, READERS)} There are {', '.join(READERS)}."
            problems.append(_error(draft, "unknown-option", message, at))
            continue
        try:
            spec = reader(spec, key, found[key])
        except ValueError as error:
            problems.append(_error(draft, "bad-dag", sentence(f"{key}: {error}"), at))
    return spec


def line_of(draft: Draft, key: str) -> int | None:
    """The line of a cell on which an option of `%%dag` is written, from 1; None where it isn't found."""
    pattern = re.compile(rf"\s*(\[\s*)?{re.escape(key)}\b")
    return next(
        (at for at, line in enumerate(draft.source.split("\n"), start=1) if pattern.match(line)), None
    )


def _error(draft: Draft, code: str, message: str, line: int | None = None) -> Problem:
    return placed(Problem(severity=Severity.ERROR, code=code, message=message, line=line), draft)
