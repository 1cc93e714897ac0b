"""Values as JSON that every reader takes: Python's own writes NaN and infinities, which JSON doesn't have."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def json_text(
    value: object, *, indent: int | None = None, default: Callable[[object], object] | None = None
) -> str:
    """A value as JSON. A number that JSON doesn't have becomes its text: "nan", "inf" or "-inf".

    Args:
        value: dicts, lists and tuples of what JSON has.
        indent: as for `json.dumps`.
        default: as for `json.dumps`: what to write in place of anything else.

    Raises:
        TypeError: something else is in it, and there is no `default`.
        ValueError: it holds itself.
    """
    try:
        return json.dumps(value, indent=indent, ensure_ascii=False, default=default, allow_nan=False)
    except ValueError:  # rarely: what has no such number is not copied
        return json.dumps(_finite(value), indent=indent, ensure_ascii=False, default=default, allow_nan=False)


def _finite(value: object) -> object:
    """The same with texts for the numbers that JSON doesn't have; keys too."""
    match value:
        case float() if not math.isfinite(value):
            return str(float(value))
        case dict():
            return {_finite(key): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value
