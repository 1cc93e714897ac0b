"""A try's outcome on disk: written whole, durable before anybody is told of it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbflow.codec.files import PAYLOADS
from nbflow.model.work import INPUTS_FOLDER, STAGING_FOLDER, ErrorPlace, Result, TaskOutcome
from nbflow.model.xcom import XComValue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OUTCOME_FILE = "outcome.json"


def outcome_to_json(outcome: TaskOutcome) -> dict[str, object]:
    """Plain JSON types, for files and pipes."""
    return {
        "token": outcome.token,
        "result": outcome.result.value,
        "reason": outcome.reason,
        "error": error_to_json(outcome.error),
        "xcoms": [value.to_json() for value in outcome.xcoms],
        "notes": list(outcome.notes),
        "started": outcome.started.isoformat(),
        "ended": outcome.ended.isoformat(),
        "engine": outcome.engine,
    }


def outcome_from_json(data: Mapping[str, Any]) -> TaskOutcome:
    """The inverse of `outcome_to_json`."""
    return TaskOutcome(
        token=data["token"],
        result=Result(data["result"]),
        reason=data["reason"],
        error=error_from_json(data["error"]),
        xcoms=tuple(XComValue.from_json(value) for value in data["xcoms"]),
        notes=tuple(data["notes"]),
        started=datetime.fromisoformat(data["started"]),
        ended=datetime.fromisoformat(data["ended"]),
        engine=data["engine"],
    )


def error_to_json(error: ErrorPlace | None) -> dict[str, object] | None:
    """Plain JSON types of an error's place."""
    return None if error is None else asdict(error)


def error_from_json(data: Mapping[str, Any] | None) -> ErrorPlace | None:
    """The inverse of `error_to_json`."""
    return None if data is None else ErrorPlace(**data)


def write_outcome(outcome: TaskOutcome, folder: Path) -> None:
    """Write a try's outcome into its staging folder, after what it speaks of.

    When this returns, the outcome and every file its XComs name survive a power cut.

    Args:
        outcome: how the try ended.
        folder: the try's folder.
    """
    staging = folder / STAGING_FOLDER
    staging.mkdir(exist_ok=True)
    for value in outcome.xcoms:
        if value.path is not None:
            _sync(value.path)
    text = json.dumps(outcome_to_json(outcome), ensure_ascii=False)
    write_whole(staging / OUTCOME_FILE, text, durable=True)
    _sync(staging)
    _sync(folder)


def read_outcome(folder: Path) -> TaskOutcome | None:
    """The outcome that a try left in its folder; None when it didn't come so far."""
    try:
        text = (folder / STAGING_FOLDER / OUTCOME_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return outcome_from_json(json.loads(text))


def tidy(folder: Path) -> None:
    """Remove what a try that succeeded needs no longer once its values are stored: the encoded inputs and
    outputs. Its notebook, log and outcome stay. May be called again.

    Args:
        folder: the try's folder.
    """
    shutil.rmtree(folder / INPUTS_FOLDER, ignore_errors=True)
    staging = folder / STAGING_FOLDER
    for path in staging.iterdir() if staging.is_dir() else ():
        if path.suffix in PAYLOADS:
            path.unlink(missing_ok=True)


def write_whole(path: Path, text: str, *, durable: bool = False) -> None:
    """Write a file so that a reader finds the old text or the new one, never a part.

    Args:
        path: the file; its folder exists.
        text: what goes into it, as UTF-8 (lone surrogates become `?`).
        durable: whether the text has reached the disk before the file gets its name.
    """
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(text.encode("utf-8", "replace"))
        if durable:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
