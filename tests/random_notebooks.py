"""Random small notebooks that run without error from top to bottom: a Hypothesis strategy.

A notebook is made statement by statement with the names that exist so far, so that it always runs.
It never makes two names of one mutable object that outlive a cell: what nobody can see in the text
(two names for one object in different tasks) is what `nbflow check` warns of.
"""

from __future__ import annotations

import contextlib
import io
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import nbformat
from hypothesis import strategies as st
from nbformat import v4 as nbformat4

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbformat import NotebookNode

NUMBERS = ("n0", "n1", "n2", "n3")
LISTS = ("l0", "l1", "l2")
NESTED = ("m0", "m1")
DICTS = ("d0", "d1")
OBJECTS = ("o0", "o1")
FUNCTIONS = ("f0", "f1", "f2")
CLASSES = ("K0", "K1")
COUNTERS = ("c0", "c1")
HOLDERS = ("h0", "h1")
DATA = (*NUMBERS, *LISTS, *NESTED, *DICTS, *OBJECTS)
COMPARED = (*DATA, "seen")


@dataclass(frozen=True, slots=True)
class RandomCell:
    """One cell: its header line ("" for none) and its code."""

    header: str
    code: str

    @property
    def source(self) -> str:
        return f"{self.header}\n{self.code}" if self.header else self.code

    @property
    def scratch(self) -> bool:
        return self.header == "%%scratch"


@dataclass(frozen=True, slots=True)
class RandomNotebook:
    """A notebook that runs without error from top to bottom, its scratch cells left out."""

    cells: tuple[RandomCell, ...]

    def node(self) -> NotebookNode:
        cells = [
            nbformat4.new_code_cell(cell.source, id=f"c{index}") for index, cell in enumerate(self.cells)
        ]
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        return nbformat4.new_notebook(cells=cells, metadata=metadata)

    def write(self, path: Any) -> None:
        nbformat.write(self.node(), path)

    def __str__(self) -> str:
        return "\n# ----\n".join(cell.source for cell in self.cells)


@dataclass(slots=True)
class _Names:
    """The names that exist for certain at one point, and what functions and classes need."""

    there: set[str] = field(default_factory=set)
    needs: dict[str, frozenset[str]] = field(default_factory=dict)
    makes: dict[str, frozenset[str]] = field(default_factory=dict)

    def of(self, pool: tuple[str, ...]) -> list[str]:
        return [name for name in pool if name in self.there]

    def callable(self, pool: tuple[str, ...]) -> list[str]:
        return [name for name in self.of(pool) if self.all_needs(name) <= self.there]

    def all_needs(self, name: str) -> frozenset[str]:
        """What a call reads, through the functions it calls as they are now."""
        found, stack = set(), [name]
        while stack:
            for need in self.needs.get(stack.pop(), ()):
                if need not in found:
                    found.add(need)
                    stack.append(need)
        return frozenset(found)

    def copy(self) -> _Names:
        return _Names(set(self.there), dict(self.needs), dict(self.makes))


