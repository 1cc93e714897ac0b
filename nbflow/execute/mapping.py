"""What a mapped task goes through: its items, and their labels."""

from __future__ import annotations

import itertools
from numbers import Number
from typing import TYPE_CHECKING, Any, cast

from nbflow.errors import BadValue, MapError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nbflow.model.task import MapOver

MOST_ITEMS = 100_000
_LONGEST = 40  # characters of one value in a label
_LONGEST_LABEL = 100
_FEW = 4  # names or entries that a label shows

_NOT_ITERABLE = "{where}: `{expression}` is {found}, which can't be gone through one by one. Give a list."
_A_TEXT = (
    "{where}: `{expression}` is a text, and its letters are hardly meant. Write [{expression}], or split it."
)
_A_FRAME = (
    "{where}: `{expression}` is a {type}, and going through it gives its column names. Write "
    "{expression}.{rows}, or list({expression}) where the names are meant."
)
_UNPACK = "{where}: item {index} is {found}, which can't be taken apart into {names}."
_TOO_MANY = "{where}: there are more than {most:,} items. Put several into one item."


def where_of(over: MapOver, task_id: str, cell: int | None) -> str:
    """«--map "p in grid" of task 'train' (cell 4)»."""
    place = f" (cell {cell})" if cell else ""
    return f'--map "{over}" of task {task_id!r}{place}'


def items_of(
    maps: Sequence[MapOver], namespace: dict[str, Any], *, task_id: str, cell: int | None = None
) -> list[dict[str, object]]:
    """The items of a mapped task, each a dict from name to value; of several `--map` the product, the first
    varying slowest.

    Args:
        maps: what it is mapped over; not empty.
        namespace: the notebook's variables, in which the expressions are evaluated.
        task_id: of the task, for messages.
        cell: its first cell's number, likewise.

    Raises:
        BadValue: what is gone through isn't of that kind, an item doesn't fit the names, or there are more than
            `MOST_ITEMS`.
        MapError: an expression, or going through it, raised an error.
    """
    axes = [_axis(over, namespace, where_of(over, task_id, cell)) for over in maps]
    count = 1
    for axis in axes:
        count *= len(axis)
    if count > MOST_ITEMS:
        where = " and ".join([where_of(maps[0], task_id, cell), *(f'"{over}"' for over in maps[1:])])
        raise BadValue(_TOO_MANY.format(where=where, most=MOST_ITEMS))
    return [
        {name: value for part in parts for name, value in part.items()} for parts in itertools.product(*axes)
    ]


def short_label(item: Mapping[str, object]) -> str:
    """The label of an item that has none: `p=0.1`, `a=1, b=x`; "" where a value isn't simple."""
    entries: Mapping[Any, object] = item
    if len(item) == 1:
        (only,) = item.values()
        if isinstance(only, dict):
            entries = only
    if not 0 < len(entries) <= _FEW:
        return ""
    shown: list[str] = []
    for name, value in entries.items():
        text = _simple(value)
        if not isinstance(name, str) or text is None:
            return ""
        shown.append(f"{name}={text}")
    label = ", ".join(shown)
    return label if len(label) <= _LONGEST_LABEL else ""


def one_line(text: str) -> str:
    """A label that was written by hand, on one line and not too long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST_LABEL else f"{flat[: _LONGEST_LABEL - 1]}…"


def _axis(over: MapOver, namespace: dict[str, Any], where: str) -> list[dict[str, object]]:
    """The values that one `--map` gives its names, in order."""
    try:
        found = eval(compile(over.expression.strip(), f'--map "{over}"', "eval"), namespace)  # noqa: S307 the notebook's own code
        values = list(itertools.islice(_iterator(found, over, where), MOST_ITEMS + 1))
    except BadValue:
        raise
    except Exception as error:
        raise MapError(f"{where}: {type(error).__name__}: {error}") from error
    if len(values) > MOST_ITEMS:
        raise BadValue(_TOO_MANY.format(where=where, most=MOST_ITEMS))
    if len(over.names) == 1:
        return [{over.names[0]: value} for value in values]
    return [_unpacked(over, value, index, where) for index, value in enumerate(values)]


def _iterator(found: object, over: MapOver, where: str) -> Iterable[object]:
    kind = type(found).__name__
    if isinstance(found, str | bytes):
        raise BadValue(_A_TEXT.format(where=where, expression=over.expression))
    if kind in ("DataFrame", "LazyFrame") and hasattr(found, "columns"):
        rows = "itertuples(index=False)" if hasattr(found, "itertuples") else "iter_rows(named=True)"
        raise BadValue(_A_FRAME.format(where=where, expression=over.expression, type=kind, rows=rows))
    try:
        return iter(cast("Iterable[object]", found))
    except TypeError:
        shown = "None" if found is None else f"of type {kind}"
        raise BadValue(_NOT_ITERABLE.format(where=where, expression=over.expression, found=shown)) from None


def _unpacked(over: MapOver, value: object, index: int, where: str) -> dict[str, object]:
    kind = type(value).__name__
    try:
        parts = list(cast("Iterable[object]", value))
    except TypeError:
        parts, found = [], f"of type {kind}"
    else:
        found = f"a {kind} of {len(parts)}"
    if len(parts) != len(over.names):
        names = ", ".join(over.names)
        raise BadValue(_UNPACK.format(where=where, index=index, found=found, names=names))
    return dict(zip(over.names, parts, strict=True))


def _simple(value: object) -> str | None:
    if value is None or isinstance(value, bool | Number):
        text = str(value)
    elif isinstance(value, str):
        text = value
    elif hasattr(value, "isoformat"):  # dates and times
        text = str(value)
    else:
        return None
    return text if len(text) <= _LONGEST and "\n" not in text else None
