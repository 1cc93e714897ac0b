"""The panels of squares, runs and tasks, from what real runs left."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from run_project import FAILED, SOUND, run_project
from service.conftest import AT, CODE, day

from nbflow.errors import AddressError
from nbflow.model.state import RunState
from nbflow.model.work import LOG_FILE
from nbflow.service.board_log import END
from nbflow.service.board_panel import log_after, run_panel, square_panel, task_panel
from nbflow.service.board_target import fresh_target
from nbflow.service.board_values import ROWS, frame_json
from nbflow.service.lookup import find_target

if TYPE_CHECKING:
    from pathlib import Path

    from service.conftest import Written

    from nbflow.service.lookup import Target


@pytest.fixture(scope="module")
def target() -> Target:
    return fresh_target(run_project())


def test_a_failure_says_what_where_and_what_to_do(target: Target) -> None:
    found = square_panel(target, FAILED, "check")
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["state"], found["label"], found["try_number"]) == ("failed", "2026-01-02", 1)
    assert found["error"] == {"type": "KeyError", "message": "'day\\ntwo'", "cell": 4, "line": 5}
    assert found["upstream"] == [{"id": "load", "state": "success"}]
    assert found["downstream"] == [{"id": "report", "state": "upstream_failed"}]
    (cell,) = found["outputs"]
    assert (cell["cell"], cell["own"]) == (4, True)
    assert cell["source"].startswith("%%task check")
    assert "KeyError" in cell["outputs"][0]["data"]
    assert "KeyError" in found["log"]["text"]
    assert found["log"]["ended"]
    assert found["commands"]["test"] == f"nbflow test {target.path} 2026-01-02 check"
    assert found["params"] == {"limit": 5}, "as given for the run"
    assert found["xcoms"] == []
    assert found["stale"] == []


def test_what_a_task_handed_on_is_a_table_or_a_line_over_the_dates(target: Target) -> None:
    found = square_panel(target, SOUND, "load")
    values = {value["key"]: value for value in found["xcoms"]}
    frame = values["frame"]["frame"]
    assert frame["columns"] == [
        {"name": "row", "dtype": "int64"},
        {"name": "name", "dtype": "string"},
        {"name": "size", "dtype": "double"},
    ]
    assert frame["rows"] == [[1, "x", 0.5], [2, "y", 1.5], [3, "z", 3.0]]
    assert frame["total"] == 3
    assert values["day"]["spark"] == [("2026-01-01", 1.0), ("2026-01-02", 2.0), ("2026-01-03", 3.0)]
    assert values["point"]["frame"] is values["point"]["spark"] is None
    assert found["log"]["text"] == "loaded 2026-01-03\n"
    assert found["median"] > 0
    assert found["notebook"].endswith("2026-01-03.ipynb")


def test_a_mapped_task_lists_its_instances_and_each_has_a_panel(target: Target) -> None:
    found = square_panel(target, SOUND, "fit")
    assert [(one["index"], one["label"], one["state"]) for one in found["mapped"]] == [
        (0, "p=1", "success"),
        (1, "p=2", "success"),
    ]
    one = square_panel(target, SOUND, "fit", 1)
    assert [value["preview"] for value in one["xcoms"]] == ["60"]
    assert "'fit[1]'" in one["commands"]["logs"]


def test_a_task_that_did_not_run_has_a_panel_without_a_try(target: Target) -> None:
    found = square_panel(target, FAILED, "report")
    assert (found["tries"], found["try_number"], found["outputs"]) == ([], None, [])
    assert found["reason"] == "1 of 1 upstream task failed (all_success)"


@pytest.mark.parametrize(
    ("run_id", "task", "index", "number", "said"),
    [
        ("2020-01-01T00:00:00Z", "load", -1, None, "has no run"),
        (SOUND, "nope", -1, None, "has no task nope"),
        (SOUND, "fit", 7, None, "has no task fit[7]"),
        (SOUND, "load", -1, 9, "has no try 9"),
    ],
)
def test_what_is_not_there_is_said(
    target: Target, run_id: str, task: str, index: int, number: int | None, said: str
) -> None:
    with pytest.raises(AddressError) as error:
        square_panel(target, run_id, task, index, number)
    assert said in str(error.value)


def test_a_run_shows_its_tasks_over_time(target: Target) -> None:
    found = run_panel(target, SOUND)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["counts"] == {"success": 4}
    bars = [(bar["task_id"], bar["map_index"]) for bar in found["gantt"]]
    assert bars == [("load", -1), ("check", -1), ("fit", -1), ("fit", 0), ("fit", 1), ("report", -1)]
    assert all(bar["start"] <= bar["end"] for bar in found["gantt"])
    assert found["data_interval_end"] == "2026-01-04T00:00:00.000000Z"
    with pytest.raises(AddressError):
        run_panel(target, "2020-01-01T00:00:00Z")


def test_a_task_shows_its_number_and_its_picture_for_each_date(target: Target) -> None:
    load = task_panel(target, "load")
    assert load["key"] == "return_value"
    assert [(run["label"], run["number"]) for run in load["runs"]] == [
        ("2026-01-01", 1.0),
        ("2026-01-02", 2.0),
        ("2026-01-03", 3.0),
    ]
    report = task_panel(target, "report", last=2)
    assert [run["state"] for run in report["runs"]] == ["upstream_failed", "success"]
    assert report["runs"][0]["image"] is None
    kind, _, data = report["runs"][1]["image"].partition(";base64,")
    assert kind == "data:image/svg+xml"
    assert base64.b64decode(data).startswith(b"<svg")
    with pytest.raises(AddressError):
        task_panel(target, "nope")


def test_code_that_has_changed_since_is_named(written: Written) -> None:
    old = written.flow("K = 1", *CODE)
    key = written.run(old, day(1), {"a": "S", "b": "S", "c": "S"}, RunState.SUCCESS)
    written.flow("K = 2", "%%task a\nx = K", *CODE[1:])
    found = square_panel(find_target(str(written.folder / "n.ipynb")), key.run_id, "b")
    assert found["stale"] == ["`a` above it has changed", "shared cells have changed"]


def logged(written: Written, text: bytes) -> tuple[Target, str, Path]:
    flow = written.flow(*CODE)
    key = written.run(flow, day(1), {"a": "S"}, RunState.RUNNING)
    folder = written.folder / ".nbflow" / "tries" / key.run_id / "a"
    folder.mkdir(parents=True)
    (folder / LOG_FILE).write_bytes(text)
    return find_target(str(written.folder / "n.ipynb")), key.run_id, folder / LOG_FILE


def test_a_log_that_grows_is_read_piece_by_piece_and_never_within_a_character(written: Written) -> None:
    whole = "début ✕ 끝\n".encode() * 3
    for cut in range(1, len(whole)):
        if cut == 1:
            target, run_id, path = logged(written, whole[:cut])
        path.write_bytes(whole[:cut])
        first = log_after(target, run_id, "a", -1, 1, 0)
        path.write_bytes(whole)
        second = log_after(target, run_id, "a", -1, 1, first["offset"])
        assert first["text"] + second["text"] == whole.decode()
        assert second["offset"] == len(whole)
    assert not second["ended"], "the try runs on"


def test_a_log_starts_anew_when_another_takes_its_place(written: Written) -> None:
    target, run_id, path = logged(written, b"a long first look\n")
    offset = log_after(target, run_id, "a", -1, 1, 0)["offset"]
    path.write_bytes(b"second\n")
    assert log_after(target, run_id, "a", -1, 1, offset)["text"] == "second\n"
    path.unlink()
    assert log_after(target, run_id, "a", -1, 1, 3) == {"text": "", "offset": 0, "ended": False}
    with pytest.raises(AddressError):
        log_after(target, run_id, "a", -1, 2, 0)


def test_of_a_long_log_the_panel_has_the_last_whole_lines(written: Written) -> None:
    line = b"x" * 99 + b"\n"
    target, run_id, _ = logged(written, line * 2000)
    log = square_panel(target, run_id, "a")["log"]
    assert log["offset"] == len(line) * 2000
    assert len(log["text"]) <= END
    assert set(log["text"].splitlines()) == {"x" * 99}


def test_what_json_cannot_say_of_a_frame_is_text() -> None:
    table = pa.table(
        {
            "at": pa.array([AT] * 60, pa.timestamp("us", tz="UTC")),
            "number": pa.array([float("nan"), float("inf"), *([1.5] * 58)]),
            "large": pa.array([2**60] * 60),
            "long": pa.array(["x" * 1000] * 60),
            "none": pa.nulls(60),
        }
    )
    found = frame_json(table)
    assert len(found["rows"]) == ROWS
    assert found["total"] == 60
    first = json.loads(json.dumps(found, allow_nan=False))["rows"][0]
    assert first[:3] == [str(AT), "nan", str(2**60)]
    assert first[3].endswith("…")
    assert first[4] is None
