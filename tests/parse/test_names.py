"""What a cell does with names."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from nbflow.parse.known import Known, after
from nbflow.parse.names import analyse

if TYPE_CHECKING:
    from nbflow.model.cell import Names


@dataclass(frozen=True, slots=True)
class Case:
    """Names are separated by spaces; None where the case isn't about them."""

    name: str
    source: str
    defines: str = ""
    uses: str = ""
    may_define: str = ""
    mutates: str = ""
    deletes: str = ""
    may_use: str | None = None


CASES = [
    Case("assignment", "x = y = z", "x y", "z"),
    Case("unpacking", "a, (b, *c) = d", "a b c", "d"),
    Case("use after definition is no use", "x = 1\ny = x", "x y"),
    Case("use before definition", "y = x\nx = 1", "x y", "x"),
    Case("augmented", "x += 1", "x", "x", mutates="x"),
    Case("augmented after definition", "x = 1\nx += y", "x", "y"),
    Case("an item", "x[i] = v", "x", "x i v", mutates="x"),
    Case("an attribute", "x.a.b = v", "x", "x v", mutates="x"),
    Case("an item of what was made here", "x = {}\nx[1] = 2", "x"),
    Case("annotation alone", "x: int", "", ""),
    Case("annotation with a value", "x: T = 1", "x", "T"),
    Case("annotation as text", "x: 'T' = 1", "x", ""),
    Case("lazy annotations", "from __future__ import annotations\nx: T = 1", "x annotations", ""),
    Case("builtins are nobody's", "x = len(range(3))\nprint(x)", "x"),
    Case("dunder names are nobody's", "__all__ = [__name__]", ""),
    Case("walrus", "if (n := f()) > 1:\n    pass", "n", "f"),
    Case("walrus behind and", "a and (b := 1)", "b", "a", may_define="b"),
    Case("if", "if a:\n    x = 1", "x", "a", may_define="x"),
    Case("if and else", "if a:\n    x = 1\nelse:\n    x = 2", "x", "a"),
    Case("else raises", "if a:\n    x = 1\nelse:\n    raise E\nx", "x", "a E"),
    Case("conditional expression", "x = a if b else c", "x", "a b c", may_use="a c"),
    Case("for", "for i in r:\n    x = i", "i x", "r", may_define="i x"),
    Case("for i in i", "for i in i:\n    pass", "i", "i", may_define="i"),
    Case("for over something", "for i in (1, 2):\n    x = i", "i x"),
    Case("for over a range", "for i in range(3):\n    x = i", "i x"),
    Case("for else", "for i in r:\n    pass\nelse:\n    x = 1", "i x", "r", may_define="i"),
    Case("for else with break", "for i in r:\n    break\nelse:\n    x = 1", "i x", "r", may_define="i x"),
    Case(
        "continue", "for i in range(3):\n    if a:\n        continue\n    x = 1", "i x", "a", may_define="x"
    ),
    Case("while", "while a:\n    x = 1", "x", "a", may_define="x"),
    Case("while True", "while True:\n    x = 1\n    break", "x"),
    Case("a loop that changes", "for r in rows:\n    r['a'] = 1", "r rows", "rows", "r", "r rows"),
    Case("with", "with open(f) as h:\n    x = 1", "h x", "f"),
    Case("with suppress", "with suppress(E):\n    x = 1", "x", "suppress E", may_define="x"),
    Case("try", "try:\n    x = 1\nexcept E:\n    pass", "x", "E", may_define="x"),
    Case("try in both ways", "try:\n    import a\nexcept ImportError:\n    a = None", "a"),
    Case("try and else", "try:\n    pass\nexcept E:\n    x = 1\nelse:\n    x = 2", "x", "E"),
    Case("handler that raises", "try:\n    x = 1\nexcept E:\n    raise", "x", "E"),
    Case("finally", "try:\n    x = 1\nfinally:\n    y = 2", "x y"),
    Case("finally may come early", "try:\n    x = f()\nfinally:\n    g(x)", "x", "f g x", may_use="x"),
    Case("guarded use", "try:\n    x\nexcept NameError:\n    x = 1", "x", "x", may_define="x", may_use="x"),
    Case("the name of an exception", "try:\n    f()\nexcept E as e:\n    print(e)", "", "f E"),
    Case("groups of exceptions", "try:\n    f()\nexcept* E as e:\n    x = e", "x", "f E", may_define="x"),
    Case("del", "del x", "", "x", deletes="x"),
    Case("del of what was made here", "x = 1\ndel x", "", "", deletes="x"),
    Case("del and define", "del x\nx = 1", "x", "x"),
    Case("del of an item", "del x[0]", "x", "x", mutates="x"),
    Case("del and use", "x = 1\ndel x\nprint(x)", "", "x", deletes="x"),
    Case("import", "import a.b, c as d", "a d"),
    Case("from", "from a import b as c, d", "c d"),
    Case("comprehension", "x = [i * k for i in r if i > j]", "x", "r k j", may_use="k j"),
    Case("comprehension hides", "i = 1\nx = [i for i in r]", "i x", "r"),
    Case("comprehension in comprehension", "[[a for a in b] for b in c]", "", "c"),
    Case("first iterable is outside", "[x for x in x]", "", "x"),
    Case("dict and set comprehensions", "{k: v for k, v in d}\n{s for s in t}", "", "d t"),
    Case("walrus in comprehension", "[y := i for i in r]", "y", "r", may_define="y"),
    Case("generator", "sum(i * k for i in r)", "", "r k"),
    Case("lambda handed on", "f(lambda a: a + b)", "", "f b", may_use="b"),
    Case("lambda kept", "g = lambda a: a + b", "g"),
    Case("lambda called later", "g = lambda a: a + b\ng(1)", "g", "b", may_use="b"),
    Case("function", "def f(a, b=c, *d, e=g, **h):\n    return a + b + k", "f", "c g"),
    Case("function that is called", "def f():\n    return k\nf()", "f", "k", may_use="k"),
    Case("function that reads what comes later", "def f():\n    return k\nk = 1\nf()", "f k"),
    Case("recursion", "def f():\n    return f() + k\nf()", "f", "k"),
    Case("one function calls another", "def g():\n    return k\ndef f():\n    return g()\nf()", "f g", "k"),
    Case("global", "def f():\n    global x\n    x = k\nf()", "f x", "k", may_define="x"),
    Case("global of a function nobody calls", "def f():\n    global x\n    x = 1", "f"),
    Case(
        "nonlocal",
        "def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += k\n    g()\nf()",
        "f",
        "k",
    ),
    Case("closure", "def f(a):\n    def g():\n        return a + k\n    return g\nh = f(1)\nh()", "f h", "k"),
    Case("a function that changes a global", "def f():\n    x.append(1)\nf()", "f x", "x", mutates="x"),
    Case("a function that changes its argument", "def f(a):\n    a.append(1)\nf(x)", "f x", "x", mutates="x"),
    Case("by keyword", "def f(a, b):\n    b.append(1)\nf(1, b=x)", "f x", "x", mutates="x"),
    Case(
        "through another function",
        "def f(a):\n    a.sort()\ndef g(b):\n    f(b)\ng(x)",
        "f g x",
        "x",
        mutates="x",
    ),
    Case("through star", "def f(*a):\n    a[0].append(1)\nf(x)", "f x", "x", mutates="x"),
    Case("through its result", "def f(a):\n    return a\nf(x).append(1)", "f x", "x", mutates="x"),
    Case("async", "async def f():\n    return await k\nx = await f()", "f x", "k"),
    Case("top-level async for", "async for i in a:\n    x = i", "i x", "a", may_define="i x"),
    Case("decorator", "@d(k)\ndef f():\n    pass", "f", "d k"),
    Case("class", "class C(B, metaclass=M):\n    x = k\n    y = x", "C", "B M k"),
    Case(
        "class names are not seen in methods",
        "class C:\n    k = 1\n    def m(self):\n        return k\nC().m()",
        "C",
        "k",
    ),
    Case(
        "class names are not seen in comprehensions",
        "class C:\n    k = 1\n    x = [k for _ in r]",
        "C",
        "r k",
    ),
    Case("class that is not used", "class C:\n    def m(self):\n        return k", "C"),
    Case("instance", "class C:\n    def m(self):\n        return k\no = C()\no.m()", "C o", "k"),
    Case(
        "method that changes",
        "class C:\n    def m(self):\n        self.a = 1\nx.m()",
        "C x",
        "x",
        mutates="x",
    ),
    Case("global in a class", "class C:\n    global x\n    x = 1", "C x"),
    Case(
        "match",
        "match a:\n    case {'k': b, **c}:\n        pass\n    case [P.x, *d] if e:\n        f = 1",
        "b c d f",
        "a P e",
        may_define="b c d f",
    ),
    Case(
        "match with every case", "match a:\n    case 1:\n        x = 1\n    case _:\n        x = 2", "x", "a"
    ),
    Case("append", "x.append(1)", "x", "x", mutates="x"),
    Case("fit", "model.fit(a)", "model", "model a", mutates="model"),
    Case("shuffle", "from random import shuffle\nshuffle(x)", "shuffle x", "x", mutates="x"),
    Case("fit_transform", "y = m.fit_transform(x)", "m y", "m x", mutates="m"),
    Case("out=", "import numpy as np\nnp.add(a, b, out=x)", "np x", "a b x", mutates="x"),
    Case("copyto", "np.copyto(x, a)", "x", "np x a", mutates="x"),
    Case("setitem", "import operator\noperator.setitem(x, 1, 2)", "operator x", "x", mutates="x"),
    Case("vars", "vars(x)['k'] = 1", "x", "x", mutates="x"),
    Case("__dict__", "x.__dict__['k'] = 1", "x", "x", mutates="x"),
    Case("torch's underscore", "x.zero_()", "x", "x", mutates="x"),
    Case("model.eval()", "m.eval()", "m", "m", mutates="m"),
    Case("df.eval(text) changes nothing", "df.eval('a + b')", "", "df"),
    Case("an optimiser's model", "o = SGD(net.parameters())\no.step()", "o net", "net SGD", mutates="net"),
    Case("a pipeline's steps", "p = Pipeline([('s', s)])\np.fit(x)", "p s", "Pipeline s x", mutates="s"),
    Case("what a list got", "l.append(x)\nl[0].a = 1", "l x", "l x", mutates="l x"),
    Case("inplace", "x.dropna(inplace=True)", "x", "x", mutates="x"),
    Case("not inplace", "x.dropna(inplace=False)", "", "x"),
    Case("a second name", "y = x\ny.append(1)", "x y", "x", mutates="x y"),
    Case("a part", "y = x['a']\ny.append(1)", "x y", "x", mutates="x y"),
    Case("a container of it", "y = [x]\ny[0].append(1)", "x y", "x", mutates="x y"),
    Case("a copy is another", "y = list(x)\ny.append(1)", "y", "x"),
    Case("a number has no inside", "x = 1\ny = x\ny += 1", "x y"),
    Case("a module is nobody's variable", "import os\nos.environ['a'] = 'b'", "os"),
    Case("a shell line", "x = !ls $a {b}\n!echo {x}", "x"),
    Case("a magic with code", "%time x = f()", "x", "f"),
    Case("timeit keeps its names", "%timeit x = f()", "", "f"),
    Case("a captured cell", "%%capture out\nx = 1", "out x"),
    Case("a script's output", "%%bash --out o --err e\nls", "o e"),
    Case("help", "x?", ""),
    Case("globals()['x']", "globals()['x'] = 1", "x"),
    Case("f-string", "x = f'{a!r:>{b}} {c=}'", "x", "a b c"),
    Case("slices and starred", "f(*a, **b)[c:d]", "", "f a b c d"),
]


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_names(case: Case) -> None:
    names = analyse(case.source)
    assert names.defines == words(case.defines)
    assert names.uses == words(case.uses)
    assert names.may_define == words(case.may_define)
    assert names.deletes == words(case.deletes)
    if case.mutates or names.mutates - names.may_define - names.defines:
        assert words(case.mutates) <= names.mutates
    if case.may_use is not None:
        assert names.may_use == words(case.may_use)
    assert names.may_define <= names.defines
    assert names.may_use <= names.uses
    assert set(names.imports) <= names.defines


