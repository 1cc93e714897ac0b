"""What a notebook's metadata says of its kernel and language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbflow.errors import NotebookUnreadable
from nbflow.model.problem import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

_OWN_NAMES = ("", "python3", "python")  # what Jupyter calls the Python it runs in


def kernel_name(notebook: Mapping[str, Any]) -> str:
    """The name of its kernelspec, "" when it has none."""
    return _text(notebook, "kernelspec", "name")


def kernel_problems(notebook: Mapping[str, Any], where: str) -> list[Problem]:
    """A hint when a notebook asks for a Python kernel of its own.

    Raises:
        NotebookUnreadable: it is written in another language than Python.
    """
    name = kernel_name(notebook)
    for language in (_text(notebook, "kernelspec", "language"), _text(notebook, "language_info", "name")):
        if language and "python" not in language.lower():
            kernel = f" (kernel {name})" if name else ""
            msg = f"{where}: the notebook's language is {language}{kernel}; nbflow runs Python notebooks only"
            raise NotebookUnreadable(msg)
    if name in _OWN_NAMES:
        return []
    return [
        Problem(
            severity=Severity.HINT,
            code="kernel",
            message=f"the notebook names the kernel `{name}`, but a run uses the Python environment that nbflow is "
            "installed in. If the kernel is another environment, install nbflow there and run it from there, or "
            f"choose it with --kernel {name}.",
        )
    ]


def _text(notebook: Mapping[str, Any], part: str, field: str) -> str:
    metadata = notebook.get("metadata")
    found = metadata.get(part) if isinstance(metadata, dict) else None
    return str(found.get(field) or "") if isinstance(found, dict) else ""
