"""Whose files are believed: notebooks and homes hold code that runs as whoever reads them."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from nbflow.errors import TrustError

TRUST_VARIABLE = "NBFLOW_TRUST"
_ROOT = 0
_FOREIGN = """\
{what} {path} belongs to {owner}, not to you: what is in it would run with your rights, so nothing of it is \
loaded. If you trust it, say so: export {variable}={path} (several with {separator} between them, a folder for all \
below it, * for everything){hint}."""


def check_owner(path: Path, what: str, *, hint: str = "") -> None:
    """Refuse a file or folder of another user, as git does with `safe.directory`.

    Believed are your own, those of root (who may do anything anyway), under sudo those of who called it, and
    what lies at or below a path of `NBFLOW_TRUST`. What isn't there is nobody's.

    Args:
        path: which; a link's target counts.
        what: what it is, with its article: `the notebook`.
        hint: what else to do, to follow «…»; "" for nothing.

    Raises:
        TrustError: it is another user's.
    """
    try:
        owner = path.stat().st_uid
    except OSError:  # whoever opens it says so
        return
    if owner in _own() or _is_trusted(path.resolve()):
        return
    said = _FOREIGN.format(
        what=what,
        path=path,
        owner=_name(owner),
        variable=TRUST_VARIABLE,
        separator=os.pathsep,
        hint=f", or {hint}" if hint else "",
    )
    raise TrustError(said)


def _own() -> set[int]:
    caller = os.environ.get("SUDO_UID", "") if os.geteuid() == _ROOT else ""
    return {os.geteuid(), _ROOT, *([int(caller)] if caller.isdecimal() else [])}


def _is_trusted(path: Path) -> bool:
    named = [entry for entry in os.environ.get(TRUST_VARIABLE, "").split(os.pathsep) if entry]
    return any(entry == "*" or path.is_relative_to(Path(entry).expanduser().resolve()) for entry in named)


def _name(user: int) -> str:
    try:
        return f"user {pwd.getpwuid(user).pw_name}"
    except KeyError:
        return f"user {user}"
