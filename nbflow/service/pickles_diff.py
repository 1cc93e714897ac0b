"""Whether two values that were handed on as pickles are the same."""

from __future__ import annotations

from typing import Any

from nbflow.codec import fingerprint

_SECONDS = 2.0  # that a look at a value's content may take
_SURE = 64_000  # bytes of a pickle, up to which a fingerprint leaves nothing out


def same_values(one: object, other: object, *, size: int) -> bool | None:
    """Whether two values are equal: by their own `==`, else by what they hold; None where neither tells.

    Equal values need not have equal pickles, and `==` alone says of a class that doesn't define it, and of NaN, that
    nothing is equal.

    Args:
        one: read from its pickle.
        other: read from its own.
        size: of the larger pickle, bytes.
    """
    equal = _equal(one, other)
    if equal:
        return True
    held = [fingerprint(value, seconds=_SECONDS) for value in (one, other)]
    if None in held:
        own = type(one).__eq__ is not object.__eq__
        return False if own and equal is False else None
    if held[0] != held[1]:
        return False
    return True if size <= _SURE else None


def _equal(one: Any, other: Any) -> bool | None:  # noqa: ANN401 (anything that was handed on)
    """What `==` says; None where it can't be asked, or has no plain answer."""
    try:
        found = one == other
        for _ in range(2):  # of a frame each column's, then one for all of them
            found = found.all() if hasattr(found, "all") else found
        return bool(found)
    except Exception:  # noqa: BLE001 people's classes raise anything
        return None
