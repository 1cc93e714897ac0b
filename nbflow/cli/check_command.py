"""`nbflow check`."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import click
from rich.text import Text

from nbflow.cli.output import console, json_option, print_json, print_table
from nbflow.errors import FlowError
from nbflow.model.cell import Role
from nbflow.model.problem import Severity
from nbflow.model.task import TaskSpec
from nbflow.parse.options import TASK_OPTIONS
from nbflow.widgets.look import duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbflow.model.flow import Flow
    from nbflow.model.problem import Problem

_SHOWN_ELSEWHERE = frozenset({"after", "group", "doc"})
"""Options that the graph shows, not this table."""
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.HINT: "cyan"}


@click.command("check")
@click.argument("notebook", metavar="NOTEBOOK|DAG")
@json_option("cells, edges and problems")
def command(notebook: str, *, as_json: bool) -> None:
    """Explain every cell: its role, what it reads and writes, and why; list all problems.

    Nothing is executed. Exit status: 0 the notebook can run, 2 it cannot.
    """
    from nbflow.parse.flow import read_flow
    from nbflow.service.lookup import notebook_path

    try:
        flow = read_flow(notebook_path(notebook))
    except FlowError as error:
        if as_json:
            print_json({"problems": [_problem_json(problem) for problem in error.problems]})
        else:
            _print_problems(error.problems)
        sys.exit(2)
    if as_json:
        print_json(_json(flow))
        return
    _print_cells(flow)
    if flow.problems:
        click.echo()
        _print_problems(flow.problems)
    tasks, edges = len(flow.tasks), len(flow.edges)
    click.echo(f"\n{flow.dag.dag_id}: {tasks} tasks, {edges} edges; it can run.")


def _print_cells(flow: Flow) -> None:
    rows = []
    for cell in flow.cells:
        if cell.role is Role.TEXT:
            continue
        role = f"{cell.role} {cell.task_id}" if cell.task_id else cell.role.value
        writes = sorted(cell.names.defines)
        reads = sorted(cell.names.uses)
        why = _options(flow.tasks[cell.task_id]) if cell.role is Role.TASK and cell.task_id else cell.reason
        rows.append((cell.number or "", role, ", ".join(reads), ", ".join(writes), Text(why, style="dim")))
    columns = {"CELL": "right", "ROLE": "fold", "READS": "fold", "WRITES": "fold", "WHY": "fold"}
    print_table(rows, columns)


def _options(spec: TaskSpec) -> str:
    """What a task's line and `default_args` say of it: «short circuit; retries 2; pool gpu»."""
    said = [spec.kind_words] if spec.kind_words else []
    said += [f"{field.replace('_', ' ')} {_text(value)}".rstrip() for field, value in _said(spec).items()]
    return "; ".join(said)


def _said(spec: TaskSpec) -> dict[str, object]:
    """The options that differ from their defaults."""
    plain = TaskSpec(task_id=spec.task_id)
    fields = [option.field for option in TASK_OPTIONS if not option.by_hand]
    said = {field: getattr(spec, field) for field in fields if field not in _SHOWN_ELSEWHERE}
    return {field: value for field, value in said.items() if value != getattr(plain, field)}


def _text(value: object) -> str:
    match value:
        case True:
            return ""  # a flag's name says it
        case timedelta():
            return duration(value.total_seconds())
        case tuple() | frozenset():
            return ", ".join(_listed(value))
        case _:
            return str(value)


def _json_value(value: object) -> object:
    match value:
        case timedelta():
            return value.total_seconds()
        case tuple() | frozenset():
            return _listed(value)
        case _:
            return value


def _listed(value: tuple[object, ...] | frozenset[object]) -> list[str]:
    texts = [str(part) for part in value]
    return sorted(texts) if isinstance(value, frozenset) else texts


def _print_problems(problems: Iterable[Problem]) -> None:
    out = console()
    for problem in problems:
        out.print(
            Text.assemble((problem.severity.value, _STYLES[problem.severity]), "  ", str(problem)),
            soft_wrap=True,
        )


def _problem_json(problem: Problem) -> dict[str, object]:
    return {
        "severity": problem.severity.value,
        "code": problem.code,
        "message": problem.message,
        "cell": problem.cell,
        "line": problem.line,
        "task": problem.task,
    }


def _json(flow: Flow) -> dict[str, object]:
    return {
        "dag_id": flow.dag.dag_id,
        "cells": [
            {
                "index": cell.index,
                "number": cell.number or None,
                "role": cell.role.value,
                "task_id": cell.task_id,
                "uses": sorted(cell.names.uses),
                "defines": sorted(cell.names.defines),
                "mutates": sorted(cell.names.mutates),
                "reason": cell.reason,
            }
            for cell in flow.cells
        ],
        "tasks": [
            {
                "task_id": spec.task_id,
                "kind": spec.kind.value,
                "options": {field: _json_value(value) for field, value in _said(spec).items()},
            }
            for spec in flow.tasks.values()
        ],
        "edges": [
            {
                "upstream": edge.upstream,
                "downstream": edge.downstream,
                "kind": edge.kind.value,
                "names": sorted(edge.names),
                "reason": edge.reason,
            }
            for edge in flow.edges
        ],
        "exports": {task: sorted(names) for task, names in flow.exports.items()},
        "problems": [_problem_json(problem) for problem in flow.problems],
    }
