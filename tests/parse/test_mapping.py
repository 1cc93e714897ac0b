"""`--map`: what is bound, what it needs, what stays inside, what is collected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import v4

from nbflow.errors import FlowError
from nbflow.model.problem import Problem, Severity
from nbflow.model.task import MapOver
from nbflow.parse.flow import flow_of
from nbflow.parse.header import read_header
from nbflow.parse.mapping import map_problem, read_map

if TYPE_CHECKING:
    from nbflow.model.flow import Flow


def flow(*cells: str) -> Flow:
    return flow_of(v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells]), "n.ipynb")


def problems(*cells: str) -> tuple[Problem, ...]:
    try:
        found = flow(*cells).problems
    except FlowError as error:
        found = error.problems
    return tuple(problem for problem in found if problem.code != "position")


READ = {
    "p in grid": (("p",), "grid"),
    "  p   in  grid ": (("p",), "grid"),
    "a, b in pairs": (("a", "b"), "pairs"),
    "(a, b) in pairs": (("a", "b"), "pairs"),
    "k, v in prices.items()": (("k", "v"), "prices.items()"),
    "p in [1, 2] + more": (("p",), "[1, 2] + more"),
    "p in ['a  b']": (("p",), "['a  b']"),
    "p in (x if y else z)": (("p",), "(x if y else z)"),
    "p in (f(q) for q in x)": (("p",), "(f(q) for q in x)"),
    "p in grid if p > 0": (("p",), "(p for p in grid if p > 0)"),
    "a, (b, c) in rows": (("a", "b", "c"), "((a, b, c) for a, (b, c) in rows)"),
    "a, in rows": (("a",), "(a for a, in rows)"),
    "a, *rest in rows": (("a", "rest"), "((a, rest) for a, *rest in rows)"),
    "추 in 표": (("추",), "표"),
}


@pytest.mark.parametrize("text", READ)
def test_is_read(text: str) -> None:
    names, expression = READ[text]
    assert read_map(text) == MapOver(names=names, expression=expression)


REFUSED = {
    "": "no «names in expression»",
    "p": "no «names in expression»",
    "grid": "no «names in expression»",
    "p in": "no «names in expression»",
    "p for grid": "no «names in expression»",
    "p in a] + [0 for q in b": "no «names in expression»",
    "p in a for q in b": "more than one thing",
    "p.x in a": "'p.x' is no name",
    "p[0] in a": "'p[0]' is no name",
    "p, p in a": "binds a name twice",
    "p in await f()": "does more than give items (await f())",
    "p in (y := a)": "does more than give items",
}


@pytest.mark.parametrize("text", REFUSED)
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(REFUSED[text])):
        read_map(text)


def _targets() -> st.SearchStrategy[object]:
    return st.recursive(st.just("name"), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=5)


@given(shape=_targets(), count=st.integers(0, 3))
def test_the_names_and_the_expression_bind_what_a_loop_would(shape: object, count: int) -> None:
    serial = iter(range(1000))

    def written(part: object) -> str:
        if isinstance(part, list):
            return "(" + ", ".join(map(written, part)) + ",)"
        return f"n{next(serial)}"

    def item(part: object, base: int) -> object:
        return (
            [item(inner, base * 7 + at) for at, inner in enumerate(part)] if isinstance(part, list) else base
        )

    target = written(shape)
    items = [item(shape, at + 1) for at in range(count)]
    over = read_map(f"{target} in items")
    names = ", ".join(over.names) + ("," if len(over.names) > 1 else "")
    as_loop = eval(f"[({', '.join(over.names)},) for {target} in items]", {"items": items})
    as_read = eval(f"[({', '.join(over.names)},) for {names} in {over.expression}]", {"items": items})
    assert as_read == as_loop


def test_several_make_the_product_and_know_nothing_of_each_other() -> None:
    header = read_header('%%task t --map "p in grid" --map "a, b in pairs"\n1')
    assert header is not None
    assert [str(over) for over in header.maps] == ["p in grid", "a, b in pairs"]
    assert map_problem(header.maps) is None
    assert "`p` is bound twice" in str(map_problem([read_map("p in a"), read_map("p in b")]))
    said = str(map_problem([read_map("p in a"), read_map("q in p.parts")]))
    assert '"q in p.parts" uses `p`' in said
    assert '--map "p, q in ..."' in said


@dataclass(frozen=True, slots=True)
class Case:
    """Edges as `up>down:names`, `~` by position; producers as `task.name=producers`."""

    name: str
    cells: tuple[str, ...]
    edges: str
    producers: str = ""
    exports: str = ""


FIT = "%%task fit --map 'p in grid' --collect scores\nscore = p * 2\nscore"
CASES = [
    Case(
        "the expression's names are uses, the collected list is handed on",
        ("%%task load\ngrid = [1, 2]", FIT, "%%task report\nmax(scores)"),
        "load>fit:grid fit>report:scores",
        "fit.grid=load report.scores=fit",
        "load.grid fit.scores",
    ),
    Case(
        "over what a shared cell gives",
        ("grid = [1, 2]", FIT, "%%task report\nscores"),
        "fit>report:scores",
        "report.scores=fit",
        "fit.scores",
    ),
    Case("over parameters and literals", ("%%task t --map 'p in [1, 2]'\np",), ""),
    Case(
        "tuples",
        ("%%task load\npairs = [(1, 2)]", "%%task t --map 'a, b in pairs'\na + b"),
        "load>t:pairs",
        "t.pairs=load",
        "load.pairs",
    ),
    Case(
        "the product",
        ("%%task x\ng = [1]", "%%task y\nh = [1]", "%%task t --map 'p in g' --map 'q in h'\np + q"),
        "x>y~ x>t:g y>t:h",
        "t.g=x t.h=y",
        "x.g y.h",
    ),
    Case(
        "a name bound inside hides one of the same name above",
        ("%%task a\np = 1", "%%task load\ngrid = [1]", "%%task t --map 'p in grid'\np"),
        "a>load~ load>t:grid",
        "t.grid=load",
        "load.grid",
    ),
    Case(
        "a later task gets the nearest definition above that isn't inside",
        ("%%task a\nm = 1", "%%task t --map 'p in [1]'\nm = p", "%%task z\nm"),
        "a>t~ a>z:m",
        "z.m=a",
        "a.m",
    ),
    Case(
        "an import is not kept inside",
        ("%%task t --map 'p in [1]'\nimport math\nmath.pi * p", "%%task z\nmath.e"),
        "t>z~",
    ),
    Case(
        "a cell may continue it, and sees what is bound and defined inside",
        ("%%task load\ngrid = [1]", FIT, "print(p, score)", "%%task z\nscores"),
        "load>fit:grid fit>z:scores",
        "fit.grid=load z.scores=fit",
        "load.grid fit.scores",
    ),
    Case(
        "the list replaces what had its name: but with no items the one before counts",
        ("%%task a\nscores = []", "%%task load\ngrid = [1]", FIT, "%%task z\nscores"),
        "a>load~ load>fit:grid a>z:scores fit>z:scores",
        "fit.grid=load z.scores=fit,a",
        "a.scores load.grid fit.scores",
    ),
    Case(
        "mapped over what another collected",
        (
            "%%task a --map 'p in [1]' --collect xs\np",
            "%%task b --map 'x in xs' --collect ys\nx",
            "%%task c\nys",
        ),
        "a>b:xs b>c:ys",
        "b.xs=a c.ys=b",
        "a.xs b.ys",
    ),
    Case(
        "a collected list that nobody reads is still handed on",
        ("%%task a --map 'p in [1]' --collect xs\np",),
        "",
        "",
        "a.xs",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_edges_and_what_is_handed_on(case: Case) -> None:
    found = flow(*case.cells)
    edges = {
        f"{edge.upstream}>{edge.downstream}" + (":" + ",".join(sorted(edge.names)) if edge.names else "~")
        for edge in found.edges
    }
    assert edges == set(case.edges.split())
    producers = {
        f"{task}.{name}={','.join(sources)}"
        for task, needs in found.producers.items()
        for name, sources in needs.items()
    }
    assert producers == set(case.producers.split())
    exports = {f"{task}.{name}" for task, names in found.exports.items() for name in names}
    assert exports == set(case.exports.split())


def test_the_edge_says_that_the_list_is_collected() -> None:
    found = flow("%%task load\ngrid = [1]", FIT, "%%task report\n\nscores")
    assert [edge.reason for edge in found.edges] == [
        "`grid`: defined in cell 1, used in cell 2, line 1",
        "`scores`: collected from the instances of `fit` (cell 2), used in cell 3, line 3",
    ]


@dataclass(frozen=True, slots=True)
class Wrong:
    name: str
    cells: tuple[str, ...]
    code: str
    cell: int
    line: int
    says: str
    severity: Severity = Severity.ERROR


WRONG = [
    Wrong(
        "an unknown name in the expression",
        ("grid = [1]", "%%task t --map 'p in grd'\np"),
        "undefined-name",
        2,
        1,
        "`t` reads `grd`, which no earlier cell defines. Did you mean grid?",
    ),
    Wrong(
        "an expression that is none",
        ("%%task t --map 'p in'\n1",),
        "bad-option",
        1,
        1,
        "--map: 'p in' is no «names in expression»",
    ),
    Wrong(
        "a name that stays inside",
        ("%%task t --map 'p in [1]'\nm = p", "%%task z\n\nm"),
        "stays-inside",
        2,
        3,
        "reads `m`, which only mapped task `t` (cell 1) defines, and that stays inside",
    ),
    Wrong(
        "the item itself",
        ("%%task t --map 'p in [1]'\n1", "%%task z\np"),
        "stays-inside",
        2,
        2,
        "--collect",
    ),
    Wrong(
        "a shared object that a loop would have changed",
        ("found = []", "%%task t --map 'p in [1]'\nfound.append(p)", "%%task z\nfound"),
        "stays-inside",
        3,
        2,
        "reads `found` as it was before mapped task `t` (cell 2)",
        Severity.WARNING,
    ),
    Wrong(
        "the list inside of the instances",
        ("%%task t --map 'p in [1]' --collect xs\np", "sum(xs)"),
        "stays-inside",
        2,
        1,
        "where the list `xs` isn't there yet. Head it %%task NAME",
    ),
    Wrong(
        "the list inside, although a cell above has one",
        ("xs = []", "%%task t --map 'p in [1]' --collect xs\np", "sum(xs)", "%%task z\nxs"),
        "stays-inside",
        3,
        1,
        "isn't there yet",
    ),
    Wrong(
        "a shared cell that reads what stays inside",
        ("%%task t --map 'p in [1]'\nm = p", "def f():\n    return 1", "k = [f]\nk", "%%task z\nk, m"),
        "stays-inside",
        4,
        2,
        "`m`",
    ),
    Wrong(
        "collected under a name that is bound",
        ("%%task t --map 'p in [1]' --collect p\np",),
        "bad-option",
        1,
        1,
        "--collect names `p`, which --map binds",
    ),
    Wrong("exports", ("%%task t --map 'p in [1]' --exports m\nm = p",), "bad-option", 1, 1, "--collect"),
    Wrong(
        "an iterator that each instance advances",
        ("source = iter([1, 2])", "%%task t --map 'p in [1]'\nnext(source)"),
        "advanced-twice",
        1,
        1,
        "each instance of mapped task `t` gets a copy",
        Severity.WARNING,
    ),
    Wrong(
        "a label that is no template",
        ("%%task t --map 'p in [1]' --label '{{ p'\np",),
        "bad-template",
        1,
        1,
        "Write --label '{{ p }}'",
    ),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_what_is_wrong_is_said_at_its_place(case: Wrong) -> None:
    found = problems(*case.cells)
    assert [(problem.code, problem.cell, problem.line, problem.severity) for problem in found] == [
        (case.code, case.cell, case.line, case.severity)
    ], [str(problem) for problem in found]
    assert case.says in found[0].message


def test_an_iterator_may_be_what_is_gone_through() -> None:
    assert problems("source = iter([1, 2])", "%%task t --map 'p in source'\np") == ()


def test_the_item_and_what_is_collected_change_the_hash_and_the_rest_does_not() -> None:
    def hashed(line: str) -> str:
        return flow("grid = [1]\nother = [2]", f"%%task t {line}\nx = 1", "%%task z\nz = 1").code_hashes["t"]

    base = hashed("--map 'p in grid'")
    assert hashed("--map 'p in other'") != base
    assert hashed("--map 'p in grid' --collect xs") != base
    same = "--first 1 --label '{{ p }}' --retries 2 --pool gpu --max-active-tis 2 --latest-only"
    assert hashed(f"--map 'p in grid' {same}") == base


def test_how_many_items_are_taken_by_hand_is_no_part_of_the_task_nor_of_the_version() -> None:
    one = flow("%%task t --map 'p in [1]'\np")
    two = flow("%%task t --map 'p in [1]' --first 2\np")
    other = flow("%%task t --map 'p in [1]' --retries 2\np")
    assert one.version == two.version != other.version
    assert one.tasks == two.tasks
    header = read_header("%%task t --map 'p in [1]' --first 2\np")
    assert header is not None
    assert header.options["first"] == 2
