"""`nbflow check`: what a task's line says is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import nbformat
import pytest
from click.testing import CliRunner
from nbformat import v4

from nbflow.cli import nbflow

if TYPE_CHECKING:
    from pathlib import Path

CELLS = [
    "%%task load --retries 2 --after none\ngrid = [1, 2]",
    "%%task fit --map 'p in grid' --collect scores --pool gpu\np",
    "%%task.sensor wait --mode reschedule --poke-interval 5m --soft-fail\nTrue",
    "%%task.short_circuit go --after wait\nTrue",
    "%%task report --after go\nscores",
]


@pytest.fixture
def notebook(tmp_path: Path) -> str:
    path = tmp_path / "n.ipynb"
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(source) for source in CELLS]), path)
    return str(path)


def test_the_table_says_what_kind_each_task_is_and_what_its_line_says(notebook: str) -> None:
    shown = CliRunner().invoke(nbflow, ["check", notebook], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for text in (
        "retries 2",
        "mapped; map p in grid; collect scores; pool gpu",
        "sensor; mode reschedule; poke interval 5 min 00 s; soft fail",
        "short circuit",
    ):
        assert text in shown.output


def test_json_has_kinds_and_options(notebook: str) -> None:
    shown = json.loads(CliRunner().invoke(nbflow, ["check", notebook, "--json"]).output)
    assert [(task["task_id"], task["kind"]) for task in shown["tasks"]] == [
        ("load", "task"),
        ("fit", "task"),
        ("wait", "sensor"),
        ("go", "short_circuit"),
        ("report", "task"),
    ]
    assert [task["options"] for task in shown["tasks"][:3]] == [
        {"retries": 2},
        {"map": ["p in grid"], "collect": "scores", "pool": "gpu"},
        {"mode": "reschedule", "poke_interval": 300.0, "soft_fail": True},
    ]