def test_type_parameters_are_local_where_python_has_them() -> None:
    source = "def f[T: B](a: T) -> T:\n    return a\nclass C[S]:\n    x: S\ntype A[U] = list[U] | D"
    if sys.version_info < (3, 12):
        with pytest.raises(SyntaxError):
            analyse(source)
        return
    names = analyse(source)
    assert names.defines == {"f", "C", "A"}
    assert names.uses == frozenset()
    assert names.guesses >= {"B", "D"}


def read(*cells: str) -> Names:
    """The last cell, given those above."""
    known = Known()
    for cell in cells[:-1]:
        known = after(known, analyse(cell, known))
    return analyse(cells[-1], known)


def test_a_call_counts_with_what_the_function_of_a_cell_above_does() -> None:
    names = read("def f(a):\n    a.append(k)\n    log.append(1)\n    global n\n    n = 1", "f(x)")
    assert names.uses == {"f", "x", "k", "log"}
    assert names.mutates == {"x", "log"}
    assert names.may_define == {"n"}


def test_a_call_counts_as_the_functions_are_at_the_call() -> None:
    assert "k" in read("def f():\n    return g()", "def g():\n    return k", "f()").uses
    assert "k" not in read("def f():\n    return k", "def f():\n    return 1", "f()").uses
    assert "k" in read("def f():\n    return k", "if a:\n    def f():\n        return 1", "f()").uses


