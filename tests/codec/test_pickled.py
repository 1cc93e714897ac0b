"""What a pickle refers to, what it contains, and what cannot be carried at all."""

from __future__ import annotations

import asyncio
import io
import re
import socket
import sqlite3
import sys
import textwrap
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pytest

from nbflow.codec import decode, encode
from nbflow.errors import CannotCarry, XComError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHARED = """
import enum, functools, collections
from dataclasses import dataclass

class Colour(enum.Enum):
    RED = 1

class Level(enum.IntFlag):
    LOW = 1
    HIGH = 2

@dataclass(frozen=True)
class Point:
    x: int
    def moved(self):
        return Point(self.x + step)

class Outer:
    class Inner:
        pass
    def method(self):
        return Outer

Row = collections.namedtuple("Row", "a b")
MISSING = object()

def add(n):
    return n + step

@functools.lru_cache
def cached(n):
    return n + step
"""


class Notebook:
    """Stands for a kernel: a namespace in which cells run."""

    def __init__(self, *cells: str) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.shared: dict[str, Any] = {}
        for cell in cells:
            self.run(cell)
            self.shared = self.shared or {k: v for k, v in self.names.items() if not k.startswith("__")}

    def run(self, cell: str) -> Any:
        exec(compile(textwrap.dedent(cell), "cell", "exec", dont_inherit=True), self.names)
        return self.names.get("x")


def carry(sender: Notebook, receiver: Notebook, folder: Path) -> Any:
    encoded = encode("x", sender.names["x"], folder=folder, shared=sender.shared, namespace=sender.names)
    return decode(encoded, namespace=receiver.names)


@dataclass(frozen=True)
class Case:
    name: str
    cell: str
    holds: str


IDENTITIES = [
    Case("class", "x = Point", "x is Point"),
    Case("instance", "x = Point(3)", "type(x) is Point and x == Point(3)"),
    Case(
        "instances-inside",
        "x = {'a': [Point(1)], 'b': {Point(2)}}",
        "type(x['a'][0]) is Point and Point(2) in x['b']",
    ),
    Case("enum-member", "x = Colour.RED", "x is Colour.RED"),
    Case("enum-key", "x = {Colour.RED: 1}", "x[Colour.RED] == 1"),
    Case("flag", "x = Level.LOW | Level.HIGH", "x is Level.LOW | Level.HIGH"),
    Case("function", "x = add", "x is add"),
    Case("decorated-function", "x = cached", "x is cached"),
    Case("nested-class", "x = Outer.Inner()", "type(x) is Outer.Inner"),
    Case("bound-method", "x = Outer().method", "x() is Outer and type(x.__self__) is Outer"),
    Case("method-as-function", "x = Outer.method", "x is Outer.method"),
    Case("named-tuple", "x = Row(1, 2)", "type(x) is Row"),
    Case("sentinel", "x = [MISSING, MISSING]", "x[0] is MISSING and x[1] is MISSING"),
    Case(
        "subclass-in-a-task",
        "class Sub(Point): pass\nx = Sub(1)",
        "isinstance(x, Point) and type(x).__name__ == 'Sub'",
    ),
    Case("alias", "Other = Point\nx = Other(1)", "type(x) is Point"),
]


@pytest.mark.parametrize("case", IDENTITIES, ids=lambda case: case.name)
def test_what_shared_cells_define_keeps_its_identity(case: Case, tmp_path: Path) -> None:
    sender, receiver = Notebook(SHARED, "step = 1\n" + case.cell), Notebook(SHARED, "step = 10")
    receiver.names["x"] = carry(sender, receiver, tmp_path)
    assert eval(case.holds, receiver.names)


