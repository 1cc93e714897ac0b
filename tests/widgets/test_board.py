"""The board without a browser: its graph, what it notices, what it answers."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from service.conftest import AT, CODE, Written, day
from widgets.conftest import edge, flow_from

from nbflow.errors import OptionError
from nbflow.model.flow import EdgeKind
from nbflow.model.instance import Instance
from nbflow.model.messages import Move
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.task import MapOver, TaskSpec
from nbflow.service.board import board as service_board
from nbflow.service.board import updates
from nbflow.service.board_target import fresh_target
from nbflow.store.state import StateStore
from nbflow.widgets.board import watch
from nbflow.widgets.board.answers import answer
from nbflow.widgets.board.data import board
from nbflow.widgets.board.graph import graph
from nbflow.widgets.board.place import API, server_place
from nbflow.widgets.board.watch import Watch, looked, merged
from nbflow.widgets.board.widget import Board

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nbflow.model.flow import Flow


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    (tmp_path / ".nbflow").mkdir()
    with StateStore(tmp_path / ".nbflow" / "state.sqlite") as state:
        state.take_ownership("pytest", AT)
        yield Written(tmp_path, state)


@pytest.fixture
def ran(written: Written) -> tuple[Path, RunKey]:
    """A notebook with one run under way."""
    key = written.run(written.flow(*CODE), day(1), {"a": "S", "b": ".", "c": "."}, RunState.RUNNING)
    return written.folder / "n.ipynb", key


def move(written: Written, key: RunKey, task_id: str, old: TaskState, new: TaskState) -> None:
    with written.state.writing():
        change = Move(
            at=AT, key=TaskKey(key, task_id), old=old, new=new, reason="", instance=Instance(state=new)
        )
        written.state.record([change])


def test_every_task_and_edge_of_the_graph_has_its_place(diamond: Flow) -> None:
    found = graph(diamond)
    assert json.loads(json.dumps(found)) == found
    assert [node["id"] for node in found["nodes"]] == list(diamond.tasks)
    for node in found["nodes"]:
        assert 0 <= node["x"] <= node["x"] + node["w"] <= found["width"]
        assert 0 <= node["y"] <= node["y"] + node["h"] <= found["height"]
    assert [(one["from"], one["to"], one["kind"]) for one in found["edges"]] == [
        (one.upstream, one.downstream, one.kind.value) for one in diamond.edges
    ]
    assert all(re.fullmatch(r"M[\d. -]+C[\d. -]+", one["path"]) for one in found["edges"])
    assert found["edges"][3]["why"] == "why join follows clean: <count, rows>"
    assert [group["id"] for group in found["groups"]] == ["Prepare", "Prepare.Inner part"], "parents first"
    by_name = {node["id"]: node for node in found["nodes"]}
    assert by_name["wait"]["x"] < by_name["load"]["x"] < by_name["join"]["x"], "left to right"


def test_a_mapped_task_has_room_for_its_pile() -> None:
    mapped = TaskSpec(task_id="fit", map=(MapOver(names=("p",), expression="grid"),))
    found = graph(flow_from([TaskSpec(task_id="fix"), mapped], [edge("fix", "fit", EdgeKind.DECLARED)]))
    plain, pile = found["nodes"]
    assert (plain["mapped"], pile["mapped"], pile["kind"]) == (False, True, "mapped")
    assert pile["h"] > plain["h"]


def test_an_empty_graph_is_one() -> None:
    found = graph(flow_from([TaskSpec(task_id="only")], []))
    assert (len(found["nodes"]), found["edges"], found["groups"]) == (1, [], [])


def test_the_board_is_that_of_the_service_with_the_graph(ran: tuple[Path, RunKey]) -> None:
    target = fresh_target(ran[0])
    found = board(target)
    assert [node["id"] for node in found.pop("graph")["nodes"]] == ["a", "b", "c"]
    assert found.keys() == service_board(target).keys()


def test_a_watch_notices_what_moves_and_keeps_the_whole(written: Written, ran: tuple[Path, RunKey]) -> None:
    path, key = ran
    watched = Watch(path)
    watched.look()  # the first answer is always that something may have moved
    assert watched.look() == (False, {})
    move(written, key, "b", TaskState.NONE, TaskState.SCHEDULED)
    whole, news = watched.look()
    assert not whole
    assert news["squares"] == {key.run_id: "son"}
    assert watched.data["squares"] == {key.run_id: "son"}
    assert watched.data["graph"]["nodes"], "what did not move stays"
    assert watched.look() == (False, {})
    watched.close()


def test_many_moves_between_two_looks_are_one_piece_of_news(
    written: Written, ran: tuple[Path, RunKey]
) -> None:
    path, key = ran
    watched = Watch(path)
    for _ in range(20):
        move(written, key, "b", TaskState.NONE, TaskState.SCHEDULED)
        move(written, key, "b", TaskState.SCHEDULED, TaskState.NONE)
    _, news = watched.look()
    assert news["squares"] == {key.run_id: "snn"}
    assert watched.look() == (False, {})


def test_a_save_makes_squares_stale_and_brings_a_whole_board(
    written: Written, ran: tuple[Path, RunKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_SLOWLY", 0.0)
    path, key = ran
    watched = Watch(path)
    written.flow("%%task a\nx = 22", *CODE[1:], "%%task more\n1")
    assert watched.look() == (True, {})
    assert watched.data["squares"] == {key.run_id: "Snn "}
    assert [task["id"] for task in watched.data["tasks"]] == ["a", "b", "c", "more"]


def test_a_watch_notices_a_pause(
    written: Written, ran: tuple[Path, RunKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_SLOWLY", 0.0)
    watched = Watch(ran[0])
    with written.state.writing():
        written.state.pause("n", paused=True, reason="")
    _, news = watched.look()
    assert news["paused"]
    assert watched.data["paused"]
    assert watched.look() == (False, {})


def test_a_look_that_fails_leaves_the_last_picture(ran: tuple[Path, RunKey]) -> None:
    watched = Watch(ran[0])
    watched.look()
    before = watched.data
    state = ran[0].parent / ".nbflow" / "state.sqlite"
    state.rename(state.with_name("away"))
    looked(watched)
    assert watched.data["runs"] == before["runs"]


def test_updates_taken_in_make_the_board_that_is(written: Written, ran: tuple[Path, RunKey]) -> None:
    path, key = ran
    target = fresh_target(path)
    before = service_board(target)
    move(written, key, "b", TaskState.NONE, TaskState.SCHEDULED)
    written.run(target.flow, day(3), {"a": "S", "b": "S", "c": "S"}, RunState.SUCCESS)
    written.run(target.flow, day(2), {"a": "F"}, RunState.FAILED)
    kept = json.dumps(before)
    after = merged(before, updates(target, before["mark"]))
    assert json.dumps(before) == kept, "nothing is changed in place"
    now = service_board(target)
    assert {name: after[name] for name in now} == now


@pytest.fixture
def heard() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def shown(
    ran: tuple[Path, RunKey], heard: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Board]:
    monkeypatch.setattr(Board, "send", lambda _self, content, _buffers=None: heard.append(content))
    pulled: Callable[[Any], str] = lambda details: f"pulled {details['task_id']}"  # noqa: E731
    found = Board(ran[0], view="grid", pull=pulled)
    yield found
    found.close()


def until(heard: list[dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first thing heard that is so; waits for it."""
    while True:
        for one in list(heard):
            if wanted(one):
                return one
        time.sleep(0.01)


