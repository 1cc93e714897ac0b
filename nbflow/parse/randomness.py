"""Randomness that several tasks would draw one after the other, and each draws from its own start."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

from nbflow.model.problem import Problem, Severity
from nbflow.parse import mutators
from nbflow.parse.reached import Reached

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nbflow.parse.draft import Draft
    from nbflow.parse.reach import Need
    from nbflow.parse.wiring import Wiring

SEEDS = frozenset({"seed", "manual_seed", "set_seed", "set_random_seed", "seed_everything"})
"""Functions that set a random source of the process."""

_GIVEN = frozenset({"random_state", "seed", "rng", "generator"})
_NO_DRAW = frozenset(
    {"getstate", "setstate", "get_state", "set_state", "default_rng", "PCG64", "SeedSequence"}
)
_DRAWS = frozenset({"sample", "train_test_split", "shuffle"})
_TORCH = frozenset({"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "normal", "bernoulli"})
_ESTIMATORS = frozenset(
    {
        *("KMeans", "MiniBatchKMeans", "RandomForestClassifier", "RandomForestRegressor"),
        *("ExtraTreesClassifier", "ExtraTreesRegressor", "BaggingClassifier", "BaggingRegressor"),
        *("MLPClassifier", "MLPRegressor", "SGDClassifier", "SGDRegressor", "IsolationForest", "TSNE"),
    }
)
"""Estimators of scikit-learn that always draw when they are fitted."""


def random_state(drafts: Sequence[Draft]) -> Iterator[Problem]:
    """A shared cell that seeds the process, and several tasks that draw: each starts from that seed again."""
    reached = Reached(drafts)
    seeded = next(
        (
            (draft, ast.unparse(call.func), call.lineno)
            for draft in drafts
            if draft.shared
            for call in _calls(reached.of(draft))
            if _seeds(call)
        ),
        None,
    )
    if seeded is None:
        return
    shared, seed, line = seeded
    places: dict[str, Draft] = {}
    reseeding: set[str] = set()
    for draft in drafts:
        if not draft.own or draft.task_id is None or draft.index < shared.index:
            continue
        calls = list(_calls(reached.of(draft)))
        if any(_seeds(call) for call in calls):
            reseeding.add(draft.task_id)
        if any(_draws(call) for call in calls):
            places.setdefault(draft.task_id, draft)
    drawing = {task_id: draft for task_id, draft in places.items() if task_id not in reseeding}
    if len(drawing) > 1:
        tasks = ", ".join(f"`{task_id}` (cell {draft.number})" for task_id, draft in drawing.items())
        yield _warning(
            shared,
            "random-state",
            f"`{seed}` runs before each task, so that each of {tasks} draws the same random numbers from its "
            "start; from top to bottom the later ones would go on where the earlier ones stopped. Pass "
            "random_state, make a generator in each task, or seed inside of each.",
            line,
        )


def advanced_twice(drafts: Sequence[Draft], wiring: Wiring) -> Iterator[Problem]:
    """A random generator or iterator that several tasks, or a mapped task's instances, advance, each its own copy."""
    sources: dict[str, tuple[Draft, int]] = {}
    for draft in drafts:
        if not draft.runs:
            continue
        for node in draft.tree.body:
            if isinstance(node, ast.Assign) and _advances(node.value):
                sources |= {
                    target.id: (draft, node.lineno) for target in node.targets if isinstance(target, ast.Name)
                }
    readers: defaultdict[str, list[str]] = defaultdict(list)
    mapped: dict[str, str] = {}
    for task_id, needs in wiring.needs.items():
        for name, need in needs.items():
            if name not in sources:
                continue
            made = sources[name][0]
            if need.origin.shared is made or need.origin.producers.get(made.task_id or "") is made:
                readers[name].append(task_id)
                if _in_instances(need):
                    mapped[name] = task_id
    for name, tasks in readers.items():
        draft, line = sources[name]
        if len(tasks) == 1 and name in mapped:
            yield _warning(
                draft,
                "advanced-twice",
                f"`{name}` is a random generator or iterator, and each instance of mapped task `{tasks[0]}` gets a copy; "
                "in a loop the later ones would go on where the earlier ones stopped. Make one in the task, from its "
                "item.",
                line,
            )
        if len(tasks) > 1:
            yield _warning(
                draft,
                "advanced-twice",
                f"`{name}` is a random generator or iterator, and each of the tasks {', '.join(tasks)} gets a copy; "
                "from top to bottom the later ones would go on where the earlier ones stopped. Make one in each task.",
                line,
            )


def _in_instances(need: Need) -> bool:
    """Whether the instances of a mapped task need a name, and not only the expression that gives their items."""
    cell = need.cell
    if cell is None or not cell.mapped:
        return False
    return cell.header is None or need.line != cell.header.lines


def _calls(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    return (part for node in nodes for part in ast.walk(node) if isinstance(part, ast.Call))


def _seeds(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in SEEDS
        case _:
            return False


def _draws(call: ast.Call) -> bool:
    """Whether a call draws from the randomness of the process, for all that the text shows."""
    if any(word.arg in _GIVEN for word in call.keywords):
        return False
    match call.func:
        case ast.Attribute(value=ast.Name(id="random") | ast.Attribute(attr="random"), attr=name):
            return name not in SEEDS | _NO_DRAW | mutators.RANDOM_SOURCES
        case ast.Attribute(value=ast.Name(id="torch"), attr=name):
            return name in _TORCH
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in _DRAWS | _ESTIMATORS
        case _:
            return False


def _advances(value: ast.expr) -> bool:
    match value:
        case ast.GeneratorExp():
            return True
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in mutators.RANDOM_SOURCES or name in ("cycle", "count")
        case ast.Call(func=ast.Name(id=name)):
            return name in mutators.RANDOM_SOURCES | mutators.ITERATOR_SOURCES
        case _:
            return False


def _warning(draft: Draft, code: str, message: str, line: int) -> Problem:
    return Problem(
        severity=Severity.WARNING,
        code=code,
        message=message,
        cell=draft.number,
        line=line,
        task=draft.task_id,
    )
