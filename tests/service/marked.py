"""Processes that a test has started, directly or not, found by a mark in their environment."""

from __future__ import annotations

import os
import secrets
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

VARIABLE = "NBFLOW_TEST_MARK"


@dataclass(frozen=True)
class Process:
    """A living process.

    Attributes:
        session: the id of its session's leader.
        words: its command line.
    """

    pid: int
    parent: int
    session: int
    words: str

    @property
    def is_scheduler(self) -> bool:
        return "nbflow schedule" in self.words

    @property
    def is_of_stem(self) -> bool:
        """Whether it is a stem, or forked from one: a host, the process of a try."""
        return "nbflow.execute.fork.stem" in self.words


@dataclass(frozen=True)
class Mark:
    """What the processes of one test have in their environment, however deep they are."""

    value: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {VARIABLE: self.value}

    def processes(self) -> list[Process]:
        """Those that live now, whoever their parent is by now."""
        wanted = f"{VARIABLE}={self.value}".encode()
        found: list[Process] = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with suppress(OSError):  # it has ended meanwhile, or is somebody else's
                if wanted not in (entry / "environ").read_bytes().split(b"\0"):
                    continue
                fields = (entry / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if fields[0] != "Z":
                    found.append(Process(int(entry.name), int(fields[1]), int(fields[3]), words))
        return found

    def victims(self, kind: str) -> list[int]:
        """Whom a kill of this kind is for.

        `task`: processes of tries; `host`: what runs tries, and what hosts are forked from; `ours`: all of
        nbflow's, so that only what cells have started lives on; `all`: that too.
        """
        living = self.processes()
        scheduler = {one.pid for one in living if one.is_scheduler}
        stems = {one.pid for one in living if one.is_of_stem and one.parent in scheduler}
        hosts = {one.pid for one in living if one.is_of_stem and one.parent in stems}
        match kind:
            case "scheduler":
                return sorted(scheduler)
            case "task":
                return [one.pid for one in living if one.parent in hosts and one.session == one.pid]
            case "host":
                return sorted(stems | hosts)
            case "ours":
                return [one.pid for one in living if one.is_scheduler or one.is_of_stem]
            case "all":
                return [one.pid for one in living]
            case _:
                raise ValueError(kind)


def kill(processes: Iterable[int]) -> int:
    """kill -9 them, as near to at once as that can be done; how many were still there."""
    count = 0
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            count += 1
    return count
