"""The grid as a value, and its headline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from service.conftest import AT, CODE, day

from nbflow.model.instance import Instance
from nbflow.model.messages import Expand, Move
from nbflow.model.run import TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.service.views import grid_view, standing

if TYPE_CHECKING:
    from service.conftest import Written


def test_without_runs_the_grid_has_rows_and_says_so(written: Written) -> None:
    view = grid_view(written.state, written.flow(*CODE))
    assert (view.title, view.tasks, view.columns) == ("no runs yet", ("a", "b", "c"), ())


def test_columns_are_runs_and_squares_say_what_happened(written: Written) -> None:
    old = written.flow(*CODE, "%%task gone\n1")
    first = written.run(old, day(1), {"a": "S", "b": "S", "c": "S", "gone": "S"}, RunState.SUCCESS)
    second = written.run(old, day(2), {"a": "F", "b": "U"}, RunState.FAILED, reasons={"a": "boom"})
    view = grid_view(written.state, written.flow("%%task a\nx = 2", *CODE[1:]))
    assert view.tasks == ("a", "b", "c", "gone"), "what only old runs know comes last"
    assert [column.label for column in view.columns] == ["2026-01-01", "2026-01-02"]
    assert [column.seconds for column in view.columns] == [90, 90]
    assert view.squares["a", first.run_id].stale
    assert not view.squares["gone", first.run_id].stale
    failed, dragged = view.squares["a", second.run_id], view.squares["b", second.run_id]
    assert (failed.state, failed.reason, failed.root, failed.try_number) == (
        TaskState.FAILED,
        "boom",
        True,
        1,
    )
    assert (dragged.root, dragged.try_number, dragged.seconds) == (False, 0, None)
    assert ("c", second.run_id) not in view.squares


def test_only_the_latest_are_shown_and_the_others_counted(written: Written) -> None:
    flow = written.flow(*CODE)
    for number in range(1, 6):
        written.run(flow, day(number), {"a": "S"}, RunState.SUCCESS)
    view = grid_view(written.state, flow, last=2)
    assert ([column.label for column in view.columns], view.older) == (["2026-01-04", "2026-01-05"], 3)
    between = grid_view(written.state, flow, between=(day(2).start, day(4).start))
    assert [column.label[-2:] for column in between.columns] == ["02", "03", "04"]


def test_a_stopped_run_takes_no_time_while_it_lies(written: Written) -> None:
    flow = written.flow(*CODE)
    key = written.run(flow, day(1), {"a": "S"}, RunState.QUEUED)
    assert key
    assert [column.seconds for column in grid_view(written.state, flow).columns] == [None]


def test_the_headline_counts_names_the_latest_failures_first_and_cuts(written: Written) -> None:
    flow = written.flow(*CODE)
    written.run(flow, day(1), {"a": "S"}, RunState.SUCCESS)
    for number in range(2, 6):
        reason = f"KeyError: '{'x' * 200}'\nmore" if number == 5 else "ZeroDivisionError (cell 1)"
        written.run(flow, day(number), {"a": "F", "b": "U"}, RunState.FAILED, reasons={"a": reason})
    written.run(flow, day(6), {"a": "."}, RunState.RUNNING)
    title = grid_view(written.state, flow).title
    assert title.startswith("1 of 6 succeeded · 1 running · failed: 5 Jan `a`: KeyError: 'xxx")
    assert "xxx…; 4 Jan `a`: ZeroDivisionError (cell 1); 3 Jan `a`" in title
    assert title.endswith("; and 1 more")
    assert "\n" not in title


def test_a_mapped_task_is_one_square_and_its_failed_instances_are_named(written: Written) -> None:
    flow = written.flow('%%task fit --map "p in [1, 2]"\np')
    run = written.run(flow, day(1), {"fit": "F"}, RunState.FAILED)
    fit = TaskKey(run, "fit")
    instances = [Instance(state=state) for state in (TaskState.SUCCESS, TaskState.FAILED)]
    moves = [
        Move(
            at=AT,
            key=TaskKey(run, "fit", index),
            old=TaskState.NONE,
            new=instance.state,
            reason="boom",
            instance=instance,
        )
        for index, instance in enumerate(instances)
    ]
    whole = Instance(state=TaskState.FAILED, try_number=1, items=2)
    with written.state.writing():
        written.state.record([Expand(key=fit, instances=tuple(instances)), *moves])
        written.state.record(
            [
                Move(
                    at=AT,
                    key=fit,
                    old=TaskState.RUNNING,
                    new=TaskState.FAILED,
                    reason="1 failed",
                    instance=whole,
                )
            ]
        )
    view = grid_view(written.state, flow)
    assert view.tasks == ("fit",)
    assert view.squares["fit", run.run_id].reason == "1 success, 1 failed"
    assert "`fit[1]`: boom" in view.title
    assert "`fit`:" not in view.title


@pytest.mark.parametrize(
    ("state", "held", "paused", "shown"),
    [
        (RunState.RUNNING, True, False, "running"),
        (RunState.RUNNING, False, False, "interrupted"),
        (RunState.QUEUED, False, True, "paused"),
        (RunState.QUEUED, True, False, "queued"),
        (RunState.SUCCESS, False, True, "success"),
    ],
)
def test_a_run_is_shown_as_it_stands(
    written: Written, state: RunState, *, held: bool, paused: bool, shown: str
) -> None:
    key = written.run(written.flow(*CODE), day(1), {"a": "."}, state)
    record = written.state.run(key)
    assert record is not None
    assert standing(record, held=held, paused=paused)[0] == shown
