"""A notebook → a `Flow`, or every problem at once. Nothing is run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nbflow.errors import FlowError, NotebookUnreadable
from nbflow.model.cell import Role
from nbflow.model.flow import Flow
from nbflow.model.problem import Problem, Severity
from nbflow.parse import advice, checks
from nbflow.parse.callbacks import mentions, unknown_functions
from nbflow.parse.cleanup import with_setups
from nbflow.parse.dag_options import dag_of
from nbflow.parse.draft import Draft, drafts_of
from nbflow.parse.hashes import code_hashes, version_of
from nbflow.parse.header import name_problem
from nbflow.parse.headings import groups_of
from nbflow.parse.kernel import kernel_name, kernel_problems
from nbflow.parse.modules import module_names
from nbflow.parse.notebook_file import load, version_4
from nbflow.parse.parameters import params_of
from nbflow.parse.roles import PARAMETERS_TAG, assign_roles, is_parameters
from nbflow.parse.spec import spec_of
from nbflow.parse.templates import template_problems
from nbflow.parse.wiring import Wiring, cycle_problem, edges_of, wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.model.dag import DagSpec
    from nbflow.model.task import TaskSpec


def read_flow(path: str | Path) -> Flow:
    """The workflow that a notebook file describes.

    Args:
        path: the .ipynb file; nbformat 4, or older (converted in memory).

    Raises:
        NotebookUnreadable: there is no such file, or it holds no notebook with code.
        FlowError: its cells don't make a DAG; holds every problem found.
    """
    return flow_of(load(path), str(path))


def flow_of(notebook: Mapping[str, Any], path: str = "") -> Flow:
    """The workflow that a notebook describes.

    Args:
        notebook: nbformat's JSON as a dict or node; older than version 4 is converted.
        path: where it came from, for names and messages.

    Raises:
        NotebookUnreadable: it is no notebook, or has no code.
        FlowError: its cells don't make a DAG; holds every problem found.
    """
    where = path or "the notebook"
    notebook = version_4(notebook, where)
    problems = kernel_problems(notebook, where)
    cells = cast("list[dict[str, Any]]", notebook["cells"])
    drafts, found = drafts_of(cells)
    problems += found
    if not any(draft.code for draft in drafts):
        msg = f"{where}: the notebook has no code cells with code in them; there is nothing to run"
        raise NotebookUnreadable(msg)
    name = default_name(path)
    params = params_of(draft for draft in drafts if is_parameters(draft))
    dag, found = dag_of(drafts, default=name, params=params)
    problems += found
    named = mentions(drafts, dag)
    problems += assign_roles(drafts, whole=name, named=(mention.name for mention in named))
    if not any(draft.role is Role.TASK for draft in drafts) and not problems:
        msg = f"{where}: no cell of the notebook is run (only comments, scratch cells or installs)"
        raise NotebookUnreadable(msg)
    problems += unknown_functions(drafts, named)
    groups = groups_of(cells)
    tasks, found = _tasks(drafts, dag, groups)
    problems += found
    tasks, found = with_setups(tasks, drafts)
    problems += found + template_problems(drafts, tasks, dag)
    wiring, found = wire(drafts, tasks, dag)
    problems += found
    cycle = cycle_problem(wiring)
    problems += cycle + checks.undefined(drafts, tasks, wiring)
    if errors := [problem for problem in problems if problem.severity is Severity.ERROR]:
        raise FlowError(where, _sorted(errors))
    return _flow(notebook, path, drafts, dag, tasks, wiring, groups, problems)


def dag_spec_of(notebook: Mapping[str, Any], path: str = "") -> DagSpec:
    """What a notebook says of its DAG, its parameters included, without a look at its tasks.

    Where `flow_of` makes a flow, this is its `dag`, in a fraction of the time; where it would raise, this may not.

    Args:
        notebook: as for `flow_of`.
        path: as for `flow_of`.

    Raises:
        NotebookUnreadable: it is no notebook.
    """
    cells = cast("list[dict[str, Any]]", version_4(notebook, path or "the notebook")["cells"])
    drafts, _ = drafts_of([cell for cell in cells if _may_tell(cell)])
    params = params_of(draft for draft in drafts if is_parameters(draft))
    return dag_of(drafts, default=default_name(path), params=params)[0]


def _may_tell(cell: Mapping[str, Any]) -> bool:
    """Whether a cell may say something of the DAG itself."""
    return "%dag" in "".join(cell["source"]) or PARAMETERS_TAG in cell.get("metadata", {}).get("tags", ())


def default_name(path: str) -> str:
    """The DAG's name when the notebook gives none: its file's, with `_` for what a name can't have."""
    stem = Path(path).name.removesuffix(".ipynb") if path else "notebook"
    while stem and (wrong := name_problem(stem)):
        fixed = "".join(letter if name_problem(f"a{letter}") is None else "_" for letter in stem)[
            :200
        ].lstrip("-.")
        if fixed == stem or name_problem(fixed):
            return fixed if fixed and not name_problem(fixed) else f"notebook_{fixed}".rstrip("_") or wrong
        stem = fixed
    return stem or "notebook"


