"""What differs between two versions, in words and line by line."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from nbflow.parse.flow import flow_of
from nbflow.service.changes import change, differences

if TYPE_CHECKING:
    from nbflow.model.flow import Flow

OLD = ("import os", "%%task a\nx = 1", "%%task b\ny = x", "%%task c --after a\n3")


def flow(*cells: str, modules: dict[str, str] | None = None, ids: bool = True) -> Flow:
    """A notebook of these cells; one whose first line is an old one's has its id."""
    heads = [cell.split("\n")[0] for cell in OLD]
    nodes: list[dict[str, Any]] = []
    for number, cell in enumerate(cells):
        head = cell.split("\n")[0]
        node = {"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None}
        nodes.append(
            node | ({"id": f"old{heads.index(head)}" if head in heads else f"new{number}"} if ids else {})
        )
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": nodes}
    return replace(flow_of(notebook), modules=modules or {})


@dataclass(frozen=True)
class Case:
    name: str
    cells: tuple[str, ...]
    said: str
    modules: dict[str, str] = field(default_factory=lambda: {"m.py": "1"})


A, B, C = OLD[1:]
CASES = [
    Case("nothing", OLD, ""),
    Case("prose and outputs are nothing", (*OLD, "# only a comment"), ""),
    Case("a task", ("import os", "%%task a\nx = 2", B, C), "task a changed"),
    Case("not what only stands on it", ("import os", "%%task a --exports x\nx = 1", B, C), "task a changed"),
    Case("two tasks", ("import os", "%%task a\nx = 2", B, "%%task c --after a\n4"), "tasks a, c changed"),
    Case("an option of a task", ("import os", A, B, "%%task c --after a --retries 3\n3"), "task c changed"),
    Case("a task came, another went", ("import os", A, B, "%%task d\n4"), "task c removed, task d new"),
    Case("a shared cell", ("import sys", A, B, C), "shared cells changed"),
    Case("options of the DAG", ('%%dag notebook\nschedule = "@daily"', *OLD), "%%dag changed"),
    Case(
        "options for all tasks",
        ("%%dag notebook\n[default_args]\nretries = 2", *OLD),
        "tasks a, b, c changed, %%dag changed",
    ),
    Case("a module", OLD, "module m.py changed", {"m.py": "2"}),
    Case("modules", OLD, "module m.py removed, modules a.py, z.py new", {"z.py": "1", "a.py": "1"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_said(case: Case) -> None:
    assert (
        str(change(flow(*OLD, modules={"m.py": "1"}), flow(*case.cells, modules=case.modules))) == case.said
    )


@pytest.mark.parametrize("ids", [True, False], ids=["with ids", "without ids"])
def test_cells_are_compared_with_what_became_of_them(ids: bool) -> None:
    new = flow("import os", "z = 0", "%%task a\nx = 1\nprint(x)", B, ids=ids)
    found = differences(flow(*OLD, ids=ids), new)
    assert {(one.title, one.how) for one in found} >= {("cell 4 (task c)", "removed")}
    changed = {line for one in found for line in one.lines if line[:1] in "+-"}
    assert changed == {"+z = 0", "+print(x)", "-%%task c --after a", "-3"}


def test_each_difference_names_its_cell_and_shows_its_lines() -> None:
    found = differences(
        flow(*OLD, modules={"gone.py": "1\n", "m.py": "a\nb\n"}),
        flow("import os", "%%task a\nx = 2", B, C, "%%task d\n4", modules={"m.py": "a\nc\n"}),
    )
    assert [(one.title, one.how, one.lines) for one in found] == [
        ("cell 2 (task a)", "changed", ("@@ -1,2 +1,2 @@", " %%task a", "-x = 1", "+x = 2")),
        ("cell 5 (task d)", "new", ("@@ -0,0 +1,2 @@", "+%%task d", "+4")),
        ("gone.py", "removed", ("@@ -1 +0,0 @@", "-1")),
        ("m.py", "changed", ("@@ -1,2 +1,2 @@", " a", "-b", "+c")),
    ]
    assert differences(flow(*OLD), flow(*OLD)) == []


def test_very_large_sources_are_not_compared_line_by_line() -> None:
    old, new = "x = 1\n" * 30_000, "y = 1\n" * 30_000
    (found,) = differences(flow(*OLD, modules={"m.py": old}), flow(*OLD, modules={"m.py": new}))
    assert found.lines == ("(30,000 lines before, 30,000 after: too many to compare)",)
