"""Names every notebook has without defining them."""

from __future__ import annotations

import builtins

GIVEN = frozenset(dir(builtins)) | frozenset(
    {
        "get_ipython",
        "display",
        "In",
        "Out",
        "exit",
        "quit",
        "_",
        "__",
        "___",
        "_i",
        "_ii",
        "_iii",
        "_dh",
        "_oh",
        "_ih",
    }
)
"""Python's builtins and what IPython puts beside them."""


def is_dunder(name: str) -> bool:
    """Whether a name is of the form `__name__`, which the interpreter owns."""
    return name.startswith("__") and name.endswith("__")
