"""DuckDB statements, parsed once: parsing one takes as long as planning and doing it, where it is a small one."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Statement

_KEPT = 256  # texts: all of xcom.sql, and what some tables' columns make of it


class Statements:
    """Texts of one statement each → what DuckDB makes of them, on whatever connection.

    For any thread: DuckDB copies a statement when it executes it.
    """

    def __init__(self) -> None:
        self._parsed: OrderedDict[str, Statement] = OrderedDict()

    def of(self, cursor: DuckDBPyConnection, text: str) -> Statement:
        """The statement, parsed by this connection the first time.

        Raises:
            duckdb.Error: it is none.
            ValueError: there are several.
        """
        found = self._parsed.get(text)
        if found is None:
            (found,) = cursor.extract_statements(text)
            self._parsed[text] = found
            if len(self._parsed) > _KEPT:
                self._parsed.popitem(last=False)
        return found
