"""From needs to edges: which task follows which, what is handed on, what may be skipped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbflow.model.dag import Order
from nbflow.model.flow import Edge, EdgeKind
from nbflow.model.graph import Graph
from nbflow.model.problem import Problem, Severity
from nbflow.parse.cleanup import after_setups, cleaning
from nbflow.parse.files import touches_of
from nbflow.parse.option import nearest
from nbflow.parse.positions import positions
from nbflow.parse.pulls import pulled
from nbflow.parse.reach import Definitions, Need, body_of, needs_of
from nbflow.parse.skips import skippable_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.model.dag import DagSpec
    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft

_DECLARED = "`{downstream}` is declared to follow `{upstream}`"


@dataclass(slots=True)
class Wiring:
    """How the tasks hang together.

    Attributes:
        needs: for each task the names it needs from outside of it.
        variables: (upstream, downstream) → the names that go along, with the defining cell.
        declared: pairs written by hand, by `xcom_pull` or by setup and teardown, each with its reason.
        positions: pairs that only the place in the notebook gives; the reason where it is a file, else "".
        skippable: tasks that a branch may skip.
    """

    needs: dict[str, dict[str, Need]] = field(default_factory=dict)
    variables: dict[tuple[str, str], dict[str, Draft]] = field(default_factory=dict)
    declared: dict[tuple[str, str], str] = field(default_factory=dict)
    positions: dict[tuple[str, str], str] = field(default_factory=dict)
    skippable: frozenset[str] = frozenset()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All edges."""
        return [*self.variables, *self.declared, *self.positions]

    def producers(self, task_id: str) -> dict[str, tuple[str, ...]]:
        """For each name a task gets from others, who may give it, nearest first."""
        found = {name: tuple(need.origin.producers) for name, need in self.needs[task_id].items()}
        return {name: tasks for name, tasks in sorted(found.items()) if tasks}

    def repeated(self, task_id: str) -> list[str]:
        """The statements of other tasks that a task repeats: imports, and deletions of shared names."""
        origins = {name: need.origin for name, need in self.needs[task_id].items()}
        imports = [origin.statement for origin in origins.values() if origin.statement]
        gone = [name for name, origin in origins.items() if origin.deleted]
        return [*imports, *(f"globals().pop({name!r}, None)" for name in gone)]


def wire(
    drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], dag: DagSpec
) -> tuple[Wiring, list[Problem]]:
    """The wiring of the tasks, and what is wrong with what was declared."""
    declared, problems = _declared(drafts, tasks, dag)
    pulls, found = pulled(drafts, tasks, dag.dag_id)
    problems += found
    declared = {**pulls, **after_setups(tasks), **declared}
    bodies = {task_id: body_of(drafts, task_id) for task_id in tasks}
    definitions = Definitions(drafts, tasks)
    touches = touches_of(drafts)
    skippable: frozenset[str] = frozenset()
    while True:
        wiring = Wiring(declared=dict(declared), skippable=skippable)
        for task_id, spec in tasks.items():
            wiring.needs[task_id] = needs_of(bodies[task_id], spec, definitions, skippable)
        _keep_what_stays(wiring, bodies, definitions, tasks)
        for task_id, needs in wiring.needs.items():
            for name, need in needs.items():
                for upstream, cell in need.origin.producers.items():
                    wiring.variables.setdefault((upstream, task_id), {})[name] = cell
        if dag.order is Order.POSITION:
            wiring.positions = positions(wiring.pairs, tasks, wiring.needs, drafts, touches)
        wiring.declared |= cleaning(tasks, wiring.pairs)
        below = skippable_tasks(wiring.pairs, tasks)
        if below <= skippable:
            return wiring, problems
        skippable |= below


def edges_of(wiring: Wiring, tasks: Mapping[str, TaskSpec]) -> tuple[Edge, ...]:
    """The edges with kind and reason, by downstream, then upstream."""
    place = {task_id: index for index, task_id in enumerate(tasks)}
    edges: list[Edge] = []
    for upstream, downstream in sorted(set(wiring.pairs), key=lambda pair: (place[pair[1]], place[pair[0]])):
        pair = (upstream, downstream)
        if pair in wiring.variables:
            names = wiring.variables[pair]
            collected = tasks[upstream].collect
            reason = "; ".join(
                _because(name, cell, wiring.needs[downstream][name], collected=name == collected)
                for name, cell in sorted(names.items())
            )
            kind, along = EdgeKind.VARIABLE, frozenset(names)
        elif pair in wiring.declared:
            kind, along, reason = EdgeKind.DECLARED, frozenset[str](), wiring.declared[pair]
        else:
            kind, along = EdgeKind.POSITION, frozenset[str]()
            reason = wiring.positions[pair]
            reason = reason or f"`{upstream}` is the task above, and nothing else orders `{downstream}`"
        edges.append(Edge(upstream=upstream, downstream=downstream, kind=kind, names=along, reason=reason))
    return tuple(edges)


