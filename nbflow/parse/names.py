"""What a cell's code does with the notebook's names: defines, uses, mutates, and defers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nbflow.model.cell import Names
from nbflow.parse.builtin import GIVEN, is_dunder
from nbflow.parse.known import Known
from nbflow.parse.source import parse
from nbflow.parse.statement import StatementReader

if TYPE_CHECKING:
    import ast

    from nbflow.model.cell import Roots


def analyse(source: str, known: Known | None = None) -> Names:
    """What a cell does with names, from its text; nothing is run.

    Args:
        source: the cell's code, IPython's syntax included, a `%%task` header not included.
        known: what the cells above tell of names; None for nothing. With it a call of a function
            that a cell above defines counts with what the function's body does.

    Raises:
        SyntaxError: it is no code; `lineno` is the line in the cell.
    """
    return names_of(parse(source), known or Known())


def names_of(tree: ast.Module, known: Known) -> Names:
    """As `analyse`, for a cell that is parsed already."""
    reader = StatementReader(known)
    reader.statements(tree.body)
    state, record = reader.state, reader.record
    mutates = record.mutates - (state.gone - state.maybe)
    defines = state.maybe | mutates
    own = defines | state.gone | state.lost
    ignored = GIVEN - known.shadows
    uses = {name for name in record.uses if name not in ignored}
    return Names(
        defines=frozenset(name for name in defines if not is_dunder(name)),
        may_define=frozenset(name for name in state.maybe - state.bound if not is_dunder(name)),
        binds=frozenset(name for name in state.bound if not is_dunder(name)),
        uses=frozenset(uses),
        may_use=frozenset(uses - record.certain),
        guarded=frozenset(uses - record.unguarded),
        guesses=frozenset(record.guesses - uses - ignored),
        mutates=frozenset(mutates),
        deletes=frozenset(state.gone - state.maybe),
        may_delete=frozenset(state.lost - state.gone),
        imports={name: text for name, text in state.imports.items() if name in state.bound},
        deferred={name: entry for name, entry in record.deferred.items() if name in own},
        methods=record.methods,
        points=_telling(reader),
        lines={name: line for name, line in record.uses.items() if name in uses},
        star=tuple(record.star),
        process=record.process,
        opaque=record.opaque,
        effects=record.effects,
    )


def _telling(reader: StatementReader) -> dict[str, Roots]:
    """The entries that say more than «an object of its own», which is what no entry means."""
    points = reader.state.points
    counts = Counter(root for roots in points.values() for root, _ in roots)
    return {
        name: roots
        for name, roots in points.items()
        if len(roots) != 1
        or name in counts
        or reader.base_holders(name)
        or any(counts[root] > 1 or depth or root[0] != "#" for root, depth in roots)
    }
