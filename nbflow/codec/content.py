"""What a fingerprint takes of a frame or array: its structure and its buffers, or a sample of them.

Nothing here may depend on what merely looking at a frame changes: blocks that pandas puts together, caches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE = 64 << 20  # bytes of a frame or array that are read whole; of more, a sample
_SAMPLED = 512  # pieces of a longer buffer, evenly spread
_PIECE = 32 << 10  # bytes of each
_ITEMS = 10_000  # items of a column that are no plain numbers, evenly spread


def array_content(array: Any, whole: int = WHOLE) -> Iterator[object]:  # noqa: ANN401 (numpy.ndarray)
    """What the array is made of: plain values, and bytes-like pieces of its buffer."""
    yield str(array.dtype), array.shape
    if array.dtype.hasobject:
        yield array.ravel()[:: _step(array.size)].tolist()
        return
    if array.nbytes <= whole:
        yield array.tobytes()
        return
    if not array.flags.c_contiguous and not array.flags.f_contiguous:
        yield array[:: _step(len(array))].tobytes() if array.ndim == 1 else None
        return
    flat = array.reshape(-1, order="A" if array.flags.c_contiguous else "F").view("uint8")
    for place in range(0, flat.size, max(flat.size // _SAMPLED, 1)):
        yield flat[place : place + _PIECE].tobytes()


def pandas_content(value: Any, whole: int = WHOLE) -> Iterator[object]:  # noqa: ANN401 (pandas.DataFrame or Series)
    """The same for a frame or series: labels, dtypes, index and columns."""
    series = [value] if value.ndim == 1 else [value.iloc[:, place] for place in range(value.shape[1])]
    yield type(value).__name__, value.shape, value.name if value.ndim == 1 else value.columns.tolist()
    yield dict(value.attrs)
    share = whole // (len(series) + 1)
    yield from _index(value.index, share)
    for column in series:
        yield from _extension(column.array, share)


def polars_content(value: Any, whole: int = WHOLE) -> Iterator[object]:  # noqa: ANN401 (polars.DataFrame or Series)
    """The same for polars: rows by their hashes."""
    columns = [value] if len(value.shape) == 1 else value.get_columns()
    yield type(value).__name__, value.shape
    step = -(-max(int(value.estimated_size()), 1) // whole)
    for column in columns:
        yield column.name, str(column.dtype)
        yield column.gather_every(step).hash().to_numpy().tobytes()


def _index(index: Any, whole: int) -> Iterator[object]:  # noqa: ANN401 (pandas.Index)
    kind = type(index).__name__
    yield kind, list(index.names)
    if kind == "RangeIndex":
        yield index.start, index.stop, index.step
    elif kind == "MultiIndex":
        for codes, level in zip(index.codes, index.levels, strict=True):
            yield from array_content(codes, whole)
            yield from _extension(level.array, whole)
    else:
        yield from _extension(index.array, whole)


def _extension(values: Any, whole: int) -> Iterator[object]:  # noqa: ANN401 (a pandas array)
    yield str(values.dtype)
    if hasattr(values, "asi8"):  # moments and durations
        yield from array_content(values.asi8, whole)
    elif hasattr(values, "codes") and hasattr(values, "categories"):
        yield from array_content(values.codes, whole)
        yield from _extension(values.categories.array, whole)
    elif hasattr(values, "_mask"):  # Int64 and its kin: numbers, and where one is missing
        yield from array_content(values._data, whole)
        yield from array_content(values._mask, whole)
    elif type(values).__name__ == "NumpyExtensionArray":
        yield from array_content(values.to_numpy(), whole)
    else:
        yield values[:: _step(len(values))].to_numpy(object).tolist()


def _step(count: int) -> int:
    return max(-(-count // _ITEMS), 1)
