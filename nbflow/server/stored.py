"""Stored boards that nothing can bring back to life: the page gets the picture that lies beside each of them.

A notebook's file keeps the reference to a widget of the kernel that made it. As long as that kernel lives, a page that
is loaded again finds the widget there. Afterwards JupyterLab would show «Error displaying widget: model not found».
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from jupyter_server.serverapp import ServerApp

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_MARK = "nbflow"  # in the metadata of outputs that a board stands in


def show_pictures(app: ServerApp) -> None:
    """Have a Jupyter server give out notebooks that have no kernel with pictures in place of their boards.

    The files stay as they are. It has a hook for what is saved, and none for what is read: its own way is replaced.
    """
    manager: Any = app.contents_manager
    get = manager.get
    if not inspect.iscoroutinefunction(get):
        return  # somebody's own manager: it can't be asked for sessions meanwhile

    async def has_kernel(path: str) -> bool:
        sessions = await app.session_manager.list_sessions()
        return any(session.get("path") == path for session in sessions)

    manager.get = with_pictures(get, has_kernel)


def with_pictures(
    get: Callable[..., Awaitable[dict[str, Any]]], has_kernel: Callable[[str], Awaitable[bool]]
) -> Callable[..., Awaitable[dict[str, Any]]]:
    """The same way to read, but that boards of notebooks without a kernel become pictures.

    Args:
        get: a contents manager's.
        has_kernel: whether the notebook at a path, relative to the server's root, has a kernel now.
    """

    async def got(path: str, *arguments: Any, **options: Any) -> dict[str, Any]:  # noqa: ANN401 as `get` takes them
        model = await get(path, *arguments, **options)
        if model.get("type") == "notebook" and isinstance(model.get("content"), dict):
            boards = list(_boards(model["content"]))
            if boards and not await has_kernel(path.strip("/")):
                for bundle in boards:
                    bundle.pop(_WIDGET_VIEW)
        return model

    return got


def _boards(notebook: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The data of outputs that refer to a board and have its picture too."""
    for cell in notebook.get("cells", ()):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if _MARK in output.get("metadata", {}) and _WIDGET_VIEW in data and "text/html" in data:
                yield data
