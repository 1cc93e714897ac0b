"""`%%dag` and `%dag`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from nbformat import v4

from nbflow.model.dag import DagSpec, Order, Param
from nbflow.parse.dag_values import chain
from nbflow.parse.flow import flow_of

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

[params]
day = "2026-01-01"
limit = { default = 10, type = "int", help = "how many" }
"""
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
        "limit": Param(name="limit", default="10", annotation="int", help="how many"),
    },
    max_active_runs=2,
    max_active_tasks=3,
    dagrun_timeout=timedelta(hours=2),
)
LINE = (
    "%dag daily --description 'All of it' --owner me --tags a,b --schedule @daily --start-date 2026-01-01 "
    "--timezone=UTC --no-catchup --strict --max-active-runs 2 --date 2026-02-03"
)


def dag(*cells: str) -> DagSpec:
    tasks = [v4.new_code_cell(f"%%task {name}\n1") for name in "ab"]
    return flow_of(v4.new_notebook(cells=[*map(v4.new_code_cell, cells), *tasks])).dag


def test_every_option_is_read_from_toml() -> None:
    assert dag(TOML) == EXPECTED


def test_a_line_means_the_same_and_leaves_dates_by_hand_alone() -> None:
    assert dag(LINE) == DagSpec(
        dag_id="daily",
        description="All of it",
        owner="me",
        tags=("a", "b"),
        schedule="@daily",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        strict=True,
        max_active_runs=2,
    )


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
