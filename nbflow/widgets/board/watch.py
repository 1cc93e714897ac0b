"""What has moved in a DAG, noticed while it moves: for a board that a kernel keeps up to date."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError
from nbflow.service.board import LAST, updates
from nbflow.service.board_target import fresh_target
from nbflow.store.home import is_held
from nbflow.store.state import StateStore
from nbflow.widgets.board.data import board

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.service.lookup import Target

EVERY = 0.1  # seconds between two looks
_SLOWLY = (
    1.0  # seconds between two looks at what no store tells: the notebook's file, whether its owner lives
)
_STANDING = ("scheduler", "paused", "pause_reason", "published", "changed", "scheduled")


class Watch:
    """One DAG, looked at again and again by one thread.

    Attributes:
        data: the whole board as it was at the latest look; replaced, never changed.
    """

    def __init__(self, notebook: Path, *, last: int = LAST) -> None:
        """Look for the first time.

        Args:
            notebook: of the DAG.
            last: how many runs the board shows.

        Raises:
            NbflowError: the notebook can't be read as a workflow, or its home's state can't be.
        """
        self._notebook = notebook
        self._last = last
        self._state: StateStore | None = None
        self._target: Target = fresh_target(notebook)
        self._looked_around = time.monotonic()
        self._held = is_held(self._target.home)
        self.data: dict[str, Any] = board(self._target, last=last)

    def look(self) -> tuple[bool, dict[str, Any]]:
        """What has moved since the look before: whether the whole board has (then it is `data`), else the updates,
        empty where nothing has.

        Raises:
            NbflowError: the home's state can't be read now.
        """
        around = time.monotonic() - self._looked_around >= _SLOWLY
        if around:
            self._looked_around = time.monotonic()
            held, self._held = self._held, is_held(self._target.home)
            target, self._target = self._target, fresh_target(self._notebook)
            # A new version makes squares stale; an owner that has gone leaves runs interrupted.
            if target is not self._target or (held and not self._held):
                self.data = board(self._target, last=self._last)
                return True, {}
        if not around and not self._moved():
            return False, {}
        found = updates(self._target, self.data["mark"])
        if "runs" not in found and all(self.data.get(name) == found.get(name) for name in _STANDING):
            return False, {}
        self.data = merged(self.data, found)
        return False, found

    def close(self) -> None:
        """Look no more."""
        if self._state is not None:
            self._state.close()
            self._state = None

    def _moved(self) -> bool:
        """Whether anybody has written into the state since this was last asked."""
        path = self._target.home.state
        if self._state is None:
            if not path.exists():
                return False
            self._state = StateStore(path)
        elif self._state.path != path or not path.exists():
            self.close()
            return True
        return self._state.changed_outside()


def merged(data: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    """A board with updates taken in; neither is changed."""
    runs = {run["run_id"]: run for run in (*data["runs"], *news.get("runs", ()))}
    flags = {**data["flags"], **news.get("flags", {})}
    plain = {name: value for name, value in news.items() if name not in ("runs", "squares", "flags", "tasks")}
    return {
        **data,
        **plain,
        "runs": sorted(runs.values(), key=lambda run: (run["run_id"].partition("~")[0], run["variant"])),
        "squares": {**data["squares"], **news.get("squares", {})},
        "flags": {run_id: said for run_id, said in flags.items() if said},
    }


def looked(watch: Watch) -> tuple[bool, dict[str, Any]]:
    """As `Watch.look`; nothing where the look fails: the last picture stays, and the next one may go better."""
    try:
        return watch.look()
    except (NbflowError, OSError):
        return False, {}
