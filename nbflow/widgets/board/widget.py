"""The board as a widget: live while its kernel is, by comm, whether a cell runs or not."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from nbflow.errors import NbflowError
from nbflow.service.board import LAST
from nbflow.widgets.board.answers import answer
from nbflow.widgets.board.page import script, style
from nbflow.widgets.board.watch import EVERY, Watch, looked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Pull = Callable[[Mapping[str, Any]], str]

_LOG = logging.getLogger("nbflow.board")
_NO_PULL = "this board's kernel can't pull: it isn't the one of the notebook."
_NO_QUESTION = "a board is asked with `ask` and `with`."


class Board(anywidget.AnyWidget):
    """One board. Its views share the model, and all of them hear of what moves.

    Attributes:
        data: `widgets.board.data.board` at first; what moves is sent as messages `{"updates": …}`.
        server: the path of nbflow's routes on the page's Jupyter server, "" for none.
        view: `all`, `grid` or `graph`.
        notebook: its path, as that server knows it.
    """

    _esm = script()
    _css = style()
    data = traitlets.Dict({}).tag(sync=True)
    server = traitlets.Unicode("").tag(sync=True)
    view = traitlets.Unicode("all").tag(sync=True)
    notebook = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        path: Path,
        *,
        view: str = "all",
        last: int = LAST,
        server: str = "",
        notebook: str = "",
        pull: Pull | None = None,
    ) -> None:
        """Show a notebook's DAG as it stands, and go on looking.

        Args:
            path: of the notebook.
            view: what is shown of the board.
            last: how many runs.
            server: see above.
            notebook: see above; "": the path.
            pull: puts a try's values into the kernel, and says what it did; called where cells run.

        Raises:
            NbflowError: the notebook can't be read as a workflow, or its home's state can't be.
        """
        self._watch = Watch(path, last=last)
        self._extra: dict[str, Any] = {}
        super().__init__(data=self._watch.data, server=server, view=view, notebook=notebook or str(path))
        self._path = path
        self._pull = pull
        self._ended = threading.Event()
        # Two: a question that waits for the owner of the home keeps no other waiting.
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="nbflow-board")
        self.on_msg(self._heard)
        self._thread = threading.Thread(target=self._look_on, name="nbflow-board", daemon=True)
        self._thread.start()

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:  # noqa: ANN401
        """The widget's state for a page that joins late: with everything that has moved meanwhile."""
        state = super().get_state(key=key, drop_defaults=drop_defaults)
        if "data" in state:
            state["data"] = self._whole()
        return state

    def tell(self, **said: object) -> None:
        """Let all views know of something that no store knows: `ds`, the date the kernel works on."""
        news = {name: value for name, value in said.items() if self._extra.get(name) != value}
        if news:
            self._extra = {**self._extra, **news}
            self.send({"updates": news})

    def close(self) -> None:
        """Look no more, and let the views go."""
        ended = getattr(self, "_ended", None)
        if ended is not None:
            ended.set()
            self._workers.shutdown(wait=False, cancel_futures=True)
        super().close()

    def _whole(self) -> dict[str, Any]:
        return {**self._watch.data, **self._extra}

    def _look_on(self) -> None:
        while not self._ended.wait(EVERY):
            whole, news = looked(self._watch)
            try:
                if whole:
                    self.data = self._whole()
                elif news:
                    self.send({"updates": news})
            except Exception:  # noqa: BLE001 the kernel is ending under this thread
                _LOG.debug("the board could not be told", exc_info=True)
        self._watch.close()

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict) or "ask" not in content:
            return
        number, what, details = content.get("id"), content["ask"], content.get("with")
        if not isinstance(what, str) or not isinstance(details, dict | None):
            self.send({"id": number, "error": _NO_QUESTION})
        elif what == "pull":  # it runs cells: here, where the kernel runs them
            self._answered(number, lambda: self._pulled(details or {}))
        else:
            path = self._path
            self._workers.submit(self._answered, number, lambda: answer(path, what, details or {}))

    def _answered(self, number: object, work: Callable[[], Mapping[str, Any]]) -> None:
        try:
            said: dict[str, Any] = {"answer": work()}
        except NbflowError as error:
            said = {"error": str(error)}
        except Exception as error:  # noqa: BLE001 the page hears of it, whatever it is
            _LOG.exception("a question of the board")
            said = {"error": f"{type(error).__name__}: {error}"}
        self.send({"id": number, **said})

    def _pulled(self, details: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._pull is None:
            raise NbflowError(_NO_PULL)
        return {"ok": True, "said": self._pull(details)}
