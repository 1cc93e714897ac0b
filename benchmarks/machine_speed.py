"""How fast the state machine decides, without anything else: events a second, and simulated years.

    python benchmarks/machine_speed.py

Prints events a second with 10 to 10,000 tasks in a run (the cost of an event is flat when they agree), then the time
for a year of an hourly DAG of 50 tasks (438,000 tries; bar 15 s) and for 1,000 tasks on 365 days (bar 20 s). Every try
succeeds; slots are plenty; making the events is on the clock too.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from nbflow.model.graph import Graph
from nbflow.model.messages import Launch, RunOpened, TryEnded, TryStarted
from nbflow.model.plan import Plan
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.task import TaskSpec
from nbflow.model.work import Result
from nbflow.plan.machine import Machine
from nbflow.plan.slots import weights

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 1, 1, tzinfo=UTC)


def plan_of(count: int, *, width: int) -> Plan:
    """Tasks in rows of `width`, each row after the one before; a task follows two of it."""
    names = [f"t{number}" for number in range(count)]
    pairs = [
        (names[number - width - back], names[number])
        for number in range(width, count)
        for back in {0, (number % width) and 1}
    ]
    tasks = {name: TaskSpec(task_id=name) for name in names}
    graph = Graph(names, pairs)
    return Plan(
        tasks=tasks,
        graph=graph,
        weights=weights(tasks, graph),
        max_active_runs=16,
        max_active_tasks=64,
    )


def simulate(plan: Plan, runs: int, step: timedelta, parallelism: int = 32) -> tuple[int, int]:
    """Run it all; gives back how many tries were made and how many events were handled."""
    machine = Machine(parallelism=parallelism)
    launched: deque[tuple[TaskKey, int]] = deque()
    tries = events = opened = 0
    at = START
    while True:
        while opened < runs and len(launched) < parallelism:
            key = RunKey("dag", f"{opened}")
            event = RunOpened(at=at, run=key, logical_date=START + opened * step, plan=plan)
            launched += [
                (one.key, one.try_number) for one in machine.handle(event) if isinstance(one, Launch)
            ]
            opened += 1
            events += 1
        if not launched:
            break
        key, number = launched.popleft()
        at += timedelta(milliseconds=1)
        machine.handle(TryStarted(at=at, key=key, try_number=number))
        ended = TryEnded(
            at=at, key=key, try_number=number, result=Result.SUCCESS, reason="its cells ran to the end"
        )
        for action in machine.handle(ended):
            if type(action) is Launch:
                launched.append((action.key, action.try_number))
        tries += 1
        events += 2
    if not machine.idle or tries != runs * len(plan.tasks):
        raise AssertionError(f"{tries} tries of {runs * len(plan.tasks)}")
    return tries, events


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The median time of some rounds."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return median(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts (default 3)")
    options = parser.parse_args()
    print("tasks in a run   events a second")
    for count in (10, 100, 1_000, 10_000):
        plan = plan_of(count, width=10)
        runs = 20_000 // count or 1
        spent = seconds(lambda plan=plan, runs=runs: simulate(plan, runs, timedelta(hours=1)), options.rounds)
        print(f"{count:>14,}   {runs * (2 * count + 1) / spent:>15,.0f}")
    for title, count, runs, step in (
        ("a year of an hourly DAG of 50 tasks", 50, 8760, timedelta(hours=1)),
        ("1,000 tasks on 365 days", 1_000, 365, timedelta(days=1)),
    ):
        plan = plan_of(count, width=10)
        spent = seconds(lambda plan=plan, runs=runs, step=step: simulate(plan, runs, step), 1)
        print(f"{title}: {count * runs:,} tries in {spent:.1f} s ({spent / count / runs * 1e6:.0f} µs a try)")


if __name__ == "__main__":
    main()
