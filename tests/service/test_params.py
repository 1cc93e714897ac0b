"""Parameters: unknown ones are refused, and what runs is what is stored."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from nbflow.errors import ParameterError
from nbflow.model.dag import DagSpec, Param
from nbflow.service.params import check_params, run_params, same_params, stored_params

DAG = DagSpec(
    dag_id="flights",
    timezone="America/New_York",
    date_param="day",
    params={name: Param(name=name) for name in ("day", "carrier")},
)
AT = datetime(2013, 1, 2, 4, tzinfo=UTC)  # still the first of January in New York


def test_an_unknown_parameter_is_refused_with_what_was_meant() -> None:
    with pytest.raises(ParameterError, match=r"flights has no parameter 'carier'; did you mean 'carrier'\?"):
        check_params(DAG, {"carier": "UA"})
    with pytest.raises(ParameterError, match=r"none at all: tag a cell"):
        check_params(DagSpec(dag_id="d"), {"x": 1})


TYPED = DagSpec(
    dag_id="d",
    params={
        "n": Param(name="n", default="1", annotation="int", schema={"minimum": 0}),
        "rate": Param(name="rate", annotation="float"),
        "city": Param(name="city", annotation="str", schema={"enum": ["Seoul", "7"]}),
        "free": Param(name="free"),
    },
)


@pytest.mark.parametrize(
    "given",
    [{"n": 0}, {"rate": 1}, {"rate": 0.5}, {"city": "Seoul"}, {"free": ["any", {"thing": 1}]}],
    ids=str,
)
def test_a_value_that_fits_its_type_and_limits_is_accepted(given: dict[str, object]) -> None:
    check_params(TYPED, given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": -1}, r"d: parameter 'n' is -1: -1 is less than the minimum of 0\.$"),
        ({"n": "1"}, r"'1' is not of type 'integer'\.$"),
        ({"n": True}, r"True is not of type 'integer'"),
        ({"city": "Busan"}, r"'Busan' is not one of \['Seoul', '7'\]\.$"),
        ({"city": 7}, r"To give it as text: -r city 7$"),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_is_refused_with_what_is_wrong(
    given: dict[str, object], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        check_params(TYPED, given)


def test_the_date_parameter_gets_the_local_date_unless_it_was_given() -> None:
    assert run_params(DAG, {"carrier": "UA"}, AT) == {"day": "2013-01-01", "carrier": "UA"}
    assert run_params(DAG, {"day": "1999-09-09"}, AT) == {"day": "1999-09-09"}
    assert run_params(DagSpec(dag_id="d"), {}, AT) == {}


def test_parameters_are_stored_as_json_has_them() -> None:
    given = {"day": date(2013, 1, 1), "pair": (1, 2), "at": Path("a/b"), "by": {1: "x"}, "n": None}
    assert stored_params(given) == {
        "day": "2013-01-01",
        "pair": [1, 2],
        "at": "a/b",
        "by": {"1": "x"},
        "n": None,
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": float("nan")}, {"a": float("nan")}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": 1}, {}, False),
    ],
)
def test_parameters_are_the_same_when_their_json_is(
    one: dict[str, object], other: dict[str, object], *, same: bool
) -> None:
    assert same_params(one, other) is same
