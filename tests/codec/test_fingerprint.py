from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib.figure
import networkx
import numpy as np
import pandas as pd
import polars as pl
import pytest

from nbflow.codec import digest
from nbflow.codec.digest import LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable


def fingerprint(value: object) -> str | None:
    return digest.fingerprint(value, seconds=60)  # however busy the machine is


def test_one_that_takes_too_long_is_given_up() -> None:
    assert digest.fingerprint([1], seconds=-1) is None


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


def notebook_object() -> Any:
    return notebook_class()()


def notebook_class() -> Any:
    made: dict[str, Any] = {"__name__": "__main__"}
    exec(
        "from functools import cached_property\n"
        "class P:\n    steps = []\n    @cached_property\n    def size(self): return len(self.steps)\n"
        "    def add(self, f): self.steps.append(f)",
        made,
    )
    return made["P"]


LONG = 300_000
GROUP = pd.DataFrame(
    {
        "n": np.arange(LONG),
        "s": [f"row {n}" for n in range(LONG)],
        "t": pd.date_range("2026-01-01", periods=LONG, freq="s", tz="Asia/Seoul"),
        "c": pd.Categorical.from_codes(np.zeros(LONG, int), ["a", "b"]),
        "m": pd.array([1, None, 3] * (LONG // 3), "Int64"),
        "o": pd.Series([{"k": 1}] * LONG, dtype=object),
    }
)


CHANGES = [
    Change("large-frame-column", GROUP.copy, add_column),
    Change("large-frame-one-number", GROUP.copy, lambda x: x.__setitem__("n", x["n"].replace(7, 8))),
    Change("large-frame-dates", GROUP.copy, lambda x: x["t"].array.__setitem__(0, x["t"].iloc[5])),
    Change("large-frame-texts", GROUP.copy, lambda x: x.__setitem__("s", "x")),
    Change("large-frame-codes", GROUP.copy, lambda x: x["c"].array.__setitem__(5, "b")),
    Change("large-frame-rows", GROUP.copy, lambda x: setattr(x, "index", x.index + 1)),
    Change("large-array", lambda: np.zeros(20_000_000), lambda x: x.fill(1)),
    Change("large-array-fortran", lambda: np.zeros((5_000, 4_000), order="F"), lambda x: x.fill(1)),
    Change(
        "large-polars",
        lambda: pl.DataFrame({"a": range(LONG)}),
        lambda x: x.replace_column(0, pl.Series("a", [1] * LONG)),
    ),
    Change("large-list", lambda: list(range(LONG)), lambda x: x.append(1)),
    Change("notebook-instance", notebook_object, lambda x: setattr(x, "mean_", 1)),
    Change("class-attribute", notebook_class, lambda x: x.steps.append(1)),
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


def test_looking_at_a_large_frame_does_not_change_it() -> None:
    frame = GROUP.copy()
    frame["z"] = 1.5
    before = fingerprint(frame)
    _ = (
        frame.describe(),
        frame.groupby("c", observed=True)["n"].sum(),
        repr(frame),
        frame.loc[5],
        frame.copy(),
    )
    _ = frame.index.is_unique, frame["s"].str.len(), frame.sort_values("n"), frame.to_numpy()
    assert before is not None
    assert fingerprint(frame) == before


def test_what_an_object_keeps_for_itself_is_no_change() -> None:
    value = notebook_class()()
    value._cache = {}
    before = fingerprint(value)
    assert value.size == 0
    value._cache["x"] = 1
    assert before is not None
    assert fingerprint(value) == before


def test_a_graph_that_was_looked_at_is_unchanged() -> None:
    graph = networkx.Graph([(1, 2)])
    before = fingerprint(graph)
    _ = list(graph.nodes), graph.adj, list(graph.edges), graph.degree
    assert before is not None
    assert fingerprint(graph) == before


def test_equal_parts_count_as_one_object_or_several() -> None:
    inner = ["a"]
    assert fingerprint([inner, inner]) == fingerprint([["a"], ["a"]])


def test_functions_and_classes_count_by_identity() -> None:
    assert fingerprint(Box) == fingerprint(Box)
    assert fingerprint([len]) == fingerprint([len])
    assert fingerprint(lambda: 1) is not None


@pytest.mark.parametrize(
    "value",
    [threading.Lock(), (n for n in range(2)), b"x" * (LIMIT + 1), matplotlib.figure.Figure()],
    ids=["lock", "generator", "long-bytes", "figure"],
)
def test_what_is_too_large_or_cannot_be_walked_has_none(value: object) -> None:
    assert fingerprint(value) is None


def test_a_cycle_has_none() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert fingerprint(loop) is None