def cycle_problem(wiring: Wiring) -> list[Problem]:
    """The cycle among the edges, if there is one, with its path."""
    path = Graph.cycle(wiring.pairs)
    if not path:
        return []
    steps: list[str] = []
    for upstream, downstream in zip(path, [*path[1:], path[0]], strict=True):
        names = wiring.variables.get((upstream, downstream))
        steps.append(
            f"{upstream} → {downstream}" + (f" (`{', '.join(sorted(names))}`)" if names else " (declared)")
        )
    return [
        Problem(
            severity=Severity.ERROR,
            code="cycle",
            message=f"these tasks wait for one another: {', '.join(steps)}. Take one of the declared edges away.",
        )
    ]


def _because(name: str, made: Draft, need: Need, *, collected: bool) -> str:
    if collected:
        origin = f"collected from the instances of `{made.task_id}` (cell {made.number})"
    elif name not in made.names.defines and name not in made.names.mutates:
        origin = f"declared by --exports in cell {made.number}"
    elif name in made.names.mutates:
        origin = f"changed in cell {made.number}"
    else:
        origin = f"defined in cell {made.number}"
    if need.cell is None:
        return f"`{name}`: {origin}, declared by --uses"
    return f"`{name}`: {origin}, used in cell {need.cell.number}" + (
        f", line {need.line}" if need.line else ""
    )


def _keep_what_stays(
    wiring: Wiring,
    bodies: Mapping[str, Sequence[Draft]],
    definitions: Definitions,
    tasks: Mapping[str, TaskSpec],
) -> None:
    """A task that only may define a name must know its value before, where others take it from there.

    Its process could hold another value otherwise: the one a shared cell gives.
    """
    waiting = [
        (upstream, name)
        for needs in wiring.needs.values()
        for name, need in needs.items()
        for upstream in need.origin.producers
    ]
    while waiting:
        task_id, name = waiting.pop()
        if name in wiring.needs[task_id] or name == tasks[task_id].collect:
            continue
        cells = bodies[task_id]
        own = [draft for draft in cells if name in draft.names.defines]
        if any(name not in draft.names.may_define for draft in own):
            continue
        if not definitions.shared_above(name, cells[-1].index):
            continue
        origin = definitions.above(name, cells[0].index, task_id, wiring.skippable)
        if origin.producers or origin.deleted:
            cell = own[0] if own else None
            wiring.needs[task_id][name] = Need(origin, cell, None, certain=False)
            waiting += [(upstream, name) for upstream in origin.producers]


def _declared(
    drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], dag: DagSpec
) -> tuple[dict[tuple[str, str], str], list[Problem]]:
    """The edges written by hand that name tasks of this notebook, and a problem for each that doesn't."""
    pairs: dict[tuple[str, str], str] = {}
    problems: list[Problem] = []
    heads = {draft.task_id: draft for draft in reversed(drafts) if draft.header is not None and draft.task_id}

    def unknown(name: str, where: str, head: Draft | None, task: str | None) -> None:
        problems.append(
            Problem(
                severity=Severity.ERROR,
                code="unknown-task",
                message=f"{where} names `{name}`, which is no task here.{nearest(name, tasks)} "
                f"There are {', '.join(tasks)}.",
                cell=head.number if head else None,
                line=head.header.lines if head and head.header else None,
                task=task,
            )
        )

    for task_id, spec in tasks.items():
        for name in spec.after or ():
            if name not in tasks:
                unknown(name, "--after", heads.get(task_id), task_id)
            elif name == task_id:
                unknown(name, "--after of itself", heads.get(task_id), task_id)
            else:
                pairs[name, task_id] = _DECLARED.format(upstream=name, downstream=task_id)
    for pair in dag.edges:
        missing = [name for name in pair if name not in tasks]
        for name in missing:
            unknown(name, "edges in %%dag", None, None)
        if not missing and pair[0] != pair[1]:
            pairs[pair] = _DECLARED.format(upstream=pair[0], downstream=pair[1])
    return pairs, problems
