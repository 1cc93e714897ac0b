"""What a host and its child say to each other: whole messages, whoever sends and however long.

A message is a Jupyter message as JSON. Some are sent together, with the last one's binary buffers behind
them. They travel in datagrams over a socket that keeps them in order and apart, so that threads, and
processes that a cell forks, can send at once, and a sender that is killed half-way spoils nothing but what it
was sending.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import struct
from typing import TYPE_CHECKING, Any

from jupyter_client.jsonutil import json_default
from jupyter_client.session import json_packer, json_unpacker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PART = struct.Struct("=IQ?")  # of each datagram: the sender, its parcel's number, whether more follow
_SIZES = struct.Struct("=II")  # of each parcel: the JSON's length, how many buffers follow
_SIZE = struct.Struct("=Q")  # of each buffer: its length
_DATAGRAM = 60_000  # bytes: well below what the system takes at once


class Post:
    """One end of the way between a host and its child."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._numbers = itertools.count()
        self._parts: dict[tuple[int, int], bytearray] = {}

    @staticmethod
    def pair() -> tuple[Post, Post]:
        """Two ends that belong together."""
        first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return Post(first), Post(second)

    def fileno(self) -> int:
        """The socket's descriptor, to wait for."""
        return self._socket.fileno()

    def send(self, *messages: Mapping[str, Any], buffers: Sequence[Any] = ()) -> None:
        """Send messages together; waits while the other end is behind.

        Args:
            messages: what JSON can say; dates become text.
            buffers: of the last one: bytes, or whatever has them.

        Raises:
            OSError: the other end is gone.
        """
        text = _packed(messages)
        parts = [_SIZES.pack(len(text), len(buffers)), text]
        for buffer in buffers:
            view = memoryview(buffer).cast("B")
            parts += [_SIZE.pack(len(view)), view]
        data = b"".join(parts)
        sender, number = os.getpid(), next(self._numbers)
        for start in range(0, len(data), _DATAGRAM):
            more = start + _DATAGRAM < len(data)
            self._socket.send(_PART.pack(sender, number, more) + data[start : start + _DATAGRAM])

    def receive(self) -> list[dict[str, Any]]:
        """Wait for one datagram; the messages that are whole with it. Each has its `buffers`.

        Raises:
            EOFError: the other end is gone, and everything it sent has been received.
        """
        try:
            datagram = self._socket.recv(_DATAGRAM + _PART.size)
        except ConnectionResetError:
            datagram = b""
        if not datagram:
            raise EOFError
        sender, number, more = _PART.unpack_from(datagram)
        known = self._parts.pop((sender, number), None)
        data = memoryview(datagram)[_PART.size :]
        if known is not None:
            known += data
            data = memoryview(known)
        if more:
            self._parts[sender, number] = bytearray(data) if known is None else known
            return []
        return _messages(data)

    def close(self) -> None:
        """Close this end."""
        self._socket.close()


def _packed(messages: Sequence[Mapping[str, Any]]) -> bytes:
    try:
        return json_packer(messages)
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(messages, default=json_default).encode()


def _messages(data: memoryview) -> list[dict[str, Any]]:
    size, count = _SIZES.unpack_from(data)
    place = _SIZES.size + size
    messages = json_unpacker(bytes(data[_SIZES.size : place]))
    buffers: list[bytes] = []
    for _ in range(count):
        (size,) = _SIZE.unpack_from(data, place)
        place += _SIZE.size + size
        buffers.append(bytes(data[place - size : place]))
    for message in messages:
        message["buffers"] = []
    messages[-1]["buffers"] = buffers
    return messages
