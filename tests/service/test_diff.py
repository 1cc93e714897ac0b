"""What differs between two runs, by value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from run_project import run_project

from nbflow.codec import decode
from nbflow.errors import AddressError, DateError
from nbflow.service.board_target import fresh_target
from nbflow.service.diff import CHANGED, ONLY_FIRST, OUTPUTS, SAME, UNKNOWN, plain_change
from nbflow.service.diff import diff as diff_with
from nbflow.service.frames_diff import frame_changes
from nbflow.service.pickles_diff import same_values

if TYPE_CHECKING:
    from nbflow.service.diff import RunDiff
    from nbflow.service.lookup import Target


@dataclass(frozen=True)
class Case:
    name: str
    one: object
    other: object
    said: str


NAN = float("nan")
PLAIN = [
    Case("the same", {"a": [1, None]}, {"a": [1, None]}, ""),
    Case("a number", 3, 4, "3 → 4 (+1, +33.3 %)"),
    Case("from zero", 0, 2.5, "0 → 2.5 (+2.5)"),
    Case("larger than floats are", 10**310, 1, f"1{'0' * 118}… → 1"),
    Case("negative", -2, -1, "-2 → -1 (+1, +50 %)"),
    Case("a truth is no number", True, False, "true → false"),
    Case("one is not true", 1, True, "1 → true"),
    Case("a text", "x", "y", '"x" → "y"'),
    Case("an item", {"a": 1, "b": 2}, {"a": 1, "b": 3}, "1 of 2 items differ: b: 2 → 3"),
    Case("items", [1, 2, 3], [0, 2], "2 of 3 items differ: 0: 1 → 0, …"),
    Case("added", {}, {"a": None}, "1 of 1 items differ: a added"),
    Case("kinds", [1], {"0": 1}, '[1] → {"0": 1}'),
]


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
def test_plain_values_say_how_they_differ(case: Case) -> None:
    assert plain_change(case.one, case.other) == case.said


def table(**columns: list[object]) -> pa.Table:
    return pa.table(columns)


FRAMES = [
    Case("the same", table(k=[1, 2], v=["a", "b"]), table(k=[1, 2], v=["a", "b"]), ""),
    Case("not a number twice", table(k=[1], v=[NAN]), table(k=[1], v=[NAN]), "other metadata (index, attributes) only"),
    Case("a row added", table(k=[1], v=["a"]), table(k=[1, 2], v=["a", "b"]), "1 row added (k 2)"),
    Case("rows removed", table(k=[1, 2, 3], v=[0, 0, 0]), table(k=[2], v=[0]), "2 rows removed (k 1, 3)"),
    Case("a value", table(k=[1, 2], v=[3, 4], w=[0, 0]), table(k=[1, 2], v=[3, 5], w=[0, 0]), "1 row changed (k 2) in v"),
    Case("a key of two", table(k=[1, 1], l=[1, 2], v=[3, 4]), table(k=[1, 1], l=[1, 2], v=[3, 5]), "1 row changed (k, l 1/2) in v"),
    Case("another order", table(k=[1, 2], v=[3, 4]), table(k=[2, 1], v=[4, 3]), "the same rows in another order"),
    Case("a column", table(k=[1], v=[2]), table(k=[1], w=[2]), "column w added, column v removed"),
    Case("a type", table(k=[1], v=[2]), table(k=[1], v=[2.0]), "column v int64 → double, 1 row changed (k 1) in v"),
    Case("by place", table(v=[1, 1, 1]), table(v=[1, 2]), "1 row less, 1 row changed in v (rows matched by their place)"),
    Case("none left", table(k=[1], v=[1]), table(k=[1], v=[1]).slice(0, 0), "1 row removed (k 1)"),
]  # fmt: skip


@pytest.mark.parametrize("case", FRAMES, ids=lambda case: case.name)
def test_frames_say_which_rows_and_columns_differ(case: Case) -> None:
    assert isinstance(case.one, pa.Table)
    assert isinstance(case.other, pa.Table)
    assert frame_changes(case.one, case.other) == case.said


def test_rows_are_matched_by_the_key_that_is_asked_for() -> None:
    one = table(v=[1, 1, 2], who=["x", "y", "z"], k=[10, 20, 30])
    other = table(v=[1, 5, 2], who=["x", "y", "z"], k=[10, 20, 40])
    assert (
        frame_changes(one, other, ["k"])
        == "1 row added (k 40), 1 row removed (k 30), 1 row changed (k 20) in v"
    )
    assert frame_changes(one, other, ["nope"]) == frame_changes(one, other), (
        "a frame without it is as any other"
    )
    twice = frame_changes(one, other, ["v"])
    assert twice == "1 row added (v 5), 2 rows changed (v 1, 2) in who, k, 1 row shares v with another"


def test_very_long_frames_are_compared_by_columns() -> None:
    numbers = list(range(600_000))
    one, other = table(k=numbers, v=numbers), table(k=numbers, v=[*numbers[:-1], 0])
    assert frame_changes(one, other) == "values of v (too many to tell the rows; --key COLUMN tells them)"
    assert frame_changes(one, one.slice(1)) == "1 row less"


class Plain:
    """Without a `==` of its own."""

    def __init__(self, held: object) -> None:
        self.held = held


class Odd:
    """Raises when it is compared, and can't be walked."""

    def __eq__(self, other: object) -> bool:
        raise ValueError

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> str:
        raise TypeError


