"""Single values that JSON does not know, as readable JSON with a kind.

Numbers stay numbers and dates stay dates, so that SQL and sparklines can read them. Every text is read
back before it is used: what would not come back exactly is left to pickle.
"""

from __future__ import annotations

import json
import math
import sys
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from nbflow.codec.plain import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

_NUMPY_NUMBERS = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
    | {"float16", "float32", "float64"}
)
_MICROSECOND = timedelta(microseconds=1)


def to_scalar(value: object) -> tuple[str, str] | None:
    """The kind and the JSON text of a single value; None where it has none that is exact."""
    write = _WRITERS.get(type(value)) or _foreign_writer(value)
    found = None if write is None else write(value)
    if found is None:
        return None
    kind, text = found
    try:
        back = from_scalar(kind, text)
    except (ValueError, LookupError, ArithmeticError, OSError):
        return None
    return found if _same(back, value) else None


def from_scalar(kind: str, text: str) -> object:
    """The value that `to_scalar` wrote.

    Raises:
        LookupError: the kind is not one this nbflow knows.
    """
    name, _, unit = kind.rstrip("]").partition("[")
    if name in _READERS:
        return _READERS[name](text)
    if name == "pandas.Timestamp":
        return _read_timestamp(text, unit)
    if name == "numpy.datetime64":
        return _numpy().datetime64(json.loads(text), unit)
    if name.startswith("numpy."):
        return getattr(_numpy(), name.removeprefix("numpy."))(json.loads(text))
    return _READERS[kind](text)


def _foreign_writer(value: object) -> Callable[[Any], tuple[str, str] | None] | None:
    kind = type(value)
    if kind.__module__ == "numpy" and "numpy" in sys.modules:
        if kind.__name__ in _NUMPY_NUMBERS or kind.__name__ == "bool_":
            return _write_numpy_number
        if kind.__name__ == "datetime64":
            return _write_datetime64
    if kind.__name__ == "Timestamp" and kind.__module__.partition(".")[0] == "pandas":
        return _write_timestamp
    return None


def _same(back: object, value: Any) -> bool:  # noqa: ANN401 (any value at all)
    if type(back) is not type(value):
        return False
    if isinstance(value, datetime):
        first, second = (_details(moment) for moment in (back, value))
        return repr(back) == repr(value) and first == second
    return repr(back) == repr(value)


def _details(moment: Any) -> tuple[object, ...]:  # noqa: ANN401 (datetime or pandas.Timestamp)
    return moment.fold, moment.tzinfo, type(moment.tzinfo), getattr(moment, "unit", None)


def _write_float(value: float) -> tuple[str, str]:
    return "float", json.dumps(value) if math.isfinite(value) else json.dumps(repr(value))


def _write_tuple(value: tuple[object, ...]) -> tuple[str, str] | None:
    text = to_json(list(value))
    return None if text is None else ("tuple", text)


def _write_timedelta(value: timedelta) -> tuple[str, str]:
    sign = "-" if value < timedelta(0) else ""
    seconds, rest = divmod(abs(value // _MICROSECOND), 1_000_000)
    return "datetime.timedelta", f"{sign}{seconds}.{rest:06d}" if rest else f"{sign}{seconds}"


def _read_timedelta(text: str) -> timedelta:
    return timedelta(microseconds=int(Decimal(text).scaleb(6)))


def _write_decimal(value: Decimal) -> tuple[str, str]:
    return "decimal.Decimal", str(value) if value.is_finite() else json.dumps(str(value))


def _read_decimal(text: str) -> Decimal:
    return Decimal(json.loads(text) if text.startswith('"') else text)


def _with_zone(stamp: str, zone: tzinfo | None) -> str | None:
    """The stamp with its zone's name after it, as in RFC 9557; None for a zone of another kind."""
    if isinstance(zone, ZoneInfo):
        return None if zone.key is None else json.dumps(f"{stamp}[{zone.key}]")
    return json.dumps(stamp) if zone is None or type(zone) is timezone else None


def _without_zone(text: str) -> tuple[str, str]:
    stamp, _, zone = json.loads(text).rstrip("]").partition("[")
    return stamp, zone


def _write_datetime(value: datetime) -> tuple[str, str] | None:
    if value.tzinfo is None and value.fold:
        return None
    text = _with_zone(value.isoformat(), value.tzinfo)
    return None if text is None else ("datetime.datetime", text)


def _read_datetime(text: str) -> datetime:
    stamp, zone = _without_zone(text)
    moment = datetime.fromisoformat(stamp)
    if not zone:
        return moment
    local = moment.replace(tzinfo=ZoneInfo(zone))
    return local if local.utcoffset() == moment.utcoffset() else local.replace(fold=1)


def _write_timestamp(value: Any) -> tuple[str, str] | None:  # noqa: ANN401 (pandas.Timestamp)
    text = _with_zone(value.isoformat(), value.tzinfo)
    return None if text is None else (f"pandas.Timestamp[{value.unit}]", text)


def _read_timestamp(text: str, unit: str) -> object:
    import pandas as pd

    stamp, zone = _without_zone(text)
    moment = pd.Timestamp(stamp).as_unit(unit)  # type: ignore[arg-type]
    return moment.tz_convert(ZoneInfo(zone)) if zone else moment


def _write_numpy_number(value: Any) -> tuple[str, str]:  # noqa: ANN401 (a numpy scalar)
    plain = value.item()
    text = json.dumps(plain)
    if isinstance(plain, float) and not math.isfinite(plain):
        text = json.dumps(repr(plain))
    return f"numpy.{type(value).__name__}", text


def _write_datetime64(value: Any) -> tuple[str, str] | None:  # noqa: ANN401 (numpy.datetime64)
    unit, step = _numpy().datetime_data(value.dtype)
    if step != 1 or unit == "generic":
        return None
    return f"numpy.datetime64[{unit}]", json.dumps(str(value))


def _numpy() -> Any:  # noqa: ANN401 (numpy, imported only when a value of it is here)
    import numpy as np

    return np


_WRITERS: Mapping[type, Callable[[Any], tuple[str, str] | None]] = {
    float: _write_float,
    tuple: _write_tuple,
    date: lambda value: ("datetime.date", json.dumps(value.isoformat())),
    time: lambda value: ("datetime.time", json.dumps(value.isoformat())) if value.tzinfo is None else None,
    datetime: _write_datetime,
    timedelta: _write_timedelta,
    Decimal: _write_decimal,
}

_READERS: Mapping[str, Callable[[str], object]] = {
    "float": lambda text: float(json.loads(text)),
    "tuple": lambda text: tuple(from_json(text)),  # type: ignore[arg-type]
    "datetime.date": lambda text: date.fromisoformat(json.loads(text)),
    "datetime.time": lambda text: time.fromisoformat(json.loads(text)),
    "datetime.datetime": _read_datetime,
    "datetime.timedelta": _read_timedelta,
    "decimal.Decimal": _read_decimal,
}
