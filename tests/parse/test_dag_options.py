"""`%%dag` and `%dag`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from nbformat import v4

from nbflow.errors import FlowError
from nbflow.model.dag import DagSpec, Order, Param, TimetableKind
from nbflow.model.task import SensorMode, TriggerRule
from nbflow.parse.dag_values import chain
from nbflow.parse.flow import dag_spec_of, flow_of
from nbflow.parse.notebook_file import load

NOTEBOOKS = (Path(__file__).parents[2] / "notebooks").glob("*.ipynb")
TOML = """%%dag daily
description = "All of it"
owner = "me"
tags = ["a", "b"]
schedule = "@daily"
start_date = 2026-01-01
end_date = "2026-12-31T06:00"
timezone = "Europe/Berlin"
catchup = true
order = "data"
edges = ["a >> b"]
strict = true
date_param = "day"
max_active_runs = 2
max_active_tasks = 3
dagrun_timeout = "2h"
timetable = "trigger"
fail_fast = true
max_consecutive_failed_runs = 3
is_paused_upon_creation = true
user_defined_filters = ["twice"]
user_defined_macros = { double = "twice" }
on_success_callback = "tell"
on_failure_callback = "tell"
deadline = "6h"
on_deadline_callback = "tell"

[default_args]
retries = 2
mode = "reschedule"
trigger_rule = "all_done"

