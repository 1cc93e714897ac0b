"""Where the owner of a home answers readers: a file in the home that says so while it lives."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

ADDRESS_FILE = "serving.json"
READY = b"ready\n"
DOOR, FLIGHT = "door", "flight"
_PATIENCE = 30.0  # seconds for an owner to begin: it imports Arrow Flight then


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an owner answers.

    Attributes:
        folder: holds its two sockets: the door, where readers knock, and flight, where Arrow Flight answers
            once somebody has.
        pid: the owner's process.
    """

    folder: str
    pid: int

    @property
    def door(self) -> Path:
        """The socket where readers knock."""
        return Path(self.folder) / DOOR

    @property
    def flight(self) -> Path:
        """The socket where Arrow Flight answers."""
        return Path(self.folder) / FLIGHT


def announce(home: Path, address: Address) -> None:
    """Write the address where readers look; sockets that a dead owner left are removed.

    Only the owner of the home may call this: whoever is announced there already is dead.
    """
    before = announced(home)
    if before is not None and before.folder != address.folder:
        withdraw(home, before)
    aside = home / f"{ADDRESS_FILE}.{secrets.token_hex(8)}"
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(address), file)
    aside.replace(home / ADDRESS_FILE)


def announced(home: Path) -> Address | None:
    """The address of the owner, who may have died since; None where there is none."""
    try:
        return Address(**json.loads((home / ADDRESS_FILE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):  # none, or one that another nbflow wrote
        return None


def withdraw(home: Path, address: Address) -> None:
    """Take an address back, with its sockets."""
    if announced(home) == address:
        (home / ADDRESS_FILE).unlink(missing_ok=True)
    folder = Path(address.folder)
    with suppress(OSError):
        if {entry.name for entry in folder.iterdir()} <= {DOOR, FLIGHT}:  # nobody else's folder
            shutil.rmtree(folder, ignore_errors=True)


def knock(address: Address) -> str | None:
    """Ask the owner to answer, and wait until it does.

    Returns:
        "" when it answers; why it can't, in its words; None when nobody is there (any more).
    """
    said = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.settimeout(_PATIENCE)
            door.connect(str(address.door))
            while part := door.recv(4096):
                said += part
    except OSError:
        return None
    if said == READY:
        return ""
    return said.decode(errors="replace") or None
