"""Messages between a host and its child."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from nbflow.execute.fork.post import _PART, Post

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Case:
    name: str
    text: str
    buffers: tuple[bytes, ...] = ()


CASES = [
    Case("short", "hello"),
    Case("as long as a datagram", "x" * 60_000),
    Case("many datagrams", "ä" * 1_000_000),
    Case("buffers", "picture", (b"", b"\x00\xff" * 100_000, b"end")),
    Case("half of a surrogate pair", "\ud83d"),
]


@pytest.fixture
def ends() -> Iterator[tuple[Post, Post]]:
    """The two ends of one way."""
    ours, theirs = Post.pair()
    yield ours, theirs
    ours.close()
    theirs.close()


def whole(post: Post) -> dict[str, Any]:
    while not (messages := post.receive()):
        pass
    assert len(messages) == 1
    return messages[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_message_arrives_as_it_was_sent(ends: tuple[Post, Post], case: Case) -> None:
    ours, theirs = ends
    sender = threading.Thread(
        target=theirs.send, args=({"text": case.text},), kwargs={"buffers": case.buffers}
    )
    sender.start()
    assert whole(ours) == {"text": case.text, "buffers": list(case.buffers)}
    sender.join()


def test_threads_and_forked_processes_send_at_once(ends: tuple[Post, Post]) -> None:
    ours, theirs = ends

    def send(who: int) -> None:
        for number in range(5):
            theirs.send({"who": who, "number": number, "text": str(who) * 150_000})

    threads = [threading.Thread(target=send, args=(who,)) for who in (1, 2)]
    child = os.fork()
    if child == 0:
        send(3)
        os._exit(0)
    for thread in threads:
        thread.start()
    messages = [whole(ours) for _ in range(15)]
    for thread in threads:
        thread.join()
    os.waitpid(child, 0)
    for who in (1, 2, 3):
        mine = [message for message in messages if message["who"] == who]
        assert [message["number"] for message in mine] == list(range(5))
        assert {message["text"] for message in mine} == {str(who) * 150_000}


def test_half_a_message_of_a_killed_sender_spoils_no_other(ends: tuple[Post, Post]) -> None:
    ours, theirs = ends
    theirs._socket.send(_PART.pack(999_999, 0, True) + b"the beginning of something")
    theirs.send({"text": "whole"})
    assert whole(ours)["text"] == "whole"


def test_messages_sent_together_come_together(ends: tuple[Post, Post]) -> None:
    ours, theirs = ends
    theirs.send({"text": "first"}, {"text": "second"}, buffers=[b"1"])
    assert ours.receive() == [{"text": "first", "buffers": []}, {"text": "second", "buffers": [b"1"]}]


def test_the_end_is_seen_after_the_last_message(ends: tuple[Post, Post]) -> None:
    ours, theirs = ends
    theirs.send({"text": "last"})
    theirs.close()
    assert whole(ours)["text"] == "last"
    with pytest.raises(EOFError):
        ours.receive()
