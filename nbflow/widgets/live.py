"""An output that can change while something runs, and that still shows where no widget can."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ipywidgets

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class LiveView:
    """One picture, shown once and updated in place.

    The output carries the widget and the static form in one bundle: a front end without widgets (nbconvert,
    GitHub, a saved notebook opened elsewhere) shows the static one, as HTML or as text.
    """

    def __init__(self, html: str, text: str) -> None:
        import ipywidgets

        self._widget: ipywidgets.HTML = ipywidgets.HTML(value=html)
        self._html = html
        self._text = text
        self._display_id: str | None = None

    @property
    def value(self) -> str:
        """The HTML that is shown now."""
        return self._html

    def bundle(self) -> dict[str, object]:
        """The output's MIME bundle, as it is now."""
        return {
            _WIDGET_VIEW: {"version_major": 2, "version_minor": 0, "model_id": self._widget.model_id},
            "text/html": self._html,
            "text/plain": self._text,
        }

    def show(self) -> None:
        """Put it into the output of the cell that runs."""
        from IPython.display import display

        handle = display(self.bundle(), raw=True, display_id=True)
        self._display_id = handle.display_id if handle is not None else None

    def update(self, html: str, text: str) -> None:
        """Show this instead, without touching the cell's stored output (cheap, for progress)."""
        self._html, self._text = html, text
        self._widget.value = html

    def finish(self) -> None:
        """Store the last picture as the cell's output, so that the saved notebook keeps it."""
        from IPython.display import update_display

        if self._display_id is not None:
            update_display(self.bundle(), display_id=self._display_id, raw=True)