def test_a_builtin_that_the_notebook_redefines_is_a_name_like_any_other() -> None:
    assert read("def sum(a):\n    return k", "sum([1])").uses == {"sum", "k"}


def test_a_plain_value_carries_no_code() -> None:
    assert read("def f():\n    return k + 1", "x = f()", "y = x").uses == {"x"}


def test_an_instance_carries_its_class() -> None:
    assert "k" in read("class C:\n    def m(self):\n        return k", "o = C()", "o.m()").uses
    assert "k" in read("def f():\n    return k", "g = [f]", "g[0]()").uses


def test_words_in_queries_are_guesses() -> None:
    assert analyse("df.query('a > @limit')").guesses == {"limit"}
    assert analyse("import duckdb\nduckdb.sql('select * from raw join other using (a)')").guesses == {
        "raw",
        "other",
    }
    assert analyse("%%sql out <<\nselect * from raw").guesses == {"raw"}
    assert analyse("%%bash\necho {{ ds }} {{ x }} $HOME").guesses == frozenset(), (
        "a template knows the run's names"
    )
    assert analyse("%%sql\nselect {{ x }} from raw").guesses == {"raw"}
    assert analyse("%%sql\nselect {{ x }} from raw", Known(rendered=False)).guesses == {"raw", "x"}
    assert analyse("!ls $folder {name}").guesses == {"folder", "name"}


