"""`nbflow graph`."""

from __future__ import annotations

from pathlib import Path

import click

from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import console, json_option, print_json


@click.command("graph", cls=DatedCommand)
@click.argument("dag", metavar="DAG|NOTEBOOK")
@click.argument("date", required=False)
@click.option(
    "--svg", "svg_file", type=click.Path(path_type=Path), metavar="FILE", help="Write a picture instead."
)
@click.option("--dot", "as_dot", is_flag=True, help="Print DOT text, for Graphviz.")
@click.option(
    "--dark/--light", default=None, help="Fix the picture's colours [default: as the page around it]."
)
@json_option("tasks and edges")
def command(
    dag: str, date: str | None, svg_file: Path | None, *, as_dot: bool, dark: bool | None, as_json: bool
) -> None:
    """Show a notebook's tasks and what passes between them.

    With DATE (or latest) the tasks carry the states of that run, and the graph is that of the version it ran.
    """
    from nbflow.service.lookup import find_run, find_target, open_state
    from nbflow.service.versions import SHORT, run_flow
    from nbflow.service.views import run_states
    from nbflow.widgets import graph, graph_text

    target = find_target(dag)
    flow, states = target.flow, None
    if date is not None:
        with open_state(target) as state:
            run = find_run(state, target, date)
            flow, states = run_flow(state, target, run), run_states(state.instances(run.key))
    if svg_file is not None:
        svg_file.write_text(graph.svg(flow, states, dark=dark), "utf-8")
        click.echo(svg_file)
    elif as_dot:
        click.echo(graph.dot(flow, states))
    elif as_json:
        print_json(
            {
                "dag_id": target.dag_id,
                "version": flow.version,
                "tasks": [
                    {
                        "task_id": task,
                        "kind": spec.kind.value,
                        "group": spec.group,
                        "state": (states or {}).get(task),
                    }
                    for task, spec in flow.tasks.items()
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
            }
        )
    else:
        console().print(graph_text.text(flow, states), markup=False, soft_wrap=True)
        if flow.version != target.flow.version:
            click.echo(f"drawn as it ran, by version {flow.version[:SHORT]} of the notebook")
