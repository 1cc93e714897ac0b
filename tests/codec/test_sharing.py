"""Names whose values hold one changeable object are found; all others aren't."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from nbflow.codec import decode, encode, sharing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Color(enum.Enum):
    RED = 1


class Net:
    def __init__(self) -> None:
        self.weights = [np.zeros(2), np.zeros(3)]


class Optimizer:
    def __init__(self, parameters: list[Any]) -> None:
        self.parameters = list(parameters)


def one_counter() -> dict[str, object]:
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    def now() -> int:
        return count

    return {"step": step, "now": now}


def net_and_optimizer() -> dict[str, object]:
    net = Net()
    return {"net": net, "opt": Optimizer(net.weights)}


def one_list() -> dict[str, object]:
    inner: list[int] = []
    return {"a": {"x": inner}, "b": (1, (inner,)), "c": [[]]}


def chained() -> dict[str, object]:
    first, second = {1}, {2}
    return {"a": [first], "b": [first, second], "c": [second]}


def one_figure() -> dict[str, object]:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    return {"fig": figure, "ax": figure.subplots()}


def same(value: object) -> dict[str, object]:
    return {"a": value, "b": value}


@dataclass(frozen=True)
class Case:
    name: str
    make: Callable[[], dict[str, object]]
    expected: tuple[tuple[str, ...], ...]


BOTH = (("a", "b"),)
CASES = [
    Case("a-list-in-two", one_list, BOTH),
    Case("a-chain", chained, (("a", "b", "c"),)),
    Case("net-and-optimizer", net_and_optimizer, (("net", "opt"),)),
    Case("figure-and-axes", one_figure, (("ax", "fig"),)),
    Case("variable-of-two-closures", one_counter, (("now", "step"),)),
    *(
        Case(f"one-{name}", lambda value=value: same(value), BOTH)
        for name, value in {
            "frame": pd.DataFrame({"a": [1]}),
            "polars": pl.DataFrame({"a": [1]}),
            "array": np.zeros(3),
            "object-array": np.array([[1], 2], dtype=object),
            "random-generator": np.random.default_rng(1),
            "bytearray": bytearray(b"x"),
            "object": Net(),
        }.items()
    ),
    *(
        Case(f"one-{name}", lambda value=value: {"a": [value], "b": [value]}, ())
        for name, value in {
            "text": "x" * 1000,
            "tuple": (1, "a", (2,)),
            "enum": Color.RED,
            "class": Net,
            "function": one_list,
            "timestamp": pd.Timestamp(0),
            "dtype": np.dtype("float64"),
            "numpy-number": np.float64(2),
            "index": pd.Index([1, 2]),
        }.items()
    ),
    Case("equal-lists", lambda: {"a": [[1]], "b": [[1]]}, ()),
    Case("two-frames", lambda: {"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [1]})}, ()),
    Case("one-value", lambda: {"a": [[]], "b": 1}, ()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_groups(case: Case) -> None:
    assert sharing(case.make(), shared={}) == case.expected


def test_what_goes_by_reference_is_nobody_s_part() -> None:
    sentinel = object()
    values = {"a": [sentinel], "b": [sentinel]}
    assert sharing(values, shared={}) == BOTH
    assert sharing(values, shared={"MISSING": sentinel}) == ()


def test_beyond_the_limit_nothing_is_seen() -> None:
    inner: list[int] = []
    values = {"a": [*range(50), inner], "b": [inner]}
    assert sharing(values, shared={}, limit=100) == BOTH
    assert sharing(values, shared={}, limit=10) == ()


def test_a_group_in_one_value_keeps_what_it_shares(tmp_path: Path) -> None:
    values = net_and_optimizer()
    back: Any = decode(encode("both", values, folder=tmp_path, shared={}), namespace=globals())
    back["opt"].parameters[0][0] = 7
    assert back["net"].weights[0][0] == 7
