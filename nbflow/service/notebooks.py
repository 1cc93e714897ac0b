"""The executed notebook of a run, put together from those of its tasks."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nbflow.execute.merge import merge_outputs
from nbflow.model.work import NOTEBOOK_FILE
from nbflow.store.notebooks import write_executed

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
    executed: dict[str, dict[str, Any]] = {}
    for task_id, folder in tries.items():
        with suppress(FileNotFoundError, NotADirectoryError):  # a try that never began
            executed[task_id] = json.loads((folder / NOTEBOOK_FILE).read_bytes())
    write_executed(merge_outputs(run.flow, run.notebook, executed, output_path=target), target)
