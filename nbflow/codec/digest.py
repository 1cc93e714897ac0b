"""Fingerprints: whether a value was changed in place."""

from __future__ import annotations

import copyreg
import hashlib
import io
import pickle
import time
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from nbflow.codec.content import array_content, pandas_content, polars_content

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 8_000_000  # bytes of a pickle, frames and arrays in it not counted
SECONDS = 0.3
_BY_IDENTITY = (type, FunctionType, BuiltinFunctionType, ModuleType)
_UNSURE = frozenset({"matplotlib"})  # drawing a figure changes it, and means nothing
_CACHES = ("cache", "memo")  # in the names of attributes that looking at an object may fill


def fingerprint(value: object, limit: int = LIMIT, *, seconds: float = SECONDS) -> str | None:
    """A hash of the value's content: the same within a process while nothing in it is changed.

    Functions, classes and modules in it count by identity; a class itself by its data attributes. Of
    large frames and arrays a sample counts, so a change of a few items may go unseen; what lies in
    attributes that are caches is no change.

    Args:
        value: anything.
        limit: bytes of the rest.
        seconds: how long it may take.

    Returns:
        None when the content is too much, or cannot be walked (a generator, a lock, a cycle).
    """
    sink = _Sink(limit, time.monotonic() + seconds)
    pickler = _Pickler(sink, protocol=pickle.HIGHEST_PROTOCOL)
    pickler.fast = True  # no memo: equal content gives equal bytes, whether or not parts are one object
    try:
        pickler.dump((id(value), _data_of(value)) if isinstance(value, type) else value)
    except Exception:  # noqa: BLE001 (people's classes raise anything; then there is no fingerprint)
        return None
    return sink.digest.hexdigest()


class _TooMuchError(Exception):
    pass


class _Sink(io.RawIOBase):
    """Hashes what is written, up to a limit."""

    def __init__(self, limit: int, until: float) -> None:
        self.digest = hashlib.blake2b(digest_size=16)
        self._left = limit
        self._until = until

    def write(self, data: Any) -> int:  # noqa: ANN401 (anything with a buffer)
        view = memoryview(data).cast("B")
        self.room(len(view))
        self._left -= len(view)
        self.digest.update(view)
        return len(view)

    def room(self, size: int) -> None:
        """Stop here if `size` bytes more would be too many, or it is too late."""
        if size > self._left or time.monotonic() > self._until:
            raise _TooMuchError


class _Pickler(pickle.Pickler):
    def __init__(self, sink: _Sink, protocol: int) -> None:
        super().__init__(sink, protocol=protocol)
        self._sink = sink

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 (pickle's signature)
        if obj is _identity or obj is _content:
            return NotImplemented
        if isinstance(obj, _BY_IDENTITY):
            return _identity, (id(obj),)
        if isinstance(obj, MethodType):
            return _identity, (id(obj.__func__), obj.__self__)
        kind = type(obj)
        root = kind.__module__.partition(".")[0]
        if root in _UNSURE:
            raise _TooMuchError
        if root == "numpy" and kind.__name__ == "ndarray":
            return _content, tuple(self._parts(array_content(obj)))
        if root == "pandas" and hasattr(obj, "index") and hasattr(obj, "dtypes"):
            return _content, tuple(self._parts(pandas_content(obj)))
        if root == "polars" and hasattr(obj, "estimated_size"):
            return _content, tuple(self._parts(polars_content(obj)))
        if hasattr(obj, "nbytes") and isinstance(obj.nbytes, int):
            self._sink.room(obj.nbytes)
        return self._object(obj)

    def _parts(self, content: Iterator[object]) -> Iterator[object]:
        """The parts of a frame or array; long ones as their hashes."""
        for part in content:
            self._sink.room(0)
            yield hashlib.blake2b(part, digest_size=16).digest() if isinstance(part, bytes) else part

    def _object(self, obj: Any) -> Any:  # noqa: ANN401 (any object)
        """How the object pickles itself, without attributes that only looking at it fills."""
        kind = type(obj)
        if not hasattr(obj, "__dict__") or kind in copyreg.dispatch_table:
            return NotImplemented
        reduced = obj.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        if not isinstance(reduced, tuple) or len(reduced) < 3:
            return reduced
        made_from: Any = reduced
        state = made_from[2]
        if isinstance(state, dict):
            state = {name: item for name, item in state.items() if not _is_cache(kind, name)}
        return (*made_from[:2], state, *made_from[3:])


def _data_of(kind: type) -> dict[str, object]:
    return {name: item for name, item in vars(kind).items() if _is_data(name, item)}


def _is_data(name: str, item: object) -> bool:
    return not name.startswith(("__", "_abc_")) and not hasattr(type(item), "__get__") and not callable(item)


def _is_cache(kind: type, name: object) -> bool:
    """Whether an attribute is one that a `cached_property` or the like keeps in the object."""
    if not isinstance(name, str):
        return False
    if any(word in name.lower() for word in _CACHES):
        return True
    found = next((vars(ancestor)[name] for ancestor in kind.__mro__ if name in vars(ancestor)), None)
    return hasattr(type(found), "__get__") and not hasattr(type(found), "__set__")


def _identity(*_parts: object) -> None:
    """Stands for an object that counts by identity."""


def _content(*_parts: object) -> None:
    """Stands for an array or frame, given by its content."""
