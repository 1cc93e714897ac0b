from __future__ import annotations

from dataclasses import dataclass

import pytest

from nbflow.errors import OptionError
from nbflow.server.arguments import Arguments


@dataclass(frozen=True)
class Case:
    name: str
    given: object
    expected: int | None


NUMBERS = [
    Case("a text of digits, from a query", "17", 17),
    Case("a number, from a body", 17, 17),
    Case("below zero", "-1", -1),
    Case("nothing", None, None),
    Case("an empty text", "", None),
    Case("JavaScript's null", "null", None),
]


@pytest.mark.parametrize("case", NUMBERS, ids=lambda case: case.name)
def test_a_number_is_read_from_a_query_and_from_a_body(case: Case) -> None:
    assert Arguments("board", {"last": case.given}).number_or_none("last") == case.expected


@pytest.mark.parametrize(
    "given", ["x", "1.5", 1.5, True, [], {}, "9" * 20, 10**20, "9" * 5000], ids=lambda given: repr(given)[:9]
)
def test_what_is_no_whole_number_is_refused_with_its_name(given: object) -> None:
    with pytest.raises(OptionError, match="last is a whole number; board was given") as caught:
        Arguments("board", {"last": given}).number("last", 60)
    assert len(str(caught.value)) < 200


def test_a_number_that_is_not_given_is_the_default() -> None:
    assert Arguments("board", {}).number("last", 60) == 60


@pytest.mark.parametrize("given", ['{"a": [1]}', {"a": [1]}], ids=["query", "body"])
def test_an_object_is_read_from_a_query_and_from_a_body(given: object) -> None:
    assert Arguments("act", {"body": given}).mapping("body") == {"a": [1]}


@pytest.mark.parametrize("given", [None, ""])
def test_an_object_that_is_not_given_is_empty(given: object) -> None:
    assert Arguments("act", {"body": given}).mapping("body") == {}


@pytest.mark.parametrize("given", ["{", "[1]", "3", 3, [1], "x" * 1000], ids=lambda given: repr(given)[:9])
def test_what_is_no_object_is_refused_in_few_words(given: object) -> None:
    with pytest.raises(OptionError, match="body is a JSON object") as caught:
        Arguments("act", {"body": given}).mapping("body")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("given", [{}, {"run_id": ""}, {"run_id": None}])
def test_a_text_that_must_be_there_is_asked_for_by_name(given: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="run_panel needs run_id: the id of a run"):
        Arguments("run_panel", given).text("run_id", "the id of a run")


def test_a_text_is_no_other_kind_of_json() -> None:
    with pytest.raises(OptionError, match="run_id is a text; run_panel was given"):
        Arguments("run_panel", {"run_id": ["x"]}).text("run_id", "")


@pytest.mark.parametrize("given", ['["a", "b"]', ["a", "b"]], ids=["query", "body"])
def test_texts_are_read_from_a_query_and_from_a_body(given: object) -> None:
    assert Arguments("graph", {"shut": given}).texts_or_none("shut") == ["a", "b"]


@pytest.mark.parametrize("given", [None, "", "null"])
def test_texts_that_are_not_given_are_none(given: object) -> None:
    assert Arguments("graph", {"shut": given}).texts_or_none("shut") is None


@pytest.mark.parametrize("given", ["[", "[1]", "{}", "a", 3, {}, [None]], ids=lambda given: repr(given)[:9])
def test_what_is_no_list_of_texts_is_refused(given: object) -> None:
    with pytest.raises(OptionError, match="shut is a JSON list of texts"):
        Arguments("graph", {"shut": given}).texts_or_none("shut")