def test_a_board_tells_of_moves_while_another_thread_is_busy(
    written: Written, ran: tuple[Path, RunKey], shown: Board, heard: list[dict[str, Any]]
) -> None:
    key = ran[1]
    assert shown.data["squares"] == {key.run_id: "snn"}
    move(written, key, "b", TaskState.NONE, TaskState.SCHEDULED)
    news = until(heard, lambda one: "squares" in one.get("updates", {}))
    assert news["updates"]["squares"] == {key.run_id: "son"}
    assert shown.get_state("data")["data"]["squares"] == {key.run_id: "son"}, "for a page that joins late"


def test_a_board_answers_with_the_number_of_the_question(
    ran: tuple[Path, RunKey], shown: Board, heard: list[dict[str, Any]]
) -> None:
    run_id = ran[1].run_id
    asked: dict[int, tuple[str, dict[str, Any]]] = {
        1: ("run_panel", {"run_id": run_id}),
        2: ("square_panel", {"run_id": run_id, "task_id": "nope"}),
        3: ("pull", {"run_id": run_id, "task_id": "a"}),
        4: ("fly", {}),
    }
    for number, (what, details) in asked.items():
        shown._handle_custom_msg({"id": number, "ask": what, "with": details}, [])
    answers = {number: until(heard, lambda one, n=number: one.get("id") == n) for number in asked}
    assert answers[1]["answer"]["label"] == "2026-01-01"
    assert "has no task nope" in answers[2]["error"]
    assert answers[3]["answer"] == {"ok": True, "said": "pulled a"}
    assert "can't ask 'fly'" in answers[4]["error"]
    shown._handle_custom_msg("nonsense", [])
    shown._handle_custom_msg({"id": 5, "ask": "board", "with": "nonsense"}, [])
    assert "error" in until(heard, lambda one: one.get("id") == 5)


