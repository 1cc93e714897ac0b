"""A Jupyter server with the extension as the package installs it, over a project that has run."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli.conftest import write_notebook
from jupyter_process import Jupyter, jupyter

if TYPE_CHECKING:
    from collections.abc import Iterator

# Denies what the request's own header names, so that one server can be asked with and without rights.
AUTHORIZER = """
from jupyter_server.auth import Authorizer

class FakeAuthorizer(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        denied = handler.request.headers.get("X-Denied", "")
        return f"{action} {resource}" != denied

c.ServerApp.authorizer_class = FakeAuthorizer
"""
# What else is installed here takes its time to start.
ALONE = """
c.ServerApp.jpserver_extensions = dict.fromkeys(
    ("jupyter_lsp", "jupyter_server_terminals", "jupyterlab", "notebook", "notebook_shim", "voila.server_extension"),
    False,
)
"""
RUN = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """Serves a folder with `project/n.ipynb`, whose run of 1 January has failed; beside it lies `outside`."""
    folder = tmp_path_factory.mktemp("served")
    root = folder / "root"
    cells = (
        "%%dag n --schedule @daily --start-date 2026-01-01",
        "%%task a\nprint('printed by a')\nx = 40 + 2\nx",
        "%%task b\nx / 0",
    )
    path = write_notebook(root / "project" / "n.ipynb", *cells)
    for place in (path.parent, write_notebook(folder / "outside" / "n.ipynb", *cells).parent):
        (place / ".nbflow").mkdir(mode=0o700)
    done = subprocess.run(
        [sys.executable, "-m", "nbflow", "run", str(path), "2026-01-01"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (root / "leads_out.ipynb").symlink_to(folder / "outside" / "n.ipynb")
    (root / "way_out").symlink_to(folder / "outside")
    (root / "half.ipynb").write_text('{"cells": [', "utf-8")
    with jupyter(root, folder / "jupyter", config=AUTHORIZER + ALONE) as found:
        yield found
