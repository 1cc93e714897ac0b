"""Labels of edges keep off everything else."""

from __future__ import annotations

from nbflow.widgets.labels import free_places
from nbflow.widgets.layout import Box, Wire

LINE = Wire(points=((0, 0), (30, 0), (70, 0), (100, 0)), tip=(108, 0), label=(50, 0))
SIZE = (20.0, 10.0)


def test_a_free_label_stays_where_graphviz_put_it() -> None:
    assert free_places([LINE], [SIZE], []) == [(50, 0)]


def test_a_label_moves_along_its_edge_off_an_obstacle() -> None:
    obstacle = Box(x=38, y=-20, width=24, height=40)
    ((x, y),) = free_places([LINE], [SIZE], [obstacle])
    assert abs(y) == 9
    assert x + 10 <= 38 or x - 10 >= 62


def test_labels_keep_off_one_another() -> None:
    first, second = free_places([LINE, LINE], [SIZE, SIZE], [])
    assert first == (50, 0)
    assert abs(second[0] - first[0]) >= 20 or abs(second[1] - first[1]) >= 10


def test_a_label_without_a_free_place_stays() -> None:
    assert free_places([LINE], [SIZE], [Box(x=-99, y=-99, width=300, height=300)]) == [(50, 0)]


def test_an_edge_without_a_label_has_no_place() -> None:
    assert free_places([LINE], [None], []) == [None]
