"""Answers to `xcom_pull` from tasks while they run."""

from __future__ import annotations

import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbflow.execute.exchange import ExchangeServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from nbflow.execute.exchange import XComQuery
    from nbflow.model.outside import Outside
    from nbflow.model.xcom import XComValue
    from nbflow.store.home import Home
    from nbflow.store.xcom import XComStore


@contextmanager
def answering(
    home: Home, xcoms: Callable[[], AbstractContextManager[XComStore]], outside: Outside
) -> Iterator[Path]:
    """Answer on a socket, whose path is given, until the block ends; files handed out go with it.

    Args:
        home: whose.
        xcoms: has the store that answers `xcom_pull`, question by question.
        outside: answers everything else.
    """
    folder = home.root / "pulls" / secrets.token_hex(8)
    folder.mkdir(parents=True)

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

    server = ExchangeServer(
        answer,
        variable=outside.variable,
        connection=outside.connection,
        standing=outside.standing,
        trigger=outside.trigger,
    )
    try:
        yield server.path
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
