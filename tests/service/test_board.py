"""The board's data: letters, rows, the headline, and what has moved."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from service.conftest import AT, CODE, day

from nbflow.model.instance import Instance
from nbflow.model.messages import Move, RunMove
from nbflow.model.run import TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import ErrorPlace, Result, TaskOutcome
from nbflow.service.board import LETTERS, board, updates
from nbflow.service.board_headline import clock
from nbflow.service.board_target import fresh_target
from nbflow.service.lookup import find_target

if TYPE_CHECKING:
    from service.conftest import Written

    from nbflow.model.run import RunKey
    from nbflow.service.lookup import Target


def target(written: Written) -> Target:
    return find_target(str(written.folder / "n.ipynb"))


def plain(found: dict[str, object]) -> dict[str, object]:
    """The same after a way through JSON: nothing in it is something else."""
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again == found
    return again


def ended(written: Written, key: RunKey, task_id: str, **said: object) -> None:
    """The task's first try ended so."""
    outcome = TaskOutcome(
        token=f"{key.run_id} {task_id}",
        result=Result.FAILED,
        reason="said",
        error=None,
        xcoms=(),
        notes=(),
        started=AT,
        ended=AT,
    )
    with written.state.writing():
        written.state.end_try(replace(outcome, **said))


def test_every_state_has_a_letter_of_its_own() -> None:
    assert set(LETTERS) == {state.value for state in TaskState}
    assert len(set(LETTERS.values())) == len(LETTERS)
    assert all(letter.islower() for letter in LETTERS.values())


def test_a_notebook_that_never_ran_has_rows_and_no_home_is_made(written: Written) -> None:
    written.flow(*CODE)
    written.state.close()
    (written.folder / ".nbflow" / "state.sqlite").unlink()
    found = plain(board(target(written)))
    assert [task["id"] for task in found["tasks"]] == ["a", "b", "c"]
    assert (found["runs"], found["squares"], found["older"], found["mark"]) == ([], {}, 0, 0)
    assert found["headline"]["text"] == "no runs yet"
    assert not (written.folder / ".nbflow" / "state.sqlite").exists()
    assert "runs" not in updates(target(written), 0)


def test_squares_are_letters_upper_case_where_stale_and_a_space_where_there_is_none(written: Written) -> None:
    old = written.flow(*CODE, "%%task gone\n1")
    states = {"a": "S", "b": "S", "c": "K", "gone": "S"}
    first = written.run(old, day(1), states, RunState.SUCCESS)
    second = written.run(old, day(2), {"a": "F", "b": "U"}, RunState.FAILED)
    written.flow("%%task a\nx = 2", *CODE[1:])
    found = plain(board(target(written)))
    assert [(task["id"], task["removed"]) for task in found["tasks"]] == [
        ("a", False),
        ("b", False),
        ("c", False),
        ("gone", True),
    ]
    # b takes x from a; c stands after it: all of them have changed. What didn't run can't be stale.
    assert found["squares"] == {first.run_id: "SSks", second.run_id: "Fu  "}
    assert [run["label"] for run in found["runs"]] == ["2026-01-01", "2026-01-02"]
    assert [run["seconds"] for run in found["runs"]] == [90, 90]


def test_only_the_latest_runs_are_shown_and_the_rows_stay_the_same(written: Written) -> None:
    old = written.flow(*CODE, "%%task gone\n1")
    written.run(old, day(1), {"a": "S", "gone": "S"}, RunState.SUCCESS)
    flow = written.flow(*CODE)
    for number in (2, 3, 4):
        written.run(flow, day(number), {"a": "S", "b": "S", "c": "S"}, RunState.SUCCESS)
    short, whole = board(target(written), last=2), board(target(written), last=60)
    assert ([run["label"][-2:] for run in short["runs"]], short["older"]) == (["03", "04"], 2)
    assert whole["older"] == 0
    assert short["tasks"] == whole["tasks"], "so that what moves later fits both"


