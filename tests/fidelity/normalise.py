"""What two executions of one notebook may differ in, taken out: made-up ids, times, addresses, folders.

Everything else stays as it is, down to the order of keys in a list and every blank. A notebook that may
differ in more says so itself (`differs`, see golden.py).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_OF_A_WIDGET = re.compile(r'(?:"model_id": "|IPY_MODEL_)([0-9a-f]{32})')
# These begin the tags of cells that the user didn't write.
_MADE_UP = ("nbflow-", "injected-parameters", "papermill-error")
_TIMES = {  # in the metadata of the notebook and of each cell
    "papermill": ("start_time", "end_time", "duration"),
    "execution": ("iopub.execute_input", "iopub.status.busy", "iopub.status.idle", "shell.execute_reply"),
}
_WIDGETS = "application/vnd.jupyter.widget-state+json"


def normalised(
    notebook: Mapping[str, Any],
    beside: Mapping[str, Any],
    *,
    places: Mapping[str, str],
    allowed: Iterable[Sequence[str]] = (),
) -> dict[str, Any]:
    """An executed notebook and what lies beside it, as they are alike for every execution.

    Args:
        notebook: its JSON.
        beside: the outcome, the log, ...; plain JSON types.
        places: folder → the word that stands for it; the first that fits is taken.
        allowed: (regular expression, replacement), for this notebook only.
    """
    notebook = {**notebook, "cells": [_cell(cell) for cell in notebook["cells"]]}
    notebook["metadata"] = _without_times(notebook["metadata"])
    numbers = {found: f"id-{number}" for number, found in enumerate(_ids_in_order(notebook), start=1)}

    def text(value: str) -> str:
        for folder, word in places.items():
            value = value.replace(folder, word)
        value = _ID.sub(lambda match: numbers.get(match[0], match[0]), value)
        value = _ADDRESS.sub("0x…", value)
        for pattern, replacement in allowed:
            value = re.sub(pattern, replacement, value)
        return value

    return {
        "notebook": _each_text(notebook, text),
        **{name: _each_text(value, text) for name, value in beside.items()},
    }


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    tags = cell["metadata"].get("tags", ())
    made_up = any(tag.startswith(_MADE_UP) for tag in tags)
    return {
        **cell,
        "id": "made up" if made_up else cell["id"],
        "metadata": _without_times(cell["metadata"]),
    }


def _without_times(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata with each time replaced by the kind of thing it is."""
    found = dict(metadata)
    for part, times in _TIMES.items():
        if part in found:
            kinds = {key: type(found[part][key]).__name__ for key in times if key in found[part]}
            found[part] = {**found[part], **kinds}
    return found


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case list() | tuple():
            return [_each_text(part, change) for part in value]
        case dict():
            return {change(str(key)): _each_text(part, change) for key, part in value.items()}
        case _:
            return value


def _ids_in_order(notebook: Mapping[str, Any]) -> list[str]:
    """Widgets' ids in the order in which outputs show them, then as the shown ones refer to others.

    Any other word of 32 hexadecimal digits, a digest say, is none.
    """
    state: dict[str, Any] = notebook["metadata"].get("widgets", {}).get(_WIDGETS, {}).get("state", {})
    known = state.keys() | set(_OF_A_WIDGET.findall(json.dumps(notebook)))
    order = dict.fromkeys(found for found in _ids_of(notebook["cells"]) if found in known)
    looked_at: set[str] = set()
    while True:
        following = next((found for found in order if found in state and found not in looked_at), None)
        if following is None:
            rest = [found for found in state if found not in order]
            if not rest:
                return list(order)
            inner = {found for model in rest for found in _ids_of(state[model])}
            rest = [found for found in rest if found not in inner] or rest
            following = min(rest, key=lambda found: _ID.sub("", json.dumps(state[found], sort_keys=True)))
            order[following] = None
        looked_at.add(following)
        order |= dict.fromkeys(found for found in _ids_of(state[following]) if found in known)


def _ids_of(value: Any) -> Iterator[str]:
    for found in _ID.finditer(json.dumps(value, ensure_ascii=False)):
        yield found[0]
