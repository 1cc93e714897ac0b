"""What is told of runs that somebody has asked for, to whoever shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.service.scheduler import Moves
    from nbflow.service.submit import Submission


class Watcher(Protocol):
    """Whoever shows how it goes."""

    def begin(self, todo: list[Submission]) -> None:
        """Told once what will be done, before it is."""
        ...

    def moved(self, moves: Moves) -> None:
        """Told of every move of the runs."""
        ...

    def handed_to(self, owner: str) -> None:
        """Told who does the work, if it is another process."""
        ...

    def taken_over(self, owner: str) -> None:
        """Told that this one has ended before the work was done."""
        ...

    def stopping(self) -> None:
        """Told that the runs are being stopped, by an interrupt."""
        ...

    def left(self, labels: Sequence[str]) -> None:
        """Told which runs, as people read them, go on without this process, which was interrupted."""
        ...
