"""What a failed try leaves of its variables, for a person to look at."""

from __future__ import annotations

import json
import sys
import time
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from nbflow.execute.outcome import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbflow.model.xcom import XComValue

INDEX_FILE = "index.json"
EACH = 50_000_000  # bytes of one variable
ALL = 500_000_000  # bytes of all of them
SECONDS = 10.0
_CODE = (ModuleType, FunctionType, BuiltinFunctionType, type)


def capture(variables: Mapping[str, object], folder: Path, *, seconds: float = SECONDS) -> None:
    """Write the variables that can be written, the small ones first, and an index that names the rest.

    `index.json` holds `variables` (as `XComValue.to_json`) and `left_out` (`name, kind, why`). Modules,
    functions and classes are left out without a word: the notebook has them.

    Args:
        variables: name → value.
        folder: made when missing.
        seconds: no further variable is begun after that long.
    """
    from nbflow.codec import encode

    folder.mkdir(exist_ok=True)
    until = time.monotonic() + seconds
    kept: list[XComValue] = []
    left_out: list[dict[str, str]] = []
    total = 0
    sizes = {name: rough_size(value) for name, value in variables.items() if not isinstance(value, _CODE)}
    for name in sorted(sizes, key=sizes.__getitem__):
        value, size = variables[name], sizes[name]
        if size > EACH:
            why = f"{size / 1e6:.0f} MB, more than {EACH / 1e6:.0f} MB"
        elif total + size > ALL:
            why = f"all variables together are more than {ALL / 1e6:.0f} MB"
        elif time.monotonic() > until:
            why = f"no time left after {seconds:.0f} s"
        else:
            try:
                encoded = encode(name, value, folder=folder, shared={})
            except Exception as error:  # noqa: BLE001 a person's objects can raise anything when pickled
                why = f"{type(error).__name__}: {error}"
            else:
                if encoded.size <= EACH:
                    kept.append(encoded)
                    total += encoded.size
                    continue
                if encoded.path is not None:
                    encoded.path.unlink()
                why = f"{encoded.size / 1e6:.0f} MB, more than {EACH / 1e6:.0f} MB"
        left_out.append({"name": name, "kind": kind_of(value), "why": why})
    index = {"variables": [value.to_json() for value in kept], "left_out": left_out}
    write_whole(folder / INDEX_FILE, json.dumps(index, ensure_ascii=False))


def kind_of(value: object) -> str:
    """The type's name with its module, without `builtins`."""
    made = type(value)
    return made.__qualname__ if made.__module__ == "builtins" else f"{made.__module__}.{made.__qualname__}"


def rough_size(value: object) -> int:
    """About how many bytes a value holds, without walking through it; never raises."""
    ask: Any = value
    try:
        if isinstance(size := getattr(ask, "nbytes", None), int):  # numpy, Arrow, a Series
            return size
        if hasattr(ask, "memory_usage"):  # a pandas frame or index
            return int(ask.memory_usage(deep=False).sum())
        if hasattr(ask, "estimated_size"):  # polars
            return int(ask.estimated_size())
        return sys.getsizeof(ask)
    except Exception:  # noqa: BLE001 somebody's own attributes
        return 0
