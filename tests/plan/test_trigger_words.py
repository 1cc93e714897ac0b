"""The twelve trigger rules against the words of their table, read literally, for every multiset of up to four.

The table of semantics.md stands here as it is written. What is read from it says nothing of counts or of order:
each phrase is a question about the letters of the upstream states.
"""

from __future__ import annotations

from itertools import combinations_with_replacement, product
from typing import TYPE_CHECKING

import pytest

from nbflow.model.state import Decision, TaskState
from nbflow.model.task import TriggerRule
from nbflow.plan.trigger import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = """
all_success (default) | all success | any failed or UF → UF; else any S → S; at once
all_failed | all failed or UF | any success or S → S
all_done | all finished | –
always | at once | –
all_skipped | all S | any success, failed or UF → S
one_success | at least one success, without waiting for the others | all done: all S → S, else UF
one_failed | at least one failed or UF | all done and none → S
one_done | at least one success or failed | all done and none → S
none_failed | all success or S | any failed or UF → UF
none_failed_min_one_success | all success or S, with at least one success | any failed or UF → UF; all S → S
none_skipped | all done, no S | any S → S
all_done_min_one_success | all done, at least one success | all done and no success: all S → S, else UF
"""
RULES = {line.split()[0]: line.split(" | ")[1:] for line in TABLE.strip().splitlines()}

LETTERS = {
    "s": TaskState.SUCCESS,
    "f": TaskState.FAILED,
    "u": TaskState.UPSTREAM_FAILED,
    "k": TaskState.SKIPPED,
    "r": TaskState.RUNNING,
}
MULTISETS = [
    "".join(states) for size in range(1, 5) for states in combinations_with_replacement("sfukr", size)
]

RUNS: dict[str, Callable[[str], bool]] = {
    "all success": lambda up: set(up) <= set("s"),
    "all failed or UF": lambda up: set(up) <= set("fu"),
    "all finished": lambda up: "r" not in up,
    "at once": lambda _: True,
    "all S": lambda up: set(up) <= set("k"),
    "at least one success, without waiting for the others": lambda up: "s" in up,
    "at least one failed or UF": lambda up: "f" in up or "u" in up,
    "at least one success or failed": lambda up: "s" in up or "f" in up,
    "all success or S": lambda up: set(up) <= set("sk"),
    "all success or S, with at least one success": lambda up: set(up) <= set("sk") and "s" in up,
    "all done, no S": lambda up: "r" not in up and "k" not in up,
    "all done, at least one success": lambda up: "r" not in up and "s" in up,
}
"""«runs when», phrase by phrase."""

OTHERWISE: dict[str, list[tuple[str, str, str]]] = {
    # phrase: who must be among them, who alone may be (of those that are finished), what it comes to
    "any failed or UF → UF; else any S → S; at once": [("fu", "sfuk", "UF"), ("k", "sk", "S")],
    "any success or S → S": [("sk", "sfuk", "S")],
    "–": [],
    "any success, failed or UF → S": [("sfu", "sfuk", "S")],
    "all done: all S → S, else UF": [("k", "k", "S"), ("fu", "sfuk", "UF")],
    "all done and none → S": [("sfuk", "sfuk", "S")],
    "any failed or UF → UF": [("fu", "sfuk", "UF")],
    "any failed or UF → UF; all S → S": [("fu", "sfuk", "UF"), ("k", "k", "S")],
    "any S → S": [("k", "sfuk", "S")],
    "all done and no success: all S → S, else UF": [("k", "k", "S"), ("fu", "sfuk", "UF")],
}
WORDS = {"S": Decision.SKIP, "UF": Decision.UPSTREAM_FAILED}


def finished(rule: str, up: str) -> Decision:
    """What the table says where all are finished."""
    runs, otherwise = RULES[rule]
    if RUNS[runs](up):
        return Decision.RUN
    said = (
        then for among, alone, then in OTHERWISE[otherwise] if set(up) & set(among) and set(up) <= set(alone)
    )
    return WORDS[next(said)]


def certain(rule: str, up: str) -> Decision:
    """What it says as early as that is certain: whatever those become that are not finished.

    A task never starts before its «runs when» holds as it stands, though it be certain to; and what the table
    has «at once» waits for nobody.
    """
    runs, otherwise = RULES[rule]
    if RUNS[runs](up):
        return Decision.RUN
    known = up.replace("r", "")
    if otherwise.endswith("at once") and known and not RUNS[runs](known):
        return finished(rule, known)
    ends = {finished(rule, known + "".join(rest)) for rest in product("sfuk", repeat=len(up) - len(known))}
    return ends.pop() if len(ends) == 1 and ends != {Decision.RUN} else Decision.WAIT


def test_the_table_has_every_rule_and_every_phrase_of_it_is_read() -> None:
    assert list(RULES) == list(TriggerRule)
    assert {runs for runs, _ in RULES.values()} == set(RUNS)
    assert {otherwise for _, otherwise in RULES.values()} == set(OTHERWISE)
    assert len(MULTISETS) == 5 + 15 + 35 + 70


@pytest.mark.parametrize("rule", TriggerRule)
def test_a_rule_does_what_its_words_say(rule: TriggerRule) -> None:
    for up in MULTISETS:
        found = evaluate(rule, [LETTERS[letter] for letter in up])
        assert found.decision is certain(rule, up), up
        assert found.reason.endswith(f"({rule})"), up


@pytest.mark.parametrize("rule", TriggerRule)
def test_with_nothing_before_it_a_task_runs(rule: TriggerRule) -> None:
    assert evaluate(rule, []).decision is Decision.RUN


@pytest.mark.parametrize("rule", TriggerRule)
@pytest.mark.parametrize("state", [state for state in TaskState if not state.finished])
def test_whatever_is_not_finished_counts_as_running(rule: TriggerRule, state: TaskState) -> None:
    for known in ("", "s", "f", "u", "k"):
        states = [LETTERS[letter] for letter in known]
        assert evaluate(rule, [*states, state]) == evaluate(rule, [*states, TaskState.RUNNING])


@pytest.mark.parametrize("rule", TriggerRule)
def test_what_the_notebook_has_no_more_counts_as_skipped(rule: TriggerRule) -> None:
    for rest in MULTISETS:
        states = [LETTERS[letter] for letter in rest]
        removed, skipped = ([state, *states] for state in (TaskState.REMOVED, TaskState.SKIPPED))
        assert evaluate(rule, removed) == evaluate(rule, skipped)
