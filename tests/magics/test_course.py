"""Branches, sensors, mapped cells and templates by hand, in an IPython shell of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbflow.store.home import find_home
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    config = Config()
    config.HistoryManager.enabled = False
    config.IPCompleter.use_jedi = False
    shell = InteractiveShell(config=config)
    shell.run_line_magic("load_ext", "nbflow")
    yield shell
    shell.run_line_magic("unload_ext", "nbflow")


def ran(shell: InteractiveShell, cell: str, cell_id: str | None = None) -> object:
    result = shell.run_cell(cell, cell_id=cell_id)
    result.raise_error()
    return result.result


def failed(shell: InteractiveShell, cell: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert not shell.run_cell(cell).success
    said = capsys.readouterr()
    return said.out + said.err


# Branches


def test_a_branch_not_chosen_says_so_and_does_not_run(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(shell, "%%task.branch choose\n'slow'") == "slow"
    capsys.readouterr()
    assert ran(shell, "%%task fast --after choose\nran = 1\nran") is None
    assert capsys.readouterr().out.startswith("not run: branch `choose` chose `slow`.")
    assert ran(shell, "%%task +\nran = 1") is None
    assert "ran" not in shell.user_ns
    assert ran(shell, "%%task slow --after choose\nran = 2\nran") == 2
    ran(shell, "%%task.branch choose\n['slow', 'fast']")
    assert ran(shell, "%%task fast --after choose\nran = 3\nran") == 3


def test_a_date_chosen_lets_every_branch_choose_anew(shell: InteractiveShell) -> None:
    ran(shell, "%%task.branch choose\nNone")
    assert ran(shell, "%%task fast --after choose\n1") is None
    ran(shell, "%dag --date 2013-01-03")
    assert ran(shell, "%%task fast --after choose\n1") == 1


def test_a_cell_that_ends_without_a_value_chooses_nothing(shell: InteractiveShell) -> None:
    ran(shell, "%%task.branch choose\nfound = 'slow'")
    assert ran(shell, "%%task fast --after choose\n1") == 1


def test_a_branch_that_makes_no_sense_says_what_a_run_would_do(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(shell, "%%task.branch choose\n3") == 3
    assert "In a run this task would fail: branch 'choose' ends with 3" in capsys.readouterr().err


def test_a_false_short_circuit_keeps_what_follows_from_running(shell: InteractiveShell) -> None:
    ran(shell, "%%task.short_circuit gate\nFalse")
    assert ran(shell, "%%task after --after gate\n1") is None
    ran(shell, "%%task.short_circuit gate\nTrue")
    assert ran(shell, "%%task after --after gate\n1") == 1


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: InteractiveShell) -> Path:
    """A saved notebook that the shell belongs to."""
    cells = [
        "%%dag saved\nuser_defined_filters = ['loud']",
        "def loud(text):\n    return text.upper()",
        "%%task.branch choose\n'slow'",
        "%%task fast --after choose\nmodel = 1",
        "%%task slow --after choose\nmodel = 2",
        "print('goes on')",
        "%%task report --trigger-rule none_failed_min_one_success\nmodel",
        "%%task strict --after fast\n1",
    ]
    path = tmp_path / "saved.ipynb"
    nodes = [nbformat.v4.new_code_cell(cell, id=f"cell-{n}") for n, cell in enumerate(cells)]
    nbformat.write(nbformat.v4.new_notebook(cells=nodes), path)
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    monkeypatch.setenv("NBFLOW_HOME", str(tmp_path / "home"))
    shell.run_line_magic("reload_ext", "nbflow")
    return path


@pytest.mark.usefixtures("saved")
def test_the_saved_notebook_says_what_follows_and_what_goes_on(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(shell, "%%task.branch choose\n'fsat'")
    assert "Did you mean 'fast'? Directly below it: fast, slow." in capsys.readouterr().err
    ran(shell, "%%task.branch choose\n'fast'")
    assert ran(shell, "%%task slow\nmodel = 2\nmodel") is None
    capsys.readouterr()
    ran(shell, "print('goes on')", cell_id="cell-5")
    assert "not run: branch `choose` chose `fast`" in capsys.readouterr().out
    assert ran(shell, "%%task strict --after fast\n1") == 1
    assert ran(shell, "%%task report --trigger-rule none_failed_min_one_success\n2") == 2


# Sensors


def test_a_sensor_looks_until_its_value_is_true(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(shell, "looks = []")
    value = ran(shell, "%%task.sensor there --poke-interval 0.01\nlooks.append(1)\nlooks[2:]")
    assert value == [1]
    assert capsys.readouterr().out.splitlines()[:1] == [
        "waiting: its value was []: not there yet; looks again every 0.01 s, until it is interrupted"
    ]
    assert ran(shell, "ti.xcom_pull('there')") == [1]
    assert len(shell.user_ns["looks"]) == 3


def test_a_sensor_hands_on_its_polls_value(shell: InteractiveShell) -> None:
    ran(shell, "import nbflow\nlooks = []")
    ran(
        shell,
        "%%task.sensor there --poke-interval 0.01\nlooks.append(1)\nnbflow.PokeReturnValue(len(looks) > 1, 'rows')",
    )
    assert ran(shell, "ti.xcom_pull('there')") == "rows"


def test_a_sensor_gives_up_after_its_timeout(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "sensor 'there' gives up: its timeout of 0:00:00.010000 has passed" in failed(
        shell, "%%task.sensor there --poke-interval 0.02 --timeout 0.01\n[]", capsys
    )
    assert ran(shell, "%%task.sensor there --poke-interval 0.02 --timeout 0.01 --soft-fail\n[]") is None
    printed = capsys.readouterr().out
    assert "skipped: sensor 'there' gives up" in printed
    assert "would look again" not in printed


def test_a_sensor_looks_less_and_less_often(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("nbflow.magics.rounds.time.sleep", slept.append)
    ran(shell, "looks = []")
    ran(shell, "%%task.sensor there --poke-interval 1 --exponential-backoff\nlooks.append(1)\nlooks[3:]")
    assert slept == [1, 2, 4]


def test_an_error_ends_a_sensor(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ZeroDivisionError" in failed(shell, "%%task.sensor there\n1 / 0", capsys)
    assert "neither true nor false" in failed(
        shell, "%%task.sensor there\nimport numpy as np\nnp.array([1, 2])", capsys
    )


# Mapped cells


def test_ti_says_which_task_instance_it_stands_for(shell: InteractiveShell) -> None:
    ran(shell, "%%dag shop\nschedule = '@daily'")
    shell.run_line_magic("dag", "--date 2026-02-17")
    said = "ti.dag_id, ti.run_id, ti.task_id, ti.map_index, ti.try_number"
    assert ran(shell, f"%%task load\n{said}") == ("shop", "2026-02-17T00:00:00Z", "load", -1, 1)
    ran(shell, '%%task each --map "p in [7, 8]" --collect found\n(p, ti.map_index)')
    assert ran(shell, "found") == [(7, 0), (8, 1)]
    assert ran(shell, "ti.map_index") == -1


def test_a_mapped_cell_goes_through_its_items_and_collects(shell: InteractiveShell) -> None:
    ran(shell, "grid = [1, 2, 3]\nfitted = 'of the notebook'")
    assert (
        ran(shell, '%%task train --map "p in grid" --collect models\nfitted = p * 10\nfitted + map_index')
        is None
    )
    assert ran(shell, "models") == [10, 21, 32]
    assert ran(shell, "ti.xcom_pull('train')") == [10, 21, 32]
    assert ran(shell, "ti.xcom_pull('train', map_indexes=1), ti.xcom_pull('train', map_indexes=[2, 0])") == (
        21,
        [32, 10],
    )
    assert ran(shell, "ti.xcom_pull('train', map_indexes=7, default='none')") == "none"
    assert ran(shell, "fitted") == "of the notebook"
    assert shell.user_ns["map_index"] == -1


def test_every_item_begins_as_the_first_did_and_later_cells_go_on_with_it(shell: InteractiveShell) -> None:
    ran(shell, '%%task train --map "p in [1, 2]" --collect all\nseen = "kept" in globals()\nkept = p\nkept')
    ran(shell, "%%task +\nkept * 100, seen")
    assert ran(shell, "all") == [(100, False), (200, False)]


def test_names_of_the_last_item_can_be_looked_at_until_the_cell_runs_again(shell: InteractiveShell) -> None:
    ran(shell, '%%task train --map "p in [1, 2]"\nfitted = p\nold = p')
    assert ran(shell, "p, fitted, old") == (2, 2, 2)
    ran(shell, '%%task train --map "p in [3, 4]"\nfitted = p')
    assert ran(shell, "p, fitted, 'old' in globals()") == (4, 4, False)


def test_first_goes_through_some_only_and_one_shows_its_value(shell: InteractiveShell) -> None:
    assert ran(shell, '%%task train --map "p in range(9)" --collect all --first 1\np + 5') == 5
    assert ran(shell, "all") == [5]
    ran(shell, '%%task train --map "p in range(9)" --collect all --first 2\np')
    assert ran(shell, "all") == [0, 1]


def test_an_item_that_is_skipped_gives_no_value(shell: InteractiveShell) -> None:
    ran(shell, "import nbflow")
    ran(
        shell,
        '%%task train --map "p in [1, 2, 3]" --collect all\nif p == 2:\n    raise nbflow.Skip("even")\np',
    )
    assert ran(shell, "all") == [1, 3]


def test_the_first_error_ends_it_and_says_at_which_item(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    text = failed(shell, '%%task train --map "p in [1, 0]" --collect all\n1 / p', capsys)
    assert "ZeroDivisionError" in text
    assert "stopped at item 2 of 2 (p=0)" in text
    assert "all" not in shell.user_ns
    assert shell.user_ns["p"] == 0


def test_what_cannot_be_gone_through_is_one_line(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    text = failed(shell, '%%task train --map "p in 5"\np', capsys)
    assert text.startswith("UsageError: --map \"p in 5\" of task 'train': `5` is of type int")
    assert "Traceback" not in text


def test_await_stays_await_and_imports_stay_what_they_are(shell: InteractiveShell) -> None:
    ran(shell, "import asyncio")
    ran(
        shell,
        '%%task train --map "p in [1, 2]" --collect all\nfrom __future__ import annotations\n'
        "import math\nasync def f():\n    return p\nawait asyncio.sleep(0, (await f(), math.floor(p)))",
    )
    assert ran(shell, "all") == [(1, 1), (2, 2)]


def test_no_items_say_what_a_run_would_do(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(shell, '%%task train --map "p in []" --collect all\np')
    assert capsys.readouterr().out == "no items: a run skips this task\n"
    assert ran(shell, "all") == []


def test_a_cell_after_one_that_is_no_python_runs_once(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "SyntaxError" in failed(shell, '%%task train --map "p in [1, 2]"\np p', capsys)
    ran(shell, "times = 0")
    ran(shell, "times += 1")
    assert ran(shell, "times") == 1


def test_a_cell_run_by_a_cell_runs_once(shell: InteractiveShell) -> None:
    ran(shell, "times = 0")
    ran(shell, '%%task train --map "p in [1, 2]"\n%%capture said\ntimes += 1\nprint(p)')
    assert ran(shell, "times, said.stdout") == (0, "2\n")


# Templates


def test_templates_are_rendered_by_hand_as_in_a_run(
    shell: InteractiveShell, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(shell, "def loud(text):\n    return text.upper()")
    ran(shell, "%dag --date 2013-01-03")
    ran(shell, "%%task say\n%%bash --out said\necho {{ ds }} {{ 'x' | loud }} {{ task_id }}")
    assert ran(shell, "said") == "2013-01-03 X say\n"
    ran(shell, "%%task say --no-template\n%%bash --out said\necho '{{ ds }}'")
    assert ran(shell, "said") == "{{ ds }}\n"
    ran(shell, '%%task each --map "p in [7]"\n%%bash --out heard\necho {{ p }} {{ map_index }}')
    assert ran(shell, "heard") == "7 0\n"
    text = failed(shell, "%%bash\necho {{ dss }}", capsys)
    assert text.startswith("UsageError: line 1 of the template: 'dss' is undefined.")
    assert saved.exists()


# The world outside


def test_variables_and_connections_come_from_the_notebooks_home(
    shell: InteractiveShell, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(shell, "var.value.get('city', 'none')") == "none"
    home = find_home(saved)
    home.create()
    with StateStore(home.state) as state:
        state.settings.set_variable("city", "Seoul")
        state.settings.set_connection("db", "http://host:80")
    assert ran(shell, "var.value.city, conn.db.port") == ("Seoul", 80)
    assert ran(shell, "import nbflow\nnbflow.external_task('other', 'load')") is False
    assert "there is no variable 'town'" in failed(shell, "var.value.town", capsys)


def test_without_a_notebook_there_is_no_home_to_ask(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "this kernel doesn't know its notebook" in failed(shell, "var.value.city", capsys)
    monkeypatch.setenv("NBFLOW_VAR_CITY", "Busan")
    assert ran(shell, "var.value.city") == "Busan"


def test_unloading_takes_everything_of_it_away(shell: InteractiveShell) -> None:
    ran(shell, "%%task.branch choose\nNone")
    shell.run_line_magic("unload_ext", "nbflow")
    assert not hasattr(shell, "nbflow_rendered")
    assert not hasattr(shell, "nbflow_round")
    assert shell.ast_transformers == []
    ran(shell, "%%bash --out said\necho '{{ ds }}'")
    assert ran(shell, "said") == "{{ ds }}\n"
    shell.run_line_magic("load_ext", "nbflow")
