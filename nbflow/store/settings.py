"""Pools, variables and connections: what all DAGs of a home share. Any process may change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.record import PoolRecord
from nbflow.model.task import DEFAULT_POOL, DEFAULT_POOL_SLOTS
from nbflow.store import rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager


class Settings:
    """The settings of a home, on the connection of its `StateStore`."""

    def __init__(
        self,
        db: sqlite3.Connection,
        sql: Mapping[str, str],
        transaction: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._db = db
        self._sql = sql
        self._transaction = transaction

    # Pools

    def pools(self) -> dict[str, PoolRecord]:
        """The pools by name; `default_pool` is always among them."""
        found = {DEFAULT_POOL: PoolRecord(name=DEFAULT_POOL, slots=DEFAULT_POOL_SLOTS)}
        found |= {row["name"]: rows.pool(row) for row in self._db.execute(self._sql["pools"])}
        return found

    def set_pool(self, pool: PoolRecord) -> None:
        """Make a pool, or change it."""
        values = {"name": pool.name, "slots": pool.slots, "description": pool.description}
        self._write("set_pool", values)

    def delete_pool(self, name: str) -> bool:
        """Delete a pool (`default_pool` gets its usual slots back); whether there was one."""
        return self._write("delete_pool", {"name": name})

    # Variables

    def variables(self) -> dict[str, str]:
        """The variables, by key in order."""
        return {row["key"]: row["value"] for row in self._db.execute(self._sql["variables"])}

    def set_variable(self, key: str, value: str) -> None:
        """Make a variable, or change it."""
        self._write("set_variable", {"key": key, "value": value})

    def delete_variable(self, key: str) -> bool:
        """Delete a variable; whether there was one."""
        return self._write("delete_variable", {"key": key})

    # Connections

    def connections(self) -> dict[str, str]:
        """The connections' URIs, with their passwords, by id in order."""
        return {row["conn_id"]: row["uri"] for row in self._db.execute(self._sql["connections"])}

    def set_connection(self, conn_id: str, uri: str) -> None:
        """Make a connection, or change it."""
        self._write("set_connection", {"conn_id": conn_id, "uri": uri})

    def delete_connection(self, conn_id: str) -> bool:
        """Delete a connection; whether there was one."""
        return self._write("delete_connection", {"conn_id": conn_id})

    def _write(self, query: str, values: Mapping[str, object]) -> bool:
        with self._transaction():
            return self._db.execute(self._sql[query], values).rowcount > 0
