"""A Jupyter server (or JupyterLab, Notebook 7) as a process of its own, on loopback, with folders of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

TOKEN = "a-token-of-this-test"
# Gives pages their application as `window.jupyterapp`, in JupyterLab and in Notebook 7.
EXPOSED = ("--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True")
_QUIET = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
_PATIENCE = 60  # seconds until a server that says nothing counts as one that doesn't start


@dataclass(frozen=True)
class Reply:
    """What a server answered."""

    status: int
    body: str

    def json(self) -> Any:
        return json.loads(self.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:  # type: ignore[override]
        return None


@dataclass
class Browser:
    """Asks as a logged-in browser does: with cookies, without a token."""

    url: str
    jar: CookieJar = field(default_factory=CookieJar)

    def __post_init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(self.jar)
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies, _NoRedirect())

    @property
    def xsrf(self) -> str:
        return next(cookie.value or "" for cookie in self.jar if cookie.name == "_xsrf")

    def ask(
        self,
        path: str,
        *,
        data: str | None = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        **query: object,
    ) -> Reply:
        """GET, or with `data` POST, or another method."""
        asked = urllib.parse.urlencode({name: str(value) for name, value in query.items()})
        request = urllib.request.Request(
            f"{self.url}{path}?{asked}",
            data=None if data is None else data.encode(),
            headers={"Content-Type": "application/json", **(headers or {})},
            method=method,
        )
        try:
            with self._opener.open(request, timeout=_PATIENCE) as answer:
                return Reply(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.read().decode())


@dataclass(frozen=True)
class Jupyter:
    """A server that runs.

    Attributes:
        url: with a slash at its end.
        root: the folder it serves.
        log: the file that it writes what it does into.
    """

    url: str
    root: Path
    log: Path

    def ask(
        self,
        path: str,
        *,
        data: str | None = None,
        token: str = TOKEN,
        method: str | None = None,
        **query: object,
    ) -> Reply:
        """As a program asks, with a token."""
        headers = {"Authorization": f"token {token}"}
        return Browser(self.url).ask(path, data=data, headers=headers, method=method, **query)

    def end_kernels(self) -> None:
        """Shut down what has been begun here."""
        for session in self.ask("api/sessions").json():
            self.ask(f"api/sessions/{session['id']}", method="DELETE")

    def browser(self) -> Browser:
        """One that has logged in by the token, as the link that Jupyter prints does."""
        found = Browser(self.url)
        found.ask("login")  # sets the XSRF cookie
        found.ask("api/status", token=TOKEN)
        return found


def dashboard(root: Path, own: Path) -> AbstractContextManager[Jupyter]:
    """`nbflow ui`, in this folder."""
    return _running(root, own, ["nbflow", "ui", "--no-browser", "--port=0", "--"])


def jupyter(
    root: Path, own: Path, *words: str, app: str = "jupyter_server", config: str = ""
) -> AbstractContextManager[Jupyter]:
    """A Jupyter server over `root`.

    Args:
        root: what it serves.
        own: a folder for its settings, data and runtime files.
        words: further options.
        app: the module to start: `jupyter_server`, `jupyterlab` or `notebook`.
        config: its `jupyter_server_config.py`.
    """
    place = [f"--ServerApp.root_dir={root}", "--ServerApp.port=0", "--no-browser"]
    return _running(root, own, [app, *place, *words], config=config)


@contextmanager
def _running(root: Path, own: Path, words: Sequence[str], *, config: str = "") -> Iterator[Jupyter]:
    """`python -m` with these words, until it is left."""
    folders = {name: own / name.lower() for name in ("CONFIG", "DATA", "RUNTIME")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    (folders["CONFIG"] / "jupyter_server_config.py").write_text(config, "utf-8")
    (folders["CONFIG"] / "labconfig").mkdir(exist_ok=True)
    (folders["CONFIG"] / "labconfig" / "page_config.json").write_text(json.dumps(_QUIET), "utf-8")
    variables = {f"JUPYTER_{name}_DIR": str(folder) for name, folder in folders.items()}
    log = own / "jupyter.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                *words,
                "--allow-root",
                "--ServerApp.ip=127.0.0.1",
                f"--IdentityProvider.token={TOKEN}",
            ],
            cwd=root,
            env={**os.environ, **variables, "IPYTHONDIR": str(own / "ipython")},
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield Jupyter(url=_url(process, folders["RUNTIME"], log), root=root, log=log)
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _url(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    until = time.monotonic() + _PATIENCE
    told = runtime / f"jpserver-{process.pid}.json"
    while time.monotonic() < until and process.poll() is None:
        try:
            url = json.loads(told.read_text())["url"]
            if Browser(url).ask("api").status == 200:
                return url
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"the Jupyter server did not start:\n{log.read_text()}")
