"""What the names that a piece of code touches may be or hold, and which names hold an object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbflow.model.cell import Roots


class Points(MutableMapping[str, "Roots"]):
    """A mapping from names to roots that also answers who holds an object.

    Both ways cost the same however many names there are: a cell of 20,000 lines is read in the time
    of 20,000 lines. The way back is made when it is first asked for, since most copies are never asked.
    """

    __slots__ = ("_holders", "_roots")

    def __init__(self, roots: Mapping[str, Roots] | None = None) -> None:
        self._roots: dict[str, Roots] = dict(roots or {})
        self._holders: defaultdict[str, set[str]] | None = None

    def __getitem__(self, name: str) -> Roots:
        return self._roots[name]

    def get(self, name: str, default: Roots | None = None) -> Roots | None:  # type: ignore[override]
        """The roots of a name, or the default."""
        return self._roots.get(name, default)

    def __setitem__(self, name: str, roots: Roots) -> None:
        if self._holders is not None:
            self._forget(name)
            for root, _ in roots:
                self._holders[root].add(name)
        self._roots[name] = roots

    def __delitem__(self, name: str) -> None:
        if self._holders is not None:
            self._forget(name)
        del self._roots[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._roots)

    def __len__(self) -> int:
        return len(self._roots)

    def __contains__(self, name: object) -> bool:
        return name in self._roots

    def copy(self) -> Points:
        """A mapping that can go its own way."""
        return Points(self._roots)

    def holders(self, objects: Iterable[str]) -> set[str]:
        """The names whose value may be or hold one of these objects."""
        if self._holders is None:
            self._holders = defaultdict(set)
            for name, roots in self._roots.items():
                for root, _ in roots:
                    self._holders[root].add(name)
        return {name for root in objects for name in self._holders.get(root, ())}

    def _forget(self, name: str) -> None:
        if self._holders is not None:
            for root, _ in self._roots.get(name, ()):
                self._holders[root].discard(name)
