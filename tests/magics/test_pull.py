"""`%nbflow pull` and `%nbflow diff` in an IPython shell of this process, over what real runs left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from run_project import run_project
from traitlets.config import Config

from nbflow.errors import OptionError
from nbflow.magics.pull import Puller, Wish, read_wish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbflow.magics.extension import Extension


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("JPY_SESSION_NAME", str(run_project()))
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "nbflow")
    yield shell
    shell.run_line_magic("unload_ext", "nbflow")
    InteractiveShell.clear_instance()


def said(shell: InteractiveShell, cell: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    shell.run_cell(cell)
    out = capsys.readouterr()
    return out.out + out.err


def test_a_try_that_succeeded_is_pulled_with_what_it_was_given(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell("day = 'mine'")
    text = said(shell, "%nbflow pull 2026-01-03 check", capsys)
    assert text.splitlines() == [
        "pulled 2026-01-03 check, try 1: `limit`, `frame`, `point`",
        "ds is 2026-01-03, UTC; %dag --date reset returns",
    ]
    names = shell.user_ns
    assert (names["ds"], names["limit"], names["SCALE"], names["day"]) == ("2026-01-03", 5, 10, "mine")
    assert names["frame"].column("row").to_pylist() == [1, 2, 3]
    assert type(names["point"]) is names["Point"], "the class is the one that the shared cell made here"
    assert said(shell, "%%task check\nprint(point.x - 2, ds)", capsys) == "1 2026-01-03\n"


def test_what_was_there_is_said_to_be_overwritten_and_the_date_can_be_left(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    before = said(shell, "print(ds)", capsys).strip()
    shell.run_cell("frame, limit = 'mine', 5")
    text = said(shell, "%nbflow pull 2026-01-01 check", capsys)
    assert "overwritten here: `frame`\n" in text, "limit is what it was"
    assert said(shell, "%dag", capsys) == "ds is 2026-01-01 (chosen with %dag --date)\n"
    assert before in said(shell, "%dag --date reset", capsys)
    assert said(shell, "print(ds)", capsys).strip() == before


def test_a_failure_brings_its_variables_along(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(shell, "%nbflow pull 2026-01-02 check --failed", capsys)
    assert "it failed: KeyError" in text
    assert (shell.user_ns["doubled"], shell.user_ns["left"]) == (6, 0)
    assert shell.user_ns["ti"].task_id == "check"


def test_a_namespace_leaves_the_kernel_as_it_is(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    # Its point is of a class that the shared cell makes: that has to be there to read it.
    first = said(shell, "%nbflow pull 2026-01-02 check --into before", capsys)
    assert "Point" in first
    assert "before" not in shell.user_ns
    ds = shell.user_ns["ds"]
    shell.run_cell("class Point:\n    pass")
    shell.run_cell("frame = 'mine'")
    text = said(shell, "%nbflow pull 2026-01-02 check --failed --into=before", capsys)
    assert text.startswith("pulled 2026-01-02 check, try 1 → before: ")
    assert shell.user_ns["before"].left == 0
    assert (shell.user_ns["frame"], shell.user_ns["ds"]) == ("mine", ds)


def test_an_instance_of_a_mapped_task_gets_its_item(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "`day`, `p`" in said(shell, "%nbflow pull latest fit[1]", capsys)
    assert (shell.user_ns["day"], shell.user_ns["p"]) == (3, 2)


def test_a_task_without_inputs_says_so(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(shell, "%nbflow pull 2026-01-03 load", capsys)
    assert text.startswith("pulled 2026-01-03 load, try 1: `limit`\n"), "the parameter that was given"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2026-01-02", "takes DATE TASK"),
        ("2026-01-02 check --fail", "takes DATE TASK"),
        ("2026-01-02 check --try x", "takes DATE TASK"),
        ("2026-01-02 check --into 2x", "--into takes a name"),
        ("2026-01-02 nope", "has no task 'nope'"),
        ("2020-01-02 check", "has no run"),
        ("2026-01-02 report", "has not run"),
        ("2026-01-03 check --failed", "kept no variables"),
        ("2026-01-02 check --try 7", "has no try 7"),
    ],
)
def test_what_can_not_be_pulled_is_said_in_one_line(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str, expected: str
) -> None:
    before = set(shell.user_ns)
    text = said(shell, f"%nbflow pull {line}", capsys)
    assert text.startswith("UsageError: ")
    assert expected in text
    assert set(shell.user_ns) - before <= {"_i1", "_ii", "_iii", "_i"}


def test_a_shared_cell_that_fails_here_stops_it(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("IPython.display.SVG")
    text = said(shell, "%nbflow pull 2026-01-03 check", capsys)
    assert "cell 1, which runs before each task, failed here: ImportError" in text
    assert "frame" not in shell.user_ns


def test_the_board_asks_for_the_same(shell: InteractiveShell) -> None:
    extension: Extension = shell._nbflow_extension
    puller = extension._puller()
    assert isinstance(puller, Puller)
    assert puller.chosen_ds is None
    place = {"run_id": "2026-01-02T00:00:00Z", "task_id": "check", "map_index": -1, "try_number": None}
    assert "it failed" in puller.answer({**place, "failed": True})
    assert puller.chosen_ds == "2026-01-02"
    assert shell.user_ns["left"] == 0


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        (["2026-01-02", "a"], Wish(date="2026-01-02", task="a")),
        (["--failed", "latest", "a[3]"], Wish(date="latest", task="a[3]", failed=True)),
        (["-14d", "a", "--into", "x", "--try=2"], Wish(date="-14d", task="a", into="x", number=2)),
    ],
)
def test_options_may_stand_anywhere(words: list[str], wish: Wish) -> None:
    assert read_wish(words) == wish


def test_an_option_without_its_value_is_refused() -> None:
    with pytest.raises(OptionError, match="--into"):
        read_wish(["latest", "a", "--into"])


def test_two_runs_are_shown_side_by_side(shell: InteractiveShell) -> None:
    with capture_output() as captured:
        shell.run_cell("%nbflow diff 2026-01-01 2026-01-03 load")
    (output,) = captured.outputs
    lines = output.data["text/plain"].splitlines()
    assert lines[0] == "2026-01-01 → 2026-01-03"
    assert "load  day           changed  1 → 3 (+2, +200 %)" in lines
    assert "<td" in output.data["text/html"]
    with capture_output() as captured:
        shell.run_cell("%nbflow diff latest latest")
    assert captured.outputs[0].data["text/plain"].splitlines()[1] == "nothing differs"


def test_frames_are_matched_by_a_key(shell: InteractiveShell) -> None:
    with capture_output() as captured:
        shell.run_cell("%nbflow diff 2026-01-01 2026-01-03 load --key name")
    assert "1 row changed (name 'z') in row, size" in captured.outputs[0].data["text/plain"]


def test_a_wrong_diff_is_said(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert "takes two runs" in said(shell, "%nbflow diff latest", capsys)
    assert "takes two runs" in said(shell, "%nbflow diff latest latest --key", capsys)
    assert "has no run" in said(shell, "%nbflow diff latest 2020-01-01", capsys)
