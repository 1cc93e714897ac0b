"""What is drawn of a flow when groups are shut."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from widgets.conftest import edge, flow_from

from nbflow.model.flow import EdgeKind
from nbflow.model.state import TaskState
from nbflow.model.task import TaskSpec
from nbflow.widgets import graph as picture
from nbflow.widgets.board.graph import graph
from nbflow.widgets.outline import MOST_OPEN, outline, paths

if TYPE_CHECKING:
    from nbflow.model.flow import Flow


def links(flow: Flow, shut: list[str] | None) -> list[tuple[str, str, str]]:
    return [(one.start.name, one.end.name, one.kind.value) for one in outline(flow, shut).links]


def test_open_a_flow_is_drawn_as_it_is(diamond: Flow) -> None:
    drawn = outline(diamond)
    assert [node.name for node in drawn.nodes] == list(diamond.tasks)
    assert {path: [node.name for node in nodes] for path, nodes in drawn.groups.items()} == {
        "Prepare": ["clean"],
        "Prepare.Inner part": ["weather"],
    }
    assert [link.reason for link in drawn.links] == [one.reason for one in diamond.edges]


def test_a_shut_group_stands_for_its_tasks_and_theirs_for_its_edges(diamond: Flow) -> None:
    drawn = outline(diamond, ["Prepare"])
    assert [(node.name, node.members) for node in drawn.nodes] == [
        ("wait", ()),
        ("load", ()),
        ("Prepare", ("clean", "weather")),
        ("join", ()),
        ("추출", ()),
    ]
    assert drawn.groups == {}
    assert links(diamond, ["Prepare"])[1:3] == [
        ("load", "Prepare", "variable"),
        ("Prepare", "join", "variable"),
    ]
    assert drawn.links[2].names == {"rows", "count", "hours"}
    assert drawn.links[2].reason.splitlines()[1].startswith("weather → join: why join follows weather")


def test_a_group_in_a_group_shuts_alone(diamond: Flow) -> None:
    drawn = outline(diamond, ["Prepare.Inner part", "nobody knows it"])
    inner = next(node for node in drawn.nodes if node.members)
    assert (inner.name, inner.group, inner.members) == ("Prepare.Inner part", "Prepare", ("weather",))
    assert [node.name for node in drawn.groups["Prepare"]] == ["clean", "Prepare.Inner part"]


def test_edges_within_a_shut_group_are_gone_and_the_strongest_kind_counts() -> None:
    tasks = [TaskSpec(task_id=name, group=group) for name, group in [("a", "G"), ("b", "G"), ("c", "")]]
    flow = flow_from(
        tasks,
        [
            edge("a", "b", EdgeKind.VARIABLE, "x"),
            edge("a", "c", EdgeKind.POSITION),
            edge("b", "c", EdgeKind.DECLARED),
        ],
    )
    assert links(flow, ["G"]) == [("G", "c", "declared")]


def test_a_group_may_be_called_like_a_task() -> None:
    flow = flow_from(
        [TaskSpec(task_id="G"), TaskSpec(task_id="b", group="G")], [edge("G", "b", EdgeKind.DECLARED)]
    )
    found = graph(flow, ["G"])
    assert [(one["from"], one["from_group"], one["to"], one["to_group"]) for one in found["edges"]] == [
        ("G", False, "G", True)
    ]


def large() -> Flow:
    tasks = [
        TaskSpec(task_id=f"t{at}", group=f"part {at // 30}" if at else "") for at in range(MOST_OPEN + 10)
    ]
    return flow_from(
        tasks, [edge(f"t{at}", f"t{at + 1}", EdgeKind.VARIABLE, "x") for at in range(MOST_OPEN + 9)]
    )


def test_of_many_tasks_the_groups_begin_shut_unless_somebody_says_which() -> None:
    found = graph(large())
    assert [node["id"] for node in found["nodes"]] == ["t0"]
    assert [(one["id"], one["shut"], len(one["members"])) for one in found["groups"]][:2] == [
        ("part 0", True, 29),
        ("part 1", True, 30),
    ]
    opened = graph(large(), [])
    assert len(opened["nodes"]) == MOST_OPEN + 10
    assert {one["shut"] for one in opened["groups"]} == {False}


def test_the_picture_of_many_tasks_is_one_of_their_groups() -> None:
    svg = picture.svg(large(), {"t0": TaskState.SUCCESS, "t40": TaskState.FAILED})
    assert ">part 1<" in svg
    assert ">30 tasks<" in svg
    assert "part 1 · failed" in svg, "the state that needs a person most"
    assert not re.search(r">x</text>", svg), "edges are not named"


@pytest.mark.parametrize(("group", "expected"), [("", ()), ("a", ("a",)), ("a.b.c", ("a", "a.b", "a.b.c"))])
def test_a_group_lies_in_all_on_its_way(group: str, expected: tuple[str, ...]) -> None:
    assert paths(group) == expected
