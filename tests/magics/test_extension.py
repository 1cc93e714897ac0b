"""nbflow in an IPython shell of this process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import nbformat
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import nbflow
from nbflow.magics.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    config = Config()
    config.HistoryManager.enabled = False
    config.IPCompleter.use_jedi = False
    shell = InteractiveShell(config=config)
    # A process has one shell, and magics ask for it.
    shell.run_line_magic("load_ext", "nbflow")
    yield shell
    shell.run_line_magic("unload_ext", "nbflow")


def ran(shell: InteractiveShell, cell: str) -> object:
    result = shell.run_cell(cell)
    result.raise_error()
    return result.result


def said(shell: InteractiveShell, cell: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a cell that fails says; without a traceback."""
    capsys.readouterr()
    result = shell.run_cell(cell)
    assert not result.success
    text = capsys.readouterr().err
    assert text.startswith("UsageError: ")
    assert "Traceback" not in text
    return text


def test_a_task_cell_runs_as_any_cell(shell: InteractiveShell) -> None:
    assert ran(shell, "%%task load --retries 1\nrows = 3\nrows + 1") == 4
    assert ran(shell, "rows") == 3


def test_a_wrong_header_keeps_the_cell_from_running(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Did you mean --retries?" in said(shell, "%%task load --retrys 1\nran = True", capsys)
    assert "ran" not in shell.user_ns


def test_a_task_line_further_down_is_refused(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "first line" in said(shell, "x = 1\n%task load", capsys)


def test_the_names_of_a_run_are_there_before_the_first_cell(shell: InteractiveShell) -> None:
    assert ran(shell, "len(ds), len(ds_nodash), map_index, try_number") == (10, 8, -1, 1)


def test_dag_date_chooses_and_resets(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    before = shell.user_ns["ds"]
    ran(shell, "%dag --date 2013-01-03")
    assert "2013-01-03" in capsys.readouterr().out
    assert ran(shell, "ds, data_interval_end.isoformat()") == ("2013-01-03", "2013-01-04T00:00:00+00:00")
    assert ran(shell, "from nbflow import ds_nodash\nds_nodash") == "20130103"
    ran(shell, "%dag --date reset")
    assert shell.user_ns["ds"] == before


def test_a_name_the_notebook_assigned_is_kept(shell: InteractiveShell) -> None:
    ran(shell, "ds = 'mine'")
    ran(shell, "%dag --date 2013-01-03")
    assert ran(shell, "ds, ts[:10]") == ("mine", "2013-01-03")
    assert nbflow.ds == "2013-01-03"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%dag --date 2013-13-01", "2013-13-01"),
        ("%dag --date", "--date DATE"),
        ("%nbflow grap", "Did you mean graph?"),
        ("%nbflow graph", "Pass its path"),
        ("%nbflow graph nowhere.ipynb", "no notebook nowhere.ipynb"),
    ],
)
def test_wrong_calls_say_what_to_do(
    shell: InteractiveShell,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    words: str,
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert words in said(shell, line, capsys)


def test_a_dag_cell_is_told_back_in_a_line_and_counts_at_once(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(shell, "%dag --date 2013-01-03")
    capsys.readouterr()
    ran(
        shell,
        "%%dag flights\nschedule = '@daily'\ntimezone = 'America/New_York'\nstart_date = 2013-01-01\n"
        "default_args = { retries = 2 }",
    )
    assert capsys.readouterr().out == "flights · @daily, America/New_York · from 2013-01-01 · retries 2\n"
    assert ran(shell, "dag_id, data_interval_start.isoformat()") == ("flights", "2013-01-03T00:00:00-05:00")


def test_a_date_param_of_another_cell_is_taken_on_trust(shell: InteractiveShell) -> None:
    ran(shell, "%%dag flights\ndate_param = 'run_date'")


def test_a_dag_cell_may_have_a_name_only(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    ran(shell, "%%dag flights")
    assert capsys.readouterr().out == "flights · no schedule, UTC\n"


def test_a_wrong_dag_cell_says_where(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(shell, "%%dag flights\nschedul = '@daily'", capsys)
    assert "line 2" in text
    assert "schedule" in text


def test_help_names_every_command(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    ran(shell, "%nbflow help")
    text = capsys.readouterr().out
    assert all(f"%nbflow {command}" in text for command in COMMANDS)


def test_ti_hands_on_between_cells(shell: InteractiveShell) -> None:
    ran(shell, "%%task load\nti.xcom_push('rows', 7)\n[1, 2]")
    ran(shell, "%%task +\n'of the second cell'")
    ran(shell, "%%task clean\ntask_id")
    assert ran(shell, "ti.xcom_pull('load')") == "of the second cell"
    assert ran(shell, "ti.xcom_pull(task_ids='load', key='rows')") == 7
    assert ran(shell, "ti.xcom_pull(['clean', 'load', 'none_such'])") == ["clean", "of the second cell", None]
    assert ran(shell, "ti.xcom_pull('none_such', default=0)") == 0
    assert ran(shell, "ti.xcom_pull()") == "clean"


def test_completion_knows_the_tasks_that_ran(shell: InteractiveShell) -> None:
    ran(shell, "%%task load\n1")
    with provisionalcompleter():
        line = "%%task clean --after lo"
        assert "load" in [found.text for found in shell.Completer.completions(line, len(line))]
        line = "%nbflow gri"
        assert [found.text for found in shell.Completer.completions(line, len(line))] == ["grid"]


def test_unloading_takes_everything_away(shell: InteractiveShell) -> None:
    ran(shell, "mine = 1")
    shell.run_line_magic("unload_ext", "nbflow")
    assert not shell.run_cell("%%task load\n1").success
    assert {"ds", "ti"}.isdisjoint(shell.user_ns)
    assert ran(shell, "mine") == 1
    shell.run_line_magic("load_ext", "nbflow")


def test_loading_imports_nothing_heavy() -> None:
    heavy = ["networkx", "duckdb", "pandas", "ipywidgets", "pygraphviz", "papermill", "nbformat", "rich"]
    code = (
        "import json, sys, nbflow.magics.extension; "
        f"print(json.dumps([name for name in {heavy!r} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_names_that_the_saved_notebook_assigns_are_never_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: InteractiveShell
) -> None:
    path = tmp_path / "mine.ipynb"
    cells = [
        "%%dag mine\nschedule = '@daily'\ntimezone = 'Asia/Seoul'",
        "from json import loads as ts",
        "%%task a\nds = 1",
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    shell.run_line_magic("reload_ext", "nbflow")
    assert {"ds", "ts"}.isdisjoint(shell.user_ns)
    assert shell.user_ns["dag_id"] == "mine"
    ran(shell, "%dag --date 2013-01-03")
    assert ran(shell, "data_interval_start.isoformat()") == "2013-01-03T00:00:00+09:00"
    assert nbflow.ds == "2013-01-03"
    with provisionalcompleter():
        line = "%%task b --after "
        assert "a" in [found.text for found in shell.Completer.completions(line, len(line))]


def test_people_do_not_see_our_names_among_theirs(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(shell, "mine = 1")
    capsys.readouterr()
    assert ran(shell, "%who_ls int") == ["mine"]


def test_the_notebook_is_found_where_the_front_end_says(
    shell: InteractiveShell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "gone.ipynb"))
    assert "renamed?" in said(shell, "%nbflow graph", capsys)
