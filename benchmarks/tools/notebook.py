"""Notebooks of the works, for the tools that run notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from work import write_result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from work import Step

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
READ = "{name} = int(Path(f'{name}-{{ds}}.txt').read_text())"
WRITE = "Path(f'{name}-{{ds}}.txt').write_text(str({name}));"


def write(path: Path, cells: Sequence[str], *, parameters: bool = False) -> None:
    """An .ipynb of these code cells; the first holds the parameters if asked."""
    made = [new_code_cell(cell) for cell in cells]
    if parameters:
        made[0].metadata["tags"] = ["parameters"]
    nbformat.write(new_notebook(cells=made, metadata=KERNEL), path)


def write_each(folder: Path, steps: Sequence[Step]) -> None:
    """A notebook per task: read its values from files, the task, write its value to a file."""
    for step in steps:
        reads = [READ.format(name=name) for name in step.takes]
        cells = ["ds = ''", "\n".join(["from pathlib import Path", *reads]), step.code]
        cells.append(WRITE.format(name=step.gives))
        if step is steps[-1]:
            cells.append(write_result(step))
        write(folder / f"{step.name}.ipynb", cells, parameters=True)
