"""Fingerprints: whether a value was changed in place."""

from __future__ import annotations

import hashlib
import io
import pickle
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

_BY_IDENTITY = (type, FunctionType, BuiltinFunctionType, ModuleType)


def fingerprint(value: object, limit: int = 1_000_000) -> str | None:
    """A hash of the value's content: the same within a process while nothing in it is changed.

    Functions, classes and modules count by identity. None when the content is longer than `limit`
    bytes, or cannot be walked (a generator, a lock, a cycle).
    """
    sink = _Sink(limit)
    pickler = _Pickler(sink, protocol=pickle.HIGHEST_PROTOCOL)
    pickler.fast = True  # no memo: equal content gives equal bytes, whether or not parts are one object
    try:
        pickler.dump(value)
    except Exception:  # noqa: BLE001 (people's classes raise anything; then there is no fingerprint)
        return None
    return sink.digest.hexdigest()


class _TooLargeError(Exception):
    pass


class _Sink(io.RawIOBase):
    """Hashes what is written, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.digest = hashlib.blake2b(digest_size=16)
        self.left = limit

    def write(self, data: Any) -> int:  # noqa: ANN401 (anything with a buffer)
        view = memoryview(data).cast("B")
        self.room(len(view))
        self.left -= len(view)
        self.digest.update(view)
        return len(view)

    def room(self, size: int) -> None:
        """Stop here if `size` bytes more would be too many."""
        if size > self.left:
            raise _TooLargeError


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
        if hasattr(obj, "nbytes") and isinstance(obj.nbytes, int):
            self._sink.room(obj.nbytes)
        root = type(obj).__module__.partition(".")[0]
        if root == "numpy" and type(obj).__name__ == "ndarray":
            return _content, self._array(obj)
        if root == "pandas" and hasattr(obj, "index") and hasattr(obj, "dtypes"):
            return _content, self._pandas(obj)
        return NotImplemented

    def _array(self, array: Any) -> tuple[object, ...]:  # noqa: ANN401 (numpy.ndarray)
        content = array.ravel().tolist() if array.dtype.hasobject else array.tobytes()
        return str(array.dtype), array.shape, content

    def _pandas(self, value: Any) -> tuple[object, ...]:  # noqa: ANN401 (pandas.DataFrame or Series)
        # Not pandas' own pickle: it changes when pandas reorders its blocks, which changes nothing.
        self._sink.room(int(8 * value.size))
        series = [value] if value.ndim == 1 else [value.iloc[:, place] for place in range(value.shape[1])]
        columns = [(str(column.dtype), column.to_numpy()) for column in series]
        labels = value.name if value.ndim == 1 else value.columns.tolist()
        return type(value).__name__, labels, columns, value.index.to_numpy(), dict(value.attrs)


def _identity(*_parts: object) -> None:
    """Stands for an object that counts by identity."""


def _content(*_parts: object) -> None:
    """Stands for an array or frame, given by its content."""
