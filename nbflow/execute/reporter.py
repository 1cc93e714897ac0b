"""What a try's kernel says of how it went."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbflow.errors import BadValue, CannotCarry, Fail, MapError, Skip
from nbflow.execute.brief import REPORT_FILE
from nbflow.execute.outcome import error_to_json, how_it_goes_on, write_whole
from nbflow.execute.place import place_of
from nbflow.model.work import FAILURE_FOLDER, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from IPython.core.interactiveshell import InteractiveShell

    from nbflow.execute.brief import Brief, CellPlace
    from nbflow.execute.fork.session import ChildSession
    from nbflow.execute.secrets import Secrets
    from nbflow.model.work import ErrorPlace
    from nbflow.model.xcom import XComValue

_NOBODY_TO_ASK = (
    "input() asks somebody, and in a run nobody is there. Make the answer a parameter: assign it in the cell "
    "tagged `parameters`, and give another with -p."
)
_QUICK = 3.0  # seconds to save variables after an interrupt: the host's patience is 5
_SAID_IN_FULL = (CannotCarry, BadValue, MapError)  # their texts name the cell


class Reporter:
    """Reports one try, once.

    Args:
        brief: of the try.
        shell: of its kernel.
        given: the names that nbflow has set: they are nobody's variables.
        secrets: what must not be told.

    Attributes:
        done: whether it has reported.
        child: the way to the host, where this process is its child; else the report is a file.
        also: gives notes about the try that don't come of its cells.
    """

    def __init__(
        self, brief: Brief, shell: InteractiveShell, given: Mapping[str, object], secrets: Secrets
    ) -> None:
        self.done = False
        self.child: ChildSession | None = None
        self.also: Callable[[], tuple[str, ...]] = tuple
        self._brief = brief
        self._shell = shell
        self._given = given
        self._secrets = secrets

    def report(
        self,
        result: Result,
        reason: str = "",
        error: ErrorPlace | None = None,
        *,
        xcoms: tuple[XComValue, ...] = (),
        notes: tuple[str, ...] = (),
        follow: tuple[str, ...] | None = None,
        items: tuple[str, ...] | None = None,
        again_after: timedelta | None = None,
    ) -> None:
        """Say how the try went; the arguments are the fields of `TaskOutcome`."""
        self.done = True
        report = {
            "result": result.value,
            "reason": self._secrets.masked(reason),
            "error": self._secrets.masked(error_to_json(error)),
            "xcoms": [value.to_json() for value in xcoms],
            "notes": self._secrets.masked([*notes, *self.also()]),
            **how_it_goes_on(follow, items, again_after),
        }
        if self.child is None:
            write_whole(self._brief.folder / REPORT_FILE, json.dumps(report, ensure_ascii=False))
        else:
            self.child.tell("report", report)

    def fail(
        self, error: BaseException, files: Mapping[str, CellPlace], running: tuple[str, CellPlace] | None
    ) -> None:
        """Say that an error has ended the try, and keep its variables.

        Args:
            error: as it was caught.
            files: the file name that each cell's code was compiled under → the cell.
            running: the file name and cell that was running, None between the notebook's cells.
        """
        place = place_of(error, files, running)
        if isinstance(error, Skip):
            self.report(Result.SKIPPED, place.message or "skipped by its cell")
            return
        if isinstance(error, (BadValue, MapError)) and place.cell is None:
            place = replace(place, **self._own_place())
        result = Result.FAIL if isinstance(error, (Fail, CannotCarry)) else Result.FAILED
        if type(error).__name__ == "StdinNotImplementedError":
            place = replace(place, message=_NOBODY_TO_ASK)
        reason = str(error) if isinstance(error, _SAID_IN_FULL) else str(place)
        self.report(result, reason, place)
        self._capture(_QUICK if isinstance(error, KeyboardInterrupt) else None)

    def _own_place(self) -> dict[str, Any]:
        """The last of the task's cells that run here, else its first."""
        own = [(cell.number, cell.cell_id) for cell in self._brief.cells if cell.own]
        number, cell_id = own[-1] if own else self._brief.purpose.cell or (None, None)
        return {"cell": number, "cell_id": cell_id}

    def _capture(self, seconds: float | None) -> None:
        from nbflow.execute.capture import SECONDS, capture

        shell = self._shell
        hidden = {*shell.user_ns_hidden, "In", "Out", "exit", "quit", "get_ipython"}
        variables = {
            name: value
            for name, value in shell.user_ns.items()
            if not name.startswith("_") and name not in hidden and self._given.get(name, self) is not value
        }
        capture(variables, self._brief.folder / FAILURE_FOLDER, seconds=seconds or SECONDS)
