"""The home's key: pickles are signed with it, because reading a pickle runs what is in it."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from typing import TYPE_CHECKING

from nbflow.errors import HomeError

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.model.run import TaskKey

KEY_FILE = "key"
_LENGTH = 32


def home_key(home: Path) -> bytes:
    """The key of this home, made (mode 0600) when it is first asked for.

    Raises:
        HomeError: others may read it, or it is not a key.
    """
    path = home / KEY_FILE
    if not path.exists():
        make_secret(path)
    if path.stat().st_mode & 0o077:
        msg = (
            f"{path} can be read by other users, so pickles signed with it prove nothing. "
            f"Write: chmod 600 '{path}'"
        )
        raise HomeError(msg)
    key = path.read_bytes()
    if len(key) != _LENGTH:
        msg = f"{path} is not a key of nbflow ({len(key)} bytes instead of {_LENGTH}). Put the original back"
        raise HomeError(msg)
    return key


def signer(key: bytes, task: TaskKey, try_number: int, name: str) -> hmac.HMAC:
    """HMAC-SHA256 over the place of a value, to be fed with its bytes: a pickle that was changed, or
    moved to another task, run or key, doesn't fit its signature.
    """
    place = [task.run.dag_id, task.run.run_id, task.task_id, task.map_index, try_number, name]
    return hmac.new(key, json.dumps(place).encode() + b"\n", "sha256")


def make_secret(path: Path, *, as_text: bool = False) -> None:
    """Write a new file (mode 0600) of random bytes; as text, a line of twice as many hexadecimal digits."""
    content = secrets.token_bytes(_LENGTH)
    # Written aside and linked: of two processes that make it at once, both read the one that was first.
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content.hex().encode() + b"\n" if as_text else content)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
