"""What branches and short circuits have chosen in a kernel, and which cells therefore don't run by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.state import Decision, TaskState
from nbflow.model.task import TaskKind
from nbflow.plan.trigger import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.model.flow import Flow

_CHANGE = "To change that run `{task_id}` again, or choose a date with %dag --date."


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What one branch or short circuit has said.

    Attributes:
        kind: whether a branch's or a short circuit's.
        task_id: whose choice it is.
        follow: the tasks directly below that run; None: all of them.
        sweeping: whether everything further below is skipped too.
    """

    kind: TaskKind
    task_id: str
    follow: tuple[str, ...] | None
    sweeping: bool

    def __str__(self) -> str:
        if self.kind is TaskKind.SHORT_CIRCUIT or self.follow is None:
            return f"the value of short circuit `{self.task_id}` was false"
        chosen = ", ".join(f"`{name}`" for name in self.follow) or "none of the tasks below it"
        return f"branch `{self.task_id}` chose {chosen}"


class Choices:
    """The choices made since the kernel's date was chosen."""

    def __init__(self) -> None:
        self._made: dict[str, Choice] = {}

    def take(
        self, kind: TaskKind, task_id: str, follow: tuple[str, ...] | None, *, respect_trigger_rules: bool
    ) -> None:
        """Keep what a branch or short circuit has said.

        Args:
            kind: which of the two it is.
            task_id: its name.
            follow: see `meaning_of`; () of a short circuit: its value was false.
            respect_trigger_rules: of a short circuit: whether only the tasks directly below are skipped.
        """
        if kind is TaskKind.SHORT_CIRCUIT:
            false = follow == ()
            follow, sweeping = () if false else None, false and not respect_trigger_rules
        else:
            sweeping = False
        self._made[task_id] = Choice(kind=kind, task_id=task_id, follow=follow, sweeping=sweeping)

    def pass_over(self, task_id: str) -> None:
        """A task doesn't run: what it chose before is no more."""
        self._made.pop(task_id, None)

    def forget(self) -> None:
        """Another date: every branch is to choose anew."""
        self._made.clear()

    def why_not(self, task_id: str, *, after: Sequence[str], flow: Flow | None) -> str | None:
        """Why a task doesn't run, in words; None where nothing speaks against it.

        Args:
            task_id: the task.
            after: the tasks that its own line says it follows: what is known without a flow.
            flow: the notebook as saved, None where it can't be read.
        """
        if not self._made:
            return None
        if flow is None or task_id not in flow.tasks:
            found = (self._refusal(upstream, task_id) for upstream in after)
            return next((_said(choice) for choice in found if choice is not None), None)
        return self._skipped(flow).get(task_id)

    def _refusal(self, upstream: str, task_id: str) -> Choice | None:
        choice = self._made.get(upstream)
        left_out = choice is not None and choice.follow is not None and task_id not in choice.follow
        return choice if left_out else None

    def _skipped(self, flow: Flow) -> Mapping[str, str]:
        """Every task that a run would skip for these choices, with the reason. Others count as successful."""
        graph, why = flow.graph, dict[str, str]()
        for choice in self._made.values():
            if choice.sweeping and choice.task_id in flow.tasks:
                why |= dict.fromkeys(graph.descendants(choice.task_id), _said(choice))
        for task_id in graph.order:
            above = graph.upstream(task_id)
            refusals = (self._refusal(upstream, task_id) for upstream in above if upstream not in why)
            if (choice := next(filter(None, refusals), None)) is not None:
                why[task_id] = _said(choice)
            elif (skipped := next((task for task in above if task in why), None)) is not None:
                states = [TaskState.SKIPPED if task in why else TaskState.SUCCESS for task in above]
                if evaluate(flow.tasks[task_id].trigger_rule, states).decision is Decision.SKIP:
                    why.setdefault(task_id, f"`{skipped}` above it did not run: {why[skipped]}")
        return why


def _said(choice: Choice) -> str:
    return f"{choice}. {_CHANGE.format(task_id=choice.task_id)}"
