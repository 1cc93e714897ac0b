"""`%nbflow` in a real kernel, on a real notebook."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import nbformat
import pytest
from jupyter_client.manager import KernelManager

from nbflow.magics.run import summary_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_client.blocking.client import BlockingKernelClient

WIDGET = "application/vnd.jupyter.widget-view+json"


def write(path: Path, *cells: str) -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel that was started for `small.ipynb`, with nbflow loaded."""
    monkeypatch.delenv("NBFLOW_HOME", raising=False)
    environment = {**os.environ, "JPY_SESSION_NAME": str(tmp_path / "small.ipynb")}
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=environment, cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready()
    executed(client, "%load_ext nbflow")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def executed(client: BlockingKernelClient, code: str) -> list[dict[str, object]]:
    """The messages a cell publishes, in order."""
    return _until_idle(client, client.execute(code))


def _until_idle(client: BlockingKernelClient, request: str) -> list[dict[str, object]]:
    messages = []
    while True:
        message = client.get_iopub_msg()
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return messages
        messages.append(message)


def of_type(messages: list[dict[str, object]], *types: str) -> list[dict]:
    return [message["content"] for message in messages if message["msg_type"] in types]


def printed(messages: list[dict[str, object]]) -> str:
    return "".join(content["text"] for content in of_type(messages, "stream"))


def test_graph_and_grid_and_run(kernel: tuple[KernelManager, BlockingKernelClient], tmp_path: Path) -> None:
    _, client = kernel
    write(tmp_path / "small.ipynb", "%%task load\nrows = 3", "%%task double\ntwice = 2 * rows")

    (graph,) = of_type(executed(client, "%nbflow graph"), "display_data")
    assert "double  ← load (rows)" in graph["data"]["text/plain"]
    assert "<img " in graph["data"]["text/html"]

    (before,) = of_type(executed(client, "%nbflow grid"), "display_data")
    assert "no runs yet" in before["data"]["text/plain"]

    messages = executed(client, "%nbflow run 2013-01-01")
    assert "executed notebooks" in printed(messages), printed(messages)
    shown = of_type(messages, "display_data", "update_display_data")
    assert shown[0]["data"].keys() == {WIDGET, "text/html", "text/plain"}
    assert shown[-1]["data"].keys() == {"text/html", "text/plain"}
    assert "double  ■" in shown[-1]["data"]["text/plain"]

    (grid,) = of_type(executed(client, "%nbflow grid --last 5"), "display_data")
    assert "load    ■" in grid["data"]["text/plain"]
    (graph,) = of_type(executed(client, "%nbflow graph latest"), "display_data")
    assert "■ load" in graph["data"]["text/plain"]

    executed(client, "%dag --date 2013-01-01")
    (pulled,) = of_type(executed(client, "ti.xcom_pull('load', key='rows')"), "execute_result")
    assert pulled["data"]["text/plain"] == "3"

    wrong = executed(client, "%nbflow run 2013-01-01 --no-such-option")
    assert "UsageError" in printed(wrong)
    assert "--no-such-option" in printed(wrong)
    assert "%%task" not in printed(executed(client, "%nbflow check"))


def test_interrupting_the_kernel_stops_the_run(
    kernel: tuple[KernelManager, BlockingKernelClient], tmp_path: Path
) -> None:
    manager, client = kernel
    marker = tmp_path / "started"
    write(
        tmp_path / "small.ipynb",
        f"%%task wait\nimport pathlib, time\npathlib.Path({str(marker)!r}).touch()\ntime.sleep(3600)",
    )
    request = client.execute("%nbflow run 2013-01-01")
    while not marker.exists():
        reply = client.get_shell_msg() if client.shell_channel.msg_ready() else None
        ended = reply is not None and reply["parent_header"].get("msg_id") == request
        assert not ended, printed(_until_idle(client, request))
        time.sleep(0.05)
    manager.interrupt_kernel()
    messages = _until_idle(client, request)
    assert [error["ename"] for error in of_type(messages, "error")] == ["KeyboardInterrupt"]
    assert "stopped" in printed(messages)
    (grid,) = of_type(executed(client, "%nbflow grid"), "display_data")
    assert "▶" not in grid["data"]["text/plain"]


@pytest.mark.parametrize(
    ("text", "status", "summary"),
    [
        ("flights 3 runs\n\ngrid\n\nexecuted notebooks  x\nlook further  y\n", 0, "executed notebooks  x\nlook further  y"),
        ("", 0, "nbflow run ended with status 0"),
        ("one\n\ntwo\n", -9, "one\n\ntwo"),
    ],
)  # fmt: skip
def test_summary(text: str, status: int, summary: str) -> None:
    assert summary_of(text, status) == summary


def test_beside_an_owner_an_interrupt_ends_the_watching_alone(
    kernel: tuple[KernelManager, BlockingKernelClient], tmp_path: Path
) -> None:
    manager, client = kernel
    waits = "%%task wait\nimport pathlib, time\npathlib.Path('here').touch()\n"
    waits += "while not pathlib.Path('go').exists():\n    time.sleep(0.02)"
    write(tmp_path / "small.ipynb", waits)
    with subprocess.Popen(
        [sys.executable, "-m", "nbflow", "run", "small.ipynb", "2013-01-01"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    ) as owner:
        while not (tmp_path / "here").exists():
            assert owner.poll() is None
            time.sleep(0.02)
        request = client.execute("%nbflow run 2013-01-01")
        with closing(sqlite3.connect(tmp_path / ".nbflow" / "state.sqlite")) as state:
            while not state.execute("SELECT 1 FROM command WHERE done_at IS NOT NULL").fetchall():
                assert owner.poll() is None
                time.sleep(0.02)
        manager.interrupt_kernel()
        messages = _until_idle(client, request)
        (tmp_path / "go").touch()
        assert owner.wait() == 0
    assert [error["ename"] for error in of_type(messages, "error")] == ["KeyboardInterrupt"]
    assert "the run goes on without this command" in printed(messages), printed(messages)
    assert "nbflow mark failed small 2013-01-01" in printed(messages)