def test_unconditional_imports_can_be_repeated() -> None:
    names = analyse(
        "import a.b as c\nfrom .d import e, f\nif x:\n    import g\ntry:\n    import h\nexcept E:\n    h = 1"
    )
    assert names.imports == {"c": "import a.b as c", "e": "from .d import e", "f": "from .d import f"}
    assert analyse("import a\na = 1").imports == {}


def test_what_the_text_can_t_show_is_noted_with_its_line() -> None:
    names = analyse(
        "x = 1\nexec('y = 2')\nfrom m import *\nimport os\nos.chdir('a')\nos.environ['b'] = 'c'\n%cd d"
    )
    assert names.opaque == {"exec()": 2}
    assert names.star == ("from m import *",)
    assert names.process == {"os.chdir": 5, "os": 6, "%cd": 7}


def test_lines_are_those_of_the_first_use() -> None:
    assert analyse("\nx = 1\ny = a + b\nz = a").lines == {"a": 3, "b": 3}


def test_no_code_is_a_syntax_error() -> None:
    with pytest.raises(SyntaxError):
        analyse("x = = 1")


def test_a_closure_that_counts_is_changed_by_calling_it() -> None:
    counter = "def counter():\n    n = 0\n    def count():\n        nonlocal n\n        n += 1\n        return n\n    return count"
    assert read(counter, "c = counter()", "c()").mutates == {"c"}
    assert read(counter, "c = counter()").mutates == frozenset()
    keeper = "def keeper():\n    kept = []\n    def keep(x):\n        kept.append(x)\n        return kept\n    return keep"
    assert read(keeper, "k = keeper()", "k(1)").mutates == {"k"}


