"""What the routes' answers are like: JSON that a browser can read, and none that keeps the others waiting."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from cli.conftest import write_notebook
from server.conftest import RUN

from nbflow.server import routes
from nbflow.server.handlers import _WRITERS
from nbflow.service.clock import now
from nbflow.store.home import HomeLock, find_home
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_process import Jupyter

API = routes.API


def _run(path: Path, *words: str) -> None:
    (path.parent / ".nbflow").mkdir(mode=0o700)
    command = [sys.executable, "-m", "nbflow", "run", str(path), "2026-01-01", *words]
    subprocess.run(command, capture_output=True, check=True)


def test_numbers_that_json_does_not_have_come_as_text(server: Jupyter) -> None:
    path = write_notebook(
        server.root / "odd" / "odd.ipynb",
        "%%dag odd --schedule @daily --start-date 2026-01-01",
        "#parameters\nrate = 1.0\nlimits = {}",
        "%%task a\n[rate, float('inf')]",
    )
    _run(path, "-y", "{rate: .nan, limits: {most: .inf}}")

    def refused(found: str) -> None:
        raise AssertionError(found)

    asked = {"board": {}, "run_panel": {}, "square_panel": {"task_id": "a"}, "task_panel": {"task_id": "a"}}
    for route, more in asked.items():
        reply = server.ask(f"{API}/{route}", notebook="odd/odd.ipynb", run_id=RUN, **more)
        assert reply.status == 200, reply.body
        json.loads(reply.body, parse_constant=refused)
    reply = server.ask(f"{API}/run_panel", notebook="odd/odd.ipynb", run_id=RUN)
    assert "nan" in reply.body


def test_actions_that_wait_keep_nothing_else_waiting(server: Jupyter) -> None:
    path = write_notebook(
        server.root / "slow" / "slow.ipynb",
        "%%dag slow --schedule @daily --start-date 2026-01-01",
        "%%task a\n1",
    )
    _run(path)
    home = find_home(path.parent)
    clear = json.dumps({"verb": "clear", "body": {"run_ids": [RUN]}})
    many = _WRITERS + 1
    with (
        HomeLock(home) as lock,
        StateStore(home.state) as state,
        ThreadPoolExecutor(many) as people,
    ):
        assert lock.acquire()
        state.take_ownership("an owner that has no time", now())
        slow = [
            people.submit(server.ask, f"{API}/act", data=clear, notebook="slow/slow.ipynb")
            for _ in range(many)
        ]
        while len(asked := state.commands.open()) < _WRITERS:
            time.sleep(0.01)
        for _ in range(3):
            assert server.ask("api/status").status == 200
            assert server.ask(f"{API}/board", notebook="slow/slow.ipynb").status == 200
        assert not any(one.done() for one in slow)
        while not all(one.done() for one in slow):
            for command in asked:
                with state.writing():
                    state.commands.answer(command.id, {"ok": True}, now())
            time.sleep(0.01)
            asked = state.commands.open()
        assert {one.result().status for one in slow} == {200}
