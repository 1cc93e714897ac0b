"""What a person does from a board: previews, wrong questions, and having it done by whoever holds the home."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from service.conftest import AT, CODE, day

from nbflow.cli.parameters import given_parameters
from nbflow.errors import AddressError, DateError, NbflowError, OptionError, ParameterError
from nbflow.model.run import RunKey
from nbflow.model.state import RunState
from nbflow.service import board_choice, board_runs
from nbflow.service.board import board
from nbflow.service.board_actions import act, preview
from nbflow.service.board_asking import obeyed
from nbflow.service.board_target import fresh_target
from nbflow.service.lookup import find_target, known_dag
from nbflow.store.home import Home, HomeLock, is_held
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service.conftest import Written

    from nbflow.service.lookup import Target

FIRST, SECOND = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


@pytest.fixture
def target(written: Written) -> Target:
    """`n` with two runs: the second failed in `a`, and `b` did not run because of it."""
    flow = written.flow('%%dag n\nschedule = "@daily"\nstart_date = "2026-01-01"\n[params]\nlimit = 3', *CODE)
    written.run(flow, day(1), {"a": "S", "b": "S", "c": "S"}, RunState.SUCCESS)
    written.run(flow, day(2), {"a": "F", "b": "U", "c": "S"}, RunState.FAILED)
    return find_target(str(written.folder / "n.ipynb"))


def test_a_preview_of_clear_names_every_task_and_why(target: Target) -> None:
    found = preview(target, "clear", {"run_ids": [SECOND], "tasks": ["a"]})
    assert json.loads(json.dumps(found)) == found
    assert (found["count"], found["said"]) == (2, "2 tasks of 2026-01-02 would run again.")
    assert [(row["task_id"], row["state"]) for row in found["rows"]] == [
        ("a", "failed"),
        ("b", "upstream_failed"),
    ]
    assert "`a`" in found["rows"][1]["becomes"]


@pytest.mark.parametrize(
    ("body", "cleared"),
    [
        ({"run_ids": [FIRST], "tasks": ["a"]}, [(FIRST, "a")]),
        (
            {"run_ids": [FIRST], "tasks": ["a"], "downstream": True},
            [(FIRST, "a"), (FIRST, "b"), (FIRST, "c")],
        ),
        ({"run_ids": [FIRST], "tasks": ["b"], "upstream": True}, [(FIRST, "a"), (FIRST, "b")]),
        ({"run_ids": [FIRST], "tasks": ["c"], "future": True}, [(FIRST, "c"), (SECOND, "c")]),
        ({"run_ids": [SECOND], "tasks": ["c"], "past": True}, [(FIRST, "c"), (SECOND, "c")]),
        ({"run_ids": [FIRST, SECOND], "only_failed": True}, [(SECOND, "a"), (SECOND, "b")]),
        ({"run_ids": [SECOND, FIRST], "tasks": ["c"]}, [(FIRST, "c"), (SECOND, "c")]),
        ({"from": "2026-01-01", "to": "2026-01-01", "tasks": ["c"]}, [(FIRST, "c")]),
        ({"run_ids": [FIRST], "stale": True}, []),
    ],
    ids=lambda value: None if isinstance(value, list) else " ".join(value),
)
def test_selectors_mean_what_they_mean_on_the_command_line(
    target: Target, body: dict[str, Any], cleared: list[tuple[str, str]]
) -> None:
    rows = preview(target, "clear", body)["rows"]
    assert [(row["run_id"], row["task_id"]) for row in rows] == cleared


def test_a_preview_of_mark_names_what_is_not_so_already(target: Target) -> None:
    found = preview(target, "mark", {"run_ids": [SECOND], "tasks": ["a", "c"], "state": "success"})
    assert [(row["task_id"], row["becomes"]) for row in found["rows"]] == [("a", "success")]
    nothing = preview(target, "mark", {"run_ids": [FIRST], "tasks": ["a"], "state": "success"})
    assert (nothing["count"], nothing["said"]) == (
        0,
        "Nothing to mark: all that is meant is success already.",
    )


def test_a_preview_of_dates_says_which_have_run(target: Target) -> None:
    found = preview(target, "backfill", {"from": "2026-01-01", "to": "2026-01-03"})
    assert [(row["label"][-2:], row["standing"]) for row in found["rows"]] == [
        ("01", "done"),
        ("02", "done"),
        ("03", "new"),
    ]
    assert found["count"] == 1
    again = preview(target, "backfill", {"from": "2026-01-01", "to": "2026-01-03", "reprocess": "failed"})
    assert again["count"] == 2
    run = preview(target, "run", {"date": "2026-01-02", "params": {}})
    assert [row["standing"] for row in run["rows"]] == ["continues"]
    assert preview(target, "run", {"date": None})["count"] == 1


def test_what_is_there_already_is_not_run_again(target: Target) -> None:
    said = act(target, "run", {"date": "2026-01-01"})["said"]
    assert said == "2026-01-01 has succeeded already; clear it to have it run again."
    assert (
        "Nothing is to be done" in act(target, "backfill", {"from": "2026-01-01", "to": "2026-01-02"})["said"]
    )


@pytest.mark.parametrize(
    "limit", [1e-05, 1e22, "1e5", "2026-01-01", "no", "ü\n'", [1, None, {"a": True}], 3], ids=repr
)
def test_a_parameter_comes_to_the_run_as_it_was_given(
    target: Target, limit: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[list[str]] = []
    monkeypatch.setattr(board_runs, "started", lambda _target, words: begun.append(words))
    act(target, "run", {"date": "2026-01-03", "params": {"limit": limit}})
    ((*_, option, text),) = begun
    assert option == "-y"
    assert given_parameters((), (), (), (text,)) == {"limit": limit}


WRONG: list[tuple[str, dict[str, Any], type[NbflowError], str]] = [
    ("cleer", {}, OptionError, "did you mean 'clear'?"),
    ("clear", {}, OptionError, "run_ids"),
    ("clear", {"run_ids": "all"}, OptionError, "a list of texts"),
    ("clear", {"run_ids": [FIRST], "tasks": ["nope"]}, AddressError, "Its tasks: a, b, c"),
    ("clear", {"run_ids": ["2020-01-01"]}, AddressError, "latest runs"),
    ("clear", {"from": "soon"}, DateError, "is not a date"),
    ("mark", {"run_ids": [FIRST], "tasks": ["a"], "state": "fine"}, OptionError, "not as 'fine'"),
    ("mark", {"run_ids": [SECOND], "state": "failed"}, OptionError, "the run is over"),
    ("run", {"date": "2026-13-01"}, DateError, "is not a date"),
    ("run", {"params": {"limt": 1}}, ParameterError, "did you mean 'limit'?"),
    ("run", {"params": [1]}, OptionError, "a JSON object"),
    ("backfill", {"from": "2026-01-01"}, OptionError, "both dates"),
    ("backfill", {"from": "2026-01-02", "to": "2026-01-01"}, DateError, "swap them"),
    ("backfill", {"from": "2026-01-01", "to": "2026-01-02", "reprocess": "x"}, OptionError, "not 'x'"),
    ("start_scheduler", {}, AddressError, "nothing is on the schedule"),
]


@pytest.mark.parametrize(("verb", "body", "error", "said"), WRONG, ids=[f"{w[0]} {w[1]}" for w in WRONG])
def test_a_wrong_question_is_answered_with_what_to_do(
    target: Target, verb: str, body: dict[str, Any], error: type[NbflowError], said: str
) -> None:
    for ask in (preview, act):
        with pytest.raises(error) as raised:
            ask(target, verb, body)
        assert said in str(raised.value)


def test_pausing_and_publishing_are_done_at_once(target: Target, written: Written) -> None:
    assert act(target, "pause", {})["said"] == "n is paused."
    assert act(target, "pause", {})["said"] == "n is paused already."
    with pytest.raises(NbflowError, match="n is paused"):
        act(target, "run", {"date": "2026-01-03"})
    assert board(target)["paused"]
    assert act(target, "unpause", {})["ok"]
    assert not board(target)["paused"]
    assert "published" not in act(target, "publish", {})["said"]
    record = known_dag(target.home, "n")
    assert record is not None
    assert record.published == target.flow.version
    written.flow('%%dag n\nschedule = "@daily"', *CODE, "%%task more\n1")
    changed = fresh_target(target.path)
    assert preview(changed, "publish", {})["said"] == "Since it was published: task more new, %%dag changed."
    assert board(changed)["changed"]
    act(changed, "publish", {})
    assert not board(changed)["changed"]
    assert preview(changed, "publish", {})["count"] == 0


@pytest.fixture
def owner(target: Target) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """A process that holds the home and obeys; what it was asked."""
    asked: list[tuple[str, dict[str, Any]]] = []
    over = threading.Event()
    ready = threading.Event()

    def obey() -> None:
        with HomeLock(target.home) as lock, StateStore(target.home.state) as state:
            while not lock.acquire():
                assert not over.wait(0.01)
            state.take_ownership("pytest", AT)
            ready.set()
            while not over.wait(0.01):
                for command in state.commands.open():
                    asked.append((command.verb, dict(command.body)))
                    refuse = {"error": "no"} if command.body.get("refuse") else {}
                    with state.writing():
                        state.commands.answer(command.id, refuse, AT)

    thread = threading.Thread(target=obey)
    thread.start()
    ready.wait()
    yield asked
    over.set()
    thread.join()


def test_whoever_holds_the_home_is_told_all_of_it_at_once(
    target: Target, owner: list[tuple[str, dict[str, Any]]]
) -> None:
    body = {"run_ids": [FIRST, SECOND], "tasks": ["b"], "upstream": True}
    assert act(target, "clear", body)["said"] == "Cleared 4 tasks of 2 runs."
    assert act(target, "mark", {"run_ids": [SECOND], "tasks": ["a"], "state": "success"})["ok"]
    (clear, mark) = owner
    assert clear[0] == "clear"
    assert [row[:2] for row in clear[1]["tasks"]] == [
        [FIRST, "a"],
        [FIRST, "b"],
        [SECOND, "a"],
        [SECOND, "b"],
    ]
    assert mark[0] == "mark"
    assert mark[1]["tasks"] == [[SECOND, "a", -1, "success"]]


def test_what_the_owner_refuses_is_an_error(target: Target, owner: list[tuple[str, dict[str, Any]]]) -> None:
    with pytest.raises(NbflowError, match="no"):
        obeyed(target.home, "clear", {"refuse": True})
    assert owner


def test_without_an_owner_nothing_is_left_for_one(target: Target) -> None:
    assert obeyed(target.home, "clear", {}) is None
    with StateStore(target.home.state) as state:
        assert state.commands.open() == []


def test_without_an_owner_each_run_gets_a_process_until_one_holds_the_home(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[list[str]] = []
    asked: list[list[str]] = []

    def told(_home: Home, _verb: str, body: dict[str, Any]) -> dict[str, Any] | None:
        asked.append([row[0] for row in body["tasks"]])
        return {} if begun else None

    monkeypatch.setattr(board_choice, "obeyed", told)
    monkeypatch.setattr(board_choice, "started", lambda _target, words: begun.append(words))
    monkeypatch.setattr(board_choice, "wait_for_owner", lambda _home: True)
    act(target, "clear", {"run_ids": [FIRST, SECOND], "tasks": ["c"], "upstream": True})
    assert begun == [["clear", str(target.path), FIRST, "c", "--upstream", "--yes"]]
    assert [set(runs) for runs in asked] == [{FIRST, SECOND}, {SECOND}]


def test_a_failure_is_cleared_and_runs_again_in_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"

    def save(*cells: str) -> Target:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, path)
        return fresh_target(path)

    target = save("%%task a\n1 / 0", "%%task b\n1")
    act(target, "run", {"date": "2026-01-01"})
    run_id = RunKey("n", FIRST).run_id
    assert _settled(target) == {run_id: "fu"}
    target = save("%%task a\n1 / 1", "%%task b\n1")
    act(target, "clear", {"run_ids": [run_id], "tasks": ["a"]})
    assert _settled(target, unlike=["FU", "fu", "Fu"]) == {run_id: "ss"}


def _settled(target: Target, unlike: list[str] | None = None) -> dict[str, str]:
    """The squares, once every run is over, nobody works on the home, and no run stands as it did."""
    pause = threading.Event()
    while True:
        found = board(target)
        over = found["runs"] and all(run["state"] in ("success", "failed") for run in found["runs"])
        if over and not is_held(target.home) and not set(found["squares"].values()) & set(unlike or ()):
            return found["squares"]
        pause.wait(0.05)
