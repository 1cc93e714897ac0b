"""One line about a value, for people, made without running its own `repr`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH = 200
_ITEMS = 8
_DEPTH = 3
_FRAMES = frozenset({"DataFrame", "Series", "Table", "RecordBatch"})
_MOMENTS = frozenset({"Timestamp", "Timedelta", "Period", "Interval", "NaTType"})
_ATOMS = frozenset({type(None), bool, float, complex})


def type_name(value: object) -> str:
    """The name of the value's type as people know it (`dict`, `Point`, `pandas.DataFrame`)."""
    kind = type(value)
    module, name = kind.__module__, kind.__qualname__
    root = module.partition(".")[0]
    if module in ("builtins", "__main__"):
        return name
    return f"{root}.{name}" if root in ("pandas", "polars", "pyarrow", "numpy") else f"{module}.{name}"


def preview(value: object) -> str:
    """One line about the value, at most `WIDTH` characters (`DataFrame 842 × 12: year, month, …`)."""
    try:
        line = _line(value, 0).replace("\n", "⏎").replace("\r", "")
    except Exception:  # noqa: BLE001 (labels of a frame are people's objects; a preview fails no task)
        line = f"<{type_name(value)}>"
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def _line(value: Any, depth: int) -> str:  # noqa: ANN401 (any value at all)
    kind = type(value)
    if kind in _ATOMS:
        return repr(value)
    if kind is int:
        return repr(value) if value.bit_length() < 512 else f"an integer of {value.bit_length()} bits"
    if kind is str or kind is bytes:
        return repr(value) if len(value) <= WIDTH else repr(value[:WIDTH]) + "…"
    if kind in (list, tuple, set, frozenset, dict):
        return _container(value, depth)
    root = kind.__module__.partition(".")[0]
    if root in ("pandas", "polars", "pyarrow") and kind.__name__ in _FRAMES:
        return _frame(value)
    if root == "numpy":
        return _numpy(value)
    if root in ("datetime", "decimal", "uuid", "pathlib") or (root == "pandas" and kind.__name__ in _MOMENTS):
        return str(value)
    return f"<{type_name(value)}>"


def _container(value: Any, depth: int) -> str:  # noqa: ANN401 (a builtin container)
    opening, closing = {list: "[]", tuple: "()"}.get(type(value), "{}")
    if not value:
        return f"{opening}{closing}" if type(value) in (list, tuple, dict) else f"{type(value).__name__}()"
    if depth >= _DEPTH:
        return f"{opening}…{closing}"
    if type(value) is dict:
        shown = [
            f"{_line(name, depth + 1)}: {_line(item, depth + 1)}" for name, item in _first(value.items())
        ]
    else:
        shown = [_line(item, depth + 1) for item in _first(value)]
    if len(value) > _ITEMS:
        shown.append(f"… {len(value)} in all")
    comma = "," if type(value) is tuple and len(value) == 1 else ""
    text = f"{opening}{', '.join(shown)}{comma}{closing}"
    return f"frozenset({text})" if type(value) is frozenset else text


def _frame(value: Any) -> str:  # noqa: ANN401 (a frame, series or index of one of three libraries)
    name, shape = type(value).__name__, value.shape
    if len(shape) == 1:
        return f"{name} {shape[0]}, {value.dtype}" + (f": {value.name}" if value.name else "")
    columns = value.schema.names if type(value).__module__.startswith("pyarrow") else value.columns
    listed = ", ".join(str(column) for column in _first(columns))
    return f"{name} {shape[0]} × {shape[1]}: {listed}" + (", …" if shape[1] > _ITEMS else "")


def _numpy(value: Any) -> str:  # noqa: ANN401 (an array or scalar)
    if getattr(value, "ndim", None) == 0 and value.dtype.kind in "biufcmM":
        return str(value)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{type(value).__name__} {' × '.join(map(str, value.shape))} {value.dtype}"
    return f"<{type_name(value)}>"


def _first(items: Iterable[Any]) -> Iterable[Any]:
    return (item for item, _ in zip(items, range(_ITEMS), strict=False))
