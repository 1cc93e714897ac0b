"""Where hosts come from: forked from a stem that suits the notebook, or started for Jupyter kernels."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.execute.imports import imports_of
from nbflow.execute.interpreter import installed
from nbflow.execute.sockets import socket_folder
from nbflow.model.environment import changed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import IO

    from nbflow.model.flow import Flow

_STEMS = 4  # at most so many wait for further hosts
_TAIL = 2_000  # bytes of last words


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a host is started with; a try that needs another gets a host of another.

    Attributes:
        python: the interpreter, "" for the one of this process.
        variables: what is different from this process's environment variables; None: it is not to be set.
        installed: when packages were last installed or removed, as far as their folders tell.
    """

    python: str
    variables: tuple[tuple[str, str | None], ...]
    installed: tuple[int, ...]

    @classmethod
    def of(cls, python: str, variables: Mapping[str, str | None]) -> Ground:
        """Where the tries of a run that was asked for so grow.

        Raises:
            EnvironmentUnfit: they can't run with that interpreter.
        """
        times = installed(python, variables)
        return cls(python=python, variables=tuple(sorted(variables.items())), installed=times)

    def command(self, module: str, argument: str) -> list[str]:
        """How a module of ours is started."""
        return [self.python or sys.executable, "-m", module, argument]

    def environment(self) -> dict[str, str]:
        """All its variables, but for the one under which ipykernel doesn't read descriptors."""
        inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        return changed(inherited, dict(self.variables))


@dataclass(frozen=True, slots=True, kw_only=True)
class Soil:
    """What a stem has to be like for a try; a try that needs another gets hosts of another.

    Attributes:
        ground: what it is started with.
        statements: the imports of the notebook (`imports_of`).
        without: packages that read a file of the notebook's folder when they are imported.
    """

    ground: Ground
    statements: tuple[str, ...]
    without: tuple[str, ...]

    @classmethod
    def of(cls, flow: Flow, cwd: Path, ground: Ground) -> Soil:
        """What suits the tries of a notebook that lies in `cwd`."""
        return cls(
            ground=ground,
            statements=imports_of(flow, cwd),
            without=("matplotlib",) if (cwd / "matplotlibrc").exists() else (),
        )


def why_a_kernel(kernel: str) -> str:
    """Why a try can only run in a Jupyter kernel; "" if it need not.

    Args:
        kernel: the one that was asked for, "" for none.
    """
    if kernel:
        return "asked for"
    if not sys.platform.startswith("linux"):
        return "only Linux has the faster way"
    return ""


class Stem:
    """A process that hosts are forked from."""

    def __init__(self, soil: Soil, errors: IO[bytes]) -> None:
        self._control, theirs = socket.socketpair()
        options = json.dumps({"statements": soil.statements, "without": soil.without})
        with theirs:
            self._process = subprocess.Popen(
                soil.ground.command("nbflow.execute.fork.stem", options),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd="/",  # no package lies there
                env=soil.ground.environment(),
                start_new_session=True,  # a Ctrl-C in the terminal is for the owner
            )

    def host(self) -> socket.socket | None:
        """A socket to a new host, which is there as soon as everything is imported; None: the stem has died."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"host"], [theirs.fileno()])
            except OSError:
                ours.close()
                return None
        return ours

    def close(self) -> None:
        """End it; its hosts end with their owner, not with it."""
        self._control.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Nursery:
    """Gives hosts to as many threads as ask. What hosts say past their sockets is kept in one place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stems: OrderedDict[Soil, Stem] = OrderedDict()
        self._unfit: dict[Soil, str] = {}
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 lives as long as this object
        self._sockets: Path | None = None
        self._closed = False

    def expect(self, soil: Soil) -> None:
        """Have a stem ready for hosts of this kind."""
        with self._lock:
            if not self._closed and soil not in self._stems:
                self._stems[soil] = Stem(soil, self._errors)

    def forked(self, soil: Soil) -> socket.socket | None:
        """A socket to a new host for tries in children; None once this is closed."""
        with self._lock:
            if self._closed:
                return None
            stem = self._stems.pop(soil, None)
            end = None if stem is None else stem.host()
            if end is None:
                if stem is not None:
                    stem.close()
                stem = Stem(soil, self._errors)
                end = stem.host()
            assert stem is not None  # noqa: S101 (made above)
            self._stems[soil] = stem
            while len(self._stems) > _STEMS:
                self._stems.popitem(last=False)[1].close()
            return end

    def unfit(self, soil: Soil) -> str:
        """Why no hosts can be had for it; "" as far as is known."""
        return self._unfit.get(soil, "")

    def give_up(self, soil: Soil, why: str) -> str:
        """Have no more hosts of this kind; gives back why."""
        with self._lock:
            self._unfit[soil] = why
            stem = self._stems.pop(soil, None)
        if stem is not None:
            stem.close()
        return why

    def for_kernels(self, ground: Ground) -> tuple[socket.socket, subprocess.Popen[bytes]] | None:
        """A socket to a new host for tries in Jupyter kernels, and its process; None once this is closed."""
        with self._lock:
            if self._closed:
                return None
            if self._sockets is None:
                self._sockets = socket_folder()
            ours, theirs = socket.socketpair()
            with theirs:
                process = subprocess.Popen(
                    ground.command("nbflow.execute.kernel_host", str(self._sockets)),
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    # Variables are the kernel's business, but where another Python may need them to find us.
                    env=ground.environment() if ground.python else None,
                    start_new_session=True,
                )
            return ours, process

    def said(self) -> int:
        """How much the hosts have said so far past their sockets, in bytes."""
        with self._lock:
            return 0 if self._closed else self._errors.seek(0, os.SEEK_END)

    def words(self, *, since: int) -> str:
        """The last line that a host has said since then."""
        with self._lock:
            if self._closed:
                return ""
            size = self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(since, size - _TAIL))
            lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def close(self) -> None:
        """End the stems; hosts end when their sockets are closed."""
        with self._lock:
            self._closed = True
            for stem in self._stems.values():
                stem.close()
            self._stems.clear()
            self._errors.close()
            if self._sockets is not None:
                shutil.rmtree(self._sockets, ignore_errors=True)
