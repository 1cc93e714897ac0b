"""The example notebooks: each is run for a day as the README says, and what it shows is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbflow.parse.flow import read_flow

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent.parent / "notebooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A notebook, a day, and what must come of it.

    Attributes:
        states: of the tasks that don't end as success.
        values: task → its return value.
        others: notebooks that it needs beside it.
    """

    name: str
    day: str
    states: Mapping[str, str] = field(default_factory=dict[str, str])
    values: Mapping[str, object] = field(default_factory=dict[str, object])
    others: tuple[str, ...] = ()


EXAMPLES = [
    Example(name="branches", day="2026-01-03", states={"weekday": "skipped"}, values={"report": 25.0}),
    Example(name="branches", day="2026-01-05", states={"weekend": "skipped"}),
    Example(name="sensor", day="2026-01-03", values={"arrived": True, "read": 14}),
    Example(name="mapping", day="2026-01-03", values={"choose": 3}),
    Example(name="setup_teardown", day="2026-01-03", values={"fill": 200, "amounts": 2, "customers": 7}),
    Example(
        name="orders",
        day="2026-01-03",
        values={"close": "invoiced 150"},
        others=("invoices",),
    ),
]


def nbflow(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nbflow", *words]
    environment = os.environ | {"NBFLOW_HOME": str(folder / "home")}
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.name}-{example.day}")
def test_it_runs_for_a_day(example: Example, tmp_path: Path) -> None:
    for name in (example.name, *example.others):
        shutil.copy(FOLDER / f"{name}.ipynb", tmp_path)
    done = nbflow(tmp_path, "run", f"{example.name}.ipynb", example.day)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = json.loads(nbflow(tmp_path, "show", example.name, example.day, "--json").stdout)
    states = {task["task_id"]: task["state"] for task in shown["tasks"] if task.get("map_index", -1) == -1}
    assert {task: state for task, state in states.items() if state != "success"} == dict(example.states)
    for task, value in example.values.items():
        found = nbflow(tmp_path, "xcom", example.name, example.day, task, "return_value", "--json")
        assert json.loads(found.stdout)["value"] == value
    assert not list(tmp_path.glob("*.sqlite"))  # what a teardown removes


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.ipynb")))
def test_check_has_nothing_to_say_about_it(name: str) -> None:
    assert read_flow(FOLDER / f"{name}.ipynb").problems == ()
