"""The home's token: who shows it may read what its owner serves."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from nbflow.errors import HomeError
from nbflow.store.xcom_key import make_secret

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_FILE = "token"  # noqa: S105 the name of a file
_OPEN = "{path} can be read by other users, so whoever shows it proves nothing. Write: chmod 600 '{path}'"


def home_token(home: Path) -> str:
    """The token of this home, made (mode 0600) when it is first asked for.

    Raises:
        HomeError: others may read it.
    """
    path = home / TOKEN_FILE
    if not path.exists():
        make_secret(path, as_text=True)
    if path.stat().st_mode & 0o077:
        raise HomeError(_OPEN.format(path=path))
    return path.read_text("ascii").strip()


def same_token(shown: str, token: str) -> bool:
    """Whether they are equal, in a time that doesn't tell how much of them is."""
    return hmac.compare_digest(shown.encode(), token.encode())
