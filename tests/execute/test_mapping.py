"""The items of a mapped task."""

from __future__ import annotations

import datetime
import itertools
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.errors import BadValue, MapError
from nbflow.execute.mapping import MOST_ITEMS, items_of, one_line, short_label
from nbflow.model.task import MapOver


def over(*maps: str) -> tuple[MapOver, ...]:
    parts = (text.split(" in ", 1) for text in maps)
    return tuple(
        MapOver(names=tuple(names.replace(" ", "").split(",")), expression=expression)
        for names, expression in parts
    )


def items(*maps: str, **namespace: Any) -> list[dict[str, object]]:
    return items_of(over(*maps), namespace, task_id="train", cell=4)


@given(st.lists(st.integers()), st.lists(st.tuples(st.text(), st.booleans())))
def test_several_maps_give_the_product_and_the_first_varies_slowest(
    first: list[int], second: list[tuple[str, bool]]
) -> None:
    found = items("p in first", "a, b in second", first=first, second=second)
    assert found == [{"p": p, "a": a, "b": b} for p, (a, b) in itertools.product(first, second)]


def test_anything_that_can_be_gone_through_is() -> None:
    assert items("p in (n * 2 for n in range(2))") == [{"p": 0}, {"p": 2}]
    assert items("k, v in table.items()", table={"a": 1}) == [{"k": "a", "v": 1}]
    assert items("p in []") == []


@dataclass(frozen=True)
class Refused:
    name: str
    map: str
    words: str
    namespace: dict[str, Any] = field(default_factory=dict)
    error: type[Exception] = BadValue


REFUSED = [
    Refused("a number", "p in 5", "`5` is of type int, which can't be gone through one by one. Give a list."),
    Refused("nothing", "p in grid", "`grid` is None", {"grid": None}),
    Refused("a text", "p in name", "its letters are hardly meant. Write [name]", {"name": "ab"}),
    Refused("a pandas frame", "r in df", "Write df.itertuples(index=False)", {"df": pd.DataFrame({"a": [1]})}),
    Refused("a polars frame", "r in df", "Write df.iter_rows(named=True)", {"df": pl.DataFrame({"a": [1]})}),
    Refused("too few parts", "a, b in [(1, 2), (3,)]", "item 1 is a tuple of 1, which can't be taken apart into a, b"),
    Refused("too many parts", "a, b in [(1, 2, 3)]", "item 0 is a tuple of 3"),
    Refused("no parts", "a, b in [1]", "item 0 is of type int"),
    Refused("without end", "p in count()", f"more than {MOST_ITEMS:,} items", {"count": itertools.count}),
    Refused("an unknown name", "p in nowhere", "NameError: name 'nowhere' is not defined", error=MapError),
    Refused("an error on the way", "p in (1 / n for n in [1, 0])", "ZeroDivisionError: division by zero", error=MapError),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_cannot_be_mapped_over_says_so_with_cell_and_option(case: Refused) -> None:
    with pytest.raises(case.error) as error:
        items(case.map, **case.namespace)
    assert str(error.value).startswith(f"--map \"{case.map}\" of task 'train' (cell 4): ")
    assert case.words in str(error.value)


def test_a_product_beyond_the_bound_is_refused_before_it_is_made() -> None:
    with pytest.raises(BadValue, match=r'--map "a in many" of task .* and "b in many": there are more than'):
        items("a in many", "b in many", many=range(1_000))


@pytest.mark.parametrize(
    ("item", "label"),
    [
        ({"p": 0.1}, "p=0.1"),
        ({"a": 1, "b": "x"}, "a=1, b=x"),
        ({"day": datetime.date(2026, 2, 17)}, "day=2026-02-17"),
        ({"p": {"rate": 0.1, "deep": True}}, "rate=0.1, deep=True"),
        ({"p": None}, "p=None"),
        ({"p": [1, 2]}, ""),
        ({"p": {1: 2}}, ""),
        ({"p": {}}, ""),
        ({"p": "x" * 41}, ""),
        ({"p": "two\nlines"}, ""),
        (dict.fromkeys("abcde", 1), ""),
    ],
)
def test_simple_items_have_labels(item: dict[str, object], label: str) -> None:
    assert short_label(item) == label


def test_a_label_is_one_line_of_a_hundred_characters_at_most() -> None:
    assert one_line(" a\n b ") == "a b"
    assert one_line("x" * 101) == "x" * 99 + "…"
