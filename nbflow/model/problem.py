"""What is wrong, or doubtful, in a notebook, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error keeps a notebook from running; a warning and a hint do not."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding of the parser.

    Attributes:
        severity: whether it keeps the notebook from running.
        code: a short stable name, such as `undefined-name`, for `--json` and tests.
        message: what was found and what to do, in one or two sentences.
        cell: the number of the cell as Jupyter shows it after "restart and run all" (`In [n]`),
            counted over the notebook's non-empty code cells from 1; None for the whole notebook.
        line: the line in that cell, from 1; None for the whole cell.
        task: the id of the task it is about, if any.
    """

    severity: Severity
    code: str
    message: str
    cell: int | None = None
    line: int | None = None
    task: str | None = None

    @property
    def place(self) -> str:
        """«cell 7, line 2», «cell 7», or an empty string."""
        if self.cell is None:
            return ""
        return f"cell {self.cell}" + (f", line {self.line}" if self.line is not None else "")

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message
