"""`[params]`: defaults, types and limits."""

from __future__ import annotations

import re
import tomllib

import pytest

from nbflow.model.dag import Param
from nbflow.parse.dag_params import misfit, params_with, schema_of


def read(toml: str, **cell: Param) -> dict[str, Param]:
    return params_with(cell, tomllib.loads(toml))


READ = {
    "a default": ("x = 10", Param(name="x", default="10")),
    "a text": ("x = 'a'", Param(name="x", default="'a'")),
    "a date is its text": ("x = 2026-01-01", Param(name="x", default="'2026-01-01'")),
    "a list": ("x = [1, 2]", Param(name="x", default="[1, 2]")),
    "a type of Python": ("x = { default = 1, type = 'int' }", Param(name="x", default="1", annotation="int")),
    "a type of JSON schema": (
        "x = { default = 1, type = 'integer' }",
        Param(name="x", default="1", annotation="integer"),
    ),
    "several types": (
        "x = { default = 1, type = ['integer', 'null'] }",
        Param(name="x", default="1", annotation="integer | null"),
    ),
    "help": ("x = { default = 1, help = 'how many' }", Param(name="x", default="1", help="how many")),
    "a description": ("x = { default = 1, description = 'd' }", Param(name="x", default="1", help="d")),
    "limits": (
        "x = { default = 5, minimum = 1, maximum = 9 }",
        Param(name="x", default="5", schema={"minimum": 1, "maximum": 9}),
    ),
    "a choice": (
        "x = { default = 'a', enum = ['a', 'b'] }",
        Param(name="x", default="'a'", schema={"enum": ["a", "b"]}),
    ),
    "no default": ("x = { type = 'int' }", Param(name="x", annotation="int")),
}


@pytest.mark.parametrize("name", READ)
def test_is_read(name: str) -> None:
    toml, expected = READ[name]
    assert read(toml) == {"x": expected}


def test_a_parameter_of_the_cell_keeps_its_default_and_gains_the_rest() -> None:
    cell = Param(name="x", default="5", help="from the cell")
    found = read("x = { default = 7, type = 'int', minimum = 1 }", x=cell)
    assert found["x"] == Param(
        name="x", default="5", annotation="int", help="from the cell", schema={"minimum": 1}
    )


WRONG = {
    "x = { default = 1, minimun = 0 }": "`x`: there is no minimun. Did you mean minimum?",
    "x = { default = 1, minimum = 'a' }": "`x`: minimum is no JSON schema: 'a' is not of type 'number'",
    "x = { default = 'a', pattern = '(' }": "`x`: pattern is no JSON schema",
    "x = { default = 1, type = 'itn' }": "`x`: type 'itn' is none. Did you mean int?",
    "x = { default = 1, type = 'str' }": "`x`: its default 1 doesn't fit: 1 is not of type 'string'",
    "x = { default = 0, minimum = 1 }": "`x`: its default 0 doesn't fit: 0 is less than the minimum of 1",
    "x = { default = 'c', enum = ['a', 'b'] }": "its default 'c' doesn't fit",
    "x = { default = 'A1', pattern = '^[a-z]+$' }": "its default 'A1' doesn't fit",
    "'a b' = 1": "'a b' is no Python name",
}


@pytest.mark.parametrize("toml", WRONG)
def test_what_is_wrong_names_the_parameter(toml: str) -> None:
    with pytest.raises(ValueError, match=re.escape(WRONG[toml])):
        read(toml)


def test_a_default_of_the_cell_that_does_not_fit_is_found_and_an_expression_is_left_to_the_run() -> None:
    with pytest.raises(ValueError, match="its default 0 doesn't fit"):
        read("x = { minimum = 1 }", x=Param(name="x", default="0"))
    assert read("x = { minimum = 1 }", x=Param(name="x", default="limit()"))["x"].schema == {"minimum": 1}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("int", {"type": "integer"}),
        ("int | None", {"type": ["integer", "null"]}),
        ("list[str]", {"type": "array"}),
        ("dict[str, int] | None", {"type": ["object", "null"]}),
        ("datetime.date", {"type": "string"}),
        ("pd.DataFrame", {}),
        ("", {}),
    ],
)
def test_types_are_those_of_json_schema_as_far_as_they_are_known(
    annotation: str, schema: dict[str, object]
) -> None:
    assert schema_of(Param(name="x", annotation=annotation)) == schema


def test_a_value_that_does_not_fit_is_refused_in_words() -> None:
    param = Param(name="x", annotation="int | None", schema={"maximum": 5})
    assert misfit(param, 3) is None
    assert misfit(param, None) is None
    assert misfit(param, 6) == "6 is greater than the maximum of 5"
    assert misfit(param, "3") == "'3' is not of type 'integer', 'null'"
    assert misfit(Param(name="x"), object()) is None