FUNCTIONS = [
    Case("function", "def x(n): return n + step", "x(1) == 11 and x.__globals__ is globals()"),
    Case("lambda", "x = lambda n: n + step", "x(1) == 11"),
    Case("defaults", "def x(n, m=5, *, k=7): return n + m + k + step", "x(1) == 23"),
    Case(
        "closure", "def make(m):\n  def f(n): return n + m + step\n  return f\nx = make(100)", "x(1) == 111"
    ),
    Case("recursive", "def x(n): return 1 if n == 0 else n * x(n - 1)", "x(5) == 120"),
    Case(
        "recursive-closure",
        "def make():\n  def f(n): return 1 if n == 0 else n * f(n - 1)\n  return f\nx = make()",
        "x(5) == 120",
    ),
    Case(
        "two-closures-over-one-variable",
        "def make():\n  n = 0\n  def up():\n    nonlocal n; n += 1\n  def get(): return n\n  return up, get\nx = list(make())",
        "x[0]() is None and x[1]() == 1",
    ),
    Case("method", "class C:\n  def f(self): return step\nx = C()", "x.f() == 10"),
    Case("bound-method", "class C:\n  def f(self): return step\nx = C().f", "x() == 10"),
    Case(
        "class-with-super",
        "class C(Point):\n  def moved(self): return super().moved().x\nx = C(1)",
        "x.moved() == 11",
    ),
    Case(
        "static-and-class-methods",
        "class C:\n  @staticmethod\n  def s(): return step\n  @classmethod\n  def c(cls): return cls, step\nx = C",
        "x.s() == 10 and x.c() == (x, 10)",
    ),
    Case("property", "class C:\n  @property\n  def p(self): return step\nx = C()", "x.p == 10"),
    Case(
        "cached",
        "import functools\n@functools.cache\ndef x(n): return n + step",
        "x(1) == 11 and x.cache_info().hits == 0",
    ),
    Case(
        "partial",
        "import functools\ndef f(a, b): return a + b + step\nx = functools.partial(f, 1)",
        "x(2) == 13",
    ),
    Case(
        "wrapped",
        "import functools\ndef deco(f):\n  @functools.wraps(f)\n  def g(*a): return f(*a) * 2\n  return g\n@deco\ndef x(n): return n + step",
        "x(1) == 22 and x.__name__ == 'x' and x.__wrapped__(1) == 11",
    ),
    Case("attributes", "def x(): 'says'\nx.unit = 'm'", "x.unit == 'm' and x.__doc__ == 'says'"),
    Case("generator-function", "def x(): yield step", "list(x()) == [10]"),
    Case("annotated", "def x(p: Point) -> 'Colour': return p", "x.__annotations__['p'] is Point"),
    Case(
        "dataclass",
        "@dataclass\nclass C:\n  a: int = 1\n  def f(self): return self.a + step\nx = C(2)",
        "x.f() == 12 and repr(x).endswith('C(a=2)') and type(x)(2) == x",
    ),
    Case("enum", "class E(enum.Enum):\n  A = 1\nx = [E.A, E]", "x[0] is x[1].A"),
]


@pytest.mark.parametrize("case", FUNCTIONS, ids=lambda case: case.name)
def test_what_task_cells_define_sees_the_receiver_s_globals(case: Case, tmp_path: Path) -> None:
    sender, receiver = Notebook(SHARED, "step = 1\n" + case.cell), Notebook(SHARED, "step = 10")
    before = set(receiver.names)
    builtins = receiver.names["__builtins__"]
    received = carry(sender, receiver, tmp_path)
    assert set(receiver.names) == before
    assert receiver.names["__builtins__"] is builtins
    receiver.names["x"] = received
    assert eval(case.holds, receiver.names)


def test_a_value_goes_on_from_a_receiver_to_the_next(tmp_path: Path) -> None:
    first, second, third = (Notebook(SHARED, f"step = {n}") for n in (1, 10, 100))
    first.run("def f(n): return n + step\nclass C(Point): pass\nx = [f, C(1), C]")
    second.names["x"] = carry(first, second, tmp_path)
    f, c, kind = carry(second, third, tmp_path)
    assert f(1) == 101
    assert type(c) is kind
    assert isinstance(c, third.names["Point"])


def test_a_shared_name_the_receiver_lacks_is_named(tmp_path: Path) -> None:
    sender = Notebook(SHARED, "x = Point(1)")
    with pytest.raises(XComError, match=r"`x` \(Point\) cannot be read: .*`Point` of a shared cell"):
        carry(sender, Notebook(), tmp_path)


def test_an_object_that_cannot_be_rebuilt_says_so(tmp_path: Path) -> None:
    notebook = Notebook("class E(Exception):\n  def __init__(self, a, b): super().__init__(a)\nx = E(1, 2)")
    with pytest.raises(
        XComError, match=r"`x` .* cannot be read here: TypeError: .*Run the task that makes it again"
    ):
        carry(notebook, notebook, tmp_path)


