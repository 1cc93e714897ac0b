"""What ended last in a home: whoever held it may have been killed before all was done that follows from an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.store import rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from pathlib import Path

    from nbflow.model.record import RunRecord

_MOVES = 5_000  # back from the latest; what follows from an end is never so far behind


class Leftovers:
    """The latest ends of tries and runs."""

    def __init__(self, db: sqlite3.Connection, sql: Mapping[str, str], home: Path) -> None:
        self._db = db
        self._sql = sql
        self._home = home

    def successes(self) -> list[Path]:
        """The folders of the tries that succeeded last."""
        found = self._db.execute(self._sql["latest_successes"], {"moves": _MOVES})
        return [self._home / row["folder"] for row in found]

    def ends(self) -> list[RunRecord]:
        """The runs that ended last and have not begun again."""
        return [rows.run(row) for row in self._db.execute(self._sql["latest_ends"], {"moves": _MOVES})]
