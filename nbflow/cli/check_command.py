"""`nbflow check`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich.text import Text

from nbflow.cli.output import console, json_option, print_json, print_table
from nbflow.errors import FlowError
from nbflow.model.cell import Role
from nbflow.model.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbflow.model.flow import Flow
    from nbflow.model.problem import Problem

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
        why = "" if cell.role is Role.TASK else cell.reason
        rows.append((cell.number or "", role, ", ".join(reads), ", ".join(writes), Text(why, style="dim")))
    columns = {"CELL": "right", "ROLE": "fold", "READS": "fold", "WRITES": "fold", "WHY": "fold"}
    print_table(rows, columns)


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
