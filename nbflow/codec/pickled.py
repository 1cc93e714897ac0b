"""cloudpickle with the notebook's shared names by reference and its globals those of the receiver."""

from __future__ import annotations

import functools
import pickle
import sys
from contextlib import suppress
from importlib import import_module
from types import CellType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, BinaryIO
from weakref import WeakValueDictionary

from cloudpickle import cloudpickle

from nbflow.codec import reference
from nbflow.codec.refusal import is_refused
from nbflow.errors import CannotCarry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbflow.codec.reference import References

_CACHED = type(functools.lru_cache(len))
_SKELETONS = ("_make_skeleton_class", "_make_skeleton_enum")  # cloudpickle's, (…, tracker id, extra)
_classes: WeakValueDictionary[tuple[int, str], type] = WeakValueDictionary()
"""Classes of task cells by the namespace they are in and the id cloudpickle tracks them by: a class that
comes twice into a notebook is one class there, and another one in each other notebook of the process."""


class Pickler(cloudpickle.Pickler):
    """Pickles one value.

    Args:
        file: where the pickle goes.
        references: what goes by reference.
        namespace: the sender's globals; functions that have it get the receiver's.

    Raises:
        CannotCarry: on dump, for an object that lives in its process only, or whose pickle would
            silently be something else.
    """

    def __init__(self, file: Any, references: References, namespace: Mapping[str, object]) -> None:  # noqa: ANN401 (anything with write)
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._references = references
        self._namespace = namespace
        self._cells: set[int] = set()

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 (pickle's signature)
        """What stands for the object in the pickle; NotImplemented for pickle's own way."""
        name = self._references.name_of(obj)
        if name is not None:
            return reference.shared_object, (name,)
        if isinstance(obj, FunctionType) and obj.__globals__ is self._namespace:
            return self._function(obj)
        if isinstance(obj, CellType) and id(obj) in self._cells:
            return reference.empty_cell, ()
        if isinstance(obj, _CACHED) and getattr(obj, "__module__", "") == self._namespace.get("__name__"):
            return reference.make_cached, (obj.__wrapped__, obj.cache_parameters())
        if isinstance(obj, MethodType) and getattr(obj.__self__, obj.__name__, None) == obj:
            return getattr, (obj.__self__, obj.__name__)
        if obj is sys.stdout or obj is sys.stderr:
            return getattr, (sys, "stdout" if obj is sys.stdout else "stderr")
        if isinstance(obj, memoryview):
            return _memoryview(obj)
        if is_refused(obj):
            raise CannotCarry(type(obj).__qualname__)
        if isinstance(obj, (type, FunctionType)):
            _import_module_of(obj)
        reduced: Any = super().reducer_override(obj)
        if isinstance(obj, type) and isinstance(reduced, tuple) and reduced[0].__name__ in _SKELETONS:
            _classes[id(self._namespace), reduced[1][-2]] = obj
        return reduced

    def _function(self, function: FunctionType) -> tuple[Any, ...]:
        # The cells are made empty and filled once the function is in the memo: it may close over itself.
        self._cells.update(map(id, function.__closure__ or ()))
        made_from = (function.__code__, reference.Namespace(), function.__closure__)
        state = reference.function_state(function)
        return reference.make_function, made_from, state, None, None, reference.restore_function


class Walker(Pickler):
    """Goes through a value as `Pickler` would, and writes nothing.

    Args:
        enter: asked of every object, before anything else; False leaves its parts out.
        references, namespace: as for `Pickler`.
    """

    def __init__(
        self, enter: Callable[[object], bool], references: References, namespace: Mapping[str, object]
    ) -> None:
        super().__init__(Nowhere(), references, namespace)
        self._enter = enter

    def persistent_id(self, obj: Any) -> int | None:  # noqa: ANN401 (pickle's signature)
        """None for an object to go into."""
        return None if self._enter(obj) else 0


class Nowhere:
    """A file that forgets what is written into it."""

    def write(self, data: Any) -> int:  # noqa: ANN401 (bytes or a pickle.PickleBuffer's view)
        """Forget it."""
        return len(data)


class Unpickler(pickle.Unpickler):
    """Reads what `Pickler` wrote.

    Args:
        file: the pickle.
        namespace: the receiving notebook's globals.
    """

    def __init__(self, file: BinaryIO, namespace: dict[str, object]) -> None:
        super().__init__(file)
        self._namespace = namespace
        self._own: Mapping[str, Callable[..., object]] = {
            "shared_object": lambda name: reference.lookup(namespace, name),
            "receiving_namespace": lambda: namespace,
        }

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 (pickle's signature)
        """The global of that name: our own two, the notebook's, or any module's."""
        if module == reference.__name__ and name in self._own:
            return self._own[name]
        if module == cloudpickle.__name__ and name in _SKELETONS:
            return functools.partial(self._class, getattr(cloudpickle, name))
        if module in ("__main__", self._namespace.get("__name__")):
            return reference.lookup(self._namespace, name)
        return super().find_class(module, name)

    def _class(self, make: Callable[..., type], *parts: Any) -> type:  # noqa: ANN401 (cloudpickle's parts)
        *shape, tracker_id, extra = parts
        known = _classes.get((id(self._namespace), tracker_id))
        if known is not None:
            return known
        made = make(*shape, None, extra)
        _classes[id(self._namespace), tracker_id] = made
        # Sent on, it must have the id it came with, so that its next receiver knows it again.
        cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS[made] = tracker_id  # pyright: ignore[reportPrivateUsage]
        return made


def _import_module_of(obj: type | FunctionType) -> None:
    """Import the module that a class or function says it is from, where its package is there already.

    cloudpickle would take it by value otherwise, and a copy of a class come back: of numpy.recarray, whose
    module numpy.rec nothing imports.
    """
    module = getattr(obj, "__module__", None)
    if not isinstance(module, str) or module in sys.modules:
        return
    if module.partition(".")[0] in sys.modules:
        with suppress(Exception):  # a module may raise anything; then the value travels, as it did
            import_module(module)


def _memoryview(view: memoryview) -> tuple[Callable[..., object], tuple[bytes]]:
    if view.format != "B" or view.ndim != 1 or not view.readonly:
        raise CannotCarry("memoryview")
    return memoryview, (view.tobytes(),)
