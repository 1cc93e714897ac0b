"""What a pickle refers to instead of containing: the receiving notebook's own names and globals.

The functions below stand in the pickle under their names. `pickled.Unpickler` puts the receiving
notebook's namespace behind `shared_object` and `receiving_namespace`; read in any other way they say
what is missing.
"""

from __future__ import annotations

import functools
import sys
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from nbflow.errors import XComError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NO_NAMESPACE = "this pickle refers to names of a notebook; read it with nbflow.codec.decode"


def shared_object(name: str) -> object:
    """The object that the receiving notebook's shared cells define under a dotted name."""
    raise XComError(f"{_NO_NAMESPACE} (it needs `{name}`)")


def receiving_namespace() -> dict[str, object]:
    """The receiving notebook's globals."""
    raise XComError(_NO_NAMESPACE)


def lookup(namespace: Mapping[str, object], name: str) -> object:
    """The object under a dotted name.

    Raises:
        XComError: the notebook does not define it.
    """
    first, *rest = name.split(".")
    try:
        return functools.reduce(getattr, rest, namespace[first])
    except (KeyError, AttributeError):
        msg = (
            f"the value refers to `{name}` of a shared cell, which is not defined here. "
            "Define it in a shared cell again, or run the task that makes the value again"
        )
        raise XComError(msg) from None


class References:
    """Which objects of a notebook go by reference, and under which name.

    Args:
        shared: names that shared cells defined → the objects.
        namespace: the sending notebook's globals.
    """

    def __init__(self, shared: Mapping[str, object], namespace: Mapping[str, object]) -> None:
        self._shared = shared
        self._home = namespace.get("__name__", "__main__")
        self._names = {id(item): name for name, item in shared.items() if self._goes_by_name(item)}

    def name_of(self, item: object) -> str | None:
        """The dotted name under which the receiver finds this very object; None if it must be sent."""
        name = self._names.get(id(item))
        if name is not None or not isinstance(item, (type, FunctionType)):
            return name
        qualified = item.__qualname__
        first, dot, _ = qualified.partition(".")
        if not dot or first not in self._shared or id(self._shared[first]) not in self._names:
            return None
        try:
            found = functools.reduce(getattr, qualified.split(".")[1:], self._shared[first])
        except AttributeError:
            return None
        return qualified if found is item else None

    def _goes_by_name(self, item: object) -> bool:
        if type(item) is object:  # a sentinel: nothing but its identity
            return True
        if isinstance(item, (ModuleType, BuiltinFunctionType)):
            return False  # importable
        if not isinstance(item, (type, FunctionType)) and not (
            callable(item) and hasattr(item, "__wrapped__")
        ):
            return False
        module = getattr(item, "__module__", None)
        return module == self._home or not _importable(item, module)


def _importable(item: object, module: object) -> bool:
    try:
        path = getattr(item, "__qualname__", "").split(".")
        return functools.reduce(getattr, path, sys.modules[str(module)]) is item
    except (KeyError, AttributeError):
        return False


class Namespace:
    """Stands for the sender's globals while pickling; becomes the receiver's."""

    def __reduce__(self) -> tuple[Callable[[], dict[str, object]], tuple[()]]:
        return receiving_namespace, ()


def empty_cell() -> CellType:
    """A closure's cell, to be filled by `restore_function`."""
    return CellType()


def make_function(
    code: CodeType, namespace: dict[str, Any], closure: tuple[CellType, ...] | None
) -> FunctionType:
    """The bare function; `restore_function` gives it the rest, which may refer to it."""
    return FunctionType(code, namespace, None, None, closure)


def function_state(function: FunctionType) -> tuple[object, ...]:
    """What `restore_function` needs: attributes, contents of the closure's cells, own `__dict__`."""
    filled: list[tuple[CellType, object]] = []
    for cell in function.__closure__ or ():
        try:
            filled.append((cell, cell.cell_contents))
        except ValueError:  # not assigned yet
            continue
    names = ["__name__", "__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__"]
    names += ["__annotations__"] + (["__type_params__"] if sys.version_info >= (3, 12) else [])
    attributes = {name: getattr(function, name) for name in names}
    return attributes, filled, dict(function.__dict__)


def restore_function(function: FunctionType, state: tuple[Any, ...]) -> None:
    """The inverse of `function_state`."""
    attributes, filled, own = state
    for name, value in attributes.items():
        setattr(function, name, value)
    for cell, content in filled:
        cell.cell_contents = content
    function.__dict__.update(own)


def make_cached(function: Callable[..., object], parameters: dict[str, Any]) -> object:
    """A function under `functools.lru_cache`, its cache empty."""
    return functools.lru_cache(**parameters)(function)
