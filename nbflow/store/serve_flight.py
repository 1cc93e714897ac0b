"""Arrow Flight over an owner's open XCom file. Importing this takes a while: see `serve`."""

from __future__ import annotations

import json
from contextlib import ExitStack
from io import BytesIO
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow.flight as fl

from nbflow.codec.files import new_file
from nbflow.errors import NbflowError
from nbflow.store.guest import GuestGone
from nbflow.store.people import Question
from nbflow.store.token import home_token, same_token
from nbflow.store.wire import PIECE, SCHEMA, abouts, error_json, key_of, sent, sent_whole, stored_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from nbflow.model.run import TaskKey
    from nbflow.model.xcom import Form
    from nbflow.store.home import Home
    from nbflow.store.xcom import XComStore
    from nbflow.store.xcom_target import Target

HEADER = "authorization"
STOP = "stop"
_UNAUTHENTICATED = "show what stands in the home's file `token`, as the header `authorization: Bearer …`"
_UNKNOWN = "the process that holds the home is of another nbflow, and knows no question like this: {question}"


class XComServer(fl.FlightServerBase):
    """Answers as soon as it is made, on threads of its own, until `shutdown`. Reads only."""

    def __init__(
        self,
        location: str,
        home: Home,
        xcoms: XComStore,
        files: Path,
        certificates: list[tuple[bytes, bytes]] | None,
    ) -> None:
        """Listen.

        Args:
            location: `grpc+unix://PATH` or `grpc+tls://HOST:PORT`.
            home: whose XComs these are; its token must be shown.
            xcoms: the open file.
            files: a folder for values on their way.
            certificates: certificate and key, for TLS.
        """
        self._xcoms = xcoms
        self._guests = xcoms.guests(home.state)
        self._files = files
        asks = _AsksForToken(home_token(home.root))
        super().__init__(location, middleware={"token": asks}, tls_certificates=certificates)

    def do_action(self, context: fl.ServerCallContext, action: fl.Action) -> Iterator[fl.Result]:
        """`stop` with a question's number ends it; anything else finds out that the server is there."""
        if action.type == STOP:
            self._guests.stop(action.body.to_pybytes().decode())
        yield fl.Result(b"")

    def do_get(self, context: fl.ServerCallContext, ticket: fl.Ticket) -> fl.FlightDataStream:
        """The answer to a question; see `wire`."""
        stack = ExitStack()
        try:
            schema, batches = self._answer(json.loads(ticket.ticket), context, stack)
        except BaseException as error:
            stack.close()
            _tell(error)
            raise
        return fl.GeneratorStream(schema, _streamed(batches, stack))

    def _answer(
        self, question: dict[str, Any], context: fl.ServerCallContext, stack: ExitStack
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        match question:
            case {"sql": asked}:
                return stack.enter_context(self._guests.answer(Question(**asked), context.is_cancelled))
            case {"tables": _}:
                return SCHEMA, abouts(table.to_json() for table in self._guests.tables())
            case {"list": asked}:
                return SCHEMA, abouts(stored_json(stored) for stored in self._xcoms.list_values(**asked))
            case {"get": asked}:
                return SCHEMA, self._sent(key_of(asked.pop("task")), asked, stack)
            case {"pull": asked}:
                return SCHEMA, sent(self._xcoms.pull(**asked, folder=self._folder(stack)))
            case _:
                raise NbflowError(_UNKNOWN.format(question="/".join(question)))

    def _sent(self, task: TaskKey, asked: dict[str, Any], stack: ExitStack) -> Iterator[pa.RecordBatch]:
        """One value. A small one never becomes a file here: to make and remove one can wait for the disk."""
        content = BytesIO()

        def place(key: str, form: Form, size: int) -> Target:
            return content if size <= PIECE else new_file(self._folder(stack), key, form)

        value = self._xcoms.get_into(place, task, **asked)
        if value is None or value.path is not None:
            return sent([] if value is None else [(task, value)])
        return sent_whole(task, value, content.getvalue())

    def _folder(self, stack: ExitStack) -> Path:
        from pathlib import Path

        return Path(stack.enter_context(TemporaryDirectory(dir=self._files)))


class _AsksForToken(fl.ServerMiddlewareFactory):
    def __init__(self, token: str) -> None:
        super().__init__()
        self._expected = f"Bearer {token}"

    def start_call(self, info: fl.CallInfo, headers: dict[str, list[str]]) -> None:
        """Refuse whoever doesn't show the token."""
        shown = next((values for name, values in headers.items() if name.lower() == HEADER), [])
        if not (len(shown) == 1 and same_token(shown[0], self._expected)):
            raise fl.FlightUnauthenticatedError(_UNAUTHENTICATED)


def _streamed(batches: Iterator[pa.RecordBatch], stack: ExitStack) -> Iterator[pa.RecordBatch]:
    """The batches; when they are sent, or nobody takes them any more, what they needed is let go."""
    with stack:
        try:
            yield from batches
        except Exception as error:
            _tell(error)
            raise


def _tell(error: BaseException) -> None:
    """Raise an error of ours as one that reaches the reader whole."""
    if isinstance(error, GuestGone):
        raise fl.FlightUnavailableError("the process that had the XComs open has ended") from error
    if isinstance(error, NbflowError):
        raise fl.FlightServerError(str(error), extra_info=error_json(error)) from error
