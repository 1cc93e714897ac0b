"""What runs again when a run goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from nbflow.model.graph import Graph
from nbflow.model.state import TaskState
from nbflow.plan.selection import continuation

LETTERS = {
    "S": TaskState.SUCCESS,
    "F": TaskState.FAILED,
    "U": TaskState.UPSTREAM_FAILED,
    "K": TaskState.SKIPPED,
    ".": TaskState.NONE,
}
# a ─▶ b ─▶ d, a ─▶ c ─▶ d, e alone
GRAPH = Graph.of("abcde", [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])


@dataclass(frozen=True)
class Case:
    name: str
    states: str  # of a b c d e
    again: str
    stale: frozenset[str] = field(default_factory=frozenset[str])
    timed_out: frozenset[str] = field(default_factory=frozenset[str])
    everything: bool = False


CASES = [
    Case("all succeeded", "SSSSS", ""),
    Case("a failure and what hung on it", "SFSUS", "bd"),
    Case("what stands on it runs again although it had run", "SFSSS", "bd"),
    Case("a stale task takes what follows along", "SSSSS", "cd", frozenset("c")),
    Case("skipped by choice stays skipped", "SKSKS", ""),
    Case("unfinished tasks need no clearing", "SS..S", ""),
    Case("what a timeout skipped, and only that", "SKKKK", "bd", timed_out=frozenset("bd")),
    Case("everything", "SSFUK", "abcde", everything=True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_run_goes_on_with(case: Case) -> None:
    states = {task: LETTERS[letter] for task, letter in zip("abcde", case.states, strict=True)}
    again = continuation(
        GRAPH, states, stale=case.stale, timed_out=case.timed_out, everything=case.everything
    )
    assert "".join(again) == case.again
    assert all(again.values())


def test_tasks_the_run_does_not_know_are_new_and_not_cleared() -> None:
    assert continuation(GRAPH, {}, stale=frozenset()) == {}
