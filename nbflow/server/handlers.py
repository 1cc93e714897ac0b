"""The routes as Jupyter's request handlers: its login, its authorizer, its XSRF check, and no work on its event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from nbflow.errors import AddressError, NbflowError, TrustError
from nbflow.model.json_text import json_text
from nbflow.server.arguments import Arguments
from nbflow.server.places import OutsideRoot, target_of
from nbflow.server.routes import API, ROUTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_server.serverapp import ServerApp

    from nbflow.server.routes import Route

# Reading takes milliseconds; an action waits until the owner of the home has obeyed. Neither keeps the other waiting.
_READERS = 6
_WRITERS = 2
_NO_OBJECT = "the body of {route} is a JSON object with `verb` and `body`."


class _Handler(APIHandler):
    """What both kinds of request share.

    Jupyter's authorizer is asked for `read` or `write` on `nbflow`.
    """

    auth_resource = "nbflow"

    def initialize(self, route: Route, workers: ThreadPoolExecutor, root: Path) -> None:
        self._route = route
        self._workers = workers
        self._root = root

    async def _answer(self, given: Mapping[str, object]) -> None:
        loop = asyncio.get_running_loop()
        try:
            text = await loop.run_in_executor(self._workers, self._ask, given)
        except NbflowError as error:  # no HTTPError: that takes its message for a format
            self.set_status(_status(error))
            self.finish({"message": str(error)})
            return
        self.set_header("Cache-Control", "no-store")
        self.finish(text)

    def _ask(self, given: Mapping[str, object]) -> str:
        """The answer as JSON; in a worker thread, so that a large one is written there too."""
        arguments = Arguments(self._route.name, given)
        target = target_of(arguments, self._root)
        return json_text(self._route.answer(target, arguments))


class ReadHandler(_Handler):
    """`GET /nbflow/api/ROUTE?…`: looks, changes nothing."""

    # A board that is open asks all the time: that is no sign that somebody works here (idle culling).
    _track_activity = False

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with what the query asks for."""
        _ = self.xsrf_token  # gives a page its cookie, where none of Jupyter's own (Voilà's) has
        await self._answer({name: self.get_query_argument(name) for name in self.request.query_arguments})


class WriteHandler(_Handler):
    """`POST /nbflow/api/ROUTE?…` with a JSON object: does something. Jupyter checks XSRF before."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Do what the body asks for."""
        body = self.get_json_body()
        if not isinstance(body, dict):
            raise web.HTTPError(400, _NO_OBJECT.format(route=self._route.name))
        query = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        await self._answer({**body, **query})


def _status(error: NbflowError) -> int:
    match error:
        case OutsideRoot() | TrustError():
            return 403
        case AddressError():
            return 404
        case _:
            return 400


def add_handlers(app: ServerApp) -> None:
    """Put the routes into a Jupyter server's web application."""
    root = Path(app.root_dir)
    readers = ThreadPoolExecutor(_READERS, thread_name_prefix="nbflow-read")
    writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="nbflow-write")
    base = app.web_app.settings["base_url"]
    app.web_app.add_handlers(
        ".*$",
        [
            (
                url_path_join(base, API, route.name),
                WriteHandler if route.changes else ReadHandler,
                {"route": route, "workers": writers if route.changes else readers, "root": root},
            )
            for route in ROUTES
        ],
    )
