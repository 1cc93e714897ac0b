"""The XComs of a home for its owner, who answers whoever reads them meanwhile."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbflow.execute.sockets import socket_folder
from nbflow.store.serve import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbflow.store.home import Home
    from nbflow.store.serve import Remote
    from nbflow.store.xcom import XComStore


@contextmanager
def owned_xcoms(home: Home, remote: Remote | None = None) -> Iterator[XComStore]:
    """This home's XComs, open for writing. Other processes can read them while the block lasts.

    Args:
        home: held by this process.
        remote: where to answer beyond this machine (`nbflow.store.serve.read_remote`); None: nowhere.

    Raises:
        HomeHeld: something that is no nbflow has the file open.
        HomeError: it is unusable, there is no folder for sockets, or others can read the home's token.
        NbflowError: `remote` can't be listened on.
    """
    with serving(home, socket_folder(), remote) as server:
        yield server.xcoms
