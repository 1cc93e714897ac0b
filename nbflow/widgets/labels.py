"""Where the labels of edges go, so that none lies on a node, a title or another label.

Graphviz keeps labels off nodes, but it knows nothing of a cluster's title.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.widgets.layout import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbflow.widgets.layout import Point, Wire

_SAMPLES = 24  # points that stand for a line
_OFFSETS = (9.0, 14.0, 20.0)  # from the curve to the middle of a label above or below it, px
_STEPS = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)


def free_places(
    wires: Sequence[Wire], sizes: Sequence[tuple[float, float] | None], obstacles: Iterable[Box]
) -> list[Point | None]:
    """The middle of each wire's label: where Graphviz put it, if it is free there, else beside the curve.

    Args:
        wires: the edges' ways.
        sizes: width and height of each one's label, None without one.
        obstacles: what labels must keep off.
    """
    taken = list(obstacles)
    lines = [
        Box(x=x, y=y, width=0, height=0)
        for wire in wires
        for x, y in (_point_at(wire.points, step / _SAMPLES) for step in range(_SAMPLES + 1))
    ]
    places: list[Point | None] = []
    for wire, size in zip(wires, sizes, strict=True):
        if size is None or wire.label is None:
            places.append(None)
            continue
        place = wire.label
        if not _is_free(place, size, taken):
            beside = list(_beside(wire))
            clear = (point for point in beside if _is_free(point, size, [*taken, *lines]))
            crossed = (point for point in beside if _is_free(point, size, taken))
            place = next(clear, next(crossed, place))
        places.append(place)
        taken.append(_around(place, size))
    return places


def _beside(wire: Wire) -> Iterable[Point]:
    for offset in _OFFSETS:
        for step in _STEPS:
            x, y = _point_at(wire.points, step)
            yield x, y - offset
            yield x, y + offset


def _point_at(points: Sequence[Point], step: float) -> Point:
    """The point of the chain of Bézier segments at this part of it, from 0 to 1."""
    segments = (len(points) - 1) // 3
    index = min(int(step * segments), segments - 1)
    t = step * segments - index
    a, b, c, d = points[3 * index : 3 * index + 4]
    weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
    return (
        sum(weight * point[0] for weight, point in zip(weights, (a, b, c, d), strict=True)),
        sum(weight * point[1] for weight, point in zip(weights, (a, b, c, d), strict=True)),
    )


def _around(middle: Point, size: tuple[float, float]) -> Box:
    width, height = size
    return Box(x=middle[0] - width / 2, y=middle[1] - height / 2, width=width, height=height)


def _is_free(middle: Point, size: tuple[float, float], taken: Iterable[Box]) -> bool:
    one = _around(middle, size)
    return not any(
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
        for other in taken
    )
