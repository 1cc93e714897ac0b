"""The global random sources: seeded by shared cells, every task starts from one and the same state."""

from __future__ import annotations

import hashlib
import random
import sys

_NUMPY = "numpy.random"
_NOTE = (
    "`{source}` is seeded by a shared cell, so each task starts from that same state, unlike a notebook run "
    "from top to bottom; give task {task_id!r}, which draws from it, a seed or generator of its own."
)


def chance_states() -> dict[str, str]:
    """The state of each global random source there is, as a hash."""
    states: dict[str, object] = {"random": random.getstate()}
    if (numpy_random := sys.modules.get(_NUMPY)) is not None:
        kind, key, *rest = numpy_random.get_state()
        states[_NUMPY] = (kind, key.tobytes(), rest)
    return {name: hashlib.sha256(repr(state).encode()).hexdigest() for name, state in states.items()}


def seeded_sources(before: dict[str, str], now: dict[str, str]) -> frozenset[str]:
    """The sources whose state is no longer chance.

    Args:
        before: `chance_states` before the shared cells.
        now: the states after them.
    """
    found = {name for name in before if now[name] != before[name]}
    if _NUMPY in now and _NUMPY not in before and _is_seeded():
        found.add(_NUMPY)
    return frozenset(found)


def chance_notes(task_id: str, seeded: frozenset[str], before: dict[str, str]) -> tuple[str, ...]:
    """What is said of seeded sources that the task's own cells have drawn from since `before`."""
    now = chance_states()
    drawn = sorted(name for name in seeded if now.get(name) != before.get(name))
    return tuple(_NOTE.format(source=name, task_id=task_id) for name in drawn)


def _is_seeded() -> bool:
    """Whether numpy's global source has been seeded: it forgets the chance it began with then."""
    try:
        generator = sys.modules[_NUMPY].get_bit_generator()
    except AttributeError:  # numpy before 1.24
        return False
    return getattr(generator, "_seed_seq", generator) is None