def test_the_headline_names_failures_with_their_place_the_latest_first(written: Written) -> None:
    flow = written.flow(*CODE)
    for number in (1, 2):
        key = written.run(flow, day(number), {"a": "F", "b": "U"}, RunState.FAILED)
        error = ErrorPlace(type="KeyError", message=f"'{number}'\nmore", cell=2, line=5)
        ended(written, key, "a", error=error)
    written.run(flow, day(3), {"a": "S", "b": "S", "c": "S"}, RunState.SUCCESS)
    written.run(flow, day(4), {"a": "."}, RunState.RUNNING)
    found = plain(board(target(written)))["headline"]
    assert found["text"] == "1 of 4 succeeded · 1 running"
    assert [(one["label"], one["task_id"], one["error"]) for one in found["failures"]] == [
        ("2026-01-02", "a", "KeyError: '2'"),
        ("2026-01-01", "a", "KeyError: '1'"),
    ]
    assert {(one["cell"], one["line"]) for one in found["failures"]} == {(2, 5)}
    assert found["more"] is False


def test_a_run_that_succeeded_in_spite_of_a_failure_is_no_news(written: Written) -> None:
    flow = written.flow(*CODE)
    written.run(flow, day(1), {"a": "F", "b": "S", "c": "S"}, RunState.SUCCESS)
    assert board(target(written))["headline"]["failures"] == []


def test_squares_with_notes_or_more_than_one_try_are_flagged(written: Written) -> None:
    flow = written.flow(*CODE)
    key = written.run(flow, day(1), {"a": "F", "b": "S"}, RunState.FAILED)
    ended(written, key, "a", notes=("one", "two"))
    with written.state.writing():
        move = Move(
            at=AT,
            key=TaskKey(key, "b"),
            old=TaskState.QUEUED,
            new=TaskState.RUNNING,
            reason="",
            instance=Instance(state=TaskState.RUNNING, try_number=2),
        )
        written.state.record([move])
    found = plain(board(target(written)))
    assert found["flags"] == {key.run_id: {"a": {"notes": 2}, "b": {"try": 2, "seconds": None}}}


def test_updates_hold_what_moved_after_the_mark_and_nothing_else(written: Written) -> None:
    flow = written.flow(*CODE)
    written.run(flow, day(1), {"a": "S", "b": "S", "c": "S"}, RunState.SUCCESS)
    second = written.run(flow, day(2), {"a": "S", "b": ".", "c": "."}, RunState.RUNNING)
    before = board(target(written))
    still = updates(target(written), before["mark"])
    assert still["mark"] == before["mark"]
    assert not {"runs", "squares", "flags", "headline", "tasks"} & still.keys()
    with written.state.writing():
        move = Move(
            at=AT,
            key=TaskKey(second, "b"),
            old=TaskState.NONE,
            new=TaskState.SCHEDULED,
            reason="",
            instance=Instance(state=TaskState.SCHEDULED),
        )
        written.state.record([move])
    news = plain(updates(target(written), before["mark"]))
    assert news["mark"] > before["mark"]
    assert news["squares"] == {second.run_id: "son"}
    assert [run["run_id"] for run in news["runs"]] == [second.run_id]
    assert news["tasks"] == [task["id"] for task in before["tasks"]]
    assert news["flags"] == {second.run_id: {}}, "what was said of it before may be over"


def test_a_run_whose_process_has_gone_is_said_to_be_interrupted(written: Written) -> None:
    written.run(written.flow(*CODE), day(1), {"a": "."}, RunState.RUNNING)
    (run,) = board(target(written))["runs"]
    assert run["interrupted"]
    assert run["state"] == "running"
    assert "its process has ended" in run["reason"]
    assert run["seconds"] is None, "it takes no time while it lies"


