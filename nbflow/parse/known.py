"""What the cells above tell about names: needed to read what a cell does when it calls a function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbflow.model.cell import Call, Deferred, Names, Roots
from nbflow.parse.builtin import GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of names before a cell runs.

    Attributes:
        deferred: for each function, class, or thing that holds one, what calling it may do.
        methods: for each method name of the notebook's classes, what calling it may do.
        modules: names that import statements bind.
        points: for each name what its value may be or hold (see `Names.points`).
        shadows: builtins that a cell gave another meaning.
        rendered: whether nbflow renders the templates in cells of other languages.
        serial: grows with each cell, so that the objects different cells make have different names.
    """

    deferred: Mapping[str, Deferred] = field(default_factory=dict[str, Deferred])
    methods: Mapping[str, Deferred] = field(default_factory=dict[str, Deferred])
    modules: frozenset[str] = frozenset()
    points: Mapping[str, Roots] = field(default_factory=dict[str, Roots])
    shadows: frozenset[str] = frozenset()
    rendered: bool = True
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Consequences:
    """What mentioning a name may lead to, with everything that is called on the way."""

    uses: frozenset[str]
    defines: frozenset[str]
    mutates: frozenset[str]
    deletes: frozenset[str]
    guesses: frozenset[str]


def consequences(
    name: str, deferred: Mapping[str, Deferred], methods: Mapping[str, Deferred]
) -> Consequences | None:
    """What may happen when the thing of this name is called, through all it calls; None for nothing."""
    if name not in deferred:
        return None
    seen = {name}
    stack = [name]
    uses: set[str] = set()
    defines: set[str] = set()
    mutates: set[str] = set()
    deletes: set[str] = set()
    guesses: set[str] = set()
    while stack:
        entry = deferred.get(stack.pop())
        if entry is None:
            continue
        uses |= entry.uses
        defines |= entry.defines
        mutates |= entry.mutates
        deletes |= entry.deletes
        guesses |= entry.guesses
        for call in entry.calls:
            for roots in changed_arguments(call, deferred, methods):
                mutates |= {root for root, depth in roots if depth == 0 and root[0] not in "$#"}
        stack += entry.uses - seen
        seen |= entry.uses
    return Consequences(*(frozenset(found) for found in (uses, defines, mutates, deletes, guesses)))


def changed_arguments(
    call: Call,
    deferred: Mapping[str, Deferred],
    methods: Mapping[str, Deferred],
    seen: frozenset[str] = frozenset(),
) -> Iterator[Roots]:
    """What a call changes in place among its receiver and arguments."""
    method = call.callee.startswith(".")
    entry = methods.get(call.callee[1:]) if method else deferred.get(call.callee)
    if entry is None:
        return
    for parameter in changed_parameters(entry, deferred, methods, seen | {call.callee}):
        place = entry.parameters.index(parameter) if parameter in entry.parameters else len(entry.parameters)
        args = (call.receiver, *call.args) if method else call.args
        if parameter.lstrip("*") in call.keywords:
            yield call.keywords[parameter.lstrip("*")]
        elif parameter.startswith("**"):
            yield from (inner(roots) for roots in call.keywords.values())
        elif parameter.startswith("*"):
            yield from args[place:]
        elif place < len(args):
            yield args[place]


def changed_parameters(
    entry: Deferred,
    deferred: Mapping[str, Deferred],
    methods: Mapping[str, Deferred],
    seen: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """The parameters whose object a function changes in place, itself or through what it calls."""
    changed = set(entry.changes)
    stars = {parameter.lstrip("*"): parameter for parameter in entry.parameters}
    for call in entry.calls:
        if call.callee in seen:
            continue
        for roots in changed_arguments(call, deferred, methods, seen):
            changed |= {
                stars.get(root[1:], root[1:]) for root, depth in roots if depth == 0 and root[0] == "$"
            }
    return frozenset(changed)


MOST = 16
"""How many objects a value is followed to hold; deeper ones are dropped first."""


def inner(roots: Roots) -> Roots:
    """What lies in a value: one access less to each object."""
    return frozenset((root, max(0, depth - 1)) for root, depth in roots)


def outer(roots: Roots) -> Roots:
    """A new value that holds these objects: one access more to each."""
    return nearest_roots((root, depth + 1) for root, depth in roots)


def nearest_roots(roots: Iterable[tuple[str, int]]) -> Roots:
    """Roots, the deepest left out where they are too many to follow."""
    found = frozenset(roots)
    return found if len(found) <= MOST else frozenset(sorted(found, key=lambda r: (r[1], r[0]))[:MOST])


def after(known: Known, names: Names, *, pointers: bool = True, replaces: bool = True) -> Known:
    """What is known after a cell too.

    Args:
        known: before it.
        names: what the cell does.
        pointers: whether the cell runs in the same process as what follows.
        replaces: whether the cell surely runs, so that its definitions replace those before.
    """
    certain = names.binds if replaces else frozenset[str]()
    deferred = {name: entry for name, entry in known.deferred.items() if name not in certain}
    for name, entry in names.deferred.items():
        deferred[name] = deferred[name] | entry if name in deferred else entry
    methods = dict(known.methods)
    for name, entry in names.methods.items():
        methods[name] = methods[name] | entry if name in methods else entry
    points = {name: roots for name, roots in known.points.items() if name not in certain}
    for name in names.defines - set(names.points):
        if not points.get(name, True):
            del points[name]  # it may be no longer the number it was
    for name, roots in names.points.items():
        if roots and not pointers:
            points.pop(name, None)
        elif roots or name in certain or name in points:
            points[name] = points.get(name, frozenset()) | roots
    modules = (known.modules - (certain - set(names.imports))) | set(names.imports)
    return Known(
        deferred=deferred,
        methods=methods,
        modules=modules,
        points=points,
        shadows=known.shadows | (names.defines & GIVEN),
        serial=known.serial + 1,
    )
