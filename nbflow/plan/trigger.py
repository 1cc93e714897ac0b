"""Trigger rules: may a task run, given the states of the tasks directly before it?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.state import Decision, TaskState, Verdict
from nbflow.model.task import TriggerRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(slots=True)
class Tally:
    """How many upstream task instances stand where, kept up to date as they move. Removed ones count as
    skipped; a mapped task's instances count one by one once they are known.
    """

    total: int
    success: int = 0
    failed: int = 0
    upstream_failed: int = 0
    skipped: int = 0

    @classmethod
    def of(cls, counts: Mapping[TaskState, int]) -> Tally:
        """The tally of a count by state; states that are not finished count as waiting."""
        return cls(
            total=sum(counts.values()),
            success=counts.get(TaskState.SUCCESS, 0),
            failed=counts.get(TaskState.FAILED, 0),
            upstream_failed=counts.get(TaskState.UPSTREAM_FAILED, 0),
            skipped=counts.get(TaskState.SKIPPED, 0) + counts.get(TaskState.REMOVED, 0),
        )

    def add(self, state: TaskState) -> None:
        """One more of them."""
        self.total += 1
        self._count(state, 1)

    def move(self, old: TaskState, new: TaskState) -> None:
        """One of them went from one state to another."""
        self._count(old, -1)
        self._count(new, 1)

    def _count(self, state: TaskState, by: int) -> None:
        match state:
            case TaskState.SUCCESS:
                self.success += by
            case TaskState.FAILED:
                self.failed += by
            case TaskState.UPSTREAM_FAILED:
                self.upstream_failed += by
            case TaskState.SKIPPED | TaskState.REMOVED:
                self.skipped += by
            case _:
                pass

    @property
    def bad(self) -> int:
        """Failed, itself or by its own upstream tasks."""
        return self.failed + self.upstream_failed

    @property
    def waiting(self) -> int:
        """Not finished yet."""
        return self.total - self.success - self.bad - self.skipped

    @property
    def words(self) -> str:
        """«1 of 3 upstream tasks failed, 2 succeeded»."""
        if self.success == self.total:
            return f"{self.total} of {self.total} upstream task{'s' * (self.total > 1)} succeeded"
        counts = {
            "failed": self.failed,
            "stopped by a failure upstream": self.upstream_failed,
            "skipped": self.skipped,
            "succeeded": self.success,
            "not finished": self.waiting,
        }
        (first, count), *rest = [(what, count) for what, count in counts.items() if count]
        tasks = "upstream task" if self.total == 1 else "upstream tasks"
        return ", ".join([f"{count} of {self.total} {tasks} {first}", *(f"{n} {what}" for what, n in rest)])


_RUN, _WAIT, _SKIP, _UF = Decision.RUN, Decision.WAIT, Decision.SKIP, Decision.UPSTREAM_FAILED


def _all_success(t: Tally) -> Decision:
    return _UF if t.bad else _SKIP if t.skipped else _WAIT if t.waiting else _RUN


def _all_failed(t: Tally) -> Decision:
    return _SKIP if t.success or t.skipped else _WAIT if t.waiting else _RUN


def _all_done(t: Tally) -> Decision:
    return _WAIT if t.waiting else _RUN


def _all_skipped(t: Tally) -> Decision:
    return _SKIP if t.success or t.bad else _WAIT if t.waiting else _RUN


def _one_success(t: Tally) -> Decision:
    return _RUN if t.success else _WAIT if t.waiting else _UF if t.bad else _SKIP


def _one_failed(t: Tally) -> Decision:
    return _RUN if t.bad else _WAIT if t.waiting else _SKIP


def _one_done(t: Tally) -> Decision:
    return _RUN if t.success or t.failed else _WAIT if t.waiting else _SKIP


def _none_failed(t: Tally) -> Decision:
    return _UF if t.bad else _WAIT if t.waiting else _RUN


def _none_failed_min_one_success(t: Tally) -> Decision:
    return _UF if t.bad else _WAIT if t.waiting else _RUN if t.success else _SKIP


def _none_skipped(t: Tally) -> Decision:
    return _SKIP if t.skipped else _WAIT if t.waiting else _RUN


def _all_done_min_one_success(t: Tally) -> Decision:
    return _WAIT if t.waiting else _RUN if t.success else _UF if t.bad else _SKIP


_RULES: Mapping[TriggerRule, Callable[[Tally], Decision]] = {
    TriggerRule.ALL_SUCCESS: _all_success,
    TriggerRule.ALL_FAILED: _all_failed,
    TriggerRule.ALL_DONE: _all_done,
    TriggerRule.ALWAYS: lambda _: _RUN,
    TriggerRule.ALL_SKIPPED: _all_skipped,
    TriggerRule.ONE_SUCCESS: _one_success,
    TriggerRule.ONE_FAILED: _one_failed,
    TriggerRule.ONE_DONE: _one_done,
    TriggerRule.NONE_FAILED: _none_failed,
    TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS: _none_failed_min_one_success,
    TriggerRule.NONE_SKIPPED: _none_skipped,
    TriggerRule.ALL_DONE_MIN_ONE_SUCCESS: _all_done_min_one_success,
}


def evaluate(rule: TriggerRule | str, upstream_states: Iterable[TaskState | str]) -> Verdict:
    """Whether a task may run (semantics.md, Trigger rules).

    Args:
        rule: the task's trigger rule.
        upstream_states: the state of each task directly before it, in any order.

    Returns:
        The decision, as early as it is certain, with its reason in words. A task with nothing before
        it runs under every rule.
    """
    counts = Counter(TaskState(state) for state in upstream_states)
    return verdict(TriggerRule(rule), Tally.of(counts))


def decide(rule: TriggerRule, tally: Tally) -> Decision:
    """`evaluate` without words: what is asked whenever an upstream task has finished."""
    return _RULES[rule](tally) if tally.total else _RUN


def verdict(rule: TriggerRule, tally: Tally, decision: Decision | None = None) -> Verdict:
    """`evaluate` for a tally: its cost does not depend on how many tasks there are.

    Args:
        rule: the task's.
        tally: of what stands directly before it.
        decision: what `decide` has said of them, where it was asked.
    """
    if tally.total == 0:
        return _NOTHING_BEFORE
    return Verdict(decide(rule, tally) if decision is None else decision, f"{tally.words} ({rule})")


_NOTHING_BEFORE = Verdict(_RUN, "nothing stands before it")
