"""Files and tables order the tasks that touch them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from nbformat import v4

from nbflow.model.flow import EdgeKind, Flow
from nbflow.parse.flow import flow_of


def flow(*cells: str) -> Flow:
    return flow_of(v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells]), "n.ipynb")


@dataclass(frozen=True, slots=True)
class Case:
    """Task `w` above and task `r` below, which nothing else orders, but for what they do."""

    name: str
    writes: str
    reads: str
    shared: str = "import os"
    ordered: bool = True


CASES = [
    Case("a literal", "df.to_csv('x.csv')", "pd.read_csv('x.csv')"),
    Case("another literal", "df.to_csv('x.csv')", "pd.read_csv('y.csv')", ordered=False),
    Case("two readers", "pd.read_csv('x.csv')", "pd.read_csv('x.csv')", ordered=False),
    Case("the reader first", "pd.read_csv('x.csv')", "df.to_csv('x.csv')"),
    Case("two writers", "df.to_csv('x.csv')", "df.to_csv('x.csv')"),
    Case("a separator is no file", "df.to_csv('x.csv', sep=';')", "f('y.csv', sep=';')", ordered=False),
    Case("a name", "df.to_parquet(out)", "pd.read_parquet(out)", "out = f()"),
    Case("a name and its literal", "df.to_parquet(out)", "pd.read_parquet('x.pq')", "out = 'x.pq'"),
    Case(
        "names of names",
        "df.to_csv(OUT / f'{day}.csv')",
        "open('out/monday.csv')",
        "from pathlib import Path\nOUT = Path('out')\nday = 'monday'",
    ),
    Case("an f-string", "df.to_csv(f'x-{ds}.csv')", "pd.read_csv(f'x-{ds}.csv')"),
    Case("os.path.join", "df.to_csv(os.path.join('a', 'b.csv'))", "pd.read_csv('a/b.csv')"),
    Case("a dot in front", "df.to_csv('./x.csv')", "pd.read_csv('x.csv')"),
    Case(
        "one name bound to two files",
        "path = 'a.csv'\ndf.to_csv(path)",
        "path = 'b.csv'\npd.read_csv(path)",
        ordered=False,
    ),
    Case("a setting", "df.to_csv(C['out'])", "pd.read_csv(C['out'])", "C = f()"),
    Case("a keyword", "df.to_csv(path_or_buf='x')", "pd.read_csv('x')"),
    Case("open", "with open('x', 'w') as f:\n    f.write('a')", "with open('x') as f:\n    f.read()"),
    Case("open to append", "open('x', mode='a').write('b')", "open('x').read()"),
    Case("open to read", "open('x').read()", "open('x', 'rb').read()", ordered=False),
    Case("gzip", "import gzip\ngzip.open('x.gz', 'wt')", "open('x.gz')"),
    Case("a path's open", "Path('x').open('w')", "Path('x').read_text()", "from pathlib import Path"),
    Case("write_text", "Path('x').write_text('a')", "Path('x').read_text()", "from pathlib import Path"),
    Case("dump", "joblib.dump(m, 'm.pkl')", "joblib.load('m.pkl')"),
    Case("savefig", "plt.savefig('x.png')", "Image('x.png')"),
    Case("numpy", "np.save('x.npy', a)", "np.load('x.npy')"),
    Case("shutil", "import shutil\nshutil.copy('a', 'b')", "open('b')"),
    Case("shutil reads", "import shutil\nshutil.copy('a', 'b')", "open('a')", ordered=False),
    Case("a table", "df.to_sql('t', db)", "pd.read_sql('select * from t', db)"),
    Case("SQL", "db.execute('insert into t values (1)')", "db.execute('select 1 from t').fetchall()"),
    Case("another table", "db.execute('insert into t values (1)')", "db.execute('from u')", ordered=False),
    Case("a shell line", "!sort a > b", "!cat b"),
    Case("a shell line's name", "!sort a > {out}", "open('b')", "out = 'b'"),
    Case("a shell line reads", "!cat a 2>&1", "!cat a", ordered=False),
    Case("bash", "%%bash\necho 1 > x", "open('x')"),
    Case("a module", "%%writefile mod_x.py\nx = 1", "import mod_x\nmod_x.x"),
    Case("a module that a module needs", "%%writefile pkg/mod.py\nx = 1", "from pkg.mod import x"),
    Case("another module", "%%writefile mod_x.py\nx = 1", "import mod_y", ordered=False),
    Case("a function", "save(1)", "open('x')", "def save(v):\n    open('x', 'w').write(v)"),
    Case(
        "a function that is given the path", "save(1, 'x')", "open('x')", "def save(v, p):\n    v.to_csv(p)"
    ),
    Case(
        "a function that isn't called",
        "1",
        "open('x')",
        "def save(v):\n    open('x', 'w').write(v)",
        ordered=False,
    ),
    Case(
        "a function's own name",
        "save(1)",
        "load(2)",
        "def save(p):\n    open(f'{p}.txt', 'w')\ndef load(p):\n    open(f'{p}.txt')",
        ordered=False,
    ),
]

GIVEN = "df, pd, db, plt, np, joblib, m, a, Image, f = [open] * 10"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_orders_the_tasks_that_touch_it(case: Case) -> None:
    found = flow(
        GIVEN,
        case.shared,
        "%%task s\nk = 1",
        f"%%task w --after s\n{case.writes}",
        f"%%task r --after s\n{case.reads}",
    )
    edge = next((edge for edge in found.edges if (edge.upstream, edge.downstream) == ("w", "r")), None)
    assert (edge is not None) == case.ordered
    assert edge is None or edge.kind is EdgeKind.POSITION


def pairs(found: Flow) -> set[tuple[str, str]]:
    return {(edge.upstream, edge.downstream) for edge in found.edges}


RACE = ("out = 'x.csv'\nimport pandas as pd", "%%task a\ndf = 1", "%%task b\ndf.to_csv(out)")


def test_the_edge_says_why() -> None:
    found = flow(*RACE, "%%task c\npd.read_csv(out), df")
    (edge,) = (edge for edge in found.edges if edge.kind is EdgeKind.POSITION)
    assert edge.reason == "`out`: written in cell 3, read in cell 4; a file gives no other edge"
    assert not [problem for problem in found.problems if problem.code == "position"]


def test_after_none_and_order_by_data_free_from_files_too() -> None:
    assert ("b", "c") in pairs(flow(*RACE, "%%task c\npd.read_csv(out), df"))
    assert ("b", "c") not in pairs(flow(*RACE, "%%task c --after none\npd.read_csv(out), df"))
    assert ("b", "c") not in pairs(flow('%%dag\norder = "data"', *RACE, "%%task c\npd.read_csv(out), df"))


def test_only_what_nothing_orders_gets_an_edge() -> None:
    found = flow(*RACE, "%%task c\ndf.to_csv(out)", "%%task d\npd.read_csv(out), df")
    assert pairs(found) == {("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("c", "d")}


def test_the_arms_of_a_branch_may_write_the_same_file() -> None:
    found = flow(
        "%%task.branch p\n'a'", "%%task a --after p\nopen('x', 'w')", "%%task b --after p\nopen('x', 'w')"
    )
    assert pairs(found) == {("p", "a"), ("p", "b")}


def test_a_task_that_must_come_first_is_not_made_to_wait() -> None:
    assert pairs(flow("%%task a --after b\nopen('x', 'w')", "%%task b\nopen('x')")) == {("b", "a")}


def test_a_task_that_repeats_an_import_follows_the_file_it_loads() -> None:
    found = flow(
        "%%task s\nk = 1",
        "%%task w --after s\n%%writefile mod_x.py\nx = 1",
        "%%task i --after s\nimport mod_x",
        "%%task u --after s\nmod_x.x",
    )
    assert {("w", "i"), ("w", "u")} <= pairs(found)


def test_what_a_shared_cell_reads_each_task_below_reads() -> None:
    found = flow(
        "%%task p\n1", "%%task w --after p\nopen('x', 'w')", "c = open('x').read()", "%%task r --after p\nc"
    )
    assert pairs(found) == {("p", "w"), ("p", "r"), ("w", "r")}
