"""The executed notebook of a run, put together from those of its tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat

from nbflow.execute.merge import merge_outputs
from nbflow.model.work import NOTEBOOK_FILE
from nbflow.store.notebooks import write_notebook

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbflow.service.prepare import OpenRun


def save_run_notebook(run: OpenRun, tries: Mapping[str, Path], target: Path) -> None:
    """Write a run's one notebook: each task's outputs in its own cells.

    Args:
        run: whose.
        tries: task id → folder of its latest try, in the order of the notebook.
        target: the file, replaced as a whole.
    """
    executed = {
        task_id: nbformat.read(folder / NOTEBOOK_FILE, as_version=4)
        for task_id, folder in tries.items()
        if (folder / NOTEBOOK_FILE).exists()
    }
    write_notebook(merge_outputs(run.flow, run.notebook, executed, output_path=target), target)
