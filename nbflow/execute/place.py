"""Where in the notebook an exception came from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbflow.model.work import ErrorPlace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from nbflow.execute.brief import CellPlace

_DUMPED = re.compile(r'^  File ".*[/\\]ipykernel_\d+[/\\]\d+\.py", line (\d+) in ', re.MULTILINE)


def place_of(
    error: BaseException, files: Mapping[str, CellPlace], current: tuple[str, CellPlace] | None
) -> ErrorPlace:
    """The innermost frame of an exception that lies in a cell of the notebook.

    Args:
        error: as it was caught, with its traceback.
        files: the file name that each cell's code was compiled under → the cell.
        current: the file name and cell that is running; it wins where two cells have the same text.
    """
    files = dict(files) if current is None else {**files, current[0]: current[1]}
    cell, line = _innermost(error.__traceback__, files)
    if isinstance(error, SyntaxError) and cell is None:
        cell = files.get(error.filename or "")
        line = error.lineno
    if cell is None and current is not None:
        cell, line = current[1], None
    return ErrorPlace(
        type=type(error).__name__,
        message=message_of(error),
        cell=None if cell is None else cell.number,
        cell_id=None if cell is None else cell.cell_id,
        line=line,
    )


def message_of(error: BaseException) -> str:
    """The exception's text; never raises."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 somebody's own __str__
        return "(its text can't be had)"


def dumped_line(dump: str) -> int | None:
    """The line of the running cell in what `faulthandler` wrote of a kernel that hung; None if not in it.

    A dump lists frames innermost first and the main thread last, so the last frame of a cell is the
    cell's own.
    """
    lines = _DUMPED.findall(dump)
    return int(lines[-1]) if lines else None


def _innermost(
    traceback: TracebackType | None, files: Mapping[str, CellPlace]
) -> tuple[CellPlace | None, int | None]:
    found: tuple[CellPlace | None, int | None] = (None, None)
    while traceback is not None:
        cell = files.get(traceback.tb_frame.f_code.co_filename)
        if cell is not None:
            found = (cell, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found
