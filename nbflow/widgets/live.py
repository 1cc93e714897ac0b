"""An output that changes while something runs, and that still shows where no widget can."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ipywidgets

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class LiveView:
    """One picture, shown once and changed in place.

    While it lives the output carries the widget and the static form in one bundle: a front end without
    widgets shows the static one, as HTML or as text. `finish` leaves the static form alone, because a
    saved notebook that refers to a widget of a kernel long gone shows an error in its place.
    """

    def __init__(self, html: str, text: str) -> None:
        import ipywidgets

        self._widget: ipywidgets.HTML = ipywidgets.HTML(value=html)
        self._html = html
        self._text = text
        self._display_id: str | None = None

    def bundle(self) -> dict[str, object]:
        """The output's MIME bundle while it lives."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self._widget.model_id}
        return {_WIDGET_VIEW: view, **self.static()}

    def static(self) -> dict[str, object]:
        """The same without the widget."""
        return {"text/html": self._html, "text/plain": self._text}

    def show(self) -> None:
        """Put it into the output of the cell that runs."""
        from IPython.display import display

        handle = display(self.bundle(), raw=True, display_id=True)
        self._display_id = None if handle is None else handle.display_id

    def update(self, html: str, text: str) -> None:
        """Show this instead; cheap, as the cell's stored output stays as it is."""
        self._html, self._text = html, text
        self._widget.value = html

    def finish(self) -> None:
        """Leave the last picture as the cell's stored output, and let the widget go."""
        from IPython.display import update_display

        if self._display_id is not None:
            update_display(self.static(), display_id=self._display_id, raw=True)
        self._widget.close()
