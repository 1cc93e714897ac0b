"""Dates on the command line, and files that can't be written: an answer, never a traceback."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

DAILY = '%%dag n\nschedule = "@daily"'


def test_days_back_are_a_date_and_no_option(project: Project) -> None:
    project.notebook("n.ipynb", DAILY, "%%task a\n1")
    wanted = f"{datetime.now(UTC) - timedelta(days=14):%Y-%m-%d}"
    for arguments in (("-14d",), ("--start-date", "-14d", "--end-date", "-14d")):
        answer = project.nbflow("run", "n.ipynb", *arguments, "--dry-run", "--json")
        assert [run["date"] for run in answer.json()] == [wanted], answer.all
    wrong = project.nbflow("run", "n.ipynb", "-14d", "--dryrun")
    assert wrong.status == 2
    assert "--dry-run" in wrong.err, "an option that is none is still one"


@pytest.mark.parametrize(
    "arguments",
    [
        ("graph", "n.ipynb", "--svg", "no/such/folder/x.svg"),
        ("run", "n.ipynb", "-f", "binary.yaml"),
        ("run", "n.ipynb", "-f", "missing.yaml"),
        ("suggest", "plain.ipynb", "-o", "n.ipynb/x.ipynb"),
    ],
    ids=" ".join,
)
def test_a_file_that_cannot_be_used_is_named(project: Project, arguments: tuple[str, ...]) -> None:
    project.notebook("n.ipynb", "#parameters\nn = 1", "%%task a\nn")
    project.notebook("plain.ipynb", "# Load", "x = [1]", "# Show", "print(x)")
    (project.folder / "binary.yaml").write_bytes(b"n: \xff\xfe")
    answer = project.nbflow(*arguments)
    assert answer.status == 2, answer.all
    assert arguments[-1].split("/")[0] in answer.err


def test_values_are_shown_as_they_are_not_as_markup(project: Project) -> None:
    project.notebook(
        "n.ipynb",
        "%%task a\nimport pyarrow\nt = pyarrow.table({'text': ['[/]', '[red]x[/red]']})",
        "%%task b\nt",
    )
    assert project.nbflow("run", "n.ipynb", "2026-01-01").status == 0
    shown = project.nbflow("xcom", "n", "2026-01-01", "a", "t")
    assert shown.status == 0, shown.all
    assert [line.strip() for line in shown.out.splitlines()] == ["text", "[/]", "[red]x[/red]"]
