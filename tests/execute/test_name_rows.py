"""The names a cell can use, each of them in a run: as a variable, by import, in a template, or the notebook's own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from execute.conftest import DAY, INTERVAL

from nbflow.model.context import CONTEXT_NAMES, context_of
from nbflow.model.dag import DagSpec, Param
from nbflow.model.run import Interval
from nbflow.model.work import Result
from nbflow.model.xcom import RETURN_VALUE
from nbflow.service.params import run_params

if TYPE_CHECKING:
    from execute.conftest import Bench

BEFORE = Interval(
    logical_date=DAY - timedelta(days=3),
    start=DAY - timedelta(days=3),
    end=DAY - timedelta(days=2),
    due=DAY - timedelta(days=2),
)
PLAIN = [name for name in CONTEXT_NAMES if name not in ("var", "conn", "ti")]
SHOWN = ", ".join(f"{name!r}: str({name})" for name in PLAIN)
SEOUL = "%%dag small\ntimezone = 'Asia/Seoul'"


def test_every_name_has_its_value_as_a_variable_by_import_and_in_a_template(bench: Bench) -> None:
    imports = "\n".join(f"from nbflow import {name} as their_{name}" for name in CONTEXT_NAMES)
    same = f"[{', '.join(f'{name} is their_{name}' for name in CONTEXT_NAMES)}]"
    braces = "|".join(f"{{{{ {name} }}}}" for name in PLAIN)
    request = bench.request(
        SEOUL,
        f"%%task say\n{imports}\nplain = {{{SHOWN}}}",
        f"%%task +\n%%bash --out said\necho '{braces}'",
        f"%%task +\nplain, {same}, said",
        try_number=2,
        timezone="Asia/Seoul",
        previous_success=BEFORE,
    )
    bench.submit(request)
    left = bench.finish(request)
    assert left.outcome.result is Result.SUCCESS, left.outcome.reason
    names = context_of(
        request.key, INTERVAL, timezone="Asia/Seoul", try_number=2, params={}, previous_success=BEFORE
    )
    expected = {name: str(names[name]) for name in PLAIN}
    assert expected["prev_data_interval_start_success"] == "2026-02-14 09:00:00+09:00"
    assert left.values[RETURN_VALUE] == (expected, [True] * 18, "|".join(expected.values()) + "\n")


def test_a_name_that_the_notebook_assigns_anywhere_is_never_injected_but_can_be_imported(
    bench: Bench,
) -> None:
    ways = {
        "ds": "ds = 1",
        "ts": "for ts in (1,):\n    pass",
        "run_id": "import json as run_id",
        "params": "def params():\n    pass",
        "conn": "with open('x') as conn:\n    pass",
        "ti": "class ti:\n    pass",
        "var": "(var := 1)",
    }
    there = f"sorted(name for name in {CONTEXT_NAMES!r} if name in globals())"
    left = bench.run(
        f"%%task look\nfrom nbflow import ds as theirs\n({there}, theirs)",
        "%%task later --after none\n" + "\n".join(ways.values()),
        task="look",
    )
    assert left.outcome.result is Result.SUCCESS, left.outcome.reason
    assert left.values[RETURN_VALUE] == (sorted(set(CONTEXT_NAMES) - set(ways)), "2026-02-17")


def test_what_was_given_outranks_date_param_and_that_outranks_the_cell(bench: Bench) -> None:
    cell = "# parameters\nday = 'of the cell'\nrows = 'of the cell'\nname = 'of the cell'"
    dag = DagSpec(
        dag_id="small", date_param="day", params={n: Param(name=n) for n in ("day", "rows", "name")}
    )
    task = "%%task look\n(day, rows, name, params)"
    dated = bench.run(cell, task, params=run_params(dag, {"rows": "given"}, DAY))
    found = ("2026-02-17", "given", "of the cell")
    assert dated.values[RETURN_VALUE] == (*found, dict(zip(("day", "rows", "name"), found, strict=True)))
    given = bench.run(cell, "%%task look\nday", params=run_params(dag, {"day": "given"}, DAY))
    assert given.values[RETURN_VALUE] == "given"
