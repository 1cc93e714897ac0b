"""How often a cell runs by hand: not at all, once for each item, or until its value is true.

The cell's syntax tree is put into a loop. Its lines keep their numbers, `await` stays what it is, and errors
look as they do in any cell.
"""

from __future__ import annotations

import ast
import itertools
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from nbflow.errors import Fail, NbflowError, Skip
from nbflow.execute.meaning import ends_in_value, meaning_of
from nbflow.model.task import TaskKind
from nbflow.model.work import Result
from nbflow.plan.conclusion import look_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbflow.model.task import TaskSpec

_T = TypeVar("_T")
NAME = "nbflow_round"  # the attribute of the shell by which the loop finds what goes round
_ROUND = f"get_ipython().{NAME}"


class Round:
    """What a cell does by hand instead of simply running; going through it is running the cell again.

    Attributes:
        value: of the cell's last expression, set by the loop each time it went round.
        shown: what the cell shows in the end.
        skipped: set by the loop when the cell says `raise nbflow.Skip`.
        skip: the type of that exception.
        step: which time it is, set by the loop.
    """

    skip: type[BaseException] = Skip

    def __init__(self) -> None:
        self.value: object = None
        self.shown: object = None
        self.skipped = False
        self.step = 0

    def __iter__(self) -> Iterator[int]:
        """One step each time the cell runs: here never."""
        return iter(())


class Rounds(ast.NodeTransformer):
    """Puts the next cell's syntax tree into its loop; one of IPython's AST transformers.

    Attributes:
        ends_in_value: whether the cell that runs, or ran last, ends in an expression whose value counts.
    """

    def __init__(self) -> None:
        self._next = False
        self._loops = False
        self._with_value = False
        self.ends_in_value = False

    def expect(self, *, loops: bool, with_value: bool) -> None:
        """A cell of the notebook is about to run; the next tree is its own, and trees after that are of code
        that it runs.

        Args:
            loops: whether it goes round.
            with_value: whether only if it ends in a value.
        """
        self._next, self._loops, self._with_value = True, loops, with_value
        self.ends_in_value = False

    def visit(self, node: ast.AST) -> ast.AST:
        """The cell's tree, in its loop if it goes round."""
        if not self._next or not isinstance(node, ast.Module):
            return node
        self._next = False
        self.ends_in_value = ends_in_value(node.body)
        loops = self._loops and (self.ends_in_value or not self._with_value)
        return looped(node) if loops else node


class Passed(Round):
    """A cell that doesn't run, and says why.

    Args:
        why: in words.
    """

    def __init__(self, why: str) -> None:
        super().__init__()
        self._why = why

    def __iter__(self) -> Iterator[int]:
        """Never."""
        print(f"not run: {self._why}")
        return iter(())


class Looks(Round):
    """A sensor's cell: it runs again until its value is true, or its timeout has passed.

    Args:
        spec: of the task.
    """

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__()
        self._spec = spec

    def __iter__(self) -> Iterator[int]:
        """Once for each look."""
        spec, began = self._spec, time.monotonic()
        for look in itertools.count(1):
            self.value = None
            yield look
            if self.skipped:
                return
            meaning = told(partial(meaning_of, TaskKind.SENSOR, self.value, task_id=spec.task_id, below=None))
            if meaning.result is Result.SUCCESS:
                self.shown = self.value
                return
            if time.monotonic() - began > spec.timeout.total_seconds():
                self.skipped = spec.soft_fail
                told(partial(_give_up, spec, look))
                return
            seconds = look_interval(spec, look).total_seconds()
            if look == 1:
                print(f"waiting: {meaning.reason}; looks again every {seconds:g} s, until it is interrupted")
            time.sleep(seconds)


def _give_up(spec: TaskSpec, looks: int) -> None:
    """Say that a sensor looks no more (semantics.md, sensors).

    Raises:
        Fail: unless this skips it.
    """
    why = f"its timeout of {spec.timeout} has passed; it looked {looks} times"
    said = f"sensor {spec.task_id!r} gives up: {why}"
    if not spec.soft_fail:
        raise Fail(said)
    print(f"skipped: {said} (soft_fail)")


def told(decide: Callable[[], _T]) -> _T:
    """What `decide` gives; an error of nbflow is shown as its message, without a traceback."""
    from IPython.core.error import UsageError

    try:
        return decide()
    except NbflowError as error:
        raise UsageError(str(error)) from error


def looped(module: ast.Module) -> ast.Module:
    """The tree with its statements in a loop over the shell's round, and what is to be shown at its end."""
    future = [
        node for node in module.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    body: list[ast.stmt] = [node for node in module.body if node not in future]
    if not body:
        return module
    last = body[-1]
    if isinstance(last, ast.Expr):
        kept = ast.Assign(targets=[_part("value", ast.Store())], value=last.value)
        body = [*body[:-1], ast.copy_location(kept, last)]
    first = body[0]
    if any(_names_skip(node) for node in ast.walk(module)):
        body = [ast.copy_location(_may_skip(body), first)]
    loop = ast.For(target=_part("step", ast.Store()), iter=_part(None, ast.Load()), body=body, orelse=[])
    ast.copy_location(loop, first)
    shown = ast.copy_location(ast.Expr(value=_part("shown", ast.Load())), last)
    module.body = [*future, loop, shown]
    return ast.fix_missing_locations(module)


def _names_skip(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == "Skip") or (
        isinstance(node, ast.Attribute) and node.attr == "Skip"
    )


def _may_skip(body: list[ast.stmt]) -> ast.Try:
    """The statements, with `raise nbflow.Skip` ending this time only.

    Only for a cell that names it: in any frame that has looked whether an error is to be caught there, IPython
    shows the line of that look as the error's.
    """
    skipped = ast.Assign(targets=[_part("skipped", ast.Store())], value=ast.Constant(True))
    handler = ast.ExceptHandler(type=_part("skip", ast.Load()), name=None, body=[skipped])
    for node in (skipped, handler):
        ast.copy_location(node, body[0])
    return ast.Try(body=body, handlers=[handler], orelse=[], finalbody=[])


def _part(name: str | None, context: ast.expr_context) -> ast.expr:
    """`get_ipython().nbflow_round`, or an attribute of it."""
    whole = ast.parse(_ROUND, mode="eval").body
    return whole if name is None else ast.Attribute(value=whole, attr=name, ctx=context)
