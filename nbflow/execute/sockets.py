"""Short private folders for Unix sockets."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from nbflow.errors import HomeError

LONGEST_PATH = 103  # macOS allows 103 bytes of path in a socket's address, Linux 107


def socket_folder() -> Path:
    """A new folder only its owner can enter, with a path short enough for sockets in it.

    It lies in `XDG_RUNTIME_DIR` where that is usable, else in the folder for temporary files.

    Raises:
        HomeError: no folder with a path that short can be made.
    """
    places = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"]  # noqa: S108 the last resort
    for place in places:
        if place and len(os.fsencode(place)) < LONGEST_PATH - 40 and os.access(place, os.W_OK | os.X_OK):
            return Path(tempfile.mkdtemp(prefix="nbflow-", dir=place))  # made with mode 0700
    msg = (
        f"no folder for sockets: the paths of {', '.join(filter(None, places))} are too long or can't be "
        "written to. Set XDG_RUNTIME_DIR or TMPDIR to a short path of your own."
    )
    raise HomeError(msg)