def test_what_the_schedule_makes_next_stands_behind_the_runs(written: Written) -> None:
    code = ('%%dag n\nschedule = "@daily"\ntimezone = "Asia/Seoul"\nstart_date = "2026-01-01"', *CODE)
    flow = written.flow(*code)
    written.run(flow, day(1), {"a": "S"}, RunState.SUCCESS)
    assert board(target(written))["ghosts"] == [], "not on the schedule"
    with written.state.writing():
        written.state.schedules.put("n", follow=False, options={}, environment={}, at=AT)
        written.state.schedules.publish("n", flow.version)
    found = plain(board(target(written)))
    assert len(found["ghosts"]) == 3
    assert all(one["due"].endswith("15:00:00.000000Z") for one in found["ghosts"]), "midnight in Seoul"
    assert (found["scheduled"], found["published"], found["changed"]) == (True, flow.version, False)
    assert found["headline"]["next"].endswith("00:00")
    written.flow(*code, "%%task more\n1")
    assert board(target(written))["changed"], "the file is not what the schedule runs"
    with written.state.writing():
        written.state.pause("n", paused=True, reason="too many failures")
    paused = board(target(written))
    assert (paused["ghosts"], paused["paused"], paused["pause_reason"]) == ([], True, "too many failures")


def test_parameters_come_with_their_defaults_as_values(written: Written) -> None:
    dag = '%%dag n\n[params]\nlimit = { default = 3, minimum = 0, description = "rows" }\nnames = ["a"]'
    written.flow(dag, *CODE)
    found = {param["name"]: param for param in board(target(written))["params"]}
    assert found["limit"]["default"] == 3
    assert found["limit"]["schema"]["minimum"] == 0
    assert found["names"]["default"] == ["a"]


def test_a_mapped_task_has_one_square_and_says_so(written: Written) -> None:
    flow = written.flow('%%task fit --map "p in [1, 2]"\np')
    key = written.run(flow, day(1), {"fit": "S"}, RunState.SUCCESS)
    found = board(target(written))
    assert found["squares"][key.run_id] == "s"
    assert [(task["id"], task["mapped"]) for task in found["tasks"]] == [("fit", True)]


def test_runs_of_other_dags_move_nothing(written: Written) -> None:
    flow = written.flow(*CODE)
    written.run(flow, day(1), {"a": "S"}, RunState.SUCCESS)
    mark = board(target(written))["mark"]
    other = replace(flow, dag=replace(flow.dag, dag_id="other"))
    written.run(other, day(2), {"a": "S", "z": "S"}, RunState.SUCCESS)
    news = updates(target(written), mark)
    assert news["mark"] > mark
    assert "runs" not in news
    assert [task["id"] for task in board(target(written))["tasks"]] == ["a", "b", "c"]


NOW = datetime(2026, 2, 17, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (timedelta(hours=1), "09:30"),
        (timedelta(days=1), "tomorrow 08:30"),
        (timedelta(days=12), "1 Mar 08:30"),
    ],
)
def test_a_time_is_said_with_its_day_where_that_is_another(later: timedelta, said: str) -> None:
    assert clock(NOW + later, NOW) == said


def test_a_notebook_is_read_again_only_when_a_file_has_changed(written: Written) -> None:
    flow = written.flow("import part", "%%task a\npart.x", modules={"part.py": "x = 1"})
    path = written.folder / "n.ipynb"
    first = fresh_target(path)
    assert first.flow.version == flow.version
    assert fresh_target(path) is first
    (written.folder / "part.py").write_text("x = 22", "utf-8")
    second = fresh_target(path)
    assert second.flow.version != first.flow.version
    path.write_text("{ half", "utf-8")
    assert fresh_target(path) is second, "as it was last, while it can't be read"


def test_a_notebook_that_was_never_sound_here_is_shown_as_it_last_ran(written: Written) -> None:
    flow = written.flow(*CODE)
    written.run(flow, day(1), {"a": "S"}, RunState.SUCCESS)
    path = written.folder / "n.ipynb"
    path.write_text("{ half", "utf-8")
    assert fresh_target(path).flow.version == flow.version
    assert [run["label"] for run in board(fresh_target(path))["runs"]] == ["2026-01-01"]


def test_a_finished_run_is_told_of(written: Written) -> None:
    flow = written.flow(*CODE)
    key = written.run(flow, day(1), {"a": "S"}, RunState.RUNNING)
    mark = board(target(written))["mark"]
    with written.state.writing():
        written.state.record(
            [RunMove(at=AT, run=key, old=RunState.RUNNING, new=RunState.SUCCESS, reason="done")]
        )
    news = updates(target(written), mark)
    assert [(run["state"], run["reason"]) for run in news["runs"]] == [("success", "done")]