def test_a_changed_object_is_still_the_object_it_was() -> None:
    cells = ("class C:\n    def add(self):\n        self.n = k", "o = C()", "o.add()", "o.add()")
    assert read(*cells).uses == {"o", "k"}
    assert read("y = x", "y.append(1)", "y.append(2)").mutates == {"x", "y"}


def test_a_result_keeps_no_code_that_was_used_up_making_it() -> None:
    assert read("total = sum(len(n) for n in names)", "total").uses == {"total"}
    assert read("y = df.x.map(lambda v: v + k)", "y").uses == {"y"}
    assert read("def f(v):\n    return v + k", "y = sorted(x, key=f)", "y").uses == {"y"}
    assert read("y = map(lambda v: v + k, x)", "list(y)").uses == {"y", "k"}
    assert read("y = (v + k for v in x)", "list(y)").uses == {"x", "y", "k"}


@dataclass(frozen=True, slots=True)
class Kept:
    """What using `h` in the last cell reads, where an earlier cell put code into it."""

    name: str
    cells: tuple[str, ...]
    uses: str


KEPT = [
    Kept("append", ("h = []", "h.append(lambda: i)"), "h i"),
    Kept("append a function", ("def f():\n    return i", "h = []\nh.append(f)"), "h i"),
    Kept("an item", ("h = {}", "h['a'] = lambda: i"), "h i"),
    Kept("a comprehension", ("h = [lambda: j + i for j in r]",), "h i"),
    Kept("a dict comprehension", ("h = {k: lambda: j + i for k, j in r}",), "h i"),
    Kept("partial", ("from functools import partial\ndef f(x):\n    return i", "h = partial(f, 1)"), "h i"),
    Kept("another name", ("def f():\n    return i", "h = f"), "h i"),
    Kept("a registry", ("h = {}\ndef register(n, f):\n    h[n] = f", "register('a', lambda: i)"), "h i"),
    Kept("a registry that is given", ("h = []\ndef to(l, f):\n    l.append(f)", "to(h, lambda: i)"), "h i"),
    Kept(
        "a decorator's registry",
        (
            "h = {}\ndef register(n):\n    def take(f):\n        h[n] = f\n        return f\n    return take",
            "@register('a')\ndef go():\n    return i",
        ),
        "h i",
    ),
    Kept("a list of numbers holds no code", ("h = []\nh.append(n)",), "h"),
]


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.name)
def test_what_code_reads_is_read_by_who_uses_what_holds_it(kept: Kept) -> None:
    assert read(*kept.cells, "h").uses == words(kept.uses)


def test_keeping_a_function_is_no_use_of_what_it_reads() -> None:
    f = "def f():\n    return i"
    for keeping in (
        "g = f",
        "g = [f]",
        "g = {'a': f}",
        "g = [lambda: i]",
        "g = [lambda: i for _ in r]",
        "g.append(f)",
    ):
        assert "i" not in read(f, keeping).uses, keeping


def test_using_a_plot_changes_all_of_it() -> None:
    for made in ("fig, ax = plt.subplots()", "fig = plt.figure()\nax = fig.add_subplot()"):
        for use in ("ax.plot(x)", "fig.suptitle('a')"):
            assert read(made, use).mutates >= {"fig", "ax"}, (made, use)
    assert read("fig, axes = plt.subplots(2)", "axes[0].plot(x)").mutates >= {"fig", "axes"}
    assert read("fig, ax = plt.subplots()", "n = len(ax.lines)", "n").mutates == frozenset()
