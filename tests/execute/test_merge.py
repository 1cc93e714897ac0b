"""A run's one notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat

from nbflow.execute.merge import merge_outputs
from nbflow.execute.place import dumped_line

if TYPE_CHECKING:
    from conftest import Bench

CELLS = (
    "# parameters\nn = 1",
    "print('shared')\ndef f(): return n",
    "%%task one\nprint('one')\nf()",
    "%%scratch\n1/0",
    "%%task two --after none\nf() + 1",
    "%%task three\n1/0",
)


def test_outputs_come_back_to_the_cells_they_belong_to(bench: Bench) -> None:
    notebook, flow = bench.notebook_of(*CELLS)
    tries = {task: bench.run(*CELLS, task=task, params={"n": 5}).notebook for task in ("two", "one", "three")}
    merged = nbformat.from_dict(merge_outputs(flow, notebook, tries, output_path="runs/{x}.ipynb"))
    nbformat.validate(merged)
    assert [
        cell.source for cell in merged.cells if cell.metadata.get("tags") != ["injected-parameters"]
    ] == list(CELLS)
    assert merged.cells[1].metadata.tags == ["injected-parameters"]
    assert "n = 5" in merged.cells[1].source
    shared, one, scratch, two, three = merged.cells[2:]
    assert shared.outputs[0].text == "shared\n"
    assert [output.get("text") or output.data["text/plain"] for output in one.outputs] == ["one\n", "5"]
    assert (one.execution_count, one.outputs[1].execution_count) == (3, 3)
    assert (scratch.outputs, scratch.execution_count) == ([], None)
    assert two.outputs[0].data == {"text/plain": "6"}
    assert three.outputs[0].ename == "ZeroDivisionError"
    assert [cell.metadata.papermill.status for cell in (shared, one, two, three)] == ["completed"] * 3 + [
        "failed"
    ]
    about = merged.metadata.papermill
    assert about.parameters == {"n": 5}
    assert about.exception is True
    assert about.start_time == min(attempt.metadata.papermill.start_time for attempt in tries.values())
    assert about.end_time == max(attempt.metadata.papermill.end_time for attempt in tries.values())
    assert (about.input_path, about.output_path) == ("small.ipynb", "runs/{x}.ipynb")
    assert all("outputs" not in cell or not cell.outputs for cell in notebook.cells)


def test_a_run_of_which_nothing_ran_has_no_outputs(bench: Bench) -> None:
    notebook, flow = bench.notebook_of("%%task a\n1")
    merged = nbformat.from_dict(merge_outputs(flow, notebook, {}))
    assert merged.cells[0].outputs == []
    assert merged.metadata.papermill.start_time is None


def test_the_line_of_a_hung_cell_is_that_of_its_outermost_frame() -> None:
    dump = (
        'Timeout (0:00:03)!\nThread 0x1 (most recent call first):\n  File "/usr/lib/threading.py", line 320 in wait\n\n'
        'Thread 0x2 (most recent call first):\n  File "/tmp/ipykernel_12/34.py", line 2 in helper\n'
        '  File "/tmp/ipykernel_12/56.py", line 7 in <module>\n  File "/x/interactiveshell.py", line 3 in run_code\n'
    )
    assert dumped_line(dump) == 7
    assert dumped_line("nothing") is None
