"""Ways to owners that readers of this process have left, for the next one: to connect takes as long as a question.

For any thread, without a lock, which a fork might find taken. A fork leaves its parent's ways alone.
"""

from __future__ import annotations

import atexit
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import ExitStack

    from nbflow.store.address import Address
    from nbflow.store.source import Source

_MOST = 4  # to one owner


@dataclass(frozen=True, slots=True)
class Way:
    """A way to the XComs of a home.

    Attributes:
        address: of the owner it leads to; None: it leads to the file.
        source: what answers.
        closing: closes it.
    """

    address: Address | None
    source: Source
    closing: ExitStack

    def close(self) -> None:
        """Let it go."""
        self.closing.close()


_kept: dict[tuple[int, Address], list[Way]] = {}


def keep(way: Way) -> None:
    """Leave a way on which all went well to the next reader. One to the file is closed: owners want it."""
    if way.address is None:
        way.close()
        return
    kept = _kept.setdefault((os.getpid(), way.address), [])
    if len(kept) < _MOST:
        kept.append(way)
    else:
        way.close()


def kept_way(address: Address) -> Way | None:
    """A way to this owner that nobody else goes, to be kept or closed again."""
    with suppress(KeyError, IndexError):
        return _kept[os.getpid(), address].pop()
    for process, other in list(_kept):
        if process == os.getpid() and not other.flight.exists():
            forget(other)
    return None


def forget(address: Address) -> None:
    """Close the ways to an owner that answers no more."""
    for way in _kept.pop((os.getpid(), address), []):
        way.close()


@atexit.register
def _close() -> None:
    for process, address in list(_kept):
        if process == os.getpid():
            forget(address)
