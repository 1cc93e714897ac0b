"""What runs again when a run goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from nbflow.model.graph import Graph
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import TaskState
from nbflow.model.task import TaskKind, TaskSpec
from nbflow.plan.selection import Selection, continuation, not_kept, selected

LETTERS = {
    "S": TaskState.SUCCESS,
    "F": TaskState.FAILED,
    "U": TaskState.UPSTREAM_FAILED,
    "K": TaskState.SKIPPED,
    ".": TaskState.NONE,
}
# a ─▶ b ─▶ d, a ─▶ c ─▶ d, e alone
GRAPH = Graph("abcde", [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])


TASKS = {
    task_id: TaskSpec(task_id=task_id, group=group)
    for task_id, group in {"a": "load", "b": "model.fit", "c": "model", "d": "modelling", "e": ""}.items()
}
RUN = RunKey("dag", "day")


def key(text: str) -> TaskKey:
    """«clean» or «clean[3]»."""
    task_id, _, index = text.removesuffix("]").partition("[")
    return TaskKey(RUN, task_id, int(index) if index else -1)


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
    states = {key(task): LETTERS[letter] for task, letter in zip("abcde", case.states, strict=True)}
    again = continuation(
        TASKS,
        GRAPH,
        states,
        stale=case.stale,
        timed_out=frozenset(map(key, case.timed_out)),
        everything=case.everything,
    )
    assert "".join(task.task_id for task in again) == case.again
    assert all(again.values())


def test_tasks_the_run_does_not_know_are_new_and_not_cleared() -> None:
    assert continuation(TASKS, GRAPH, {}, stale=frozenset()) == {}


def test_of_a_mapped_task_only_the_failed_instances_run_again_and_what_follows() -> None:
    states = {key("a"): TaskState.SUCCESS, key("b"): TaskState.FAILED, key("d"): TaskState.UPSTREAM_FAILED}
    states |= {key("b[0]"): TaskState.SUCCESS, key("b[1]"): TaskState.FAILED}
    assert list(continuation(TASKS, GRAPH, states, stale=frozenset())) == [key("b[1]"), key("d")]


def test_a_stale_mapped_task_finds_its_items_anew() -> None:
    states = {key("b"): TaskState.SUCCESS, key("b[0]"): TaskState.SUCCESS}
    assert list(continuation(TASKS, GRAPH, states, stale=frozenset("b"))) == [key("b")]


@dataclass(frozen=True)
class Choice:
    name: str
    selection: Selection
    found: str
    states: str = "SFSUS"
    stale: frozenset[str] = field(default_factory=frozenset[str])


CHOICES = [
    Choice("nothing named means all", Selection(), "a b c d e"),
    Choice("one task", Selection(tasks=(("b", -1),)), "b"),
    Choice("with what it stands on", Selection(tasks=(("d", -1),), upstream=True), "a b c d"),
    Choice("with what stands on it", Selection(tasks=(("b", -1),), downstream=True), "b d"),
    Choice("only failed", Selection(states=frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})), "b d"),
    Choice("a group with the groups in it", Selection(groups=("model",)), "b c"),
    Choice("tasks that nothing has been decided about are left out", Selection(), "a e", "S...S"),
    Choice("stale, with what stands on it", Selection(stale=True), "c d", "SSSSS", frozenset("c")),
]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.name)
def test_a_person_means(choice: Choice) -> None:
    states = {key(task): LETTERS[letter] for task, letter in zip("abcde", choice.states, strict=True)}
    found = selected(RUN, TASKS, GRAPH, states, choice.selection, stale=choice.stale)
    assert " ".join(task.task_id for task in found) == choice.found
    assert all(found.values())


def test_one_instance_of_a_mapped_task_can_be_meant() -> None:
    states = {key("b"): TaskState.FAILED, key("b[0]"): TaskState.SUCCESS, key("b[1]"): TaskState.FAILED}
    found = selected(RUN, TASKS, GRAPH, states, Selection(tasks=(("b", 1),)))
    assert list(found) == [key("b[1]")]


def test_a_mapped_task_that_found_no_items_anew_goes_on_with_itself() -> None:
    states = {key("b"): TaskState.FAILED, key("b[0]"): TaskState.SUCCESS, key("b[1]"): TaskState.NONE}
    assert list(continuation(TASKS, GRAPH, states, stale=frozenset())) == [key("b")]


@pytest.mark.parametrize(
    ("states", "found"),
    [
        ("SFS", "up work down"),
        ("SF.", "work"),
        ("SSF", "down"),
        ("SFF", "up work down"),
        ("FUU", "up work down"),
    ],
    ids=["removed", "still there", "only the removal failed", "both failed", "never there"],
)
def test_what_a_teardown_has_removed_is_set_up_again(states: str, found: str) -> None:
    graph = Graph(["up", "work", "down"], [("up", "work"), ("work", "down"), ("up", "down")])
    tasks = {
        "up": TaskSpec(task_id="up", kind=TaskKind.SETUP),
        "work": TaskSpec(task_id="work"),
        "down": TaskSpec(task_id="down", kind=TaskKind.TEARDOWN, setups=("up",)),
    }
    stood = {key(task): LETTERS[letter] for task, letter in zip(graph.order, states, strict=True)}
    again = continuation(tasks, graph, stood, stale=frozenset())
    assert " ".join(task.task_id for task in again) == found


def test_clearing_a_task_clears_its_setup_and_its_teardown_with_it() -> None:
    graph = Graph(["up", "work", "down", "other"], [("up", "work"), ("work", "down"), ("up", "down")])
    tasks = {
        "up": TaskSpec(task_id="up", kind=TaskKind.SETUP),
        "work": TaskSpec(task_id="work"),
        "down": TaskSpec(task_id="down", kind=TaskKind.TEARDOWN, setups=("up",)),
        "other": TaskSpec(task_id="other"),
    }
    states = {key(task): TaskState.SUCCESS for task in tasks}
    assert set(selected(RUN, tasks, graph, states, Selection(tasks=(("work", -1),)))) == {
        key("work"),
        key("up"),
        key("down"),
    }
    assert set(selected(RUN, tasks, graph, states, Selection(tasks=(("other", -1),)))) == {key("other")}
    assert set(selected(RUN, tasks, graph, states, Selection(tasks=(("up", -1),)))) == {
        key("up"),
        key("down"),
    }
    assert set(selected(RUN, tasks, graph, states, Selection(tasks=(("down", -1),)))) == {key("down")}


def test_a_value_that_a_try_did_not_keep_makes_its_task_run_too() -> None:
    producers = {"b": {"x": ("a",)}, "c": {"y": ("b",)}}
    states = dict.fromkeys("abc", TaskState.SUCCESS)
    kept = {"a": frozenset[str](), "b": frozenset({"z"})}
    assert not_kept(["c"], producers, {}, states, kept).keys() == {"a", "b"}
    assert not_kept(["c"], producers, {"c": frozenset("y")}, states, kept) == {}
    assert not_kept(["c"], producers, {}, states, {"b": frozenset("y")}) == {}
