"""`%nbflow` in a real kernel: the board, what it is told while cells run, and what it leaves."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import KernelManager
from run_project import FAILED, run_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_client.blocking.client import BlockingKernelClient

WIDGET = "application/vnd.jupyter.widget-view+json"
Message = dict[str, Any]


class Talk:
    """One kernel, and all that it has published."""

    def __init__(self, client: BlockingKernelClient, notebook: Path) -> None:
        self.client = client
        self.notebook = notebook
        self.heard: list[Message] = []
        self.last = 0

    def until(self, wanted: Callable[[Message], bool]) -> Message:
        """The first message from now on that is so."""
        while True:
            message = self.client.get_iopub_msg()
            self.heard.append(message)
            if wanted(message):
                return message

    def run(self, code: str) -> list[Message]:
        """What a cell publishes."""
        begin, request = len(self.heard), self.client.execute(code)

        def over(message: Message) -> bool:
            ours = message["parent_header"].get("msg_id") == request
            return ours and message["content"].get("execution_state") == "idle"

        self.until(over)
        return self.heard[begin:]

    def ask(self, board: str, what: str, **details: object) -> Message:
        """What the board answers, as its page hears it."""
        self.last += 1
        number = self.last
        data = {"method": "custom", "content": {"id": number, "ask": what, "with": details}}
        message = self.client.session.msg("comm_msg", {"comm_id": board, "data": data})
        self.client.shell_channel.send(message)
        return self.until(lambda message: said(message).get("id") == number)["content"]["data"]["content"]


def said(message: Message) -> Message:
    """What a board has told its page, {} where this is something else."""
    data = message["content"].get("data", {})
    return data.get("content") or {} if message["msg_type"] == "comm_msg" else {}


def shown(messages: list[Message]) -> list[Message]:
    kinds = ("display_data", "update_display_data")
    return [message["content"]["data"] for message in messages if message["msg_type"] in kinds]


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talk]:
    """A kernel that was started for a project that has run."""
    monkeypatch.delenv("NBFLOW_HOME", raising=False)
    shutil.copytree(run_project().parent, tmp_path / "project")
    notebook = tmp_path / "project" / "daily.ipynb"
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**os.environ, "JPY_SESSION_NAME": str(notebook)}, cwd=str(notebook.parent))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready()
    found = Talk(client, notebook)
    found.run("%load_ext nbflow")
    yield found
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def board_of(messages: list[Message]) -> tuple[str, Message]:
    """The id and the state of the board that a cell has opened."""
    for message in messages:
        if message["msg_type"] == "comm_open" and "_esm" in message["content"]["data"]["state"]:
            return message["content"]["comm_id"], message["content"]["data"]["state"]
    raise AssertionError(messages)


def test_a_board_lives_while_its_kernel_works_and_leaves_a_picture(talk: Talk) -> None:
    messages = talk.run("%nbflow")
    board, state = board_of(messages)
    assert (state["view"], state["server"], state["notebook"]) == ("all", "/nbflow/api", str(talk.notebook))
    assert state["data"]["squares"][FAILED] == "sfsu"
    assert [node["id"] for node in state["data"]["graph"]["nodes"]] == ["load", "check", "fit", "report"]
    (bundle,) = shown(messages)
    assert bundle.keys() == {WIDGET, "text/html", "text/plain"}
    assert bundle[WIDGET]["model_id"] == board
    assert "check   ■  ✕  ■" in bundle["text/plain"]
    assert bundle["text/html"].count("<img ") == 2, "grid and graph"

    again = talk.run("%nbflow")
    assert not [message for message in again if message["msg_type"] == "comm_open"], "one more view of it"
    assert shown(again)[0][WIDGET]["model_id"] == board

    panel = talk.ask(board, "square_panel", run_id=FAILED, task_id="check")
    assert panel["answer"]["error"]["cell"] == 4
    assert "has no task x" in talk.ask(board, "square_panel", run_id=FAILED, task_id="x")["error"]
    pulled = talk.ask(board, "pull", run_id=FAILED, task_id="check", map_index=-1, failed=True)
    assert "ds is 2026-01-02" in pulled["answer"]["said"]
    (result,) = [m for m in talk.run("left, ds") if m["msg_type"] == "execute_result"]
    assert result["content"]["data"]["text/plain"] == "(0, '2026-01-02')"

    # While a cell runs, a person elsewhere pauses the DAG.
    busy = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.01)"
    request = talk.client.execute(busy)
    talk.until(lambda message: message["msg_type"] == "execute_input")
    with closing(sqlite3.connect(talk.notebook.parent / ".nbflow" / "state.sqlite")) as state_file:
        state_file.execute("UPDATE dag SET paused = 1, pause_reason = 'by hand'")
        state_file.commit()
    news = talk.until(lambda message: said(message).get("updates", {}).get("paused"))
    assert said(news)["updates"]["pause_reason"] == "by hand"
    (talk.notebook.parent / "go").touch()
    talk.until(
        lambda message: (
            message["parent_header"].get("msg_id") == request
            and message["content"].get("execution_state") == "idle"
        )
    )

    talk.client.shutdown()
    left = talk.until(lambda message: message["msg_type"] == "update_display_data")
    assert left["content"]["data"].keys() == {"text/html", "text/plain"}


def test_each_part_stands_alone_and_a_date_gives_a_picture(talk: Talk) -> None:
    grid, graph = (talk.run(f"%nbflow {view}") for view in ("grid --last 2", "graph"))
    assert board_of(grid)[1]["view"] == "grid"
    assert [run["label"] for run in board_of(grid)[1]["data"]["runs"]] == ["2026-01-02", "2026-01-03"]
    assert board_of(graph)[1]["view"] == "graph"
    assert "✕" not in shown(graph)[0]["text/plain"], "the latest run succeeded"
    whole = board_of(talk.run("%nbflow --last 1"))[1]
    assert (whole["view"], len(whole["data"]["runs"]), whole["data"]["older"]) == ("all", 1, 2)
    (dated,) = shown(talk.run("%nbflow graph 2026-01-02"))
    assert dated.keys() == {"text/html", "text/plain"}
    assert "✕ check" in dated["text/plain"]


def test_without_a_front_end_there_is_a_picture_and_no_widget(talk: Talk) -> None:
    messages = talk.run(f"import os\ndel os.environ['JPY_SESSION_NAME']\n%nbflow {talk.notebook}")
    assert not [message for message in messages if message["msg_type"] == "comm_open"]
    assert [bundle.keys() for bundle in shown(messages)] == [{"text/html", "text/plain"}]
