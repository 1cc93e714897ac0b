"""Jupyter's session without sockets: what it sends goes through a `Post`."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from jupyter_client.session import Session

if TYPE_CHECKING:
    from nbflow.execute.fork.post import Post


class ChildSession(Session):
    """Sends through a post, once it has one.

    Attributes:
        own_cell: whether the cell that runs is one of nbflow's.
    """

    own_cell = False

    def begin(self, post: Post) -> None:
        """Be the session of this process."""
        self.session = uuid4().hex
        self.pid = self._child = os.getpid()
        self._post = post
        self._held: list[dict[str, Any]] = []
        self._holding = threading.RLock()

    def send(
        self,
        stream: object,
        msg_or_type: dict[str, Any] | str,
        content: dict[str, Any] | None = None,
        parent: dict[str, Any] | None = None,
        ident: object = None,
        buffers: list[Any] | None = None,
        track: bool = False,
        header: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> dict[str, Any] | None:
        """As the parent's; a process that a cell has forked sends what its streams print, and nothing else."""
        if isinstance(msg_or_type, str):
            message: dict[str, Any] = self.msg(msg_or_type, content, parent, header, metadata)
        else:
            message = msg_or_type
            buffers = buffers or message.get("buffers", [])
        if self.check_pid and os.getpid() != self.pid:
            return None
        parcel = {
            "channel": "shell" if stream is None else "iopub",
            "msg_type": message["msg_type"],
            "header": {name: message["header"][name] for name in ("date", "msg_id", "msg_type")},
            "parent_header": {"msg_id": message["parent_header"].get("msg_id")},
            "metadata": message["metadata"],
            "content": message["content"],
        }
        if os.getpid() != self._child:
            self._post.send(parcel, buffers=buffers or ())
            return message
        with self._holding:
            self._held.append(parcel)
            if not self._can_wait(parcel):
                held, self._held = self._held, []
                self._post.send(*held, buffers=buffers or ())
        return message

    def _can_wait(self, parcel: dict[str, Any]) -> bool:
        """Whether a message can go with the next one, which comes at once, or at the end of nbflow's cell."""
        match parcel["msg_type"]:
            case "status":
                return parcel["content"]["execution_state"] == "busy"
            case "execute_input":
                return self.own_cell
            case kind:
                return kind == "execute_reply"

    def tell(self, kind: str, content: object) -> None:
        """Tell the host something that is not Jupyter's."""
        self._post.send({"channel": "nbflow", "msg_type": kind, "content": content})

    def feed_identities(  # type: ignore[override]
        self, msg_list: list[Any], copy: bool = True
    ) -> tuple[list[bytes], list[Any]]:
        """Requests come without identities, and whole."""
        return [], msg_list

    def deserialize(  # type: ignore[override]
        self, msg_list: list[Any], content: bool = True, copy: bool = True
    ) -> dict[str, Any]:
        """The request itself."""
        return msg_list[-1]