@dataclass(frozen=True)
class Pair:
    name: str
    one: object
    other: object
    same: bool | None
    size: int = 100


PAIRS = [
    Pair("sets in another order", {"a", "b"}, {"b", "a"}, True),
    Pair("dicts in another order", {1: 2, 3: 4}, {3: 4, 1: 2}, True),
    Pair("another value", {1, 2}, {1, 3}, False),
    Pair("not a number", [NAN], [float("nan")], True),
    Pair("arrays", np.array([1.0, NAN]), np.array([1.0, NAN]), True),
    Pair("arrays that differ", np.array([1.0, 2.0]), np.array([1.0, 3.0]), False),
    Pair("arrays of other shapes", np.array([1.0]), np.array([1.0, 2.0, 3.0]), False),
    Pair("objects that hold the same", Plain([1]), Plain([1]), True),
    Pair("objects that don't", Plain([1]), Plain([2]), False),
    Pair("large ones, of which only a part is looked at", Plain([1]), Plain([1]), None, size=10**6),
    Pair("nothing tells", Odd(), Odd(), None),
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_pickled_values_are_the_same_where_what_they_hold_is(pair: Pair) -> None:
    assert same_values(pair.one, pair.other, size=pair.size) is pair.same


def test_a_pickle_that_cannot_be_read_here_is_said_to_be_unknown() -> None:
    found = diff_with(
        fresh_target(run_project()),
        "2026-01-01",
        "2026-01-03",
        "load",
        read=lambda value: decode(value, namespace={}),
    )
    point = next(one for one in found.values if one.key == "point")
    assert point.verdict == UNKNOWN
    assert point.said.startswith("the pickles differ, and can't be read here: ")


class Point:
    x: int


def diff(target: Target, *words: str) -> RunDiff:
    """As a kernel asks, in which the shared cells have run."""
    return diff_with(target, *words, read=lambda value: decode(value, namespace={"Point": Point}))


def test_two_runs_are_compared_by_what_their_tasks_handed_on_and_printed() -> None:
    found = diff(fresh_target(run_project()), "2026-01-01", "2026-01-03")
    assert (found.first, found.second) == ("2026-01-01", "2026-01-03")
    said = {(one.task, one.key): (one.verdict, one.said) for one in found.values}
    assert said["load", "day"] == (CHANGED, "1 → 3 (+2, +200 %)")
    # The column `row` is 1, 2, 1 on the first: two columns name each row in both.
    assert said["load", "frame"] == (
        CHANGED,
        "1 row added (row, name 3/'z'), 1 row removed (row, name 1/'z')",
    )
    assert said["load", OUTPUTS] == (CHANGED, "cell 3")
    assert said["load", "point"][0] == CHANGED
    assert said["fit[1]", "return_value"][1] == "20 → 60 (+40, +200 %)"
    assert ("report", OUTPUTS) not in said, "they drew the same"
    tasks = list(dict.fromkeys(one.task for one in found.values))
    assert tasks == ["load", "check", "fit[0]", "fit[1]", "report"], "in the order of the notebook"


def test_one_task_and_what_only_one_run_has() -> None:
    target = fresh_target(run_project())
    one = diff(target, "latest", "2026-01-02", "fit[1]").values
    assert [(found.task, found.key, found.verdict) for found in one] == [
        ("fit[1]", "return_value", CHANGED),
        ("fit[1]", OUTPUTS, CHANGED),
    ]
    check = {one.key: one.verdict for one in diff(target, "2026-01-01", "2026-01-02", "check").values}
    assert check["return_value"] == ONLY_FIRST
    same = diff(target, "latest", "latest").values
    assert {one.verdict for one in same} == {SAME}


@pytest.mark.parametrize(
    ("words", "error"),
    [(("2026-01-01", "soon"), DateError), (("2020-01-01", "latest"), AddressError), (("latest", "latest", "nope"), AddressError)],
)  # fmt: skip
def test_what_is_not_there_is_said(words: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        diff(fresh_target(run_project()), *words)
