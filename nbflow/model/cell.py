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


Roots = frozenset[tuple[str, int]]
"""What an expression may be or hold: pairs (object, how many accesses deep it lies in the value).

An object is the name of a variable, `$p` for the parameter `p` of a function, or `#n` for something
the code makes itself. `y = x` gives y `("x", 0)`; `y = [x]` gives it `("x", 1)`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that a function's body makes, kept until it is known what is called.

    Attributes:
        callee: the function's name, or `.name` for a method.
        receiver: what a method is called on.
        args: the positional arguments.
        keywords: the arguments by keyword.
    """

    callee: str
    receiver: Roots = frozenset()
    args: tuple[Roots, ...] = ()
    keywords: Mapping[str, Roots] = field(default_factory=dict[str, Roots])


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """What running a function's body may do with the notebook's names, when it is called.

    Attributes:
        uses: names it reads.
        defines: names it assigns by `global`.
        mutates: names whose object it changes in place.
        deletes: names it deletes by `global`.
        guesses: words in its strings that may be names (SQL, queries, shell lines).
        parameters: its parameters in order; `*args` with its star.
        changes: those whose object it changes in place.
        returns: what its result may be or hold.
        calls: the calls it makes.
        carries: whether its result may run its code later (it makes functions, is a generator).
        stateful: whether running it changes variables of the function around it, which live on in it.
        makes_stateful: whether its result is such a function.
    """

    uses: frozenset[str] = frozenset()
    defines: frozenset[str] = frozenset()
    mutates: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()
    guesses: frozenset[str] = frozenset()
    parameters: tuple[str, ...] = ()
    changes: frozenset[str] = frozenset()
    returns: Roots = frozenset()
    calls: tuple[Call, ...] = ()
    carries: bool = False
    stateful: bool = False
    makes_stateful: bool = False

    def __or__(self, other: Deferred) -> Deferred:
        """What either of the two may do; the parameters are those of the one that has some."""
        return Deferred(
            uses=self.uses | other.uses,
            defines=self.defines | other.defines,
            mutates=self.mutates | other.mutates,
            deletes=self.deletes | other.deletes,
            guesses=self.guesses | other.guesses,
            parameters=self.parameters or other.parameters,
            changes=self.changes | other.changes,
            returns=self.returns | other.returns,
            calls=(*self.calls, *(call for call in other.calls if call not in self.calls)),
            carries=self.carries or other.carries,
            stateful=self.stateful or other.stateful,
            makes_stateful=self.makes_stateful or other.makes_stateful,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a piece of code does with the names of the notebook (module level).

    `defines` contains `may_define`; `uses` contains `may_use`, and each name in `mutates` that the
    code does not define for certain before.

    Attributes:
        defines: names that exist after it because of it.
        may_define: those of them only some paths define (under `if`, `try`, loops, by a call).
        binds: those of them it binds anew for certain; the others keep their object, changed or not.
        uses: names it needs from above.
        may_use: those of them only some paths need.
        guarded: those of them that stand in a `try` which catches NameError.
        guesses: words in strings (SQL, queries, shell lines) that are uses where a variable of that
            name exists above, and nothing otherwise.
        mutates: names whose object it changes in place.
        deletes: names that no longer exist after it.
        may_delete: names that no longer exist after it on some paths.
        imports: of `defines`, those that an unconditional import statement binds, with the statement.
        deferred: for each function, class or thing that holds one, what calling it does.
        methods: for each method name of its classes, what calling it does.
        points: for each name it binds what the value may be or hold; empty for a number, a text or
            another thing without inner state.
        lines: for each used name the line of its first use, from 1.
        star: the statements that import everything from a module.
        process: what it changes in the process itself (`os.environ`, `%cd`, seeds), with the line.
        opaque: what may read or define names that the text doesn't show (`exec`), with the line.
        effects: whether it does more than import, define and assign (prints, calls, magics).
    """

    defines: frozenset[str] = frozenset()
    may_define: frozenset[str] = frozenset()
    binds: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    may_use: frozenset[str] = frozenset()
    guarded: frozenset[str] = frozenset()
    guesses: frozenset[str] = frozenset()
    mutates: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()
    may_delete: frozenset[str] = frozenset()
    imports: Mapping[str, str] = field(default_factory=dict[str, str])
    deferred: Mapping[str, Deferred] = field(default_factory=dict[str, Deferred])
    methods: Mapping[str, Deferred] = field(default_factory=dict[str, Deferred])
    points: Mapping[str, Roots] = field(default_factory=dict[str, Roots])
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    star: tuple[str, ...] = ()
    process: Mapping[str, int] = field(default_factory=dict[str, int])
    opaque: Mapping[str, int] = field(default_factory=dict[str, int])
    effects: bool = False


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
