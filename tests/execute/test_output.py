"""What a task prints: bounded, said, in order, whatever the bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from nbflow.execute.output import LOG_LIMIT, STREAM_LIMIT, CellBudget, Log, plain
from nbflow.model.work import LOG_FILE, Result

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Bench


def test_a_hundred_megabytes_are_cut_and_said(bench: Bench) -> None:
    left = bench.run("%%task a\nprint('x' * 100_000_000)")
    assert left.outcome.result is Result.SUCCESS
    assert left.outcome.notes == (
        "cell 1 printed 100,000,001 characters; the notebook keeps the first 1,000,000",
        "the try printed 100,000,001 bytes; its log keeps the first 10,000,000",
    )
    (output,) = left.outputs("cell-0")
    assert output.text.startswith("x" * STREAM_LIMIT + "\n[nbflow: output cut")
    assert (left.request.folder / LOG_FILE).stat().st_size < LOG_LIMIT + 200
    assert left.log.endswith("[nbflow: the log ends here; 90,000,001 more bytes were printed]\n")


@dataclass(frozen=True)
class Printed:
    name: str
    source: str
    outputs: list[tuple[str, str]]


PRINTED = (
    Printed(
        "streams stay in order",
        "import sys\nfor i in range(3):\n    print(i, flush=True)\nprint('e', file=sys.stderr, flush=True)\nprint('o')",
        [("stdout", "0\n1\n2\n"), ("stderr", "e\n"), ("stdout", "o\n")],
    ),
    Printed(
        "bytes that are no UTF-8", r"import os; os.write(1, b'a\xff\n')" + ";", [("stdout", "a\ufffd\n")]
    ),
    Printed("of a subprocess", "import subprocess; subprocess.run(['echo', 'out']);", [("stdout", "out\n")]),
)


@pytest.mark.parametrize("case", PRINTED, ids=lambda case: case.name)
def test_printed_text(bench: Bench, case: Printed) -> None:
    left = bench.run(f"%%task a\n{case.source}")
    assert left.outcome.result is Result.SUCCESS, left.outcome.reason
    found = [
        (output.name, output.text) for output in left.outputs("cell-0") if output.output_type == "stream"
    ]
    assert found == case.outputs
    assert left.log == "".join(text for _, text in case.outputs)


def test_the_log_is_written_while_the_cell_runs(bench: Bench) -> None:
    request = bench.request("%%task a\nprint('early', flush=True)\nimport time\ntime.sleep(60)")
    bench.submit(request)
    log = request.folder / LOG_FILE
    while not log.exists() or log.read_text() != "early\n":
        pass
    bench.executor.stop(request.token, "stopped by a person")
    assert bench.finish(request).outcome.result is Result.STOPPED


def test_displays_and_results_are_kept(bench: Bench) -> None:
    left = bench.run("%%task a\ndisplay({'text/plain': 'shown'}, raw=True)\n41 + 1")
    shown, result = left.outputs("cell-0")
    assert (shown.output_type, shown.data) == ("display_data", {"text/plain": "shown"})
    assert (result.output_type, result.data, result.execution_count) == (
        "execute_result",
        {"text/plain": "42"},
        1,
    )


def test_a_budget_keeps_the_first_characters_and_says_it_once() -> None:
    budget = CellBudget()
    first, second = budget.stream("a" * (STREAM_LIMIT + 5)), budget.stream("b")
    assert first == "a" * STREAM_LIMIT + "\n[nbflow: output cut after 1,000,000 characters]\n"
    assert (second, budget.dropped) == ("", 6)


def test_last_words_stand_in_a_full_log(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.txt")
    log.write("x" * (LOG_LIMIT + 1))
    log.close("the end")
    assert (tmp_path / "log.txt").read_text()[-80:].endswith("1 more bytes were printed]\nthe end")


def test_colours_are_taken_out() -> None:
    assert plain("\x1b[0;31mKeyError\x1b[0m\x1b]8;;http://x\x07link") == "KeyErrorlink"


def test_what_a_thread_is_about_to_send_comes_before_the_cell_s_end(bench: Bench) -> None:
    slow = """\
%%task a
import sys, threading, time
take = sys.stdout._flush_buffers
def slowly():
    taken = list(take())
    if threading.current_thread() is not threading.main_thread():
        time.sleep(1)
    return taken
sys.stdout._flush_buffers = slowly
print("early", flush=False)
time.sleep(0.5)"""
    left = bench.run(slow)
    assert left.log == "early\n"
