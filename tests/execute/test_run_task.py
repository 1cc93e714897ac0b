"""One try, with a real kernel: what it can use, what it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nbflow.codec import encode
from nbflow.execute.local import run_task
from nbflow.model.work import INPUTS_FOLDER, Result

if TYPE_CHECKING:
    from conftest import Bench


def test_a_task_gets_its_inputs_and_leaves_what_later_tasks_use(bench: Bench) -> None:
    cells = ("factor = 3", "%%task first\nn = 1", "%%task second\nm = n * factor\nm + 1", "%%task third\nm")
    request = bench.request(*cells, task="second")
    n = encode("n", 14, folder=request.folder / INPUTS_FOLDER, shared={})
    left = bench.run(*cells, task="second", inputs={"n": n})
    assert left.outcome.result is Result.SUCCESS
    assert left.values == {"m": 42, "return_value": 43}
    assert {value.key: value.wanted for value in left.outcome.xcoms} == {"m": True, "return_value": False}


def test_the_executed_notebook_is_papermills(bench: Bench) -> None:
    left = bench.run(
        "# parameters\nname = 'world'", "%%task greet\nprint('hello', name)", params={"name": "moon"}
    )
    notebook = left.notebook
    assert left.log == "hello moon\n"
    assert notebook.metadata.papermill.parameters == {"name": "moon"}
    assert notebook.metadata.papermill.exception is None
    assert notebook.metadata.papermill.input_path == "small.ipynb"
    tags = [cell.metadata.tags for cell in notebook.cells]
    assert tags == [
        ["nbflow-bridge"],
        ["parameters"],
        ["injected-parameters"],
        ["nbflow-inputs"],
        [],
        ["nbflow-outputs"],
    ]
    assert all(cell.metadata.papermill.status == "completed" for cell in notebook.cells)
    assert notebook.cells[4].source == "%%task greet\nprint('hello', name)"
    assert notebook.cells[4].execution_count == 2


def test_parameters_without_a_cell_for_them_are_injected_after_the_bridge(bench: Bench) -> None:
    left = bench.run("%%task a\nglobals()['num']", params={"num": 5})
    assert left.values == {"return_value": 5}
    assert [cell.metadata.tags for cell in left.notebook.cells][1] == ["injected-parameters"]


@dataclass(frozen=True)
class Returned:
    name: str
    cells: tuple[str, ...]
    value: object


RETURNED = (
    Returned("the last expression", ("%%task a\nx = 1\nx + 1",), 2),
    Returned("of its last cell", ("%%task a\n1", "%%task +\n2"), 2),
    Returned("of a cell that continues it", ("%%task a\nx = 1\n'first'", "x"), 1),
    Returned("not lost to a cell without a value", ("%%task a\nx = 1\n'kept'", "print(x)"), "kept"),
    Returned("of an awaited call", ("%%task a\nimport asyncio\nawait asyncio.sleep(0, 'slept')",), "slept"),
    Returned("under another cell magic", ("%%task a\n%%time\n40 + 2",), 42),
    Returned("the line form", ("%task a\n40 + 2",), 42),
    Returned("none after display", ("%%task a\ndisplay(1)",), None),
    Returned("none of a shell line", ("%%task a\n!echo x",), None),
    Returned("none of a bash cell", ("%%task a\n%%bash\necho x",), None),
    Returned("none of a statement", ("%%task a\nx = 1",), None),
)


@pytest.mark.parametrize("case", RETURNED, ids=lambda case: case.name)
def test_the_return_value_is(bench: Bench, case: Returned) -> None:
    left = bench.run(*case.cells)
    assert left.outcome.result is Result.SUCCESS, left.outcome.reason
    assert left.values.get("return_value") == case.value


@dataclass(frozen=True)
class Ending:
    name: str
    cells: tuple[str, ...]
    result: Result
    reason: str
    place: tuple[int, int | None] | None = None


ENDINGS = (
    Ending("an error", ("%%task a\n\n1/0",), Result.FAILED, "ZeroDivisionError: division by zero (cell 1, line 3)", (1, 3)),
    Ending(
        "an error in a shared function",
        ("def f(x):\n    return x['k']", "%%task a\nf({})"),
        Result.FAILED,
        "KeyError: 'k' (cell 1, line 2)",
        (1, 2),
    ),
    Ending("an error after await", ("%%task a\nimport asyncio\nawait asyncio.sleep(0)\n[][1]",), Result.FAILED,
           "IndexError: list index out of range (cell 1, line 4)", (1, 4)),
    Ending("sys.exit(1)", ("%%task a\nimport sys\nsys.exit(1)",), Result.FAILED, "SystemExit: 1 (cell 1, line 3)", (1, 3)),
    Ending("sys.exit(0)", ("%%task a\nimport sys\nsys.exit(0)", "%%task +\n1/0"), Result.SUCCESS, ""),
    Ending("exit()", ("%%task a\nexit()",), Result.SUCCESS, ""),
    Ending("nbflow.Skip", ("%%task a\nimport nbflow\nraise nbflow.Skip('no data')",), Result.SKIPPED, "no data"),
    Ending("nbflow.Fail", ("%%task a\nfrom nbflow import Fail\nraise Fail('bad data')",), Result.FAIL,
           "Fail: bad data (cell 1, line 3)", (1, 3)),
    Ending("input()", ("%%task a\ninput('name?')",), Result.FAILED, "StdinNotImplementedError: input() asks somebody", (1, 2)),
    Ending("kill -9", ("%%task a\nimport os\nos.kill(os.getpid(), 9)",), Result.LOST,
           "the kernel was killed by signal 9 (SIGKILL) (cell 1)", (1, None)),
    Ending("a segfault", ("%%task a\nimport ctypes\nctypes.string_at(0)",), Result.LOST,
           "the kernel was killed by signal 11 (SIGSEGV) (cell 1)", (1, None)),
    Ending("os._exit", ("%%task a\nimport os\nos._exit(3)",), Result.FAILED, "the kernel ended itself with exit status 3", (1, None)),
)  # fmt: skip


@pytest.mark.parametrize("case", ENDINGS, ids=lambda case: case.name)
def test_a_try_ends_by(bench: Bench, case: Ending) -> None:
    left = bench.run(*case.cells)
    assert left.outcome.result is case.result
    assert left.outcome.reason.startswith(case.reason)
    error = left.outcome.error
    assert (None if error is None else (error.cell, error.line)) == case.place
    assert left.notebook.cells
    if case.result not in (Result.SUCCESS, Result.SKIPPED):
        assert "\x1b" not in left.log
        assert left.log.strip()


def test_exports_are_handed_on_after_an_early_exit(bench: Bench) -> None:
    left = bench.run("%%task a\nimport sys\nx = 1\nsys.exit()\nx = 2", "%%task b\nx", task="a")
    assert left.values == {"x": 1}


def test_a_missing_name_says_which_task_did_not_give_it(bench: Bench) -> None:
    cells = ("%%task a\nx = 1", "%%task b\nprint('first')\nx + 1")
    left = bench.run(*cells, task="b", missing={"x": "task 'a' was skipped: no data"})
    assert (
        left.outcome.reason
        == "NameError: name 'x' is not defined: task 'a' was skipped: no data (cell 2, line 3)"
    )
    assert left.log.startswith("first\n")


def test_context_names_are_there_but_never_over_the_notebooks_own(bench: Bench) -> None:
    cells = (
        "ts = 'mine'",
        "%%task a\nfrom nbflow import ds as imported, ts as real\n(ds, imported, ts, real, params, ti.task_id)",
    )
    left = bench.run(*cells)
    expected = ("2026-02-17", "2026-02-17", "mine", "2026-02-17T00:00:00+00:00", {}, "a")
    assert left.values["return_value"] == expected


def test_params_holds_defaults_and_what_was_given(bench: Bench) -> None:
    left = bench.run("# parameters\na = 1\nb = a + 1", "%%task t\nparams", params={"a": 5})
    assert left.values == {"return_value": {"a": 5, "b": 2}}


def test_cells_run_in_the_notebooks_folder_with_the_requests_environment(bench: Bench) -> None:
    left = bench.run(
        "%%task a\nimport os\n(os.getcwd(), os.environ['EXTRA'], 'NBFLOW_TRY' in os.environ)",
        environment={"EXTRA": "yes"},
    )
    assert left.values["return_value"] == (str(left.request.cwd), "yes", False)


def test_installs_are_not_repeated(bench: Bench) -> None:
    left = bench.run("%%task a\n%pip install nosuchpackage\nx = 1\nx + 1/0")
    assert left.outcome.reason == "ZeroDivisionError: division by zero (cell 1, line 4)"
    assert left.log.lstrip().startswith("-----")


def test_tracebacks_name_cells_as_the_notebook_numbers_them(bench: Bench) -> None:
    left = bench.run("%%task a\n1", "%%task b\n2", "%%task c --after none\n1/0", task="c")
    assert "Cell In[3], line 2" in left.log


def test_a_notebook_of_another_language_fails_with_its_name(bench: Bench) -> None:
    request = bench.request("%%task a\n1")
    request.notebook["metadata"]["kernelspec"]["language"] = "R"  # type: ignore[index]
    bench.submit(request)
    outcome = bench.finish(request).outcome
    assert outcome.result is Result.FAIL
    assert "the notebook is written in r" in outcome.reason


def test_run_task_needs_no_executor(bench: Bench) -> None:
    outcome = run_task(bench.request("%%task a\n1 + 1"))
    assert (outcome.result, outcome.xcoms[0].text) == (Result.SUCCESS, "2")


def test_a_timed_out_cell_is_interrupted_and_leaves_its_variables(bench: Bench) -> None:
    left = bench.run("%%task a\nimport time\nx = 7\ntime.sleep(60)", execution_timeout=timedelta(seconds=1.5))
    assert left.outcome.result is Result.TIMED_OUT
    assert left.outcome.reason == "execution_timeout of 1.5 s passed (cell 1, line 4)"
    assert '"key": "x"' in (left.request.folder / "failure" / "index.json").read_text()


def test_a_cell_that_ignores_the_interrupt_is_killed_and_its_line_is_known(bench: Bench) -> None:
    left = bench.run(
        "%%task a\nimport signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)",
        execution_timeout=timedelta(seconds=1),
    )
    assert left.outcome.result is Result.TIMED_OUT
    assert left.outcome.reason == "execution_timeout of 1 s passed (cell 1, line 4)"


CARRIED = (
    "%%task make\ndef half(x):\n    'of it'\n    return x / 0",
    "%%task look\nimport inspect\ninspect.getsource(half)",
    "%%task call\n1\nhalf(2)",
)


def test_a_function_of_another_task_s_cell_has_its_source_and_place(bench: Bench) -> None:
    made = bench.run(*CARRIED, task="make")
    inputs = {value.key: value for value in made.outcome.xcoms if value.wanted}
    looked = bench.run(*CARRIED, task="look", inputs=inputs)
    assert looked.values["return_value"] == "def half(x):\n    'of it'\n    return x / 0\n", (
        looked.outcome.reason
    )
    called = bench.run(*CARRIED, task="call", inputs=inputs)
    assert called.outcome.reason == "ZeroDivisionError: division by zero (cell 1, line 4)"
    assert "Cell 1 (task 'make'), line 4, in half(x)" in called.log
    assert "return x / 0" in called.log
