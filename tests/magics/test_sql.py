"""`%%nbflow sql` and `%nbflow sql`: frames in the kernel."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from asked_home import AskedHome, asked_home
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbflow.errors import NbflowError, OptionError
from nbflow.magics.sql import frame_of, sql_cell, sql_line
from nbflow.service.serving import owned_xcoms
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENDLESS = "SELECT count(*) FROM range(100000000) a, range(1000000) b WHERE a.range + b.range = 3"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AskedHome:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    made = asked_home(tmp_path)
    with XComStore.open(made.home.root) as store:
        for day in (1, 2):
            made.hand_on(store, pa.table({"n": [day, day]}), day=day)
    made.add_runs(1, 2)
    return made


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr("nbflow.magics.sql._display", found.append)
    return found


SQL = "SELECT ds, sum(n) total FROM xcom.flights.clean__df GROUP BY ds ORDER BY ds"
TOTALS = pd.DataFrame({"ds": ["2026-01-01", "2026-01-02"], "total": [2, 4]})


def test_a_cell_assigns_a_frame(made: AskedHome, displayed: list[Any]) -> None:
    namespace: dict[str, object] = {}
    sql_cell("totals", SQL, namespace)
    pd.testing.assert_frame_equal(namespace["totals"], TOTALS)  # type: ignore[arg-type]
    assert displayed == []


def test_without_a_name_it_is_displayed_and_a_line_always(made: AskedHome, displayed: list[Any]) -> None:
    sql_cell("", SQL, {})
    sql_line(SQL, {})
    sql_line(f'"{SQL}"', {})
    for frame in displayed:
        pd.testing.assert_frame_equal(frame, TOTALS)
    assert len(displayed) == 3


def test_it_works_while_a_run_goes_on(made: AskedHome) -> None:
    namespace: dict[str, object] = {}
    with owned_xcoms(made.home):
        sql_cell("totals", SQL, namespace)
    pd.testing.assert_frame_equal(namespace["totals"], TOTALS)  # type: ignore[arg-type]


KINDS: dict[str, type] = {
    "totals": pd.DataFrame,
    "totals --as polars": pl.DataFrame,
    "--as=arrow totals": pa.Table,
    "--timeout 30 --as pandas totals": pd.DataFrame,
    "totals --as polars --timeout=5": pl.DataFrame,
}


@pytest.mark.parametrize("line", KINDS)
def test_the_kind_of_frame_can_be_chosen(made: AskedHome, line: str) -> None:
    namespace: dict[str, object] = {}
    sql_cell(line, SQL, namespace)
    assert type(namespace["totals"]) is KINDS[line]


def test_polars_is_taken_where_pandas_is_not_installed(
    made: AskedHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbflow.magics.sql.find_spec", lambda name: None if name == "pandas" else name)
    namespace: dict[str, object] = {}
    sql_cell("totals", SQL, namespace)
    assert isinstance(namespace["totals"], pl.DataFrame)
    with pytest.raises(OptionError, match="pandas is not installed in this kernel's environment"):
        sql_cell("totals --as pandas", SQL, namespace)


WRONG: dict[str, tuple[Callable[[], None], str]] = {
    "no name": (lambda: sql_cell("2x", SQL, {}), "'2x' can't name a variable"),
    "too much": (lambda: sql_cell("a b", SQL, {}), "'b' is too much"),
    "kind": (
        lambda: sql_cell("a --as numpy", SQL, {}),
        "--as takes pandas, polars or arrow, and got 'numpy'",
    ),
    "no value": (lambda: sql_cell("a --as", SQL, {}), "--as needs a value"),
    "timeout": (lambda: sql_cell("a --timeout soon", SQL, {}), "--timeout takes seconds, and got 'soon'"),
    "too slow": (lambda: sql_cell("a --timeout 0.1", ENDLESS, {}), r"stopped after 0\.1 s"),
    "nothing": (lambda: sql_cell("a", "", {}), "there is no query"),
    "a wrong line": (lambda: sql_line("DROP TABLE x", {}), "DROP is refused"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(made: AskedHome, name: str) -> None:
    call, said = WRONG[name]
    with pytest.raises(NbflowError, match=said):
        call()


def test_an_interrupt_of_the_kernel_stops_the_query(made: AskedHome) -> None:
    namespace: dict[str, object] = {}

    def interrupt() -> None:
        while not any(thread.name == "nbflow-sql" for thread in threading.enumerate()):
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()  # it waits until the query runs
    with pytest.raises(KeyboardInterrupt):
        sql_cell("x", ENDLESS, namespace)
    assert namespace == {}
    sql_cell("x", "SELECT 1 n", namespace)


def test_sums_of_integers_are_integers_and_what_is_larger_stays_exact() -> None:
    table = pa.table(
        {
            "small": pa.array([6, None], pa.decimal128(38, 0)),
            "large": pa.array([2**70, 1], pa.decimal128(38, 0)),
        }
    )
    found = frame_of(table, "polars")
    assert isinstance(found, pl.DataFrame)
    assert (found["small"].dtype, found["large"].to_list()) == (pl.Int64, [2**70, 1])


def test_what_a_frame_can_not_hold_is_said() -> None:
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    with pytest.raises(OptionError, match=r"the result can't be a pandas frame .*--as arrow"):
        frame_of(pa.table({"u": union}), "pandas")


def test_the_magics_are_there_and_go_with_the_extension(
    made: AskedHome, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    shell.run_line_magic("load_ext", "nbflow")
    shell.run_cell(f"%%nbflow sql totals\n{SQL}").raise_error()
    pd.testing.assert_frame_equal(shell.user_ns["totals"], TOTALS)
    shell.run_cell("%nbflow sql").raise_error()
    assert "xcom.flights.df  2 dates, 2026-01-01 to 2026-01-02\n    ds VARCHAR, " in capsys.readouterr().out
    assert not shell.run_cell("%%nbflow grid\nx").success
    assert "a %%nbflow cell is %%nbflow sql [NAME]" in capsys.readouterr().err
    shell.run_line_magic("unload_ext", "nbflow")
    assert "nbflow" not in shell.magics_manager.magics["cell"]