def _flow(
    notebook: Mapping[str, Any],
    path: str,
    drafts: Sequence[Draft],
    dag: DagSpec,
    tasks: Mapping[str, TaskSpec],
    wiring: Wiring,
    groups: Sequence[str],
    problems: Sequence[Problem],
) -> Flow:
    producers = {task_id: wiring.producers(task_id) for task_id in tasks}
    exports = {task_id: {*spec.exports, *filter(None, [spec.collect])} for task_id, spec in tasks.items()}
    for needs in producers.values():
        for name, sources in needs.items():
            for source in sources:
                exports[source].add(name)
    hoisted = checks.star_imports(drafts, tasks)
    imports = {
        task_id: "\n".join(dict.fromkeys((*hoisted[task_id], *wiring.repeated(task_id)))) for task_id in tasks
    }
    flow = Flow(
        path=path,
        dag=dag,
        cells=tuple(draft.freeze() for draft in drafts),
        tasks=tasks,
        edges=edges_of(wiring, tasks),
        exports={task_id: frozenset(names) for task_id, names in exports.items()},
        producers=producers,
        optional={
            task_id: frozenset(
                name
                for name in producers[task_id]
                if not needs[name].certain or not needs[name].origin.certain
            )
            for task_id, needs in wiring.needs.items()
        },
        watched=checks.watched(drafts, tasks, wiring),
        code_hashes={},
        version=version_of(notebook["cells"], drafts, groups),
        problems=(),
        kernel_name=kernel_name(notebook),
        imports={task_id: text for task_id, text in imports.items() if text},
    )
    found = [*problems, *advice.advice(drafts, tasks, wiring, flow)]
    return replace(
        flow,
        code_hashes=code_hashes(drafts, flow),
        module_names=module_names(drafts, flow),
        problems=tuple(_sorted(found)),
    )


def _tasks(
    drafts: Sequence[Draft], dag: DagSpec, groups: Sequence[str]
) -> tuple[dict[str, TaskSpec], list[Problem]]:
    """The tasks by id in order of the notebook, and duplicate names."""
    tasks: dict[str, TaskSpec] = {}
    problems: list[Problem] = []
    heads = [draft for draft in drafts if draft.role is Role.TASK and draft.task_id]
    firsts: dict[str, Draft] = {}
    for draft in heads:
        task_id = cast("str", draft.task_id)
        if task_id in firsts:
            first = firsts[task_id]
            problems.append(
                Problem(
                    severity=Severity.ERROR,
                    code="duplicate-task",
                    message=f"two tasks are called `{task_id}`: this one and the one of cell {first.number}. "
                    f"Rename one, or write %%task + to go on with the task above.",
                    cell=draft.number,
                    line=draft.header.lines if draft.header else 1,
                    task=task_id,
                )
            )
            continue
        firsts[task_id] = draft
        tasks[task_id] = spec_of(task_id, draft.header, dag, groups[draft.index])
    return tasks, problems


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    unique = list(dict.fromkeys(problems))
    return sorted(unique, key=lambda problem: (problem.cell or 0, problem.line or 0))
