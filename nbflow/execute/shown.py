"""How a try's kernel shows the errors that nbflow knows more about than Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.errors import NbflowError, WaitAgain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from IPython.core.interactiveshell import InteractiveShell


def show_errors(shell: InteractiveShell, missing: Mapping[str, str]) -> None:
    """Have the shell show nbflow's own errors as their message, and say why a name is unset.

    Args:
        shell: the kernel's.
        missing: name → why no task gave it.
    """

    def show(
        shell: InteractiveShell,
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType,
        tb_offset: int | None = None,
    ) -> None:
        if isinstance(error, WaitAgain):
            return  # nothing went wrong
        if isinstance(error, NbflowError):
            shell._showtraceback(kind, error, [f"{kind.__name__}: {error}"])  # as IPython shows a UsageError
            return
        why = missing.get(getattr(error, "name", None) or "")
        if why is not None:
            error.args = (f"{error.args[0] if error.args else error}: {why}",)
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)

    shell.set_custom_exc((NameError, NbflowError, WaitAgain), show)
