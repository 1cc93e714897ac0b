"""The normaliser takes out what is made up, and nothing else."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from fidelity.normalise import normalised

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL, LAYOUT = "0123456789abcdef" * 2, "fedcba9876543210" * 2
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


def notebook(model: str = MODEL, layout: str = LAYOUT, when: str = "2026-02-17T00:00:00") -> dict[str, Any]:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "one\ntwo at 0x7f0011223344\n"},
        {
            "output_type": "display_data",
            "data": {VIEW: {"model_id": model}, "text/plain": "W"},
            "metadata": {},
        },
        {"output_type": "error", "ename": "E", "evalue": "3", "traceback": ["line 1", "line 2"]},
    ]
    papermill = {"start_time": when, "end_time": when, "duration": len(when) / 3, "status": "failed"}
    execution = {"iopub.status.busy": when, "iopub.status.idle": when}
    state = {
        model: {"model_name": "SliderModel", "state": {"layout": f"IPY_MODEL_{layout}", "value": 3}},
        layout: {"model_name": "LayoutModel", "state": {}},
    }
    return {
        "cells": [
            {"id": when, "metadata": {"tags": ["nbflow-inputs"]}, "outputs": [], "source": "%nbflow_inputs"},
            {
                "id": "own",
                "metadata": {"papermill": papermill, "execution": execution},
                "outputs": outputs,
                "source": "x",
                "execution_count": 1,
            },
        ],
        "metadata": {
            "papermill": {**papermill, "input_path": "a.ipynb"},
            "widgets": {STATE: {"state": state, "version_major": 2}},
        },
    }


def of(made: dict[str, Any], folder: str = "/tmp/one", **beside: Any) -> dict[str, Any]:
    return normalised(made, {"log": f"in {folder}/work\n", **beside}, places={folder: "<folder>"})


def test_ids_times_addresses_and_folders_are_taken_out() -> None:
    other = notebook("a" * 32, "b" * 32, "2027-11-11T11:11:11.111111")
    text = other["cells"][1]["outputs"][0]
    text["text"] = text["text"].replace("0x7f0011223344", "0x55aabbccdd")
    assert of(notebook()) == of(other, "/var/other place")


def test_ids_are_numbered_as_they_are_shown_and_referred_to() -> None:
    found = of(notebook())["notebook"]
    assert found["cells"][1]["outputs"][1]["data"][VIEW] == {"model_id": "id-1"}
    state = found["metadata"]["widgets"][STATE]["state"]
    assert state["id-1"]["state"] == {"layout": "IPY_MODEL_id-2", "value": 3}
    assert state["id-2"]["model_name"] == "LayoutModel"


@dataclass(frozen=True)
class Change:
    name: str
    make: Callable[[list[Any], dict[str, Any]], object]


CHANGES = (
    Change("a letter of a text", lambda outputs, cell: outputs[0].update(text=outputs[0]["text"].replace("one", "onE"))),
    Change("a blank at a line's end", lambda outputs, cell: outputs[0].update(text=outputs[0]["text"] + " ")),
    Change("the stream", lambda outputs, cell: outputs[0].update(name="stderr")),
    Change("a mime type", lambda outputs, cell: outputs[1]["data"].update({"text/html": outputs[1]["data"].pop("text/plain")})),
    Change("a mime type more", lambda outputs, cell: outputs[1]["data"].update({"text/html": ""})),
    Change("a display's metadata", lambda outputs, cell: outputs[1]["metadata"].update(isolated=True)),
    Change("an output less", lambda outputs, cell: outputs.pop()),
    Change("an output twice", lambda outputs, cell: outputs.append(outputs[0])),
    Change("the order", lambda outputs, cell: outputs.reverse()),
    Change("a frame of the traceback", lambda outputs, cell: outputs[2]["traceback"].pop(0)),
    Change("the order of the traceback", lambda outputs, cell: outputs[2]["traceback"].reverse()),
    Change("a count", lambda outputs, cell: cell.update(execution_count=2)),
    Change("no count", lambda outputs, cell: cell.update(execution_count=None)),
    Change("a user's cell's id", lambda outputs, cell: cell.update(id="other")),
    Change("the source", lambda outputs, cell: cell.update(source="y")),
    Change("papermill's status", lambda outputs, cell: cell["metadata"]["papermill"].update(status="completed")),
    Change("a time that is missing", lambda outputs, cell: cell["metadata"]["execution"].popitem()),
    Change("a time that is None", lambda outputs, cell: cell["metadata"]["papermill"].update(end_time=None)),
    Change("a tag", lambda outputs, cell: cell["metadata"].update(tags=["x"])),
    Change("a digest", lambda outputs, cell: outputs[0].update(text=outputs[0]["text"] + "0f" * 16)),
    Change("a small hexadecimal number", lambda outputs, cell: outputs[0].update(text=outputs[0]["text"] + "0x1f")),
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_is_seen_of(change: Change) -> None:
    made = notebook()
    before = of(deepcopy(made))
    change.make(made["cells"][1]["outputs"], made["cells"][1])
    assert of(made) != before


def test_a_change_of_a_widgets_state_is_seen() -> None:
    made = notebook()
    made["metadata"]["widgets"][STATE]["state"][MODEL]["state"]["value"] = 4
    assert of(made) != of(notebook())


def test_another_digest_is_seen() -> None:
    first, second = (notebook() for _ in range(2))
    first["cells"][1]["outputs"][0]["text"] += "0f" * 16
    second["cells"][1]["outputs"][0]["text"] += "f0" * 16
    assert of(first) != of(second)


def test_two_ids_that_change_places_are_seen() -> None:
    made = notebook()
    view = made["cells"][1]["outputs"][1]["data"][VIEW]
    view["model_id"] = LAYOUT
    assert of(made) != of(notebook())


def test_what_lies_beside_is_compared_to_the_letter() -> None:
    assert of(notebook(), files={"a": "x"}) != of(notebook(), files={"a": "y"})
    assert of(notebook(), files={"a": "x"}) != of(notebook(), files={"b": "x"})
    assert of(notebook(), folder="/tmp/one") != normalised(notebook(), {"log": "in /tmp/one\n"}, places={})
