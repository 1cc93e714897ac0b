"""A try's outcome on disk: written whole, after what it speaks of, before anybody is told of it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from nbflow.codec.files import PAYLOADS
from nbflow.model.work import INPUTS_FOLDER, STAGING_FOLDER, ErrorPlace, Result, TaskOutcome
from nbflow.model.xcom import XComValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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
        **how_it_goes_on(outcome.follow, outcome.items, outcome.again_after),
    }


def how_it_goes_on(
    follow: Sequence[str] | None, items: Sequence[str] | None, again_after: timedelta | None
) -> dict[str, object]:
    """What an outcome says of what follows, as plain JSON types; without what it doesn't say."""
    found: dict[str, object] = {}
    if follow is not None:
        found["follow"] = list(follow)
    if items is not None:
        found["items"] = list(items)
    if again_after is not None:
        found["again_after"] = again_after.total_seconds()
    return found


def goes_on_from(data: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `how_it_goes_on`: the fields of a `TaskOutcome`."""
    found: dict[str, Any] = {}
    for name in ("follow", "items"):
        if name in data:
            found[name] = tuple(data[name])
    if "again_after" in data:
        found["again_after"] = timedelta(seconds=data["again_after"])
    return found


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
        **goes_on_from(data),
    )


def error_to_json(error: ErrorPlace | None) -> dict[str, object] | None:
    """Plain JSON types of an error's place."""
    return None if error is None else asdict(error)


def error_from_json(data: Mapping[str, Any] | None) -> ErrorPlace | None:
    """The inverse of `error_to_json`."""
    return None if data is None else ErrorPlace(**data)


def write_outcome(outcome: TaskOutcome, folder: Path) -> None:
    """Write a try's outcome into its folder, after what it speaks of.

    When this returns, the outcome survives its process and its owner. Of a power cut: the files that its
    XComs name are on the disk before the outcome has its name, so an outcome that is found speaks the truth;
    the outcome itself isn't waited for. Where the cut takes it, its try is a lost one and runs again, as
    it would had the cut come a moment earlier: nobody relies on it before its XComs and its success are
    committed.

    Args:
        outcome: how the try ended.
        folder: the try's folder.
    """
    files = [value.path for value in outcome.xcoms if value.path is not None]
    for path in files:
        _sync(path)
    if files:
        _sync(folder / STAGING_FOLDER)
    write_whole(folder / OUTCOME_FILE, json.dumps(outcome_to_json(outcome), ensure_ascii=False))


def read_outcome(folder: Path) -> TaskOutcome | None:
    """The outcome that a try left in its folder; None when it didn't come so far, or a power cut took it."""
    try:
        text = (folder / OUTCOME_FILE).read_text(encoding="utf-8")
        return outcome_from_json(json.loads(text))
    except (FileNotFoundError, ValueError):
        return None


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


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader finds the old text or the new one, never a part.

    Args:
        path: the file; its folder exists.
        text: what goes into it, as UTF-8 (lone surrogates become `?`).
    """
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(text.encode("utf-8", "replace"))
    draft.replace(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
