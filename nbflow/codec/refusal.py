"""Why a value cannot leave its process, where in it the reason sits, and what to do about it."""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from nbflow.codec.preview import type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_FILE = "Hand on its path and open it where it is read."
_OPEN_THERE = (
    "Open it in each task that uses it, with a function of a shared cell, and hand on what that needs "
    "(a file name, an address)."
)
_LIST = "Hand on a list of its items, or the arguments that make it."
_AWAIT = "Await it in this task and hand on its result."
_MAKE_THERE = "Make it in each task that uses it, or in a shared cell."
_ADVICE: dict[str, str] = {
    "_io.TextIOWrapper": _FILE,
    "_io.BufferedReader": _FILE,
    "_io.BufferedWriter": _FILE,
    "_io.BufferedRandom": _FILE,
    "_io.FileIO": _FILE,
    "mmap.mmap": _FILE,
    "builtins.generator": _LIST,
    "builtins.async_generator": _LIST,
    "builtins.coroutine": _AWAIT,
    "_asyncio.Task": _AWAIT,
    "_asyncio.Future": _AWAIT,
    "asyncio.tasks.Task": _AWAIT,
    "asyncio.futures.Future": _AWAIT,
    "concurrent.futures._base.Future": "Wait for it in this task and hand on its result.",
    "concurrent.futures._base.Executor": _MAKE_THERE,
    "asyncio.events.AbstractEventLoop": _MAKE_THERE,
    "threading.Thread": "Join it in this task and hand on what it made.",
    "subprocess.Popen": "Wait for it in this task and hand on what it made.",
    "_thread.lock": _MAKE_THERE,
    "_thread.RLock": _MAKE_THERE,
    "weakref.ReferenceType": _MAKE_THERE,
    "_socket.socket": _OPEN_THERE,
    "sqlite3.Connection": _OPEN_THERE,
    "sqlite3.Cursor": "Hand on the rows (`.fetchall()`).",
    "_duckdb.DuckDBPyConnection": _OPEN_THERE,
    "_duckdb.DuckDBPyRelation": "Hand on its rows (`.df()` or `.to_arrow_table()`).",
    "sqlalchemy.engine.base.Engine": _OPEN_THERE,
    "sqlalchemy.engine.base.Connection": _OPEN_THERE,
}
_CONNECTION_WORDS = ("connection", "cursor", "session", "client", "engine")
_ELSE = "Hand on the plain values it is made from, and make it again in the task that needs it."
_DEPTH = 10
_CHECKS = 5_000
_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})


def is_refused(value: object) -> bool:
    """Whether the value's type is bound to its process: never carried, even if pickle would try."""
    return _advice_for(type(value)) is not None


def refusal(key: str, value: object, *, error: Exception, carries: Callable[[object], bool]) -> str:
    """The message for people: what cannot be carried, where it sits, why, and what to do.

    Args:
        key: the name of the whole value.
        value: what was to be carried.
        error: what pickling it raised.
        carries: whether a part of it can be carried by itself.
    """
    place, culprit = _culprit(key, value, carries)
    if isinstance(error, RecursionError) or "recursion" in str(error):
        return f"`{key}` cannot be carried to another task: it is nested too deeply. {_ELSE}"
    reason = "" if is_refused(culprit) else f" ({type(error).__name__}: {error})"
    subject = f"`{key}`" if place == key else f"`{key}`: {place}"
    return (
        f"{subject} cannot be carried to another task: it is {_article(type_name(culprit))}, "
        f"which lives in this process only{reason}. {_advice(culprit)}"
    )


@lru_cache(maxsize=1024)
def _advice_for(kind: type) -> str | None:
    names = (f"{ancestor.__module__}.{ancestor.__qualname__}" for ancestor in kind.__mro__)
    return next((_ADVICE[name] for name in names if name in _ADVICE), None)


def _advice(value: object) -> str:
    known = _advice_for(type(value))
    if known is not None:
        return known
    name = type(value).__name__.lower()
    return _OPEN_THERE if any(word in name for word in _CONNECTION_WORDS) else _ELSE


def _article(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _culprit(key: str, value: object, carries: Callable[[object], bool]) -> tuple[str, object]:
    """The innermost part that cannot be carried, and how to write it; best effort."""
    place, checks = key, 0
    seen = {id(value)}
    for _ in range(_DEPTH):
        for inner_place, inner in _parts(place, value):
            checks += 1
            if checks > _CHECKS:
                return place, value
            if type(inner) in _PLAIN or id(inner) in seen:
                continue
            seen.add(id(inner))
            if not carries(inner):
                place, value = inner_place, inner
                break
        else:
            return place, value
    return place, value


def _parts(place: str, value: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401 (any value at all)
    if is_refused(value):
        return
    if isinstance(value, dict):
        for name, item in value.items():
            label = repr(name) if type(name) in _PLAIN else f"<{type_name(name)}>"
            yield f"{place}[{label}]", item
    elif isinstance(value, (list, tuple)):
        yield from ((f"{place}[{number}]", item) for number, item in enumerate(value))
    elif isinstance(value, (set, frozenset)):
        yield from ((f"an element of {place}", item) for item in value)
    yield from _attributes(place, value)
    if isinstance(value, FunctionType):
        yield from _closure(place, value)


def _attributes(place: str, value: object) -> Iterator[tuple[str, object]]:
    kinds = type(value).__mro__
    for name, item in getattr(value, "__dict__", {}).items():
        if not isinstance(value, type) or not name.startswith("__"):
            yield f"{place}.{name}", item
    for kind in kinds:
        slots = cast("str | Iterable[str]", vars(kind).get("__slots__", ()))
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                yield f"{place}.{name}", getattr(value, name)


def _closure(place: str, function: FunctionType) -> Iterator[tuple[str, object]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f"{name}, which {place} closes over", cell.cell_contents
        except ValueError:  # not assigned yet
            continue
