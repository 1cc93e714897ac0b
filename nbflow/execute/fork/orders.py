"""What the owner tells a host, line by line, also while a try runs."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping


class OwnerGone(BaseException):
    """The owner has ended: so does its host, whatever it is at."""


class Orders:
    """A host's end of the socket to its owner: JSON lines both ways.

    Attributes:
        on_stop: called with the token and reason of a stop, while there is a try to be stopped.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._jobs: deque[Mapping[str, Any]] = deque()
        self._rest = b""
        self.on_stop: Callable[[str, str], None] | None = None

    def fileno(self) -> int:
        """The socket's descriptor, to wait for."""
        return self._socket.fileno()

    def wait(self) -> Mapping[str, Any]:
        """The next job.

        Raises:
            OwnerGone: there will be none.
        """
        while not self._jobs:
            self.obey()
        return self._jobs.popleft()

    def obey(self) -> None:
        """Take what has come, waiting for it; a stop is done at once.

        Raises:
            OwnerGone: the owner has closed its end.
        """
        try:
            data = self._socket.recv(1_000_000)
        except ConnectionResetError:
            data = b""
        if not data:
            self._end()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            match json.loads(line):
                case {"run": job}:
                    self._jobs.append(job)
                case {"stop": {"token": token, "reason": reason}}:
                    if self.on_stop is not None:
                        self.on_stop(token, reason)
                case other:
                    msg = f"a host doesn't know the order {other!r}"
                    raise ValueError(msg)

    def answer(self, message: Mapping[str, object]) -> None:
        """Tell the owner something.

        Raises:
            OwnerGone: nobody hears it.
        """
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self._end()

    @staticmethod
    def _end() -> NoReturn:
        raise OwnerGone
