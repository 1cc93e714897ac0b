"""nbflow: a notebook is a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbflow.elsewhere import external_task as external_task
    from nbflow.elsewhere import trigger_dag as trigger_dag
    from nbflow.errors import Fail as Fail
    from nbflow.errors import Skip as Skip
    from nbflow.model.poke import PokeReturnValue as PokeReturnValue

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
    """What cells use (`nbflow.Skip`, `nbflow.trigger_dag`), and the names of the current run (`from nbflow
    import ds`), loaded when asked for.
    """
    match name:
        case "Skip" | "Fail":
            from nbflow import errors

            return getattr(errors, name)
        case "PokeReturnValue":
            from nbflow.model.poke import PokeReturnValue

            return PokeReturnValue
        case "trigger_dag" | "external_task":
            from nbflow import elsewhere

            return getattr(elsewhere, name)
        case _ if name.startswith("__"):
            msg = f"module 'nbflow' has no attribute {name!r}"
            raise AttributeError(msg)
        case _:
            from nbflow.current import current

            return current(name)
