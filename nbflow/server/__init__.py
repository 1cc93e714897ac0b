"""The Jupyter server extension: what the board asks for and does, under `/nbflow/api/`, with Jupyter's own rights.

Installing the package turns it on (`jupyter server extension list`). It answers while the kernel is busy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_server.serverapp import ServerApp


def _jupyter_server_extension_points() -> list[Mapping[str, str]]:
    """How Jupyter finds the extension."""
    return [{"module": "nbflow.server"}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    """Put the routes into a running Jupyter server, and pictures in place of boards whose kernel is gone."""
    from nbflow.server.handlers import add_handlers
    from nbflow.server.stored import show_pictures

    add_handlers(app)
    show_pictures(app)
