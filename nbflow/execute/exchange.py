"""How a task asks the owner for an XCom while it runs: one question and one answer a connection."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from nbflow.errors import XComError
from nbflow.execute.sockets import socket_folder
from nbflow.model.xcom import XComValue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PATIENCE = 60.0  # seconds a task waits for the owner's answer


@dataclass(frozen=True, slots=True, kw_only=True)
class XComQuery:
    """What `xcom_pull` asks for, one task at a time.

    Attributes:
        dag_id, run_id, task_id, key: whose value.
        map_indexes: which of a mapped task's instances, in that order; None for all.
        include_prior_dates: whether the latest earlier run may answer where this one has no value.
    """

    dag_id: str
    run_id: str
    task_id: str
    key: str
    map_indexes: tuple[int, ...] | None = None
    include_prior_dates: bool = False


class ExchangeServer:
    """Answers tasks' questions on a Unix socket, from a thread of its own, until it is closed.

    Args:
        answer: gives the values, in map order; called on the server's threads, several at once. What it
            raises reaches the task as an `XComError` with the same text.

    Attributes:
        path: the socket, readable by its owner only; put it into `TaskRequest.exchange`.
    """

    path: Path

    def __init__(self, answer: Callable[[XComQuery], Sequence[XComValue]]) -> None:
        self._answer = answer
        self._folder = socket_folder()
        self.path = self._folder / "xcom"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self.path.chmod(0o600)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._serve, name="nbflow-exchange", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering and remove the socket."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(PATIENCE)
            try:
                data = json.loads(_received(connection))
                if data["map_indexes"] is not None:
                    data["map_indexes"] = tuple(data["map_indexes"])
                reply: dict[str, object] = {
                    "values": [value.to_json() for value in self._answer(XComQuery(**data))]
                }
            except Exception as error:  # noqa: BLE001 it belongs to the task that asked
                reply = {"error": f"{type(error).__name__}: {error}"}
            connection.sendall(json.dumps(reply).encode())


def ask(path: Path, query: XComQuery) -> tuple[XComValue, ...]:
    """The owner's answer to a question.

    Raises:
        XComError: nobody answers at `path`, or the owner could not answer.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(str(path))
            connection.sendall(json.dumps(asdict(query)).encode())
            connection.shutdown(socket.SHUT_WR)
            reply = json.loads(_received(connection))
    except (OSError, ValueError) as error:
        msg = f"xcom_pull of {query.key!r} from task {query.task_id!r}: nbflow doesn't answer at {path} ({error})"
        raise XComError(msg) from error
    if "error" in reply:
        msg = f"xcom_pull of {query.key!r} from task {query.task_id!r} failed: {reply['error']}"
        raise XComError(msg)
    return tuple(XComValue.from_json(value) for value in reply["values"])


def _received(connection: socket.socket) -> bytes:
    parts: list[bytes] = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)