def test_a_board_says_the_kernels_date_once(shown: Board, heard: list[dict[str, Any]]) -> None:
    shown.tell(ds="2026-01-01")
    shown.tell(ds="2026-01-01")
    assert [one for one in heard if "ds" in one.get("updates", {})] == [{"updates": {"ds": "2026-01-01"}}]
    assert shown.get_state("data")["data"]["ds"] == "2026-01-01"


def test_a_board_that_is_closed_leaves_no_thread(shown: Board) -> None:
    thread = shown._thread
    assert thread.is_alive()
    shown.close()
    thread.join()
    assert not [one for one in threading.enumerate() if one is thread]


def test_the_widget_brings_its_page_along(shown: Board) -> None:
    state = shown.get_state()
    assert "export default" in state["_esm"]
    assert ".nbf-board" in state["_css"]
    assert not re.search(r"https?://(?!www\.w3\.org)", state["_esm"] + state["_css"]), (
        "nothing leaves the machine"
    )
    assert (state["view"], state["server"], state["notebook"]) == ("grid", "", str(shown._path))


@pytest.mark.parametrize(
    ("what", "details", "said"),
    [("square_panel", {}, "needs run_id"), ("updates", {}, "needs since"), ("act", {}, "needs verb"), ("x", {}, "can't ask 'x'")],
)  # fmt: skip
def test_a_question_that_lacks_something_says_what(
    ran: tuple[Path, RunKey], what: str, details: dict[str, Any], said: str
) -> None:
    with pytest.raises(OptionError) as error:
        answer(ran[0], what, details)
    assert said in str(error.value)


def test_every_question_of_the_page_has_an_answer(ran: tuple[Path, RunKey]) -> None:
    path, key = ran
    place = {"run_id": key.run_id, "task_id": "a", "map_index": -1, "try_number": None}
    assert answer(path, "board", {"last": 5})["runs"]
    assert answer(path, "updates", {"since": 0})["runs"]
    assert [node["id"] for node in answer(path, "graph", {"shut": []})["nodes"]] == ["a", "b", "c"]
    assert answer(path, "square_panel", place)["state"] == "success"
    assert answer(path, "task_panel", {"task_id": "a"})["runs"]
    assert answer(path, "log_after", place | {"offset": 0})["text"] == ""
    asked = {"verb": "mark", "body": {"run_ids": [key.run_id], "tasks": ["b"], "state": "success"}}
    assert answer(path, "preview", asked)["count"] == 1
    assert answer(path, "act", {"verb": "pause", "body": {}})["ok"]


def test_a_server_names_the_notebook_from_its_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "runtime").mkdir()
    notebook = tmp_path / "root" / "sub" / "n.ipynb"
    assert server_place(notebook, {}) == ("", str(notebook)), "no server started this kernel"
    started = {"JPY_SESSION_NAME": str(notebook), "JPY_PARENT_PID": "4711"}
    assert server_place(notebook, started) == (API, str(notebook)), "it doesn't say where its root is"
    said = tmp_path / "runtime" / "jpserver-4711.json"
    said.write_text(json.dumps({"root_dir": str(tmp_path / "root")}), "utf-8")
    assert server_place(notebook, started) == (API, "sub/n.ipynb")
    assert server_place(tmp_path / "n.ipynb", started) == (API, str(tmp_path / "n.ipynb")), "outside of it"
    said.write_text("{", "utf-8")
    assert server_place(notebook, started) == (API, str(notebook))
