"""`nbflow xcom`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.filesize import decimal
from rich.text import Text

from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import console, json_option, print_json, print_table
from nbflow.model.printable import printable

if TYPE_CHECKING:
    from nbflow.service.values import ShownValue

_SHOWN_ROWS = 20


@click.command("xcom", cls=DatedCommand)
@click.argument("dag", metavar="DAG|NOTEBOOK")
@click.argument("date", metavar="[DATE|latest|RUN_ID]", default="latest")
@click.argument("task", metavar="[TASK[INDEX]]", required=False)
@click.argument("key", required=False)
@click.option(
    "--try", "number", type=click.IntRange(min=1), metavar="N", help="Of which try [default: the current]."
)
@json_option("the list, or the value,")
def command(
    dag: str, date: str, task: str | None, key: str | None, number: int | None, *, as_json: bool
) -> None:
    """List the values a run's tasks handed on; with TASK and KEY show one.

    KEY is a variable's name, or return_value for the value of the task's last expression.
    """
    from nbflow.service.lookup import find_instance, find_run, find_target, name_of, open_state
    from nbflow.service.values import list_values, show_value

    target = find_target(dag)
    with open_state(target) as state:
        run = find_run(state, target, date)
        found = None if task is None else find_instance(state, target, run, task)
    if found is not None and key is not None:
        _show(show_value(target, found, key, try_number=number), as_json=as_json)
        return
    values = list_values(target, run, found)
    if as_json:
        print_json(
            [
                {
                    "task_id": value.task.task_id,
                    "map_index": value.task.map_index,
                    "try_number": value.try_number,
                    "key": value.key,
                    "form": value.form.value,
                    "type": value.kind,
                    "bytes": value.size,
                    "preview": value.preview,
                }
                for value in values
            ]
        )
        return
    print_table(
        ((name_of(v.task), v.key, v.kind, decimal(v.size), Text(v.preview)) for v in values),
        {"TASK": "left", "KEY": "left", "TYPE": "left", "SIZE": "right", "VALUE": "fold"},
    )


def _show(shown: ShownValue, *, as_json: bool) -> None:
    value, frame = shown.value, shown.frame
    if as_json:
        rows = None if frame is None else frame.to_pylist()
        print_json(
            {
                "key": value.key,
                "form": value.form.value,
                "type": value.kind,
                "bytes": value.size,
                "preview": value.preview,
                "value": shown.json if rows is None else rows,
            }
        )
    elif frame is not None:
        names = dict.fromkeys(frame.column_names, "left")
        print_table((list(row.values()) for row in frame.slice(0, _SHOWN_ROWS).to_pylist()), names)
        if frame.num_rows > _SHOWN_ROWS:
            click.echo(f"… {frame.num_rows} rows, the first {_SHOWN_ROWS} shown")
    elif shown.json is not None:
        console().print_json(data=shown.json)
    else:
        click.echo(printable(value.preview, lines=True))
