"""How a task asks the owner while it runs: one question and one answer a connection."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbflow.errors import OutsideError, XComError
from nbflow.execute.sockets import socket_folder
from nbflow.model.outside import Standing, StateQuery, TriggerQuery
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.xcom import XComValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

PATIENCE = 60.0  # seconds a task waits for the owner's answer
_NOBODY = "no nbflow process stands behind this try, so there is nobody to ask"


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
    """Answers tasks' questions on a Unix socket, from threads of its own, until it is closed.

    What a callable raises reaches the task that asked, as an error with the same text. One that is left out
    is a question that nobody answers here.

    Args:
        answer: gives XComs, in map order; all callables are called on the server's threads, several at once.
        variable: a variable's value by its key, None where there is none.
        connection: a connection's URI by its id, None where there is none.
        standing: how a run or task stands, None where there is no such run.
        trigger: has a run be there, and says how it stands; returns at once.

    Attributes:
        path: the socket, readable by its owner only; put it into `TaskRequest.exchange`.
    """

    path: Path

    def __init__(
        self,
        answer: Callable[[XComQuery], Sequence[XComValue]],
        *,
        variable: Callable[[str], str | None] | None = None,
        connection: Callable[[str], str | None] | None = None,
        standing: Callable[[StateQuery], Standing | None] | None = None,
        trigger: Callable[[TriggerQuery], Standing] | None = None,
    ) -> None:
        self._xcom = answer
        self._variable = variable
        self._connection = connection
        self._standing = standing
        self._trigger = trigger
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
                reply: dict[str, object] = {"answer": self._answer(json.loads(_received(connection)))}
            except Exception as error:  # noqa: BLE001 it belongs to the task that asked
                reply = {"error": f"{type(error).__name__}: {error}"}
            connection.sendall(json.dumps(reply).encode())

    def _answer(self, question: Mapping[str, Any]) -> object:
        match question:
            case {"xcom": query}:
                indexes = query["map_indexes"]
                query["map_indexes"] = None if indexes is None else tuple(indexes)
                return [value.to_json() for value in self._xcom(XComQuery(**query))]
            case {"variable": key} if self._variable is not None:
                return self._variable(key)
            case {"connection": conn_id} if self._connection is not None:
                return self._connection(conn_id)
            case {"standing": query} if self._standing is not None:
                found = self._standing(_state_query(query))
                return None if found is None else asdict(found)
            case {"trigger": query} if self._trigger is not None:
                return asdict(self._trigger(_trigger_query(query)))
            case _:
                msg = f"nobody answers questions about a {'/'.join(question)} here"
                raise LookupError(msg)


def ask(path: Path, query: XComQuery) -> tuple[XComValue, ...]:
    """The owner's answer to a question for XComs.

    Raises:
        XComError: nobody answers at `path`, or the owner could not answer.
    """
    what = f"xcom_pull of {query.key!r} from task {query.task_id!r}"
    try:
        found: Any = _asked(path, {"xcom": asdict(query)}, what)
    except OutsideError as error:
        raise XComError(str(error)) from error
    return tuple(XComValue.from_json(value) for value in found)


class AskedOutside:
    """The world outside of a try: each question goes to the owner.

    Args:
        path: the owner's socket; None where nobody stands behind the try.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def variable(self, key: str) -> str | None:
        """A variable's value, None where there is none."""
        found: Any = self._ask({"variable": key}, f"variable {key!r}")
        return found

    def connection(self, conn_id: str) -> str | None:
        """A connection as URI, None where there is none."""
        found: Any = self._ask({"connection": conn_id}, f"connection {conn_id!r}")
        return found

    def standing(self, query: StateQuery) -> Standing | None:
        """How a run or a task stands; None where there is no such run yet."""
        question = {
            "dag_id": query.dag_id,
            "logical_date": query.logical_date.isoformat(),
            "task_id": query.task_id,
        }
        found: Any = self._ask({"standing": question}, f"the state of DAG {query.dag_id!r}")
        return None if found is None else Standing(**found)

    def trigger(self, query: TriggerQuery) -> Standing:
        """Have a run, and say how it stands."""
        by = query.asked_by
        question = {
            "dag_id": query.dag_id,
            "logical_date": query.logical_date.isoformat(),
            "conf": dict(query.conf),
            "asked_by": None if by is None else [by.run.dag_id, by.run.run_id, by.task_id, by.map_index],
            "try_number": query.try_number,
            "wait": query.wait,
        }
        found: Any = self._ask({"trigger": question}, f"trigger_dag of {query.dag_id!r}")
        return Standing(**found)

    def _ask(self, question: Mapping[str, object], what: str) -> object:
        if self._path is None:
            msg = f"{what}: {_NOBODY}"
            raise OutsideError(msg)
        return _asked(self._path, question, what)


def _asked(path: Path, question: Mapping[str, object], what: str) -> object:
    """The answer to a question.

    Raises:
        OutsideError: nobody answers, or with an error.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(str(path))
            connection.sendall(json.dumps(question).encode())
            connection.shutdown(socket.SHUT_WR)
            reply = json.loads(_received(connection))
    except (OSError, ValueError) as error:
        msg = f"{what}: nbflow doesn't answer at {path} ({error})"
        raise OutsideError(msg) from error
    if "error" in reply:
        msg = f"{what} failed: {reply['error']}"
        raise OutsideError(msg)
    return reply["answer"]


def _state_query(data: Mapping[str, Any]) -> StateQuery:
    return StateQuery(
        dag_id=data["dag_id"],
        logical_date=datetime.fromisoformat(data["logical_date"]),
        task_id=data["task_id"],
    )


def _trigger_query(data: Mapping[str, Any]) -> TriggerQuery:
    by = data["asked_by"]
    return TriggerQuery(
        dag_id=data["dag_id"],
        logical_date=datetime.fromisoformat(data["logical_date"]),
        conf=data["conf"],
        asked_by=None if by is None else TaskKey(RunKey(by[0], by[1]), by[2], by[3]),
        try_number=data["try_number"],
        wait=data["wait"],
    )


def _received(connection: socket.socket) -> bytes:
    parts: list[bytes] = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)
