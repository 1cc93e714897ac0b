"""Frames, series and arrays of every kind come back exactly; Arrow carries what it can, a pickle the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest
from exactness import assert_exact
from frames_table import DAYS, EVERY_CASE, LIBRARIES, Case

from nbflow.codec import decode, encode
from nbflow.errors import CannotCarry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("case", [case for _, case in EVERY_CASE], ids=[name for name, _ in EVERY_CASE])
def test_it_comes_back_exactly(case: Case, tmp_path: Path) -> None:
    value = case.make()
    encoded = encode("x", value, folder=tmp_path, shared={}, namespace={})
    assert encoded.form is case.form
    assert_exact(decode(encoded, namespace={}), value)
    assert_exact(value, case.make())  # and it was not changed by being encoded


def test_the_table_is_of_many_kinds_of_each_library() -> None:
    assert {library: len(cases) >= 25 for library, cases in LIBRARIES.items()} == dict.fromkeys(
        LIBRARIES, True
    )


@pytest.mark.parametrize(
    ("back", "value"),
    [
        (pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": [1.0, 2.0]})),
        (pd.DataFrame({"x": [0.0]}), pd.DataFrame({"x": [-0.0]})),
        (pd.DataFrame({"x": [1]}, index=[0]), pd.DataFrame({"x": [1]})),
        (
            pd.DataFrame({"x": pd.Series([None], dtype=object)}),
            pd.DataFrame({"x": pd.Series([pd.NA], dtype=object)}),
        ),
        (pd.DataFrame({"x": [1, 2, 3]}, index=list(DAYS)), pd.DataFrame({"x": [1, 2, 3]}, index=DAYS)),
        (pd.Series([1], name=1), pd.Series([1], name="1")),
        (pl.DataFrame({"x": pl.Series([1], dtype=pl.Int8)}), pl.DataFrame({"x": [1]})),
    ],
    ids=["dtype", "minus-zero", "kind-of-index", "kind-of-missing", "freq", "name", "polars-dtype"],
)
def test_what_is_only_nearly_the_same_is_told_apart(back: Any, value: Any) -> None:
    with pytest.raises(AssertionError):
        assert_exact(back, value)


def test_what_no_form_gives_back_is_refused(tmp_path: Path) -> None:
    objects = pl.DataFrame({"x": pl.Series([object()], dtype=pl.Object)})
    with pytest.raises(CannotCarry, match=r"`x`"):
        encode("x", objects, folder=tmp_path, shared={}, namespace={})
    assert list(tmp_path.iterdir()) == []


def test_a_decoded_frame_can_be_changed(tmp_path: Path) -> None:
    value = pd.DataFrame({"i": [1, 2], "f": [1.0, 2.0], "n": pd.array([1, None], "Int64"), "d": DAYS[:2]})
    back: Any = decode(encode("x", value, folder=tmp_path, shared={}, namespace={}), namespace={})
    for name in value.columns:
        back.loc[0, name] = value.loc[1, name]
        back[name].to_numpy(copy=True)
    back["i"] += 1
    assert back["i"].tolist() == [3, 3]
