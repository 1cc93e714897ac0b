"""The versions of notebooks with the project-local modules they import: rows of state.sqlite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.record import VersionRecord
from nbflow.parse.modules import hash_of
from nbflow.store import rows
from nbflow.store.sql import queries

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping


class Versions:
    """The versions of a home's notebooks, on the connection of its `StateStore`.

    The notebooks themselves are stored by `StateStore.save_dag` and read by `StateReader.notebook`.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._sql = queries("versions.sql")

    def save_modules(self, dag_id: str, version: str, modules: Mapping[str, str]) -> None:
        """Keep what a version imports, within a transaction of the owner.

        A version's hash counts its modules, so that those of one version never change; a source that several
        versions have is kept once.

        Args:
            dag_id: of the notebook.
            version: see `Flow.version`.
            modules: path relative to the notebook's folder → source.
        """
        values = {"dag_id": dag_id, "version": version}
        for path, source in modules.items():
            found = {"path": path, "source": source, "hash": hash_of(source)}
            self._db.execute(self._sql["add_module"], found)
            self._db.execute(self._sql["add_version_module"], {**values, **found})

    def modules(self, dag_id: str, version: str) -> dict[str, str]:
        """Path → source of the modules of a version; empty where it imports none, or is unknown."""
        values = {"dag_id": dag_id, "version": version}
        return {row["path"]: row["source"] for row in self._db.execute(self._sql["modules"], values)}

    def of(self, dag_id: str) -> list[VersionRecord]:
        """The versions of a DAG that the home has, first stored first."""
        return [
            VersionRecord(
                version=row["version"],
                created=rows.moment(row["created"]),
                runs=row["runs"],
                latest=None if row["latest"] is None else rows.moment(row["latest"]),
            )
            for row in self._db.execute(self._sql["versions"], {"dag_id": dag_id})
        ]
