"""A flow and a grid to draw."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from nbflow.model.dag import DagSpec
from nbflow.model.flow import Edge, EdgeKind, Flow
from nbflow.model.grid import GridColumn, GridSquare, GridView
from nbflow.model.run import run_id_of
from nbflow.model.state import RunState, TaskState
from nbflow.model.task import TaskKind, TaskSpec


def flow_from(tasks: list[TaskSpec], edges: list[Edge], dag_id: str = "flights") -> Flow:
    return Flow(
        path="flights.ipynb",
        dag=DagSpec(dag_id=dag_id),
        cells=(),
        tasks={task.task_id: task for task in tasks},
        edges=tuple(edges),
        exports={},
        producers={},
        optional={},
        watched={},
        code_hashes={},
        version="",
        problems=(),
    )


def edge(upstream: str, downstream: str, kind: EdgeKind, *names: str) -> Edge:
    return Edge(
        upstream=upstream,
        downstream=downstream,
        kind=kind,
        names=frozenset(names),
        reason=f"why {downstream} follows {upstream}: <{', '.join(sorted(names))}>",
    )


@pytest.fixture
def diamond() -> Flow:
    """wait ⇒ load → (clean, weather) → join, and a report that only stands below."""
    return flow_from(
        [
            TaskSpec(task_id="wait", kind=TaskKind.SENSOR),
            TaskSpec(task_id="load", doc="reads & checks"),
            TaskSpec(task_id="clean", group="Prepare"),
            TaskSpec(task_id="weather", group="Prepare.Inner part"),
            TaskSpec(task_id="join"),
            TaskSpec(task_id="추출"),
        ],
        [
            edge("wait", "load", EdgeKind.DECLARED),
            edge("load", "clean", EdgeKind.VARIABLE, "raw"),
            edge("load", "weather", EdgeKind.VARIABLE, "raw"),
            edge("clean", "join", EdgeKind.VARIABLE, "rows", "count"),
            edge("weather", "join", EdgeKind.VARIABLE, "hours"),
            edge("join", "추출", EdgeKind.POSITION),
        ],
    )


@pytest.fixture
def view() -> GridView:
    """Four days around a month's end: a failure, what it dragged along, a retry, a run under way."""
    start = datetime(2013, 1, 30, tzinfo=UTC)
    moments = [start + timedelta(days=days) for days in range(4)]
    ids = [run_id_of(moment) for moment in moments]
    states = [RunState.SUCCESS, RunState.FAILED, RunState.SUCCESS, RunState.RUNNING]
    squares = {
        (task, run): GridSquare(state=TaskState.SUCCESS, try_number=1) for task in "abc" for run in ids
    }
    squares["b", ids[1]] = GridSquare(
        state=TaskState.FAILED, try_number=3, seconds=2.5, reason="KeyError: <b>'x' & y", root=True
    )
    squares["c", ids[1]] = GridSquare(state=TaskState.UPSTREAM_FAILED, reason="b failed")
    squares["a", ids[2]] = GridSquare(state=TaskState.SUCCESS, try_number=1, stale=True)
    squares["b", ids[3]] = GridSquare(state=TaskState.RUNNING, try_number=1, seconds=75)
    del squares["c", ids[3]]
    return GridView(
        dag_id="flights",
        title="2 of 4 succeeded · failed: 31 Jan `b`: KeyError",
        tasks=("a", "b", "c"),
        groups={"b": "Part.Deep", "c": "Part.Deep"},
        columns=tuple(
            GridColumn(run_id=run, logical_date=moment, state=state, seconds=seconds)
            for run, moment, state, seconds in zip(ids, moments, states, (1.0, 2.0, 4.0, None), strict=True)
        ),
        squares=squares,
        today=date(2013, 2, 2),
        older=5,
    )
