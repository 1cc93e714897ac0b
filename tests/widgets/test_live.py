"""The picture that changes while something runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from nbflow.widgets.live import LiveView

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance(config=config)
    InteractiveShell.clear_instance()


@pytest.mark.usefixtures("shell")
def test_it_shows_both_forms_and_leaves_the_static_one() -> None:
    with capture_output() as captured:
        view = LiveView("<b>1 of 3</b>", "1 of 3")
        view.show()
        view.update("<b>2 of 3</b>", "2 of 3")
        view.finish()
    first, last = captured.outputs
    assert first.data[WIDGET]["model_id"]
    assert (first.data["text/html"], first.data["text/plain"]) == ("<b>1 of 3</b>", "1 of 3")
    assert last.data == {"text/html": "<b>2 of 3</b>", "text/plain": "2 of 3"}
