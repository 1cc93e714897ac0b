"""Answers to `xcom_pull` from tasks while they run."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbflow.execute.exchange import ExchangeServer
from nbflow.service.leftovers import claimed, keep_in_mind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from nbflow.execute.exchange import XComQuery
    from nbflow.model.outside import Outside
    from nbflow.model.xcom import XComValue
    from nbflow.store.home import Home
    from nbflow.store.source import XComReader


@contextmanager
def answering(
    home: Home, xcoms: Callable[[], AbstractContextManager[XComReader]], outside: Outside
) -> Iterator[Path]:
    """Answer on a socket, whose path is given, until the block ends; files handed out go with it.

    Args:
        home: whose.
        xcoms: has the store that answers `xcom_pull`, question by question.
        outside: answers everything else.
    """
    with claimed(home.root / "pulls" / secrets.token_hex(8)) as folder:
        server = _server(folder, xcoms, outside)
        try:
            keep_in_mind(folder, server.path.parent)
            yield server.path
        finally:
            server.close()


def _server(
    folder: Path, xcoms: Callable[[], AbstractContextManager[XComReader]], outside: Outside
) -> ExchangeServer:
    def answer(query: XComQuery) -> list[XComValue]:
        with xcoms() as store:
            found = store.pull(
                query.dag_id,
                query.run_id,
                [query.task_id],
                query.key,
                map_indexes=query.map_indexes,
                include_prior_dates=query.include_prior_dates,
                folder=folder,
            )
        return [value for _, value in found]

    return ExchangeServer(
        answer,
        variable=outside.variable,
        connection=outside.connection,
        standing=outside.standing,
        trigger=outside.trigger,
    )
