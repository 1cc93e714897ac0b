"""Which edges are left out of a layout, and what remains of a graph that would be all edges."""

from __future__ import annotations

from itertools import pairwise

import pytest

from nbflow.widgets.layout import lay_out
from nbflow.widgets.loose import detour, lanes, loose_edges

SIZE = (100.0, 30.0)


def chain(length: int) -> tuple[list[str], list[tuple[str, str]]]:
    nodes = [f"t{number}" for number in range(length)]
    return nodes, list(pairwise(nodes))


def test_a_short_way_and_a_single_long_one_stay() -> None:
    nodes, edges = chain(9)
    assert loose_edges(nodes, [*edges, ("t0", "t2"), ("t0", "t8")]) == set()


def test_long_edges_that_others_imply_are_left_out_where_there_are_many() -> None:
    nodes, edges = chain(30)
    table = [("t0", name) for name in nodes[2:]]
    found = loose_edges(nodes, [*edges, *table])
    short = len(edges) + 3  # t0 → t2, t3 and t4
    assert found == set(range(short, len(edges) + len(table)))


def test_an_edge_that_nothing_implies_stays_however_long() -> None:
    nodes, edges = chain(30)
    assert loose_edges([*nodes, "other"], [*edges, ("other", "t29")]) == set()


def test_of_too_many_bends_the_longest_edges_go() -> None:
    # Ten chains side by side, each next to the end of the others: nothing implies anything.
    chains = [[f"c{number}.{at}" for at in range(40)] for number in range(10)]
    nodes = [name for one in chains for name in one]
    edges = [pair for one in chains for pair in pairwise(one)]
    across = [(one[0], other[-1]) for one in chains for other in chains if one is not other]
    found = loose_edges(nodes, [*edges, *across])
    assert min(found) >= len(edges), "those across, of 39 ranks each"
    assert 38 * (len(across) - len(found)) <= 1000


def test_circles_are_cut_at_the_first_of_them() -> None:
    assert loose_edges(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a")]) == set()


def test_a_layout_has_a_wire_for_every_edge_loose_ones_above_the_rest() -> None:
    nodes, edges = chain(30)
    table = [("t0", name) for name in nodes[2:]]
    layout = lay_out(dict.fromkeys(nodes, SIZE), [(*pair, None) for pair in [*edges, *table]], {})
    assert len(layout.wires) == len(edges) + len(table)
    loose = [wire for wire in layout.wires if wire.loose]
    assert len(loose) == 25
    assert layout.height < 250, "not thirty lines below one another"
    assert all(box.y >= 0 and box.y + box.height <= layout.height + 0.01 for box in layout.nodes.values())


def test_a_thousand_tasks_that_all_read_the_first_ones_table_are_laid_out() -> None:
    # With all edges in the layout this takes minutes; without, a fifth of a second.
    nodes, edges = chain(1000)
    table = [("t0", name) for name in nodes[2:]]
    layout = lay_out(dict.fromkeys(nodes, SIZE), [(*pair, None) for pair in [*edges, *table]], {})
    assert len(layout.wires) == 1997
    assert layout.height < 300


@pytest.mark.parametrize(
    "tip", [(300.0, 50.0), (300.0, 200.0), (20.0, 50.0)], ids=["beside", "below", "back"]
)
def test_a_detour_starts_and_ends_where_it_should_and_runs_along_its_lane(tip: tuple[float, float]) -> None:
    points = detour((0.0, 50.0), tip, top=10.0)
    assert (points[0], points[-1]) == ((0.0, 50.0), (tip[0] - 7, tip[1]))
    assert (points[3][1], points[6][1]) == (10.0, 10.0)
    assert len(points) == 10


def test_each_node_has_a_lane_of_its_own_until_there_are_none_left() -> None:
    found = lanes(["a", "b", "a", "c"])
    assert found["a"] < found["b"] < found["c"]
    many = lanes(str(number) for number in range(30))
    assert max(many.values()) == max(lanes(str(number) for number in range(9)).values())
