"""Values that JSON gives back exactly."""

from __future__ import annotations

import json
import math

TEXT_LIMIT = 1 << 20  # characters: small values travel in the request, larger ones in files
_DEPTH_LIMIT = 100
_ATOMS = frozenset({type(None), bool, int, str})


def is_plain(value: object) -> bool:
    """Whether JSON gives `value` back with the same types and the same structure.

    True for exactly None, bool, int, finite float, str, list and dict with str keys: no subclasses, no
    container that occurs twice (its identity would be lost) and none that contains itself.
    """
    seen: set[int] = set()
    waiting = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        kind = type(item)
        if kind in _ATOMS:
            continue
        if kind is float:
            if not math.isfinite(item):  # type: ignore[arg-type]
                return False
            continue
        if id(item) in seen or depth >= _DEPTH_LIMIT:
            return False
        seen.add(id(item))
        if type(item) is list:
            waiting.extend((element, depth + 1) for element in item)
        elif type(item) is dict:
            if any(type(name) is not str for name in item):
                return False
            waiting.extend((element, depth + 1) for element in item.values())
        else:
            return False
    return True


def to_json(value: object) -> str | None:
    """The JSON text of a plain value; None where JSON would not be exact or is too long.

    Integers beyond Python's limit of digits and text with lone surrogates are among what JSON cannot
    give back.
    """
    if not is_plain(value):
        return None
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        return None
    return text if len(text) <= TEXT_LIMIT else None


def from_json(text: str) -> object:
    """The inverse of `to_json`."""
    return json.loads(text)
