"""Whatever a notebook, an error or a label says, pictures and texts only show it."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pygraphviz
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from widgets.conftest import edge, flow_from

from nbflow.model.flow import EdgeKind
from nbflow.model.grid import GridColumn, GridSquare, GridView
from nbflow.model.state import RunState, TaskState
from nbflow.model.task import TaskSpec
from nbflow.widgets import graph
from nbflow.widgets.grid import grid_html, grid_svg
from nbflow.widgets.svg import clean
from nbflow.widgets.terminal import grid_lines

if TYPE_CHECKING:
    from nbflow.model.flow import Flow

HOSTILE = [
    "</title></svg><script>alert(1)</script>",
    "\" onload='alert(1)' x=\"",
    "'><img src=x onerror=alert(1)>",
    "&lt;script&gt; &#60;b&#62; <![CDATA[ ]]> <?xml <!-- --",
    "]]></style><style>*{display:none}",
    "<b>HTML label</b>",
    "<<TABLE><TR><TD>x</TD></TR></TABLE>>",
    'label", URL="javascript:alert(1)',
    "\\N \\G \\E \\l \\\\",
    "\x1b]0;owned\x07\x1b[2J\x9b31m",
    "nul \0 and \x7f and \x85",
    "bidi \u202etxt.exe\u2066",
    "half \ud800 a pair",
    "not a character \ufffe \uffff",
    "a\nb\rc\td",
    "`code` `",
    "{{ ds }} {% raw %} ${x} $(x)",
]
SAID = {"script", "img", "onload", "style"}
OBEYED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def graph_saying(text: str) -> Flow:
    """A flow whose tasks, groups, descriptions and edges say this."""
    tasks = [TaskSpec(task_id=text, doc=text, group=text), TaskSpec(task_id="b", doc=text)]
    flow = flow_from(tasks, [edge(text, "b", EdgeKind.VARIABLE, text)], dag_id=text)
    return replace(flow, edges=tuple(replace(one, reason=text) for one in flow.edges))


def grid_saying(text: str) -> GridView:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return GridView(
        dag_id=text,
        title=text,
        tasks=(text,),
        groups={text: text},
        columns=(GridColumn(run_id=text, logical_date=moment, state=RunState.FAILED, seconds=1.0),),
        squares={
            (text, text): GridSquare(
                state=TaskState.FAILED, try_number=1, reason=text, notes=(text,), root=True
            )
        },
    )


def check_picture(svg: str) -> None:
    """It is well-formed, and has no element or attribute that is not ours."""
    root = ElementTree.fromstring(svg)
    tags = {node.tag.rpartition("}")[2] for node in root.iter()}
    assert tags <= {"svg", "desc", "style", "g", "rect", "text", "title", "path", "tspan", "line"}
    assert sum(node.tag.endswith("}style") for node in root.iter()) == 1
    names = {name for node in root.iter() for name in node.attrib}
    assert not any(name.startswith("on") or "href" in name or name == "style" for name in names)
    assert not OBEYED.search(svg)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_picture_only_shows(text: str) -> None:
    check_picture(graph.svg(graph_saying(text)))
    check_picture(graph.svg(graph_saying(text), {text: TaskState.FAILED}))
    check_picture(grid_svg(grid_saying(text)))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(
        st.sampled_from([*"<>&\"'`/\\;\0\n\x1b", "\ud800", "\u202e"]) | st.characters(codec=None), max_size=12
    )
)
def test_so_it_does_whatever_is_said(text: str) -> None:
    check_picture(grid_svg(grid_saying(text)))
    assert not re.search(r"[<>\"']", clean(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_in_a_page_it_is_one_image_with_words_for_it(text: str) -> None:
    for html in (graph.html(graph_saying(text)), grid_html(grid_saying(text))):
        _, _, image = html.partition("</style>")
        found = re.fullmatch(
            r'<img class="nbf-picture" alt="([^"<>]*)" style="[^"]*" src="data:image/svg\+xml;base64,([^"]*)">',
            image,
        )
        assert found is not None, image
        check_picture(base64.b64decode(found[2]).decode())


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\0" not in text])
def test_dot_has_two_nodes_and_an_edge_and_labels_that_are_text(text: str) -> None:
    source = graph.dot(graph_saying(text))
    assert not OBEYED.search(source.replace("\ud800", ""))
    assert not re.search(r"(label|tooltip)=<", source), "an HTML label"
    read = pygraphviz.AGraph(string=source.encode("utf-8", "replace").decode())
    assert (read.number_of_nodes(), read.number_of_edges()) == (2, 1)
    for node in read.nodes():
        assert node.attr["URL"] in (None, "")


@pytest.mark.parametrize("text", HOSTILE)
def test_the_texts_hold_nothing_that_a_terminal_obeys(text: str) -> None:
    for shown in (graph.text(graph_saying(text)), grid_lines(grid_saying(text))):
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", shown.replace("\t", ""))
