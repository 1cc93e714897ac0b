"""One cell of a notebook: what it is for, and what it defines and uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """What a cell is for in a run."""

    TASK = "task"  # headed %%task NAME: the first cell of a task
    CONTINUES = "continues"  # runs with the task above it
    SHARED = "shared"  # runs before each task below it
    PARAMETERS = "parameters"  # tagged parameters: as shared, with the injected values after it
    SCRATCH = "scratch"  # never run
    DAG = "dag"  # %%dag: read, not run
    INSTALL = "install"  # installs and %load_ext only: not repeated in runs
    TEXT = "text"  # markdown and raw cells, and code cells without code


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a piece of code does with the names of the notebook (module level).

    `defines` contains `may_define`; `uses` contains each name in `mutates` that the code does not
    define for certain before.

    Attributes:
        defines: names that exist after it because of it.
        may_define: those of them only some paths define (under `if`, `try`, loops).
        uses: names it needs from above.
        mutates: names whose object it changes in place.
        deletes: names that no longer exist after it.
        imports: of `defines`, those that an unconditional import statement binds.
        deferred: for each function, lambda or class it defines, what calling it does.
        lines: for each used name the line of its first use, from 1.
        star: modules it imports everything from.
    """

    defines: frozenset[str] = frozenset()
    may_define: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    mutates: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    deferred: Mapping[str, Names] = field(default_factory=dict[str, "Names"])
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    star: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell as the flow sees it.

    Attributes:
        index: its place among all of the notebook's cells, from 0.
        number: its `In [n]` after "restart and run all": counted over non-empty code cells from 1;
            0 for any other cell.
        cell_id: nbformat's id.
        role: what it is for.
        task_id: the task it runs with (roles task and continues), else None.
        source: its text as in the notebook, header and all.
        names: what it defines and uses.
        reason: why it has its role, in words.
    """

    index: int
    number: int
    cell_id: str
    role: Role
    task_id: str | None
    source: str
    names: Names
    reason: str
