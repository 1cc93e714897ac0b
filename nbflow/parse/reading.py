"""What is known of names at one point of a cell's code, and what reading a name means there."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbflow.parse.known import consequences
from nbflow.parse.record import BodyRecord, CellRecord, Flowing

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator

    from nbflow.model.cell import Deferred, Roots
    from nbflow.parse.known import Consequences, Known
    from nbflow.parse.scope import Scope


class Reading:
    """Notes what the code does with names; knows nothing of syntax."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.state = Flowing(base=known.points)
        self.holders: dict[str, set[str]] | None = None
        self.record = CellRecord()
        self.deferred: dict[str, Deferred] = dict(known.deferred)
        self.methods: dict[str, Deferred] = dict(known.methods)
        self.modules: set[str] = set(known.modules)
        self.scopes: list[Scope] = []
        self.bodies: list[BodyRecord] = []
        self.conditional = 0
        self.guards = 0
        self.fresh = 0
        self.kept: list[ast.expr] = []
        self.unsure = 0
        self.future_annotations = False
        self.exits: list[tuple[list[Flowing], list[Flowing]]] = []
        self.classes: list[dict[str, Deferred]] = []
        self.memo: dict[str, Consequences | None] = {}

    def is_local(self, name: str) -> bool:
        """Whether a name belongs to a function, class or comprehension rather than to the notebook."""
        innermost = True
        for scope in reversed(self.scopes):
            if name in scope.outer:
                return False
            if name in scope.names and (scope.kind != "class" or innermost):
                return True
            innermost = False
        return False

    @contextmanager
    def maybe(self) -> Iterator[None]:
        """What is read inside may not run."""
        self.conditional += 1
        yield
        self.conditional -= 1

    @contextmanager
    def perhaps(self) -> Iterator[None]:
        """As `maybe`; what is bound inside is bound only perhaps."""
        before = set(self.state.bound)
        with self.maybe():
            yield
        self.state.bound = before & self.state.bound

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Read without noting anything about the cell."""
        record, state = self.record, self.state
        self.record, self.state = CellRecord(), state.copy()
        yield
        self.record, self.state = record, state

    def load(self, name: str, line: int, *, called: bool = True) -> None:
        """The code reads a name; whatever calling it does may happen, unless it is only kept (`g = f`)."""
        if self.is_local(name):
            return
        if self.bodies:
            self.bodies[-1].uses.add(name)
            return
        self.need(name, line, certain=not self.conditional)
        found = self.consequences(name) if called else None
        if found is not None:
            self.happen(found, line)
            if self.deferred[name].stateful:
                self.mutate(self.roots_of(name), line)

    def need(self, name: str, line: int, *, certain: bool) -> None:
        """A use of a name by the cell itself."""
        state = self.state
        if name in state.bound or (name.startswith("__") and name.endswith("__")):
            return
        self.record.uses.setdefault(name, line)
        if not self.guards:
            self.record.unguarded.add(name)
        if certain and name not in state.maybe and state.alive:
            self.record.certain.add(name)

    def happen(self, found: Consequences, line: int) -> None:
        """Something was mentioned that may be called: what its code may do, may happen now."""
        for name in sorted(found.uses):
            self.need(name, line, certain=False)
        for name in found.mutates:
            self.mutate(self.roots_of(name), line)
        for name in found.defines:
            self.state.maybe.add(name)
            self.state.imports.pop(name, None)
            self.state.gone.discard(name)
        for name in found.deletes:
            self.state.bound.discard(name)
            self.state.lost.add(name)
        self.record.guesses |= found.guesses - self.state.bound

    def consequences(self, name: str) -> Consequences | None:
        """What calling a name may lead to, remembered until a definition changes."""
        if name not in self.memo:
            self.memo[name] = consequences(name, self.deferred, self.methods)
        return self.memo[name]

    def remember(self, name: str, entry: Deferred | None, *, certain: bool) -> None:
        """From now on a name of the notebook holds this code (None: no code)."""
        old = self.deferred.get(name)
        if entry is None and certain:
            if old is not None:
                del self.deferred[name]
                self.record.deferred.pop(name, None)
                self.memo.clear()
        elif entry is not None:
            merged = entry if certain or old is None else old | entry
            self.deferred[name] = self.record.deferred[name] = merged
            self.memo.clear()

    def guess(self, names: Iterable[str]) -> None:
        """Words that may be names."""
        if self.bodies:
            self.bodies[-1].guesses |= {name for name in names if not self.is_local(name)}
        else:
            self.record.guesses |= set(names) - self.state.bound

    def pointed(self, name: str) -> Roots | None:
        """What is known of a name's value: None when it is just an object of its own."""
        found = self.state.points.get(name)
        return self.state.base.get(name) if found is None else found

    def base_holders(self, root: str) -> set[str]:
        """The names above that hold an object."""
        if self.holders is None:
            self.holders = defaultdict(set)
            for name, roots in self.known.points.items():
                for held, _ in roots:
                    self.holders[held].add(name)
        return self.holders.get(root, set())

    def roots_of(self, name: str) -> Roots:
        """What the value of a name may be or hold."""
        found = self.pointed(name)
        return frozenset({(name, 0)}) if found is None else found

    def mutate(self, roots: Roots, line: int) -> None:
        """The objects at depth 0 are changed in place, and so is every name that holds one of them."""
        changed = {root for root, depth in roots if depth == 0}
        if not changed:
            return
        if self.bodies:
            self._mutate_in_body(changed)
            return
        holders = self.state.points.holders(changed) | {
            root for root in changed if root[0] not in "#$" and self.pointed(root) is None
        }
        holders |= {
            name for root in changed for name in self.base_holders(root) if name not in self.state.points
        }
        for name in holders:
            if name in self.modules and not self.is_local(name):
                self.record.process.setdefault(name, line)
                continue
            if name.startswith("$"):
                continue
            self.need(name, line, certain=False)
            self.record.mutates.add(name)

    def _mutate_in_body(self, changed: set[str]) -> None:
        holders = self.state.points.holders(changed)
        for root in changed:
            if root.startswith("$"):
                for body in reversed(self.bodies):
                    stars = {parameter.lstrip("*"): parameter for parameter in body.parameters}
                    if root[1:] in stars:
                        body.changes.add(stars[root[1:]])
                        break
            elif not root.startswith("#") and not self.is_local(root):
                self.bodies[-1].mutates.add(root)
                self.bodies[-1].uses.add(root)
        around = {name for scope in self.scopes[:-1] if scope.kind == "function" for name in scope.names}
        if holders & (around - self.scopes[-1].names):
            self.bodies[-1].stateful = True
        for name in holders - changed:
            if not self.is_local(name) and not name.startswith(("#", "$")):
                self.bodies[-1].mutates.add(name)
                self.bodies[-1].uses.add(name)