class _Writer:
    """Writes statements that run, given the names that exist."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.draw = draw
        self.names = _Names()
        self.depth = 0

    def pick(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def number(self) -> str:
        names = self.names
        ways = [lambda: str(self.draw(st.integers(0, 5)))]
        if known := names.of(NUMBERS):
            ways += [lambda: self.pick(known), lambda: f"{self.pick(known)} + {self.draw(st.integers(1, 3))}"]
        if known_lists := names.of(LISTS):
            ways += [lambda: f"sum({self.pick(known_lists)})", lambda: f"len({self.pick(known_lists)})"]
        if known_nested := names.of(NESTED):
            ways += [lambda: f"sum(len(row) for row in {self.pick(known_nested)})"]
        if known_dicts := names.of(DICTS):
            ways += [lambda: f"{self.pick(known_dicts)}.get('k', 7)"]
        if known_objects := names.of(OBJECTS):
            ways += [lambda: f"{self.pick(known_objects)}.v"]
        if self.depth == 0 and (known_functions := names.callable(FUNCTIONS)):
            ways += [lambda: f"{self.pick(known_functions)}({self.draw(st.integers(0, 3))})"] * 3
        return self.pick(ways)()

    def still(self) -> str:
        """A number whose making changes nothing: a list can be read meanwhile."""
        self.depth += 1
        number = self.number()
        self.depth -= 1
        return number

    def statement(self) -> str:
        """One statement; the names it makes for certain exist afterwards."""
        names = self.names
        ways = [self.assign_number, self.assign_list, self.assign_other, self.conditional, self.loop]
        ways += [
            self.define_function,
            self.define_function,
            self.define_class,
            self.import_,
            self.augment,
            self.attempt,
        ]
        if names.of(LISTS):
            ways += [self.change_list] * 3
        if names.of(NESTED):
            ways += [self.change_nested] * 2
        if names.of(DICTS):
            ways += [self.change_dict] * 2
        if names.callable(CLASSES):
            ways += [self.assign_object] * 2
        if names.of(OBJECTS) and all(names.all_needs(name) <= names.there for name in names.of(CLASSES)):
            ways += [self.change_object] * 2
        ways += [self.counter]
        if names.of(COUNTERS):
            ways += [self.count] * 2
        if names.of(DATA) and not self.depth:
            ways += [self.delete]
        ways += [self.hold]
        if names.of(HOLDERS):
            ways += [self.hold_more]
        if self.depth == 0 and names.callable(HOLDERS):
            ways += [self.call_held] * 2
        return self.pick(ways)()

    def assign_number(self) -> str:
        value, name = self.number(), self.pick(NUMBERS)
        text = self.pick([f"{name} = {value}", f"{name}: int = {value}", f"print({name} := {value})"])
        self.names.there.add(name)
        return text

    def assign_list(self) -> str:
        name = self.pick(LISTS)
        ways = [f"[{self.number()}, {self.number()}]"]
        if known := self.names.of(LISTS):
            other = self.pick(known)
            ways += [f"list({other})", f"[x + {self.still()} for x in {other}]", f"sorted({other})"]
            ways += [f"sorted({other}, key=lambda x: -x * ({self.still()}))"]
        value = self.pick(ways)
        self.names.there.add(name)
        return f"{name} = {value}"

    def assign_other(self) -> str:
        if self.draw(st.booleans()):
            name, value = self.pick(NESTED), f"[[{self.number()}], []]"
        else:
            name, value = self.pick(DICTS), "{'k': " + self.number() + "}"
        self.names.there.add(name)
        return f"{name} = {value}"

    def assign_object(self) -> str:
        name, value = self.pick(OBJECTS), f"{self.pick(self.names.callable(CLASSES))}({self.number()})"
        self.names.there.add(name)
        return f"{name} = {value}"

    def change_list(self) -> str:
        name, value = self.pick(self.names.of(LISTS)), self.number()
        ways = [
            f"{name}.append({value})",
            f"{name} += [{value}]",
            f"{name}[:1] = [{value}]",
            f"del {name}[:1]",
        ]
        ways += [
            f"{name}.sort()",
            f"same = {name}\nsame.append({value})\nsame = 0",
            f"{name}.extend(range({value} % 3))",
        ]
        return self.pick(ways)

    def change_nested(self) -> str:
        name, value = self.pick(self.names.of(NESTED)), self.number()
        plain_value = self.draw(st.integers(0, 5))  # a call in the loop could make the list grow for ever
        ways = [f"{name}.append([{value}])", f"for row in {name}:\n    row.append({plain_value})\nrow = 0"]
        ways += [
            f"row = {name}[0]\nrow.append({value})\nrow = 0",
            f"{name}[0] += [{value}]",
            f"{name} = [list(r) for r in {name}]",
        ]
        return self.pick(ways)

    def change_dict(self) -> str:
        name, value = self.pick(self.names.of(DICTS)), self.number()
        ways = [f"{name}['k'] = {value}", f"{name}.update(k={value})", f"{name}.pop('k', None)"]
        return self.pick([*ways, f"{name} |= {{'k': {value}}}", f"{name}.setdefault('k', {value})"])

    def change_object(self) -> str:
        name, value = self.pick(self.names.of(OBJECTS)), self.number()
        return self.pick([f"{name}.add({value})", f"{name}.v = {value}", f"{name}.v += {value}"])

    def counter(self) -> str:
        name = self.pick(COUNTERS)
        self.names.there.add(name)
        lines = ["def make():", "    n = 0", "    def count():", "        nonlocal n", "        n += 1"]
        return "\n".join([*lines, "        return n", "    return count", f"{name} = make()"])

    def count(self) -> str:
        name, counter = self.pick(NUMBERS), self.pick(self.names.of(COUNTERS))
        self.names.there.add(name)
        return f"{name} = {counter}()"

    def code(self) -> tuple[str, frozenset[str]]:
        """A function of no arguments, and what it needs when it is called."""
        number, data = self.pick(NUMBERS), self.pick(LISTS)
        ways = [(f"lambda: {number}", {number}), (f"lambda: {data}.append(1) or len({data})", {data})]
        if known := self.names.of(FUNCTIONS):
            name = self.pick(known)
            ways += [
                (f"lambda: {name}(1)", {name}),
                (f"partial({name}, 2)", {name} | self.names.all_needs(name)),
            ]
        text, needs = self.pick(ways)
        return text, frozenset(needs)

    def hold(self) -> str:
        name, (code, needs) = self.pick(HOLDERS), self.code()
        self.names.there.add(name)
        self.names.needs[name] = needs
        value = self.pick([f"[{code}]", f"[{code} for _ in range(2)]"])
        return f"from functools import partial\n{name} = {value}"

    def hold_more(self) -> str:
        name, (code, needs) = self.pick(self.names.of(HOLDERS)), self.code()
        self.names.needs[name] = self.names.needs[name] | needs
        ways = [f"{name}.append({code})", f"{name}[0] = {code}", f"{name} += [{code}]"]
        return f"from functools import partial\n{self.pick(ways)}"

    def call_held(self) -> str:
        name, holder = self.pick(NUMBERS), self.pick(self.names.callable(HOLDERS))
        self.names.there.add(name)
        return f"{name} = {holder}[{self.pick([0, -1])}]()"

    def augment(self) -> str:
        known = self.names.of(NUMBERS)
        if not known:
            return self.assign_number()
        return f"{self.pick(known)} {self.pick(['+', '*', '-'])}= {self.number()}"

    def delete(self) -> str:
        name = self.pick(self.names.of(DATA))
        self.names.there.discard(name)
        return f"del {name}"

    def import_(self) -> str:
        name = self.pick(NUMBERS)
        value = self.number()
        self.names.there.add(name)
        return self.pick(
            [
                f"import math\n{name} = math.floor({value} / 2)",
                f"from collections import Counter as Tally\n{name} = Tally([1, {value}])[1]",
            ]
        )

    def conditional(self) -> str:
        test = f"{self.number()} % 2 == {self.draw(st.integers(0, 1))}"
        before = self.names.copy()
        yes = self.block()
        after_yes, self.names = self.names, before.copy()
        no = self.block() if self.draw(st.booleans()) else ""
        self._meet(after_yes)
        return f"if {test}:\n{yes}" + (f"\nelse:\n{no}" if no else "")

    def loop(self) -> str:
        before = self.names.copy()
        name = self.pick(NUMBERS)
        head = f"for {name} in range({self.number()} % 3):"
        self.names.there.add(name)
        body = self.block()
        self._meet(before)
        return f"{head}\n{body}"

    def attempt(self) -> str:
        name, other = self.pick(DATA), self.pick(NUMBERS)
        self.names.there.add(other)
        return f"try:\n    {other} = len(str({name}))\nexcept NameError:\n    {other} = -1"

    def _meet(self, other: _Names) -> None:
        for name in set(self.names.needs) | set(other.needs):
            both = self.names.needs.get(name, frozenset()) | other.needs.get(name, frozenset())
            self.names.needs[name] = both
        self.names.there &= other.there

    def block(self) -> str:
        if self.depth:
            return "    pass"
        self.depth += 1
        lines = "\n".join(self.statement() for _ in range(self.draw(st.integers(1, 2))))
        self.depth -= 1
        return "\n".join("    " + line for line in lines.split("\n"))

    def define_function(self) -> str:
        index = self.draw(st.integers(0, len(FUNCTIONS) - 1))
        name = FUNCTIONS[index]
        needs: set[str] = set()
        lines: list[str] = []
        number, data = self.pick(NUMBERS), self.pick(LISTS)
        match self.draw(st.integers(0, 5)):
            case 0:
                lines, needs = [f"return x + {number}"], {number}
            case 1:
                lines, needs = [f"{data}.append(x)", f"return len({data})"], {data}
            case 2:
                lines, needs = [f"global {number}", f"{number} = x + 1", f"return {number}"], set()
            case 3:
                lines, needs = ["def inner(y):", f"    return y * {number}", "return inner(x)"], {number}
            case 4:
                lines, needs = ["part = " + data, "part += [x]", f"return sum({data})"], {data}
            case _:
                lines, needs = [f"return sum(v + x for v in {data})"], {data}
        if index and self.draw(st.booleans()):
            callee = FUNCTIONS[index - 1]
            lines, needs = [f"x = {callee}(x)", *lines], needs | {callee}
        default = ""
        if known := self.names.of(NUMBERS):
            default = f", y={self.pick(known)}" if self.draw(st.booleans()) else ""
        self.names.there.add(name)
        self.names.needs[name] = frozenset(needs)
        if self.depth:  # redefined on some paths only: both may be called
            pass
        return f"def {name}(x{default}):\n" + "\n".join("    " + line for line in lines)

    def define_class(self) -> str:
        name, number = self.pick(CLASSES), self.pick(NUMBERS)
        self.names.there.add(name)
        self.names.needs[name] = frozenset({number})
        return (
            f"class {name}:\n    def __init__(self, v):\n        self.v = v\n\n"
            f"    def add(self, w):\n        self.v += w + {number}"
        )

    def cell(self) -> str:
        return "\n".join(self.statement() for _ in range(self.draw(st.integers(1, 3))))


@st.composite
def notebooks(draw: Callable[[Any], Any], most: int = 9) -> RandomNotebook:
    """Notebooks of up to `most` cells, at least one of them a task."""
    writer = _Writer(draw)
    cells: list[RandomCell] = []
    tasks = 0
    for _ in range(draw(st.integers(2, most))):
        kind = draw(st.sampled_from(["task", "task", "task", "unmarked", "unmarked", "continues", "scratch"]))
        if kind == "continues" and not tasks:
            kind = "task"
        if kind == "scratch":
            kept = writer.names.copy()
            cells.append(RandomCell("%%scratch", writer.cell()))
            writer.names = kept
            continue
        header = {"task": f"%%task t{tasks}", "continues": "%%task +", "unmarked": ""}[kind]
        tasks += kind == "task"
        cells.append(RandomCell(header, writer.cell()))
    seen = [name for name in DATA if name in writer.names.there]
    if not tasks or draw(st.booleans()):
        shown = ", ".join(f"{name}.v" if name in OBJECTS else name for name in seen)
        cells.append(RandomCell("%%task observer", f"seen = str([{shown}])"))
    return RandomNotebook(tuple(cells))


def run(code: str, namespace: dict[str, Any]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "<cell>", "exec"), namespace)


def plain(value: Any) -> Any:
    """A value as something that compares: instances by class name and attributes."""
    if type(value).__name__.startswith("K"):
        return type(value).__name__, plain(vars(value))
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def snapshot(namespace: Mapping[str, Any]) -> dict[str, Any]:
    return {name: deepcopy(plain(namespace[name])) for name in COMPARED if name in namespace}


def top_to_bottom(notebook: RandomNotebook) -> list[dict[str, Any]]:
    """The data names after each cell."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    found: list[dict[str, Any]] = []
    for cell in notebook.cells:
        if not cell.scratch:
            run(cell.code, namespace)
        found.append(snapshot(namespace))
    return found
