"""nbflow: a notebook is a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbflow.errors import Fail as Fail
    from nbflow.errors import Skip as Skip

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext nbflow`."""
    from nbflow.magics.extension import load_ipython_extension as load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext nbflow`."""
    from nbflow.magics.extension import unload_ipython_extension as unload

    unload(shell)


def __getattr__(name: str) -> object:
    """`Skip`, `Fail` and the names of the current run (`from nbflow import ds`), loaded when asked for."""
    if name in ("Skip", "Fail"):
        from nbflow import errors

        return getattr(errors, name)
    if name.startswith("__"):
        msg = f"module 'nbflow' has no attribute {name!r}"
        raise AttributeError(msg)
    from nbflow.current import current

    return current(name)
