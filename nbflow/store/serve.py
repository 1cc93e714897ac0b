"""The owner's side: other processes read a home's XComs through it while it has the file open.

A cheap socket, the door, is there from the start. Arrow Flight is imported and started when the first reader knocks:
a run that nobody looks into never pays for it.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.errors import HomeHeld, NbflowError, OptionError
from nbflow.store.address import READY, Address, announce, withdraw
from nbflow.store.token import home_token
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbflow.store.home import Home
    from nbflow.store.serve_flight import XComServer

_READERS = 10.0  # seconds for readers that have the file open to end
_PAUSE = 0.02  # seconds between two attempts
_ENDING = 5.0  # seconds for answers under way, when the owner ends
_TURN = 0.0005  # seconds that a busy thread keeps Python from a reader's; a question changes threads several times

_NO_TLS = """\
--serve {address} opens the XComs to the network, which needs TLS: give --tls-cert FILE and --tls-key FILE (PEM). \
Readers show the token of {token}."""
_NO_ADDRESS = "--serve takes HOST:PORT, such as 0.0.0.0:8815, and got {address!r}"
_NO_FILE = "{option} {path}: {why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where the owner answers beyond its machine, over TLS.

    Attributes:
        host, port: the network interface and port it listens on; port 0: a free one.
        certificate, key: PEM, as bytes.
    """

    host: str
    port: int
    certificate: bytes
    key: bytes


def read_remote(home: Home, address: str, certificate: Path | None, key: Path | None) -> Remote:
    """What `--serve HOST:PORT --tls-cert FILE --tls-key FILE` asks for.

    Raises:
        OptionError: it is no address, or TLS is missing: nothing is served in the open.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise OptionError(_NO_ADDRESS.format(address=address))
    if certificate is None or key is None:
        raise OptionError(_NO_TLS.format(address=address, token=home.root / "token"))
    found: list[bytes] = []
    for option, path in (("--tls-cert", certificate), ("--tls-key", key)):
        try:
            found.append(path.read_bytes())
        except OSError as error:
            raise OptionError(_NO_FILE.format(option=option, path=path, why=error.strerror)) from error
    return Remote(host=host, port=int(port), certificate=found[0], key=found[1])


@contextmanager
def serving(home: Home, folder: Path, remote: Remote | None = None) -> Iterator[Server]:
    """The home's XCom file, open for its owner, with readers answered until the block ends.

    Args:
        home: whose owner this process is.
        folder: an empty folder only this user can enter, for sockets; it is removed at the end.
        remote: where to answer beyond this machine; None: nowhere.

    Raises:
        HomeHeld: something that is no reader of nbflow's has the file open.
        HomeError: the file is unusable, or the home's token can be read by others.
        NbflowError: `remote` can't be listened on.
    """
    server = Server(home, folder)
    try:
        server.announce()
        with _open_when_free(home) as xcoms:
            try:
                server.begin(xcoms, remote)
                yield server
            finally:
                server.end()
    finally:
        server.close()


def _open_when_free(home: Home) -> XComStore:
    """The file, as soon as readers let it go: they have it open briefly, and give way to who is announced."""
    until = time.monotonic() + _READERS
    while True:
        try:
            return XComStore.open(home.root)
        except HomeHeld:
            if time.monotonic() > until:
                raise
        time.sleep(_PAUSE)


class Server:
    """The owner's answers to readers.

    Attributes:
        xcoms: the open file.
        remote_port: where it answers beyond this machine; 0: nowhere.
    """

    xcoms: XComStore

    def __init__(self, home: Home, folder: Path) -> None:
        self.remote_port = 0
        self._home = home
        self._address = Address(folder=str(folder), pid=os.getpid())
        self._files = home.root / "pulls" / f"served-{os.getpid()}"
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._work, name="nbflow-door", daemon=True)
        self._servers: list[XComServer] = []
        self._usual_turn = sys.getswitchinterval()
        self._local: XComServer | None = None

    def announce(self) -> None:
        """Have readers that come now wait at the door, and those that have the file open give way."""
        home_token(self._home.root)  # it is there before anybody is told to show it
        self._door.bind(str(self._address.door))
        self._address.door.chmod(0o600)
        self._door.listen(64)
        announce(self._home.root, self._address)

    def begin(self, xcoms: XComStore, remote: Remote | None) -> None:
        """Answer; see `serving`."""
        self.xcoms = xcoms
        if remote is not None:
            self.remote_port = self._start(f"grpc+tls://{remote.host}:{remote.port}", remote).port
        self._thread.start()

    def end(self) -> None:
        """Let nobody in any more, and break off what is under way."""
        self._shut_door()
        if self._thread.is_alive():
            self._thread.join()
        if self._servers:
            self.xcoms.guests(self._home.state).close()
        for server in self._servers:
            # It waits for readers that have stopped reading, too; they are not waited for.
            ending = threading.Thread(target=server.shutdown, daemon=True)
            ending.start()
            ending.join(_ENDING)
        sys.setswitchinterval(self._usual_turn)

    def close(self) -> None:
        """Remove what was announced."""
        self._shut_door()
        shutil.rmtree(self._files, ignore_errors=True)
        shutil.rmtree(self._address.folder, ignore_errors=True)

    def _shut_door(self) -> None:
        withdraw(self._home.root, self._address)
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _work(self) -> None:
        """Answer the door: whoever knocks is told when Flight answers."""
        while True:
            try:
                visitor, _ = self._door.accept()
            except OSError:
                return  # closed
            with visitor, suppress(OSError):
                visitor.settimeout(_ENDING)
                visitor.sendall(self._ready())

    def _ready(self) -> bytes:
        try:
            if self._local is None:
                self._local = self._start(f"grpc+unix://{self._address.flight}", None)
                self._address.flight.chmod(0o600)
        except Exception as error:  # noqa: BLE001 the reader has to hear of it, whatever it is
            return f"{type(error).__name__}: {error}".encode()
        return READY

    def _start(self, location: str, remote: Remote | None) -> XComServer:
        import pyarrow as pa

        from nbflow.store.serve_flight import XComServer  # imports Arrow Flight

        tls = None if remote is None else [(remote.certificate, remote.key)]
        self._files.mkdir(parents=True, exist_ok=True)
        try:
            server = XComServer(location, self._home, self.xcoms, self._files, tls)
        except (OSError, pa.ArrowException) as error:  # a port that is taken, a certificate that is none
            raise NbflowError(f"{location} can't be listened on: {error}") from error
        self._servers.append(server)
        sys.setswitchinterval(_TURN)
        return server
