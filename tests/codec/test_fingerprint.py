from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from nbflow.codec import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable


class Box:
    def __init__(self) -> None:
        self.items = [1]


def add_column(frame: pd.DataFrame) -> None:
    frame["c"] = 1


@dataclass(frozen=True)
class Change:
    name: str
    make: Callable[[], Any]
    change: Callable[[Any], object]


CHANGES = [
    Change("append", lambda: [1], lambda x: x.append(2)),
    Change("nested", lambda: {"a": [1]}, lambda x: x["a"].append(2)),
    Change("order-of-keys", lambda: {"a": 1, "b": 2}, lambda x: x.update(a=x.pop("a"))),
    Change("attribute", Box, lambda x: x.items.append(2)),
    Change("array-cell", lambda: np.zeros(3), lambda x: x.__setitem__(0, 1)),
    Change("array-object", lambda: np.array([[1], "a"], dtype=object), lambda x: x[0].append(2)),
    Change("frame-cell", lambda: pd.DataFrame({"a": [1, 2]}), lambda x: x.__setitem__("a", [1, 3])),
    Change("frame-column", lambda: pd.DataFrame({"a": [1, 2]}), add_column),
    Change(
        "frame-dtype",
        lambda: pd.DataFrame({"a": [1, 2]}),
        lambda x: x.__setitem__("a", x["a"].astype("int32")),
    ),
    Change("frame-index", lambda: pd.DataFrame({"a": [1, 2]}), lambda x: setattr(x, "index", [5, 6])),
    Change("series", lambda: pd.Series([1, 2]), lambda x: x.__setitem__(0, 9)),
    Change("polars", lambda: pl.DataFrame({"a": [1]}), lambda x: x.insert_column(0, pl.Series("b", [1]))),
    Change("iterator", lambda: iter([1, 2]), next),
    Change("generator-of-chance", lambda: random.Random(1), lambda x: x.random()),
    Change("numpy-generator-of-chance", lambda: np.random.default_rng(1), lambda x: x.random()),
]


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.name)
def test_a_change_in_place_changes_it_and_nothing_else_does(case: Change) -> None:
    value = case.make()
    before = fingerprint(value)
    assert before is not None
    assert fingerprint(value) == before
    case.change(value)
    assert fingerprint(value) not in (before, None)


def test_looking_at_a_frame_does_not_change_it() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.0, 2.0]})
    frame["d"] = 5
    before = fingerprint(frame)
    _ = frame.to_numpy(), frame["a"].sum(), frame.describe(), frame.copy(), repr(frame)
    assert fingerprint(frame) == before


def test_equal_parts_count_as_one_object_or_several() -> None:
    inner = ["a"]
    assert fingerprint([inner, inner]) == fingerprint([["a"], ["a"]])


def test_functions_and_classes_count_by_identity() -> None:
    assert fingerprint(Box) == fingerprint(Box)
    assert fingerprint([len]) == fingerprint([len])
    assert fingerprint(lambda: 1) is not None


@pytest.mark.parametrize(
    "value",
    [
        threading.Lock(),
        (n for n in range(2)),
        b"x" * 1_000_001,
        np.zeros(1_000_000),
        pd.DataFrame({"a": range(200_000)}),
    ],
    ids=["lock", "generator", "long-bytes", "large-array", "large-frame"],
)
def test_what_is_too_large_or_cannot_be_walked_has_none(value: object) -> None:
    assert fingerprint(value) is None


def test_a_cycle_has_none() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert fingerprint(loop) is None
