"""`nbflow next`, read as a stranger would."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project


def test_the_next_runs_are_shown_with_what_they_are_about_and_when_they_are_due(project: Project) -> None:
    project.notebook("n.ipynb", '%%dag n\nschedule = "0 6 * * *"\ntimezone = "Asia/Seoul"', "%%task a\n1")
    answer = project.nbflow("next", "n.ipynb", "-n", "3", TZ="Europe/London")
    assert answer.status == 0, answer.all
    headline, _, columns, *rows = answer.out.splitlines()
    assert headline == "n: 0 6 * * *, Asia/Seoul"
    assert columns.split("  ")[0] == "DATA INTERVAL"
    assert "DUE (Asia/Seoul)" in columns
    assert "DUE (this machine)" in columns
    shown = re.compile(
        r"\d{4}-\d\d-\d\dT06:00 to (\d{4}-\d\d-\d\d)T06:00 +\w{3} (\1) 06:00 KST +"
        r"\w{3} \d{4}-\d\d-\d\d 2[12]:00 (?:GMT|BST) +(now|\d+ .*)"
    )
    found = [shown.fullmatch(row.rstrip()) for row in rows[:3]]
    assert all(found), rows
    assert [match[3] == "now" for match in found if match] == [True, False, False]
    assert "catchup is off" in answer.out


def test_the_machine_is_not_mentioned_where_its_clock_shows_the_same(project: Project) -> None:
    project.notebook("n.ipynb", '%%dag n\nschedule = "@daily"\nstart_date = 2200-01-01', "%%task a\n1")
    answer = project.nbflow("next", "n.ipynb", TZ="UTC")
    assert "this machine" not in answer.out
    assert "2200-01-01 to 2200-01-02  Thu 2200-01-02 00:00 UTC" in answer.out
    assert answer.out.rstrip().endswith("start_date 2200-01-01 is still to come; nothing is due before.")


def test_json_has_the_same_for_programs(project: Project) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = f"{today - timedelta(days=30):%Y-%m-%d}"
    project.notebook(
        "n.ipynb", f'%%dag n\nschedule = "1d"\nstart_date = {start}\ncatchup = true', "%%task a\n1"
    )
    answer = project.nbflow("next", "n.ipynb", "--count", "2", "--json").json()
    assert (answer["dag_id"], answer["timetable"], answer["catchup"]) == ("n", "interval", True)
    assert answer["due"] in (30, 31), "31 at midnight"
    assert answer["runs"][0]["logical_date"][:10] == start
    assert answer["runs"][0]["due"] == answer["runs"][0]["data_interval_end"]
    assert answer["runs"][0]["seconds"] < 0
    assert "catchup is on" in answer["remarks"][0]


@pytest.mark.parametrize(
    ("dag", "said"),
    [
        (
            "%%task a\n1",
            'n has no schedule: it runs when somebody starts it. To give it one, write schedule = "@daily"',
        ),
        (
            '%%dag n\nschedule = "@daily"\nend_date = 2020-01-01',
            "end_date 2020-01-01 has passed: no run follows.",
        ),
    ],
    ids=["no schedule", "over"],
)
def test_where_nothing_follows_the_reason_is_all_that_is_said(project: Project, dag: str, said: str) -> None:
    project.notebook("n.ipynb", dag, "%%task b\n1")
    answer = project.nbflow("next", "n.ipynb")
    assert answer.status == 0
    assert answer.out.startswith(said)
    assert len(answer.out.splitlines()) == 1


def test_a_schedule_that_cannot_be_is_an_error_that_teaches(project: Project) -> None:
    project.notebook("n.ipynb", '%%dag n\nschedule = "0 0 30 2 *"', "%%task a\n1")
    answer = project.nbflow("next", "n.ipynb")
    assert answer.status == 2
    assert "it names a date that never comes" in answer.err
