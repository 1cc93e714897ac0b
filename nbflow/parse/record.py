"""What is noted while a cell's code is read: one record for the cell, one for each function body."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbflow.model.cell import Call, Deferred, Roots
from nbflow.parse.points import Points

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Flowing:
    """What is known of the cell's names at one point of its code.

    Attributes:
        bound: names the cell has bound for certain by now.
        maybe: names it may have bound by now, the certain ones too.
        gone: names it has deleted for certain by now.
        lost: names it may have deleted by now.
        points: what the values of names that this cell touched may be or hold.
        base: the same of names from above.
        imports: names bound by an unconditional import statement, with the statement.
        alive: whether the code can get here.
    """

    bound: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    points: Points = field(default_factory=Points)
    base: Mapping[str, Roots] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    alive: bool = True

    def copy(self) -> Flowing:
        """A state that can go its own way."""
        return Flowing(
            set(self.bound),
            set(self.maybe),
            set(self.gone),
            set(self.lost),
            self.points.copy(),
            self.base,
            dict(self.imports),
            self.alive,
        )


def joined(*ways: Flowing) -> Flowing:
    """The state where several ways through the code meet.

    Ways that end before (`raise`, `break`) count only for what may have happened.
    """
    alive = [way for way in ways if way.alive]
    if not alive:
        dead = ways[0].copy()
        for way in ways:
            dead.maybe |= way.maybe
            dead.lost |= way.lost
        return dead
    first, *others = alive
    state = first.copy()
    for way in ways:
        state.maybe |= way.maybe
        state.lost |= way.lost
    for way in others:
        state.bound &= way.bound
        state.gone &= way.gone
        for name in set(state.points) | set(way.points):
            mine, theirs = state.points.get(name), way.points.get(name)
            if mine is theirs:
                continue
            mine = state.base.get(name) if mine is None else mine
            theirs = state.base.get(name) if theirs is None else theirs
            state.points[name] = (frozenset({(name, 0)}) if mine is None else mine) | (
                frozenset({(name, 0)}) if theirs is None else theirs
            )
        state.imports = {name: text for name, text in state.imports.items() if way.imports.get(name) == text}
    return state


@dataclass(slots=True)
class CellRecord:
    """What the cell's own code (not its functions' bodies) does."""

    uses: dict[str, int] = field(default_factory=dict)
    certain: set[str] = field(default_factory=set)
    unguarded: set[str] = field(default_factory=set)
    guesses: set[str] = field(default_factory=set)
    mutates: set[str] = field(default_factory=set)
    deferred: dict[str, Deferred] = field(default_factory=dict)
    methods: dict[str, Deferred] = field(default_factory=dict)
    star: list[str] = field(default_factory=list)
    process: dict[str, int] = field(default_factory=dict)
    opaque: dict[str, int] = field(default_factory=dict)
    effects: bool = False


@dataclass(slots=True)
class BodyRecord:
    """What running a function's body may do; becomes a `Deferred`."""

    parameters: tuple[str, ...] = ()
    uses: set[str] = field(default_factory=set)
    defines: set[str] = field(default_factory=set)
    mutates: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    guesses: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    returns: set[tuple[str, int]] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    carries: bool = False
    stateful: bool = False
    makes_stateful: bool = False

    def absorb(self, inner: Deferred) -> None:
        """Take over what a function defined inside may do: it may be called in here, or handed out."""
        self.makes_stateful |= inner.stateful
        self.uses |= inner.uses
        self.defines |= inner.defines
        self.mutates |= inner.mutates
        self.deletes |= inner.deletes
        self.guesses |= inner.guesses
        mine = {parameter.lstrip("*") for parameter in self.parameters}
        self.calls += [call for call in inner.calls if call not in self.calls]
        self.changes |= {
            name for name in inner.changes if name.lstrip("*") in mine - _names(inner.parameters)
        }

    def freeze(self) -> Deferred:
        """The record as a value."""
        return Deferred(
            uses=frozenset(self.uses),
            defines=frozenset(self.defines),
            mutates=frozenset(self.mutates),
            deletes=frozenset(self.deletes),
            guesses=frozenset(self.guesses),
            parameters=self.parameters,
            changes=frozenset(self.changes),
            returns=frozenset(self.returns),
            calls=tuple(self.calls),
            carries=self.carries,
            stateful=self.stateful,
            makes_stateful=self.makes_stateful,
        )


def _names(parameters: tuple[str, ...]) -> set[str]:
    return {parameter.lstrip("*") for parameter in parameters}
