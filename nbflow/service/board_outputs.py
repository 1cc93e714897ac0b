"""What a try's cells printed and drew, out of its executed notebook."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from nbflow.execute.task_notebook import is_own
from nbflow.model.work import NOTEBOOK_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from nbflow.model.flow import Flow

Json = dict[str, Any]

ERROR = "application/vnd.jupyter.error"
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_SVG = "image/svg+xml"
_RICHEST = ("text/html", _SVG, *IMAGES, "text/markdown", "text/latex", "application/json", "text/plain")
_MOST = 8_000_000  # characters of one output
_LARGE = "[{size:.0f} MB of {mime}: open the executed notebook to see it]"


def outputs_of(folder: Path, flow: Flow, task_id: str) -> list[Json]:
    """The cells of a try, in order: a task's own, and those before it that printed something.

    Args:
        folder: the try's.
        flow: the workflow it ran, for the cells' numbers.
        task_id: whose own cells are shown without outputs too.

    Returns:
        For each `cell` (its number, None where the notebook has no such cell), `own` (whether it is the task's),
        `source`, and `outputs`: `mime` and `data`, each in its richest form; of a stream its `name` too, of an error
        (`ERROR`) the traceback. Nothing of it is made safe for a page.
    """
    known = {cell.cell_id: cell for cell in flow.cells}
    found: list[Json] = []
    for cell in _code_cells(folder):
        place = known.get(cell.get("id", ""))
        own = place is not None and place.task_id == task_id
        outputs = [shown for output in cell.get("outputs", ()) if (shown := _shown(output)) is not None]
        if own or outputs:
            number = None if place is None else place.number
            found.append(
                {"cell": number, "own": own, "source": _text(cell.get("source", "")), "outputs": outputs}
            )
    return found


def first_image(folder: Path) -> str | None:
    """The first picture that a try drew, as a data URI; None for none."""
    for cell in _code_cells(folder):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            for mime in IMAGES:
                if mime in data:
                    return f"data:{mime};base64,{_text(data[mime]).replace(chr(10), '')}"
            if _SVG in data:
                return f"data:{_SVG};base64,{base64.b64encode(_text(data[_SVG]).encode()).decode()}"
    return None


def _code_cells(folder: Path) -> Iterator[Json]:
    """The cells of a try's notebook, without nbflow's own; none where it isn't there (yet) or is damaged."""
    try:
        notebook = json.loads((folder / NOTEBOOK_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for cell in notebook.get("cells", ()):
        if cell.get("cell_type") == "code" and (not is_own(cell) or _failed(cell)):
            yield cell


def _failed(cell: Mapping[str, Any]) -> bool:
    return any(output.get("output_type") == "error" for output in cell.get("outputs", ()))


def _shown(output: Mapping[str, Any]) -> Json | None:
    """One output as a page shows it; None for what only a running kernel could show."""
    match output.get("output_type"):
        case "stream":
            return _fitting("text/plain", _text(output["text"])) | {"name": output.get("name", "stdout")}
        case "error":
            said = f"{output.get('ename', '')}: {output.get('evalue', '')}"
            return _fitting(ERROR, "\n".join(output.get("traceback", ())) or said)
        case _:
            data = output.get("data", {})
            mime = next((mime for mime in _RICHEST if mime in data), None)
            if mime is None:
                return None
            value = data[mime]
            return _fitting(mime, json.dumps(value, indent=1) if mime == "application/json" else _text(value))


def _fitting(mime: str, text: str) -> Json:
    if len(text) <= _MOST:
        return {"mime": mime, "data": text}
    return {"mime": "text/plain", "data": _LARGE.format(size=len(text) / 1e6, mime=mime)}


def _text(found: str | list[str]) -> str:
    """A text of a notebook: kept whole or as lines."""
    return found if isinstance(found, str) else "".join(found)
