"""Which edges of a graph are left out of its layout, and how they are drawn all the same.

Graphviz bends an edge at every rank that it passes. A table that the first task reads and forty tasks below one
another use would be forty lines side by side; for a thousand such tasks the layout would take minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Set

Point = tuple[float, float]
Pair = tuple[str, str]

_LONG = 4  # ranks; a longer edge that others imply is left out,
_FEW_BENDS = 40  # unless all such edges together have no more bends than this
_MOST_BENDS = 1000  # of all edges together, before the longest of the others are left out too
_HEAD = 7.0  # px of the arrowhead
_LOWEST = 9.0  # px between the graph and the first lane above it
_LANE = 6.0  # px from one to the next
_LANES = 9
_SLOPE = 60.0  # px that the way up to a lane takes from left to right


def loose_edges(nodes: Sequence[str], edges: Sequence[Pair]) -> Set[int]:
    """The edges that are left out: the place of each among `edges`.

    An edge is implied where another way leads from its one end to its other: it says nothing of the order.

    Args:
        nodes: all of them; their order decides where a circle is cut.
        edges: (upstream, downstream).
    """
    order = _order(nodes, edges)
    place = {name: at for at, name in enumerate(order)}
    below: dict[str, list[str]] = {name: [] for name in nodes}
    for upstream, downstream in edges:
        if place[upstream] < place[downstream]:
            below[upstream].append(downstream)
    rank = dict.fromkeys(order, 0)
    for name in order:
        for other in below[name]:
            rank[other] = max(rank[other], rank[name] + 1)
    far = _far(order, below, place)
    spans = {at: rank[downstream] - rank[upstream] for at, (upstream, downstream) in enumerate(edges)}
    found = {
        at for at, span in spans.items() if span > _LONG and far[edges[at][0]] >> place[edges[at][1]] & 1
    }
    if sum(spans[at] - 1 for at in found) <= _FEW_BENDS:
        found = set[int]()
    kept = sorted(((span, at) for at, span in spans.items() if span > 1 and at not in found), reverse=True)
    bends = sum(span - 1 for span, _ in kept)
    for span, at in kept:
        if bends <= _MOST_BENDS:
            break
        found.add(at)
        bends -= span - 1
    return found


def _order(nodes: Sequence[str], edges: Sequence[Pair]) -> list[str]:
    """The nodes with what is upstream first; where they go in a circle, the first of them first."""
    waits = dict.fromkeys(nodes, 0)
    below: dict[str, list[str]] = {name: [] for name in nodes}
    for upstream, downstream in edges:
        waits[downstream] += 1
        below[upstream].append(downstream)
    order: list[str] = []
    done: set[str] = set()
    ready = [name for name in reversed(nodes) if not waits[name]]
    rest = iter(nodes)
    while len(order) < len(nodes):
        name = ready.pop() if ready else next(one for one in rest if one not in done)
        if name in done:
            continue
        done.add(name)
        order.append(name)
        for other in below[name]:
            waits[other] -= 1
            if not waits[other]:
                ready.append(other)
    return order


def _far(
    order: Sequence[str], below: Mapping[str, Sequence[str]], place: Mapping[str, int]
) -> dict[str, int]:
    """For each node those that lie two edges or more below it, as bits by their place in the order."""
    reached: dict[str, int] = {}
    far: dict[str, int] = {}
    for name in reversed(order):
        far[name] = near = 0
        for other in below[name]:
            far[name] |= reached[other]
            near |= 1 << place[other]
        reached[name] = far[name] | near
    return far


def lanes(starts: Iterable[str]) -> Mapping[str, float]:
    """How far above everything else the loose edges of each node run, px: each node has a lane, as long as there are
    some.
    """
    return {name: _LOWEST + _LANE * (place % _LANES) for place, name in enumerate(dict.fromkeys(starts))}


def detour(start: Point, tip: Point, *, top: float) -> tuple[Point, ...]:
    """The way up to a lane, along it and down again: a start point, then three points for each of three curves.

    Edges of one node share all but their ends. The last point is where the arrowhead at `tip` begins.
    """
    reach = min(_SLOPE, max(abs(tip[0] - start[0]) / 2, _SLOPE / 3))
    end = (tip[0] - _HEAD, tip[1])
    up, down = (start[0] + reach, top), (end[0] - reach, top)
    return (
        start,
        *((start[0] + reach / 2, start[1]), (up[0] - reach / 2, top), up),
        *(up, down, down),
        *((down[0] + reach / 2, top), (end[0] - reach / 2, end[1]), end),
    )