[params]
day = "2026-01-01"
limit = { default = 10, type = "int", help = "how many", minimum = 0 }
"""
FUNCTIONS = "def twice(x):\n    return 2 * x\n\ndef tell(context):\n    print(context)"
ZONE = ZoneInfo("Europe/Berlin")
EXPECTED = DagSpec(
    dag_id="daily",
    description="All of it",
    owner="me",
    tags=("a", "b"),
    schedule="@daily",
    timezone="Europe/Berlin",
    start_date=datetime(2026, 1, 1, tzinfo=ZONE),
    end_date=datetime(2026, 12, 31, 6, tzinfo=ZONE),
    catchup=True,
    order=Order.DATA,
    edges=(("a", "b"),),
    strict=True,
    date_param="day",
    params={
        "day": Param(name="day", default="'2026-01-01'"),
        "limit": Param(name="limit", default="10", annotation="int", help="how many", schema={"minimum": 0}),
    },
    max_active_runs=2,
    max_active_tasks=3,
    dagrun_timeout=timedelta(hours=2),
    timetable=TimetableKind.TRIGGER,
    fail_fast=True,
    max_consecutive_failed_runs=3,
    is_paused_upon_creation=True,
    user_defined_filters={"twice": "twice"},
    user_defined_macros={"double": "twice"},
    on_success_callback="tell",
    on_failure_callback="tell",
    deadline=timedelta(hours=6),
    on_deadline_callback="tell",
    default_args={"retries": 2, "mode": SensorMode.RESCHEDULE, "trigger_rule": TriggerRule.ALL_DONE},
)
LINE = (
    "%dag daily --description 'All of it' --owner me --tags a,b --schedule @daily --start-date 2026-01-01 "
    "--timezone=UTC --no-catchup --strict --max-active-runs 2 --date 2026-02-03 --timetable trigger --fail-fast "
    "--max-consecutive-failed-runs 0 --no-is-paused-upon-creation --user-defined-filters twice,tell --deadline 1h "
    "--on-deadline-callback tell"
)


def dag(*cells: str) -> DagSpec:
    tasks = [v4.new_code_cell(f"%%task {name}\n1") for name in "ab"]
    return flow_of(v4.new_notebook(cells=[*map(v4.new_code_cell, cells), *tasks])).dag


def test_every_option_is_read_from_toml() -> None:
    assert dag(TOML, FUNCTIONS) == EXPECTED


def test_a_line_means_the_same_and_leaves_dates_by_hand_alone() -> None:
    assert dag(LINE, FUNCTIONS) == DagSpec(
        dag_id="daily",
        description="All of it",
        owner="me",
        tags=("a", "b"),
        schedule="@daily",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        strict=True,
        max_active_runs=2,
        timetable=TimetableKind.TRIGGER,
        fail_fast=True,
        user_defined_filters={"twice": "twice", "tell": "tell"},
        deadline=timedelta(hours=1),
        on_deadline_callback="tell",
    )


def test_default_args_count_for_the_tasks_they_make_sense_for() -> None:
    top = "%%dag\n[default_args]\nretries = 2\nmode = 'reschedule'\ntrigger_rule = 'all_done'\non_failure_fail_dagrun = true"
    cells = [top, "%%task.setup up\n1", "%%task.sensor s --retries 1\nTrue", "%%task.teardown down\n1"]
    tasks = flow_of(v4.new_notebook(cells=[*map(v4.new_code_cell, cells)])).tasks
    assert [tasks[name].retries for name in ("up", "s", "down")] == [2, 1, 2]
    assert [tasks[name].mode.value for name in ("up", "s", "down")] == ["poke", "reschedule", "poke"]
    rules = [tasks[name].trigger_rule.value for name in ("up", "s", "down")]
    assert rules == ["all_done", "all_done", "all_success"]
    assert [tasks[name].on_failure_fail_dagrun for name in ("up", "s", "down")] == [False, False, True]


def test_a_start_so_long_ago_is_kept_as_it_is() -> None:
    found = dag("%%dag\nstart_date = '14 days ago'\nend_date = 2026-01-01")
    assert (found.start_date, found.start_ago) == (None, timedelta(days=14))
    later = dag("%%dag\nstart_date = '14 days ago'", "%dag --start-date 2026-01-01")
    assert (later.start_date, later.start_ago) == (datetime(2026, 1, 1, tzinfo=UTC), None)


@dataclass(frozen=True, slots=True)
class Wrong:
    line: str
    says: str


WRONG = [
    Wrong("timetable = 'tick'", "'tick' is none of interval, trigger"),
    Wrong("timetable = 'triggr'", "Did you mean trigger?"),
    Wrong("order = 'dat'", "'dat' is none of position, data. Did you mean data?"),
    Wrong("fail_fast = 'yes'", "'yes' is neither true nor false"),
    Wrong("max_consecutive_failed_runs = -1", "-1 is no whole number"),
    Wrong("max_consecutive_failed_runs = false", "no whole number"),
    Wrong("max_active_runs = 0", "0 is no whole number above 0"),
    Wrong("deadline = '0s'", "longer than nothing"),
    Wrong("on_failure_callback = 'a b'", "'a b' is no Python name"),
    Wrong("user_defined_filters = 3", "is no list of names"),
    Wrong("user_defined_macros = { 'a b' = 'c' }", "'a b' is no Python name"),
    Wrong("start_date = 'a while ago'", "'a while' is no duration"),
    Wrong("end_date = '2 days ago'", "'2 days ago' is no date"),
    Wrong("default_args = { map = 'p in x' }", "there is no task option map."),
    Wrong("default_args = { mode = 'pok' }", "mode: 'pok' is no sensor mode. Did you mean poke?"),
    Wrong("fail_quick = true", "no option fail_quick"),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.line)
def test_what_is_wrong_is_said_at_its_line(case: Wrong) -> None:
    with pytest.raises(FlowError) as caught:
        dag(f"%%dag\nowner = 'me'\n{case.line}")
    (problem,) = caught.value.problems
    assert (problem.cell, problem.line) == (1, 3)
    assert case.says in problem.message


def test_params_add_to_the_cell_tagged_parameters() -> None:
    cell = v4.new_code_cell("limit = 5", metadata={"tags": ["parameters"]})
    top = v4.new_code_cell("%%dag\n[params]\nlimit = { type = 'int' }\nother = 1")
    flow = flow_of(v4.new_notebook(cells=[top, cell, v4.new_code_cell("%%task a\nlimit")]))
    assert dict(flow.dag.params) == {
        "limit": Param(name="limit", default="5", annotation="int"),
        "other": Param(name="other", default="1"),
    }


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a >> b", [("a", "b")]),
        ("a>>b>>c", [("a", "b"), ("b", "c")]),
        ("a >> [b, c] >> d", [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]),
        ("[a, b] >> [c, d]", [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")]),
        ("추출 >> load-2.b", [("추출", "load-2.b")]),
    ],
)
def test_chains(text: str, pairs: list[tuple[str, str]]) -> None:
    assert chain(text) == pairs


@pytest.mark.parametrize("text", ["", "a", "a >> ", "a > b", "a, b >> c", "[a >> b", ">> a", "a << b"])
def test_what_is_no_chain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write a >> b"):
        chain(text)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS), ids=lambda path: path.stem)
def test_the_dag_alone_is_read_as_with_all_its_tasks(path: Path) -> None:
    notebook = load(path)
    assert dag_spec_of(notebook, str(path)) == flow_of(notebook, str(path)).dag


@pytest.mark.parametrize(
    "cells",
    [
        ("x = 1",),
        ("%dag --schedule @daily\n%task a\n1",),
        ("import os\n%dag named --schedule '6h'\nos", "%%task a\n1"),
        (TOML, "def twice(x): ...\ndef tell(context): ...", "%%task a\n1", "%%task b\n2"),
    ],
    ids=["says nothing", "on a line", "on a line further down", "in a cell"],
)
def test_the_dag_alone_is_read_wherever_it_is_told(cells: tuple[str, ...]) -> None:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    assert dag_spec_of(notebook, "some.ipynb") == flow_of(notebook, "some.ipynb").dag
