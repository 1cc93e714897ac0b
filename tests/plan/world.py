"""A machine with an executor that does what a test says, and a replay of its moves that checks every invariant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from nbflow.model.graph import Graph
from nbflow.model.messages import (
    Action,
    ClockTicked,
    Event,
    Expand,
    Halt,
    Launch,
    MissDeadline,
    Move,
    PauseDag,
    RunMove,
    RunOpened,
    SlotFreed,
    TryEnded,
    TryStarted,
)
from nbflow.model.plan import Plan
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import Decision, RunState, TaskState, check_run_move, check_task_move
from nbflow.model.task import TaskKind, TaskSpec
from nbflow.model.work import Result
from nbflow.plan.machine import Machine
from nbflow.plan.slots import weights
from nbflow.plan.trigger import evaluate

START = datetime(2026, 11, 20, tzinfo=UTC)


def plan(
    edges: str = "",
    *,
    alone: str = "",
    specs: dict[str, TaskSpec] | None = None,
    **limits: int | timedelta | None,
) -> Plan:
    """A plan from «a>b b>c»."""
    pairs = [tuple(edge.split(">")) for edge in edges.split()]
    tasks = {
        task: TaskSpec(task_id=task)
        for task in sorted({t for pair in pairs for t in pair} | set(alone.split()))
    }
    tasks |= specs or {}
    graph = Graph(tasks, pairs)  # type: ignore[arg-type]
    return Plan(tasks=tasks, graph=graph, weights=weights(tasks, graph), **limits)  # type: ignore[arg-type]


def keyed(run: RunKey, task: str) -> TaskKey:
    """«clean» or «clean[3]» of a run."""
    task_id, _, index = task.removesuffix("]").partition("[")
    return TaskKey(run, task_id, int(index) if index else -1)


def name_of(key: TaskKey) -> str:
    """«clean» or «clean[3]»."""
    return key.task_id if key.map_index < 0 else f"{key.task_id}[{key.map_index}]"


@dataclass
class World:
    """A machine with an executor that does what the test says. Replays moves to check them."""

    machine: Machine
    parallelism: int
    at: datetime = START
    states: dict[TaskKey, TaskState] = field(default_factory=dict)
    runs: dict[RunKey, RunState] = field(default_factory=dict)
    plans: dict[RunKey, Plan] = field(default_factory=dict)
    tries: dict[TaskKey, int] = field(default_factory=dict)
    launched: list[tuple[TaskKey, int]] = field(default_factory=list)
    halted: set[TaskKey] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)
    missed: list[RunKey] = field(default_factory=list)
    paused: dict[str, str] = field(default_factory=dict)
    expanded: dict[TaskKey, int] = field(default_factory=dict)
    pools: dict[str, int] = field(default_factory=dict)
    backfills: set[RunKey] = field(default_factory=set)  # what counts apart
    vacated: set[TaskKey] = field(default_factory=set)  # whose process is gone, and whose end is not yet told
    interfered: bool = False  # a person's word outranks the rules

    def tell(self, event: Event) -> list[Action]:
        actions = self.machine.handle(event)
        for action in actions:
            match action:
                case Move():
                    assert self.states.get(action.key, TaskState.NONE) is action.old
                    check_task_move(action.old, action.new)
                    assert action.reason
                    if action.new is TaskState.SCHEDULED and action.old is TaskState.NONE:
                        self._rule_allows(action.key)
                    assert action.instance.try_number >= self.tries.get(action.key, 0)
                    self.tries[action.key] = action.instance.try_number
                    self.states[action.key] = action.new
                    if action.instance.items is None:
                        self.expanded.pop(action.key, None)
                    self.reasons.append(action.reason)
                case RunMove():
                    check_run_move(action.old, action.new)
                    assert self.runs.get(action.run, RunState.QUEUED) is action.old
                    self.runs[action.run] = action.new
                    if action.new.finished and "dagrun_timeout" not in action.reason and not self.interfered:
                        unfinished = [
                            k for k, s in self.states.items() if k.run == action.run and not s.finished
                        ]
                        assert not unfinished
                case Launch():
                    looks_again = action.look > 1 and self.states[action.key] is TaskState.RUNNING
                    assert looks_again or self.states[action.key] is TaskState.QUEUED
                    self.launched.append((action.key, action.try_number))
                case Halt():
                    self.halted.add(action.key)
                case Expand():
                    self.expanded[action.key] = len(action.instances)
                    for index, instance in enumerate(action.instances):
                        key = TaskKey(action.key.run, action.key.task_id, index)
                        assert self.states.setdefault(key, TaskState.NONE) is instance.state
                case PauseDag():
                    self.paused[action.dag_id] = action.reason
                case MissDeadline():
                    self.missed.append(action.run)
        self._limits_hold()
        return actions

    def _rule_allows(self, key: TaskKey) -> None:
        if key.map_index >= 0:
            assert self.states[TaskKey(key.run, key.task_id)] is TaskState.RUNNING
            return
        spec = self.plans[key.run].tasks[key.task_id]
        states = [
            state
            for up in self.plans[key.run].graph.upstream(key.task_id)
            for state in self.counted(key.run, up)
        ]
        if spec.kind is TaskKind.TEARDOWN:
            assert all(state.finished for state in states)
            assert all(self.states[TaskKey(key.run, setup)] is TaskState.SUCCESS for setup in spec.setups)
        else:
            assert evaluate(spec.trigger_rule, states).decision is Decision.RUN

    def counted(self, run: RunKey, task_id: str) -> list[TaskState]:
        """The states of a task that rules below it count: of a mapped one, of its instances."""
        key = TaskKey(run, task_id)
        items = [self.states[TaskKey(run, task_id, index)] for index in range(self.expanded.get(key, 0))]
        return items or [self.states[key]]

    def _limits_hold(self) -> None:
        held = [key for key, state in self.states.items() if state.holds_slot]
        busy = [key for key in held if key not in self.expanded]
        assert len(set(busy) - self.vacated) == self.machine.slots.used <= self.parallelism
        for run, the_plan in self.plans.items():
            for task_id, spec in the_plan.tasks.items():
                if spec.max_active_tis is not None:
                    same = [key for key in busy if (key.run.dag_id, key.task_id) == (run.dag_id, task_id)]
                    assert len(same) <= spec.max_active_tis
        for pool, slots in self.pools.items():
            specs = [self.plans[key.run].tasks[key.task_id] for key in busy]
            assert sum(spec.pool_slots for spec in specs if spec.pool == pool) <= slots
        for dag_id, count in Counter(key.run.dag_id for key in busy).items():
            assert count <= min(p.max_active_tasks for run, p in self.plans.items() if run.dag_id == dag_id)
        running = [run for run, state in self.runs.items() if state is RunState.RUNNING]
        for lane, count in Counter((run.dag_id, run in self.backfills) for run in running).items():
            assert count <= min(
                the_plan.max_active_runs
                for run, the_plan in self.plans.items()
                if (run.dag_id, run in self.backfills) == lane
            )

    def open(self, the_plan: Plan, day: int = 0, **more: object) -> RunKey:
        run = RunKey("dag", f"day {day:03}")
        self.plans[run] = the_plan
        if more.get("backfill"):
            self.backfills.add(run)
        for name in ("instances", "again"):
            given = more.get(name, {})
            more[name] = {keyed(run, task): value for task, value in given.items()}  # type: ignore[union-attr]
        for task in the_plan.tasks:
            self.states[TaskKey(run, task)] = TaskState.NONE
        for key, instance in more["instances"].items():  # type: ignore[union-attr]
            self.states[key] = instance.state
            if instance.items is not None:
                self.expanded[key] = instance.items
        self.runs[run] = more.get("state", RunState.QUEUED)  # type: ignore[assignment]
        logical_date = START + timedelta(days=day)
        self.tell(RunOpened(at=self.at, run=run, logical_date=logical_date, plan=the_plan, **more))  # type: ignore[arg-type]
        return run

    def end(
        self, task: str | TaskKey, result: Result = Result.SUCCESS, reason: str = "done", **more: object
    ) -> None:
        """End a launched try of this task (the first launched, where its name is given)."""
        place = next(i for i, (key, _) in enumerate(self.launched) if task in (key, name_of(key)))
        key, try_number = self.launched[place]
        self.tell(TryStarted(at=self.at, key=key, try_number=try_number))
        del self.launched[place]
        self.vacated.discard(key)
        self.tell(
            TryEnded(at=self.at, key=key, try_number=try_number, result=result, reason=reason, **more)  # type: ignore[arg-type]
        )

    def leave(self, key: TaskKey, try_number: int) -> None:
        """The process of a launched try is gone; its end is told later."""
        self.vacated.add(key)
        self.tell(SlotFreed(at=self.at, key=key, try_number=try_number))

    def pass_time(self, **time: float) -> None:
        """Let time pass."""
        self.at += timedelta(**time)
        self.tell(ClockTicked(at=self.at))

    def finish_all(self) -> None:
        while self.launched:
            self.end(self.launched[0][0])

    def picture(self, run: RunKey) -> str:
        """«a=success b=failed»."""
        return " ".join(f"{name_of(k)}={s}" for k, s in self.states.items() if k.run == run)

    @property
    def waiting(self) -> list[str]:
        """What has been launched and not ended."""
        return [name_of(key) for key, _ in self.launched]


def world(parallelism: int = 8) -> World:
    return World(Machine(parallelism=parallelism), parallelism)
