"""An executor that does what a test says, for moments that real processes don't produce on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Timer
from typing import TYPE_CHECKING, Any

import nbformat

from nbflow.execute.local import Finished, Started
from nbflow.model.work import NOTEBOOK_FILE, Result, TaskOutcome
from nbflow.service.clock import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbflow.model.work import TaskRequest
    from nbflow.model.xcom import XComValue


@dataclass
class FakeExecutor:
    """Ends each try by `does` as soon as it is submitted; where that is None, when it is stopped."""

    does: Callable[[TaskRequest], Result | None] = lambda _: Result.SUCCESS
    hands_on: Callable[[TaskRequest], tuple[XComValue, ...]] = lambda _: ()
    tells: Callable[[TaskRequest], dict[str, Any]] = lambda _: {}  # more fields of the outcome
    events: SimpleQueue[object] = field(default_factory=SimpleQueue)
    requests: list[TaskRequest] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    closed: bool = False

    def submit(self, request: TaskRequest) -> None:
        if self.closed:
            msg = "the executor is closed"
            raise RuntimeError(msg)
        self.requests.append(request)
        self.events.put(Started(token=request.token, pgid=1, at=now()))
        result = self.does(request)
        if result is not None:
            self.end(request, result)

    def end(self, request: TaskRequest, result: Result, reason: str = "") -> None:
        self.ended.add(request.token)
        notebook = nbformat.from_dict(request.notebook)
        for cell in notebook.cells:
            if request.callback is None and cell.source.startswith(f"%%task {request.key.task_id}"):
                cell.metadata.papermill = {"start_time": "2026-01-01T00:00:00"}
                cell.outputs = [nbformat.v4.new_output("stream", text=f"{request.key.task_id} {result}")]
        nbformat.write(notebook, request.folder / NOTEBOOK_FILE)
        outcome = TaskOutcome(
            token=request.token,
            result=result,
            reason=reason,
            error=None,
            xcoms=self.hands_on(request) if result is Result.SUCCESS else (),
            notes=(),
            started=now(),
            ended=now(),
            **self.tells(request),
        )
        self.events.put(Finished(outcome=outcome))

    def stop(self, token: str, reason: str) -> None:
        for request in self.requests:
            if request.token == token and token not in self.ended:
                self.ended.add(token)
                Timer(0.05, self.end, (request, Result.STOPPED, reason)).start()  # a process takes a moment

    def close(self) -> None:
        self.closed = True
