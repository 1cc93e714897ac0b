"""What a scheduler that was killed has left running: the process groups of its tries."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

GROUP_FILE = "group"  # in a try's folder: its process group, before any of its cells runs
_SLACK = timedelta(seconds=10)  # of the clocks


def note_group(folder: Path, group: int) -> None:
    """Have a try's process group found by whoever comes after its host and its owner."""
    with suppress(OSError):  # a full disk; the store is told of it a moment later
        (folder / GROUP_FILE).write_text(str(group), "ascii")


def group_noted(folder: Path) -> tuple[int, datetime] | None:
    """The process group that was noted in a try's folder, and when; None where there is none."""
    path = folder / GROUP_FILE
    try:
        return int(path.read_text("ascii")), datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError):
        return None


def end_group(group: int, began: datetime) -> bool:
    """Kill what is left of a try's process group: its child, and whatever the child's cells have started.

    The number may be another group's by now. It is ours where its leader was there when the try began (a
    child is forked ahead of its try), or has gone and left the group: a number isn't given anew while a
    group has it (credentials(7), fork(2)). Elsewhere than on Linux nothing tells when a process began, so
    nothing is killed there.

    Args:
        group: the process group, as noted.
        began: when its try was said to have begun, aware.

    Returns:
        Whether there was anything to kill.
    """
    if not sys.platform.startswith("linux") or group <= 1:
        return False
    leader = _began(group)
    if leader is not None and leader - began > _SLACK:
        return False
    if leader is None and not _has_members(group):
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
        return True
    return False


def _began(process: int) -> datetime | None:
    """When a process began; None where there is none."""
    fields = _stat(process)
    if fields is None:
        return None
    ticks = int(fields[19])  # starttime, proc_pid_stat(5)
    up = float(Path("/proc/uptime").read_text().split()[0])
    age = up - ticks / os.sysconf("SC_CLK_TCK")
    return datetime.now(UTC) - timedelta(seconds=age)


def _has_members(group: int) -> bool:
    """Whether processes of this user are in a group, in the session of the same number, as tries' are."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) is not None:
            _, _, its_group, its_session = fields[:4]
            if int(its_group) == group == int(its_session) and fields[0] != "Z":
                return True
    return False


def _stat(process: int) -> list[str] | None:
    """The fields of /proc/PID/stat behind the name, from the state on."""
    try:
        text = Path(f"/proc/{process}/stat").read_text("ascii", "replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
