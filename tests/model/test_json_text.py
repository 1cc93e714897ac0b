"""JSON that every reader takes."""

from __future__ import annotations

import json
from datetime import date
from math import inf, nan

import pytest

from nbflow.model.json_text import json_text


def _strict(text: str) -> object:
    """As a reader reads it that knows JSON and nothing else."""

    def refused(found: str) -> None:
        raise AssertionError(found)

    return json.loads(text, parse_constant=refused)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"a": [1, 2.5, None, True, "ö"]}, {"a": [1, 2.5, None, True, "ö"]}),
        (nan, "nan"),
        ({"deep": [{"in": (inf, -inf)}]}, {"deep": [{"in": ["inf", "-inf"]}]}),
        ({nan: 1, 2: nan}, {"nan": 1, "2": "nan"}),
        ([], []),
    ],
    ids=str,
)
def test_what_python_alone_would_read_becomes_its_text(value: object, read: object) -> None:
    assert _strict(json_text(value)) == read


def test_other_values_are_written_as_the_caller_says() -> None:
    assert _strict(json_text({"day": date(2026, 1, 2), "x": nan}, default=str)) == {
        "day": "2026-01-02",
        "x": "nan",
    }
    with pytest.raises(TypeError):
        json_text({"day": date(2026, 1, 2)})


def test_a_value_that_holds_itself_is_an_error() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises((ValueError, RecursionError)):
        json_text(value)
