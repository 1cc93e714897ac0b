"""Where the file of a value is written that is read: a file, or memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nbflow.codec.files import new_file
from nbflow.model.xcom import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

Target = Path | BytesIO
Place = Callable[[str, Form, int], Target]
"""Given a value's key, its form and about how many bytes it has: where they go."""


def files_in(folder: Path) -> Place:
    """Each value into a new file of this folder."""
    return lambda key, form, _size: new_file(folder, key, form)


def empty(target: Target) -> None:
    """Take from it what it had; a file is there already.

    An empty file is not truncated once more: ext4 takes that for a file that is replaced, and begins to bring what
    is written to disk when it is closed.
    """
    if isinstance(target, BytesIO):
        target.seek(0)
        target.truncate()
    elif target.stat().st_size:
        os.truncate(target, 0)


@contextmanager
def emptied(target: Target) -> Iterator[BinaryIO]:
    """The target, to be written from its beginning, whatever it had."""
    empty(target)
    if isinstance(target, Path):
        with target.open("ab") as file:
            yield file
    else:
        yield target


def size_of(target: Target) -> int:
    """Bytes it has."""
    return target.stat().st_size if isinstance(target, Path) else target.getbuffer().nbytes
