"""What a task's value means, by its kind."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from nbflow.errors import BadValue, Fail
from nbflow.execute.meaning import ends_in_value, meaning_of
from nbflow.model.poke import PokeReturnValue
from nbflow.model.task import TaskKind
from nbflow.model.work import Result

S, B, C = TaskKind.SENSOR, TaskKind.BRANCH, TaskKind.SHORT_CIRCUIT
BELOW = ("fast", "slow", "never")


@dataclass(frozen=True)
class Case:
    name: str
    kind: TaskKind
    value: object
    result: Result = Result.SUCCESS
    follow: tuple[str, ...] | None = None
    reason: str = ""


CASES = [
    Case("a plain task says nothing", TaskKind.TASK, 0),
    Case("a sensor that is true", S, [1]),
    Case("a sensor that is false", S, False, Result.WAITING, reason="its value was False: not there yet"),
    Case("a sensor without a value", S, None, Result.WAITING, reason="its value was None: not there yet"),
    Case("a sensor with an empty list", S, [], Result.WAITING, reason="its value was []: not there yet"),
    Case(
        "a long value is cut",
        S,
        PokeReturnValue(False, "x" * 80),
        Result.WAITING,
        reason="its value was PokeReturnValue(is_done=False, xcom_value='" + "x" * 16 + "…: not there yet",
    ),
    Case("a branch to one", B, "slow", follow=("slow",), reason="chose `slow`"),
    Case("a branch to several, in the notebook's order", B, ["slow", "fast"], follow=("fast", "slow"),
         reason="chose `fast`, `slow`"),
    Case("a branch to a set", B, {"never"}, follow=("never",), reason="chose `never`"),
    Case("a branch to a tuple with one twice", B, ("slow", "slow"), follow=("slow",), reason="chose `slow`"),
    Case("a branch to none", B, None, follow=(), reason="chose none of the tasks below"),
    Case("a branch to an empty list", B, [], follow=(), reason="chose none of the tasks below"),
    Case("a numpy text is a text", B, np.str_("slow"), follow=("slow",), reason="chose `slow`"),
    Case("a short circuit that is true", C, 3, follow=BELOW, reason="its value was 3: what follows runs"),
    Case("a short circuit that is false", C, 0, follow=(), reason="its value was 0: what follows is skipped"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_value_means(case: Case) -> None:
    meaning = meaning_of(case.kind, case.value, task_id="t", below=BELOW)
    assert (meaning.result, meaning.follow, meaning.reason) == (case.result, case.follow, case.reason)


def test_what_is_kept_is_the_value_and_of_a_poke_its_xcom() -> None:
    assert meaning_of(B, "slow", task_id="t", below=BELOW).returned == "slow"
    assert meaning_of(S, [7], task_id="t", below=()).returned == [7]
    assert meaning_of(S, PokeReturnValue(True, "rows"), task_id="t", below=()).returned == "rows"


REFUSED = [
    (B, "slwo", "branch 't' follows 'slwo', which stands not directly below it. Did you mean 'slow'? Directly below it: fast, slow, never."),
    (B, 3, "branch 't' ends with 3, and takes the id of a task directly below it"),
    (B, ["fast", 3], "takes the id"),
    (B, {"fast": 1}, "takes the id"),
    (S, pd.DataFrame({"a": [1]}), "the value of sensor 't' is a DataFrame, which is neither true nor false"),
    (C, np.array([1, 2]), "the value of short circuit 't' is a ndarray"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "words"), REFUSED, ids=lambda x: type(x).__name__)
def test_a_value_that_says_nothing_fails_at_once(kind: TaskKind, value: object, words: str) -> None:
    with pytest.raises(BadValue) as error:
        meaning_of(kind, value, task_id="t", below=BELOW)
    assert words in str(error.value)
    assert isinstance(error.value, Fail)


def test_where_nothing_is_known_below_any_id_is_taken() -> None:
    assert meaning_of(B, ["b", "a"], task_id="t", below=None).follow == ("b", "a")
    assert meaning_of(C, True, task_id="t", below=None).follow is None
    assert meaning_of(C, False, task_id="t", below=None).follow == ()


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("x = 1\nx", True),
        ("await f()", True),
        ("None", True),
        ("x = 1", False),
        ("x\nprint(x)", False),
        ("display(x)", False),
        ("", False),
    ],
)
def test_a_cell_ends_in_a_value(code: str, ends: bool) -> None:
    assert ends_in_value(ast.parse(code).body) is ends