def test_a_class_that_comes_twice_is_one_class_and_the_sender_s_stays_its_own(tmp_path: Path) -> None:
    sender, receiver = Notebook(SHARED, "step = 1"), Notebook(SHARED, "step = 10")
    sender.run("class C:\n  def f(self): return step\nx = C")
    kind = carry(sender, receiver, tmp_path)
    sender.run("x = C()")
    received = carry(sender, receiver, tmp_path)
    assert type(received) is kind
    assert kind is not sender.names["C"]
    assert (received.f(), sender.names["x"].f()) == (10, 1)
    assert type(carry(sender, sender, tmp_path)) is sender.names["C"]


class Holder:
    def __init__(self, inner: object) -> None:
        self.inner = inner


class Slotted:
    __slots__ = ("inner",)

    def __init__(self, inner: object) -> None:
        self.inner = inner


def open_file() -> io.TextIOBase:
    return opened(open(__file__, encoding="utf-8"))  # noqa: PTH123


def counting() -> Any:
    yield 1


def lock_closure() -> Callable[[], object]:
    lock = threading.Lock()
    return lambda: lock


class Stubborn:
    def __reduce__(self) -> str:
        raise RuntimeError("not me")


OPENED: list[Any] = []


def opened(thing: Any) -> Any:
    """The thing, closed at the end of its test."""
    OPENED.append(thing)
    return thing


def future() -> asyncio.Future[None]:
    return asyncio.Future(loop=opened(asyncio.new_event_loop()))


@dataclass(frozen=True)
class Refused:
    name: str
    make: Callable[[], Any]
    message: str


REFUSED = [
    Refused("generator", counting, r"`x` cannot be carried .* it is a generator, .*Hand on a list"),
    Refused("lock", threading.Lock, r"`x` cannot .* a _thread\.lock, .*Make it in each task"),
    Refused("thread", lambda: threading.Thread(target=print), r"a threading\.Thread, .*Join it"),
    Refused("open-file", open_file, r"a _io\.TextIOWrapper, .*Hand on its path"),
    Refused("socket", lambda: opened(socket.socket()), r"a socket\.socket, .*Open it in each task"),
    Refused("future", future, r"_asyncio\.Future, .*Await it"),
    Refused(
        "sqlite",
        lambda: opened(sqlite3.connect(":memory:")),
        r"a sqlite3\.Connection, .*Open it in each task",
    ),
    Refused("duckdb", lambda: opened(duckdb.connect()), r"DuckDBPyConnection, .*Open it in each task"),
    Refused(
        "in-a-dict",
        lambda: {"a": 1, "conn": opened(sqlite3.connect(":memory:"))},
        r"`x`: x\['conn'\] cannot .* sqlite3",
    ),
    Refused("deep-inside", lambda: {"a": [(1, threading.Lock())]}, r"`x`: x\['a'\]\[0\]\[1\] cannot .*lock"),
    Refused("in-an-attribute", lambda: [Holder(counting())], r"`x`: x\[0\]\.inner cannot .* generator"),
    Refused("in-a-slot", lambda: Slotted(counting()), r"`x`: x\.inner cannot .* generator"),
    Refused("in-a-closure", lock_closure, r"`x`: lock, which x closes over cannot .*lock"),
    Refused(
        "own-refusal",
        lambda: [Stubborn()],
        r"x\[0\] .*Stubborn, .*\(RuntimeError: not me\)\. Hand on the plain",
    ),
    Refused("writable-memory", lambda: memoryview(bytearray(3)), r"`x` cannot .* a memoryview"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_lives_in_one_process_is_refused_with_its_place_and_advice(
    case: Refused, tmp_path: Path
) -> None:
    value = case.make()
    try:
        with pytest.raises(CannotCarry) as refused:
            encode("x", value, folder=tmp_path, shared={}, namespace={})
        assert re.search(case.message, str(refused.value))
        assert list(tmp_path.iterdir()) == []
    finally:
        while OPENED:
            OPENED.pop().close()


def test_text_and_bytes_in_memory_are_carried(tmp_path: Path) -> None:
    back: Any = decode(
        encode("x", [io.StringIO("a"), memoryview(b"b")], folder=tmp_path, shared={}), namespace={}
    )
    assert back[0].getvalue() == "a"
    assert back[1] == b"b"


def test_a_class_of_a_module_that_nobody_has_imported_is_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "numpy.rec", raising=False)
    array = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]).view(np.recarray)
    sent = encode("x", array, folder=tmp_path, shared={}, namespace={})
    back: Any = decode(sent, namespace={"the receiver's": True})
    assert type(back) is np.recarray
    assert back.b.tolist() == [2.0]
