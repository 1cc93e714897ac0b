"""DAGs of every kind of task, drawn at random."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from nbflow.model.graph import Graph
from nbflow.model.plan import Plan
from nbflow.model.task import MapOver, SensorMode, TaskKind, TaskSpec, TriggerRule, WeightRule
from nbflow.plan.slots import weights

OVER = (MapOver(names=("p",), expression="grid"),)
POOLS = {"narrow": 2, "wide": 9}


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Up to seven tasks, any edges between them, any options."""
    count = draw(st.integers(1, 7))
    names = [f"t{i}" for i in range(count)]
    pairs = [(a, b) for j, b in enumerate(names) for a in names[:j] if draw(st.booleans())]
    tasks = {name: draw(specs(name)) for name in names}
    for j, name in enumerate(names):
        above = [up for up in names[:j] if tasks[up].kind is TaskKind.SETUP]
        if above and draw(st.booleans()):
            tasks[name] = TaskSpec(task_id=name, kind=TaskKind.TEARDOWN, setups=(above[0],))
            pairs.append((above[0], name))
    graph = Graph(names, dict.fromkeys(pairs))
    return Plan(
        tasks=tasks,
        graph=graph,
        weights=weights(tasks, graph),
        max_active_runs=draw(st.integers(1, 3)),
        max_active_tasks=draw(st.integers(1, 4)),
        dagrun_timeout=draw(st.sampled_from([None, None, None, timedelta(seconds=30)])),
        fail_fast=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def specs(draw: st.DrawFn, name: str) -> TaskSpec:
    """A task of any kind but teardown."""
    kind = draw(
        st.sampled_from([TaskKind.TASK] * 4 + [kind for kind in TaskKind if kind is not TaskKind.TEARDOWN])
    )
    mapped = kind is TaskKind.TASK and draw(st.sampled_from([False, False, True]))
    pool = draw(st.sampled_from(["default_pool"] * 3 + list(POOLS)))
    return TaskSpec(
        task_id=name,
        kind=kind,
        trigger_rule=draw(st.sampled_from([TriggerRule.ALL_SUCCESS, *TriggerRule])),
        retries=draw(st.integers(0, 2)),
        retry_delay=timedelta(seconds=draw(st.integers(0, 20))),
        priority_weight=draw(st.integers(1, 5)),
        weight_rule=draw(st.sampled_from(WeightRule)),
        pool=pool,
        pool_slots=1 if pool == "default_pool" else draw(st.integers(1, 2)),
        max_active_tis=draw(st.sampled_from([None, None, 1, 2])),
        depends_on_past=draw(st.sampled_from([False, False, True])),
        wait_for_downstream=draw(st.sampled_from([False, False, False, True])),
        mode=draw(st.sampled_from(SensorMode)),
        poke_interval=timedelta(seconds=draw(st.integers(1, 9))),
        timeout=timedelta(seconds=draw(st.integers(5, 40))),
        soft_fail=draw(st.booleans()),
        respect_trigger_rules=draw(st.booleans()),
        map=OVER if mapped else (),
    )
