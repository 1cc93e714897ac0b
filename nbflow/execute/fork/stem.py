"""A process that has imported everything and does nothing else: `python -m nbflow.execute.fork.stem OPTIONS`.

Hosts are forked from it: each message on its standard input, a Unix socket, brings the socket that the new
host is to serve. It ends when its input ends. OPTIONS is JSON: `statements`, the imports of the notebook;
`without`, packages that are not to be imported here.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.execute.process import end_with_parent, use_huge_pages
from nbflow.execute.schemas import hidden, import_nbformat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.execute.fork.kernel import ChildApp

MODULE = "nbflow.execute.fork.stem"
_TABLES = frozenset({"pandas", "polars", "pyarrow", "numpy"})  # what their values are stored with is pyarrow


def main() -> None:
    """Import, then fork hosts for ever."""
    end_with_parent()
    # As ipykernel's launcher does: IPython puts the notebook's folder behind Python's own.
    if sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]
    options = json.loads(sys.argv[1])
    orders = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    app, said = _ready(options, orders)
    settle()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries hosts
    while True:
        data, descriptors, _, _ = socket.recv_fds(orders, 16, 1)
        if not data:
            return
        if os.fork() == 0:
            orders.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _be_host(app, said, descriptors[0])
        os.close(descriptors[0])


def settle() -> None:
    """Clean up, and keep what is left from every later search for garbage, which would write to all of it:
    children share it as it is.
    """
    gc.collect()
    gc.freeze()
    use_huge_pages()


def _ready(options: dict[str, Any], orders: socket.socket) -> tuple[ChildApp | None, str]:
    """The application, and what is said of it in a try's record; None, and why it can't be."""
    try:
        import_engine(options["statements"])
        from nbflow.execute.fork.kernel import build
        from nbflow.execute.fork.preload import Unsuited, preload

        app = build()
        try:
            with app.kernel.shell.builtin_trap:  # packages that ask where they are look for `get_ipython`
                packages = preload(options["statements"], without=options["without"])
        except Unsuited as error:
            # There is no way back: begin anew without it.
            os.dup2(orders.fileno(), 0)
            again = {**options, "without": [*options["without"], error.package]}
            os.execv(sys.executable, [sys.executable, "-m", MODULE, json.dumps(again)])  # noqa: S606 ours
        _import_codecs(packages)
    except Exception as error:  # noqa: BLE001 whatever it is, tries can run in kernels of their own
        return None, f"{type(error).__name__}: {error}"
    return app, f"forked ({', '.join(packages)} imported before)" if packages else "forked"


def import_engine(statements: Sequence[str]) -> None:
    """Import papermill and the engine, without pyarrow where the notebook has no use for it: papermill
    has none either, and it is large.
    """
    from nbflow.execute.imports import package_of

    needed = not _TABLES.isdisjoint(map(package_of, statements))
    import_nbformat()
    with nullcontext() if needed else hidden("pyarrow"):
        _compile_schema()
        import nbflow.execute.attempt
        import nbflow.execute.bridge
        import nbflow.execute.fork.client
        import nbflow.execute.fork.host
        import nbflow.execute.handover  # noqa: F401


def _compile_schema() -> None:
    """Have nbformat compile its schema: that takes 10 MB, which what is imported afterwards fills again."""
    from nbformat import v4, validate

    validate(v4.new_notebook(cells=[v4.new_code_cell()]))


def _import_codecs(packages: Sequence[str]) -> None:
    """Import what a try's end would import."""
    import nbflow.codec
    import nbflow.execute.capture  # noqa: F401

    if not _TABLES.isdisjoint(packages):
        import pyarrow
    if "pandas" in packages:
        import pyarrow.pandas_compat  # noqa: F401 its first frame would


def _be_host(app: ChildApp | None, said: str, descriptor: int) -> None:
    status = 1
    try:
        from nbflow.execute.fork.orders import Orders, OwnerGone

        orders = Orders(socket.socket(fileno=descriptor))
        try:
            if app is None:
                orders.answer({"unfit": said})
            else:
                from nbflow.execute.fork.host import serve

                serve(app, orders, said)
        except OwnerGone:
            pass
        status = 0
    except BaseException:  # noqa: BLE001 the owner reads it
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    # As the module, not as `__main__`: that name is the notebook's.
    importlib.import_module(MODULE).main()
