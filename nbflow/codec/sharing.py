"""Which values hold one object together, so that changing it through one shows in the other."""

from __future__ import annotations

import enum
import sys
from contextlib import suppress
from datetime import date, time, timedelta, tzinfo
from functools import lru_cache
from numbers import Number
from pathlib import PurePath
from re import Pattern
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT = 200_000  # objects of a value that are looked at
_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, range, slice})
_UNCHANGING = (
    *(str, bytes, Number, date, time, timedelta, tzinfo, PurePath, Pattern, UUID, enum.Enum),
    *(type, ModuleType, BuiltinFunctionType, CodeType),
)
_UNCHANGING_NAMES = frozenset({"generic", "dtype", "ufunc"})  # of numpy
_UNCHANGING_NAMES |= {"Index", "ExtensionDtype", "Period", "Interval", "NAType"}  # of pandas
_UNCHANGING_NAMES |= {"DataType", "Expr"}  # of polars
_FRAMES = frozenset({"DataFrame", "Series", "LazyFrame"})
_HOLDERS = (tuple, frozenset, MethodType)  # can't be changed themselves; what they hold can


class _Nature(enum.Enum):
    UNCHANGING = enum.auto()
    FRAME = enum.auto()
    ARRAY = enum.auto()
    OTHER = enum.auto()


def sharing(
    values: Mapping[str, object],
    *,
    shared: Mapping[str, object],
    namespace: Mapping[str, object] | None = None,
    limit: int = LIMIT,
) -> tuple[tuple[str, ...], ...]:
    """Groups of two or more names, each sorted, whose values hold some changeable object together.

    Frames and arrays count as a whole: they share when they are one object. What lies beyond the limit,
    or behind something that cannot be pickled, is not seen.

    Args:
        values: name → value.
        shared: as for `encode`: what goes by reference is nobody's part.
        namespace: the globals of the notebook; those of `__main__` when None.
        limit: objects of a value that are looked at.
    """
    return groups_of(parts_of(values, shared=shared, namespace=namespace, limit=limit))


def groups_of(parts: Mapping[str, Mapping[int, object]]) -> tuple[tuple[str, ...], ...]:
    """The groups that `parts_of` shows."""
    groups: list[tuple[set[str], set[int]]] = []
    for name, own in parts.items():
        names, ids = {name}, set(own)
        for group in [group for group in groups if not group[1].isdisjoint(ids)]:
            groups.remove(group)
            names |= group[0]
            ids |= group[1]
        groups.append((names, ids))
    return tuple(sorted(tuple(sorted(names)) for names, _ in groups if len(names) > 1))


def parts_of(
    values: Mapping[str, object],
    *,
    shared: Mapping[str, object],
    namespace: Mapping[str, object] | None = None,
    limit: int = LIMIT,
) -> dict[str, dict[int, object]]:
    """For each value that can be changed, its changeable objects (itself among them) by `id`.

    Empty where fewer than two values can be: nothing is shared then.
    """
    chosen = {name: value for name, value in values.items() if not _is_unchanging(value)}
    if len(chosen) < 2:
        return {}
    home = sys.modules["__main__"].__dict__ if namespace is None else namespace
    return {name: _parts(value, shared, home, limit) for name, value in chosen.items()}


def _parts(
    value: object, shared: Mapping[str, object], namespace: Mapping[str, object], limit: int
) -> dict[int, object]:
    if _is_block(value):
        return {id(value): value}
    from nbflow.codec.pickled import Walker
    from nbflow.codec.reference import References

    references = References(shared, namespace)
    # Everything met is kept until the end: the id of an object that is gone may become another's.
    met: dict[int, object] = {}
    left = limit

    def enter(part: object) -> bool:
        nonlocal left
        left -= 1
        if left < 0:
            raise _EnoughError
        if type(part) in _ATOMS:
            return True
        met[id(part)] = part
        return not (_is_block(part) or _is_unchanging(part))

    with suppress(Exception):  # people's classes raise anything; what was met until then counts
        Walker(enter, references, namespace).dump(value)
    return {key: part for key, part in met.items() if _counts(part, references.name_of(part))}


class _EnoughError(Exception):
    pass


def _counts(part: object, name: str | None) -> bool:
    if name is not None or isinstance(part, _HOLDERS) or _is_unchanging(part):
        return False
    return not isinstance(part, FunctionType) or bool(part.__dict__)


def _is_unchanging(value: object) -> bool:
    return _nature(type(value)) is _Nature.UNCHANGING


def _is_block(value: Any) -> bool:  # noqa: ANN401 (any value at all)
    """Whether it is a frame or array of plain items, which counts as a whole."""
    nature = _nature(type(value))
    return nature is _Nature.FRAME or (nature is _Nature.ARRAY and not value.dtype.hasobject)


@lru_cache(maxsize=1024)
def _nature(kind: type) -> _Nature:
    if kind in _ATOMS or issubclass(kind, _UNCHANGING):
        return _Nature.UNCHANGING
    libraries = {"numpy": set[str](), "pandas": set[str](), "polars": set[str](), "pyarrow": set[str]()}
    for ancestor in kind.__mro__:
        libraries.get(ancestor.__module__.partition(".")[0], set()).add(ancestor.__name__)
    names = set[str]().union(*libraries.values())
    if libraries["pyarrow"] or names & _UNCHANGING_NAMES:
        return _Nature.UNCHANGING
    if names & _FRAMES:
        return _Nature.FRAME
    return _Nature.ARRAY if "ndarray" in names else _Nature.OTHER
