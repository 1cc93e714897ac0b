"""Sensors, branches, short circuits, mapped tasks, templates and callbacks in real processes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nbflow.codec import decode, encode
from nbflow.execute.exchange import ExchangeServer
from nbflow.execute.outcome import outcome_from_json, outcome_to_json
from nbflow.model.outside import Standing, StateQuery, TriggerQuery
from nbflow.model.run import RunKey, TaskKey, run_id_of
from nbflow.model.work import Callback, Result, TaskOutcome
from nbflow.model.xcom import RETURN_VALUE, item_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Bench

DAY = datetime(2026, 2, 17, tzinfo=UTC)


def instance(index: int, task_id: str = "train") -> TaskKey:
    return TaskKey(RunKey("small", run_id_of(DAY)), task_id, index)


# What a value says


def test_a_sensor_that_is_false_waits_and_says_so_briefly(bench: Bench) -> None:
    left = bench.run("%%task.sensor there\nrows = []\nrows")
    assert left.outcome.result is Result.WAITING
    assert left.outcome.reason == "its value was []: not there yet"
    assert left.outcome.again_after is None
    assert left.outcome.xcoms == ()
    assert left.log == "\nits value was []: not there yet\n"


def test_the_value_of_the_last_expression_counts_even_if_it_is_none(bench: Bench) -> None:
    left = bench.run("%%task.sensor there\n'shown'", "%%task +\nNone", "%%task +\nprint('done')")
    assert left.outcome.result is Result.WAITING
    assert left.outcome.reason == "its value was None: not there yet"


def test_a_sensor_that_is_true_hands_on_its_value_or_its_polls(bench: Bench) -> None:
    plain = bench.run("%%task.sensor there\n[7]")
    assert (plain.outcome.result, plain.values) == (Result.SUCCESS, {RETURN_VALUE: [7]})
    poke = bench.run("%%task.sensor there\nimport nbflow\nnbflow.PokeReturnValue(True, 'rows')")
    assert (poke.outcome.result, poke.values) == (Result.SUCCESS, {RETURN_VALUE: "rows"})


def test_an_error_in_a_sensor_is_an_ordinary_failure(bench: Bench) -> None:
    left = bench.run("%%task.sensor there\n1 / 0")
    assert left.outcome.result is Result.FAILED
    assert left.outcome.reason == "ZeroDivisionError: division by zero (cell 1, line 2)"


BRANCH = (
    "%%task.branch choose\n{value}",
    "%%task fast --after choose\nmodel = 1",
    "%%task slow --after choose\nmodel = 2",
)


def branch(bench: Bench, value: str) -> Any:
    return bench.run(*(cell.format(value=value) for cell in BRANCH), task="choose")


def test_a_branch_says_which_tasks_follow(bench: Bench) -> None:
    left = branch(bench, "'slow'")
    assert (left.outcome.result, left.outcome.follow) == (Result.SUCCESS, ("slow",))
    assert left.outcome.reason == "chose `slow`"
    assert left.values == {RETURN_VALUE: "slow"}
    assert branch(bench, "None").outcome.follow == ()


def test_a_branch_that_names_no_task_below_fails_without_retry_at_its_cell(bench: Bench) -> None:
    outcome = branch(bench, "'slwo'").outcome
    assert outcome.result is Result.FAIL
    assert outcome.reason.endswith("Did you mean 'slow'? Directly below it: fast, slow.")
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.cell, outcome.error.cell_id) == ("BadValue", 1, "cell-0")


def test_a_short_circuit_lets_everything_below_run_or_nothing(bench: Bench) -> None:
    for value, follow in (("1", ("after",)), ("0", ())):
        left = bench.run(f"%%task.short_circuit gate\n{value}", "%%task after\n1", task="gate")
        assert (left.outcome.result, left.outcome.follow) == (Result.SUCCESS, follow)


# Mapped tasks

MAPPED = (
    "%%task grids\ngrid = [0.1, 0.5]",
    '%%task train --map "p in grid" --collect models\nfitted = p * 10\n{"p": p, "index": map_index}',
)


def inputs(bench: Bench, folder: Path, **values: object) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    return {name: encode(name, value, folder=folder, shared={}) for name, value in values.items()}


def test_a_mapped_task_first_finds_its_items_without_running_its_cells(bench: Bench, tmp_path: Path) -> None:
    left = bench.run(*MAPPED, task="train", inputs=inputs(bench, tmp_path / "in", grid=[0.1, 0.5]))
    assert left.outcome.result is Result.SUCCESS
    assert left.outcome.items == ("p=0.1", "p=0.5")
    assert left.outcome.reason == "2 items"
    assert left.values == {item_key(0): {"p": 0.1}, item_key(1): {"p": 0.5}}
    assert all(cell.id != "cell-1" for cell in left.notebook.cells)


def test_an_instance_gets_its_item_and_hands_on_its_return_value_only(bench: Bench, tmp_path: Path) -> None:
    given = inputs(bench, tmp_path / "in", grid=[0.1, 0.5])
    item = encode(item_key(1), {"p": 0.5}, folder=tmp_path, shared={})
    left = bench.run(*MAPPED, key=instance(1), task="train", inputs=given, item=item)
    assert left.outcome.result is Result.SUCCESS
    assert left.values == {RETURN_VALUE: {"p": 0.5, "index": 1}}


def test_a_collected_value_is_kept_even_if_it_is_none_and_fails_if_it_cannot_be(
    bench: Bench, tmp_path: Path
) -> None:
    item = encode(item_key(0), {"p": 1}, folder=tmp_path, shared={})
    none = bench.run('%%task train --map "p in [1]" --collect all\nx = p', item=item, key=instance(0))
    assert none.values == {RETURN_VALUE: None}
    (kept,) = none.outcome.xcoms
    assert kept.wanted
    stuck = bench.run(
        '%%task train --map "p in [1]" --collect all\n(n for n in [p])', item=item, key=instance(0)
    )
    assert stuck.outcome.result is Result.FAIL
    assert stuck.outcome.reason.startswith(
        "the return value of task 'train', which its --collect list needs: "
    )


def test_what_follows_gets_the_list_of_return_values(bench: Bench, tmp_path: Path) -> None:
    values = tuple(encode(RETURN_VALUE, n, folder=tmp_path, shared={}) for n in (1, None, [3]))
    left = bench.run(
        *MAPPED, "%%task report\ntotal = models\ntotal", task="report", collected={"models": values}
    )
    assert left.outcome.result is Result.SUCCESS
    assert left.values[RETURN_VALUE] == [1, None, [3]]


def test_items_may_be_anything_that_a_task_can_hand_on(bench: Bench) -> None:
    cells = (
        "import dataclasses, numpy as np\n@dataclasses.dataclass\nclass Job:\n    n: int",
        (
            '%%task train --map "job, rate in [(Job(1), np.float64(0.5))]" --label "{{ job.n }}/{{ ds }}/{{ map_index }}"\n'
            "job.n * rate, type(job) is Job"
        ),
    )
    found = bench.run(*cells, task="train").outcome
    assert found.items == ("1/2026-02-17/0",)
    (item,) = found.xcoms
    left = bench.run(*cells, key=instance(0), task="train", item=item)
    assert left.values == {RETURN_VALUE: (0.5, True)}


def test_no_items_are_no_error(bench: Bench) -> None:
    outcome = bench.run('%%task train --map "p in []"\np').outcome
    assert (outcome.result, outcome.items, outcome.reason) == (Result.SUCCESS, (), "0 items")


def test_two_thousand_plain_items_take_no_files(bench: Bench) -> None:
    left = bench.run('%%task train --map "p in range(2000)"\np')
    assert left.outcome.items is not None
    assert len(left.outcome.items) == len(left.outcome.xcoms) == 2000
    assert all(value.path is None for value in left.outcome.xcoms)


def test_what_cannot_be_gone_through_fails_at_its_cell(bench: Bench) -> None:
    outcome = bench.run("n = 3", '%%task train --map "p in n"\np', task="train").outcome
    assert outcome.result is Result.FAIL
    assert outcome.reason == (
        "--map \"p in n\" of task 'train' (cell 2): `n` is of type int, which can't be gone through one by one. "
        "Give a list."
    )
    assert outcome.error is not None
    assert outcome.error.cell == 2


def test_a_missing_input_of_map_says_why_it_is_unset(bench: Bench) -> None:
    missing = {"grid": "task 'grids' was skipped"}
    outcome = bench.run(*MAPPED, task="train", missing=missing).outcome
    assert outcome.result is Result.FAILED
    assert "NameError: name 'grid' is not defined: task 'grids' was skipped" in outcome.reason


# Templates

DAG = '%%dag small\nuser_defined_filters = ["loud"]'
LOUD = "def loud(text):\n    return text.upper()"


def test_a_shell_cell_is_rendered_and_the_notebook_keeps_what_is_written(bench: Bench) -> None:
    source = "%%task say\n%%bash --out said\na=(1 2)\necho {{ ds }} {{ params.n }} {{ 'x' | loud }} ${#a[@]}"
    left = bench.run(DAG, LOUD, "# parameters\nn = 3", source, "%%task +\nsaid", task="say", params={"n": 4})
    assert left.values == {RETURN_VALUE: "2026-02-17 4 X 2\n"}
    assert [cell.source for cell in left.notebook.cells if cell.id == "cell-3"] == [source]


def test_no_template_leaves_the_cell_as_it_is_and_python_is_never_rendered(bench: Bench) -> None:
    left = bench.run("%%task say --no-template\n%%bash --out said\necho '{{ ds }}'", "%%task +\nsaid")
    assert left.values == {RETURN_VALUE: "{{ ds }}\n"}
    assert bench.run("%%task say\n'{{ ds }}'").values == {RETURN_VALUE: "{{ ds }}"}


def test_an_unknown_name_in_a_template_fails_in_words_and_at_its_cell(bench: Bench) -> None:
    left = bench.run("x = 1", "%%task say\n%%bash\necho {{ dss }}", task="say")
    assert left.outcome.result is Result.FAILED
    assert left.outcome.reason.startswith("TemplateError: line 1 of the template: 'dss' is undefined.")
    assert left.outcome.error is not None
    assert left.outcome.error.cell == 2
    assert "Traceback" not in left.log


def test_an_instance_renders_its_item(bench: Bench, tmp_path: Path) -> None:
    item = encode(item_key(0), {"p": "adelie"}, folder=tmp_path, shared={})
    left = bench.run(
        '%%task say --map "p in [1]"\n%%bash --out said\necho {{ p }} {{ map_index }}',
        "%%task +\nsaid",
        key=instance(5, "say"),
        item=item,
    )
    assert left.values == {RETURN_VALUE: "adelie 5\n"}


# The world outside


@pytest.fixture
def standing() -> dict[str, str]:
    return {"state": "running"}


@pytest.fixture
def exchange(standing: dict[str, str]) -> Iterator[Path]:
    def trigger(query: TriggerQuery) -> Standing:
        assert query.asked_by == TaskKey(RunKey("small", run_id_of(DAY)), "start")
        return Standing(run_id=f"{query.dag_id}@{query.logical_date:%F}", state=standing["state"])

    def stands(query: StateQuery) -> Standing | None:
        return Standing(run_id="r", state=standing["state"])

    server = ExchangeServer(
        lambda _: (),
        variable={"city": "Seoul"}.get,
        connection={"db": "http://me:secret@host"}.get,
        standing=stands,
        trigger=trigger,
    )
    yield server.path
    server.close()


TRIGGER = "%%task start\nimport nbflow\nprint('asks')\nnbflow.trigger_dag('other', poke_interval=2.5)"


def test_waiting_for_another_dag_ends_the_try_without_an_error(bench: Bench, exchange: Path) -> None:
    left = bench.run(TRIGGER, "%%task +\nprint('never')", exchange=exchange)
    assert left.outcome.result is Result.WAITING
    assert left.outcome.reason == "waits for run other@2026-02-17 of other, which is running"
    assert left.outcome.again_after == timedelta(seconds=2.5)
    assert left.outcome.error is None
    assert left.log == f"asks\n\n{left.outcome.reason}\n"
    assert [output.output_type for output in left.outputs("cell-0")] == ["stream"]


def test_another_dag_that_has_run_gives_its_run(
    bench: Bench, exchange: Path, standing: dict[str, str]
) -> None:
    standing["state"] = "success"
    assert bench.run(TRIGGER, exchange=exchange).values == {RETURN_VALUE: "other@2026-02-17"}
    sensor = "%%task.sensor there\nfrom nbflow import external_task\nexternal_task('other', 'load')"
    assert bench.run(sensor, exchange=exchange).outcome.result is Result.SUCCESS
    standing["state"] = "failed"
    assert bench.run(sensor, exchange=exchange).outcome.result is Result.FAILED


def test_variables_and_connections_are_names_of_a_cell_and_of_a_template(
    bench: Bench, exchange: Path
) -> None:
    left = bench.run(
        "%%task say\nvar.value.city, conn.db.password, var.value.get('nix', 0)", exchange=exchange
    )
    assert left.values == {RETURN_VALUE: ("Seoul", "secret", 0)}
    shell = "%%task say\n%%bash --out said\necho {{ var.value.city }} {{ conn.db.host }}"
    assert bench.run(shell, "%%task +\nsaid", exchange=exchange).values == {RETURN_VALUE: "Seoul host\n"}


# Callbacks

TELL = (
    "import json\n\n\ndef tell(context):\n"
    "    names = ('ds', 'task_id', 'state', 'reason', 'exception', 'event')\n"
    "    told = {name: context[name] for name in names} | {'run': context['dag_run'].run_id}\n"
    "    with open('told.json', 'w') as file:\n        json.dump(told, file)"
)


def test_a_callback_is_called_with_the_context_in_a_process_of_its_own(bench: Bench) -> None:
    callback = Callback(
        function="tell",
        event="on_failure_callback",
        state="failed",
        reason="no tries left",
        exception="KeyError",
    )
    left = bench.run(
        "%%task load --on-failure-callback tell\nopen('ran', 'w')", TELL, callback=callback, task="load"
    )
    assert left.outcome.result is Result.SUCCESS
    assert left.outcome.xcoms == ()
    folder = left.request.cwd
    assert json.loads((folder / "told.json").read_text()) == {
        "ds": "2026-02-17",
        "task_id": "load",
        "state": "failed",
        "reason": "no tries left",
        "exception": "KeyError",
        "event": "on_failure_callback",
        "run": "2026-02-17T00:00:00Z",
    }
    assert not (folder / "ran").exists()


def test_a_callback_of_a_run_has_no_task(bench: Bench) -> None:
    callback = Callback(function="tell", event="on_success_callback", state="success")
    left = bench.run(
        "%%dag small\non_success_callback = 'tell'",
        "%%task load\n1",
        TELL,
        callback=callback,
        key=instance(-1, ""),
    )
    assert left.outcome.result is Result.SUCCESS
    assert json.loads((left.request.cwd / "told.json").read_text())["task_id"] == ""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("other = 1", "on_success_callback names `tell`, which no shared cell of the notebook defines"),
        ("tell = 1", "`tell`, which is a int and can't be called"),
        ("async def tell(context): ...", "which is an async function"),
        ("def tell(context):\n    1 / 0", "ZeroDivisionError: division by zero (cell 1, line 2)"),
    ],
)
def test_a_callback_that_cannot_be_called_says_so(bench: Bench, source: str, words: str) -> None:
    callback = Callback(function="tell", event="on_success_callback", state="success")
    left = bench.run(source, "%%task load\n1", callback=callback, task="load")
    assert left.outcome.result in (Result.FAIL, Result.FAILED)
    assert words in left.outcome.reason


# In a Jupyter kernel, and on disk


def test_a_jupyter_kernel_says_the_same(bench: Bench, exchange: Path) -> None:
    left = bench.run(TRIGGER, exchange=exchange, kernel="python3")
    assert (left.outcome.result, left.outcome.again_after) == (Result.WAITING, timedelta(seconds=2.5))
    found = bench.run('%%task train --map "p in [1, 2]"\np', kernel="python3")
    assert found.outcome.items == ("p=1", "p=2")
    assert [decode(value, namespace={}) for value in found.outcome.xcoms] == [{"p": 1}, {"p": 2}]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"follow": ()},
        {"follow": ("a", "b")},
        {"items": ()},
        {"items": ("p=1", "")},
        {"result": Result.WAITING, "again_after": timedelta(seconds=0.5)},
    ],
    ids=str,
)
def test_an_outcome_is_read_as_it_was_written(fields: dict[str, Any]) -> None:
    plain: dict[str, Any] = {
        "token": "t", "result": Result.SUCCESS, "reason": "", "error": None, "xcoms": (), "notes": (),
        "started": DAY, "ended": DAY,
    }  # fmt: skip
    outcome = TaskOutcome(**(plain | fields))
    assert outcome_from_json(json.loads(json.dumps(outcome_to_json(outcome)))) == outcome
