"""The graph as DOT, SVG, HTML and text."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pygraphviz
import pytest

from nbflow.model.dag import DagSpec
from nbflow.model.flow import Edge, EdgeKind, Flow
from nbflow.model.state import TaskState
from nbflow.model.task import TaskSpec
from nbflow.widgets import graph

if TYPE_CHECKING:
    from collections.abc import Sequence

SVG = "{http://www.w3.org/2000/svg}"
STATES = {"wait": TaskState.SUCCESS, "load": TaskState.FAILED, "clean": TaskState.UPSTREAM_FAILED}


def titles(svg: str) -> list[str]:
    return [title.text or "" for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]


def texts(svg: str) -> list[str]:
    return [(text.text or "") for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def of_tasks(names: Sequence[str], edges: Sequence[tuple[str, str]] = ()) -> Flow:
    return Flow(
        path="",
        dag=DagSpec(dag_id="d"),
        cells=(),
        tasks={name: TaskSpec(task_id=name) for name in names},
        edges=tuple(
            Edge(upstream=up, downstream=down, kind=EdgeKind.VARIABLE, names=frozenset({"x"}), reason="r")
            for up, down in edges
        ),
        exports={},
        producers={},
        optional={},
        watched={},
        code_hashes={},
        version="",
        problems=(),
    )


def test_dot_is_read_back_with_the_same_tasks_and_edges(diamond: Flow) -> None:
    read = pygraphviz.AGraph(string=graph.dot(diamond))
    assert {node.attr["label"] for node in read.nodes()} == set(diamond.tasks)
    assert read.number_of_edges() == len(diamond.edges)
    assert read.get_edge("join", "추출").attr["style"] == "dashed"
    assert read.get_edge("clean", "join").attr["label"] == "count, rows"
    read.close()


def test_dot_takes_names_that_dot_would_misread() -> None:
    odd = of_tasks(["a:b", "c\\N", 'd"e', "<b>f</b>", "-1"], [("a:b", "c\\N")])
    read = pygraphviz.AGraph(string=graph.dot(odd))
    assert read.number_of_nodes() == len(odd.tasks)
    assert read.number_of_edges() == 1
    read.close()


def test_svg_shows_every_task_variable_and_reason(diamond: Flow) -> None:
    svg = graph.svg(diamond)
    assert set(diamond.tasks) | {"raw", "count, rows", "hours", "Prepare", "Inner part"} <= set(texts(svg))
    assert all(any(edge.reason in title for title in titles(svg)) for edge in diamond.edges)
    assert svg.count("stroke-dasharray") == 1


def test_svg_colours_by_state(diamond: Flow) -> None:
    svg = graph.svg(diamond, STATES)
    assert "load · failed\nreads & checks" in titles(svg)
    assert "join · not started" in titles(svg)


def test_svg_runs_from_left_to_right(diamond: Flow) -> None:
    places = {
        text.text: float(text.get("x", "0"))
        for text in ElementTree.fromstring(graph.svg(diamond)).iter(f"{SVG}text")
    }
    for edge in diamond.edges:
        assert places[edge.upstream] < places[edge.downstream]


@pytest.mark.parametrize("dark", [False, True, None])
def test_svg_follows_its_page_only_where_it_is_asked_to(diamond: Flow, dark: bool | None) -> None:
    assert ("prefers-color-scheme" in graph.svg(diamond, dark=dark)) == (dark is None)


def test_svg_is_the_same_every_time_and_in_threads(diamond: Flow) -> None:
    once = graph.svg(diamond, STATES)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: graph.svg(diamond, STATES), range(12))) == {once}


def test_svg_escapes_what_people_write() -> None:
    flow = of_tasks(["<script>alert(1)</script>", "b&\x07c"])
    svg = graph.svg(flow)
    assert "<script>" not in svg
    assert "<script>alert(1)</script>" in texts(svg)


def test_svg_of_one_task_and_of_none() -> None:
    assert "only" in texts(graph.svg(of_tasks(["only"])))
    assert ElementTree.fromstring(graph.svg(of_tasks([]))).tag == f"{SVG}svg"


def test_layout_writes_nothing_to_the_terminal() -> None:
    code = (
        "from nbflow.widgets.layout import lay_out\n"
        "lay_out({'a': (50, 20), 'b': (50, 20)}, [('a', 'b', (30, 10))], {'g': ('a',)})"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_html_is_an_image_with_the_picture_in_it(diamond: Flow) -> None:
    html = graph.html(diamond)
    found = re.search(r'<img [^>]*src="data:image/svg\+xml;base64,([^"]+)"', html)
    assert found is not None
    assert base64.b64decode(found[1]).decode() == graph.svg(diamond)
    assert "<svg" not in html


def test_text_lists_steps_with_what_they_need(diamond: Flow) -> None:
    assert graph.text(diamond).splitlines() == [
        "flights: 6 tasks, 6 edges",
        "",
        "1 ─ wait (sensor)",
        "2 ─ load                            ⇐ wait",
        "3 ┬ clean [Prepare]                 ← load (raw)",
        "  └ weather [Prepare › Inner part]  ← load (raw)",
        "4 ─ join                            ← clean (count, rows), ← weather (hours)",
        "5 ─ 추출                            ⇠ join",
        "",
        "Tasks of one step can run side by side.",
        "← takes (what) from · ⇐ was told to follow · ⇠ stands below in the notebook",
    ]


def test_text_shows_states_as_glyphs(diamond: Flow) -> None:
    lines = graph.text(diamond, STATES).splitlines()
    assert lines[2].startswith("1 ─ ■ wait")
    assert lines[3].startswith("2 ─ ✕ load")
    assert lines[6].startswith("4 ─ · join")
