"""The dashboard of a home: one notebook with a board for each DAG, and the Jupyter server that shows it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nbflow.store.notebooks import write_notebook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nbflow.store.home import Home

NAME = "dashboard.ipynb"
_IDLE = 300  # seconds after which the kernel of a page that nobody looks at any more ends
# The page and what tasks have put into their outputs may ask this server, and nothing outside of this machine.
_POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'self'"
_EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget"]
# In the cell, so that the page shows what the home knows when it is opened.
_CELL = """\
from nbflow.widgets.dashboard import show_dashboard

show_dashboard({root!r})"""


def write_dashboard(home: Home) -> Path:
    """Write the dashboard's notebook into the home; where it lies.

    Raises:
        HomeError: the home can't be written.
    """
    from nbformat.v4 import new_code_cell, new_notebook

    home.create()
    path = home.root / NAME
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cell = new_code_cell(_CELL.format(root=str(home.root)), id="dashboard")
    title = f"{home.project.name}: nbflow"
    write_notebook(new_notebook(cells=[cell], metadata={"kernelspec": kernel, "title": title}), path)
    return path


def dashboard_command(home: Home, *, port: int, browser: bool, more: Sequence[str] = ()) -> list[str]:
    """The command that serves the dashboard on loopback: a Jupyter server, with its token, and Voilà in it.

    Args:
        home: whose; its project is the server's root, so that what the boards link to can be opened.
        port: the first to be tried.
        browser: whether it opens one.
        more: further options of `jupyter server`, which win.
    """
    inside = home.root.is_relative_to(home.project)
    root = home.project if inside else home.root
    page = (home.root / NAME).relative_to(root).as_posix()
    return [
        sys.executable,
        "-m",
        "jupyter_server",
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.default_url=/voila/render/{page}",
        f"--ServerApp.port={port}",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.answer_yes=True",
        "--ContentsManager.allow_hidden=True",
        f"--MappingKernelManager.cull_idle_timeout={_IDLE}",
        f"--ServerApp.tornado_settings={ {'headers': {'Content-Security-Policy': _POLICY}} }",
        f"--VoilaConfiguration.extension_allowlist={_EXTENSIONS}",
        *more,
    ]
