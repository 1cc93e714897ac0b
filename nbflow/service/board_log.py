"""What a try printed, piece by piece, for whoever looks at it while it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbflow.errors import AddressError
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.work import LOG_FILE, Result
from nbflow.service.lookup import name_of, open_state

if TYPE_CHECKING:
    from nbflow.model.record import TryRecord
    from nbflow.service.lookup import Target

END = 64_000  # bytes of a log that are shown at first
_PIECE = 512_000  # bytes at once
_NO_TRY = "{dag_id} has no try {number} of {name} in the run {run_id}."


def log_end(tried: TryRecord) -> dict[str, Any]:
    """The last `END` bytes of a try's log, from the start of a line; as `log_after`."""
    path = tried.folder / LOG_FILE
    size = path.stat().st_size if path.exists() else 0
    if size <= END:
        return _read(tried, 0)
    found = _read(tried, size - END)
    found["text"] = found["text"].partition("\n")[2]
    return found | {"cut": size - END}


def log_after(
    target: Target, run_id: str, task_id: str, map_index: int, try_number: int, offset: int
) -> dict[str, Any]:
    """What a try has printed from a byte of its log on.

    Args:
        target: the DAG.
        run_id: of the run.
        task_id: the task.
        map_index: which instance of a mapped task, else -1.
        try_number: which of its tries.
        offset: the one that came with the piece before; 0: from the beginning.

    Returns:
        `text`; `offset`, where the next piece begins; `ended`: whether nothing more will come.

    Raises:
        AddressError: there is no such try.
    """
    key = TaskKey(RunKey(target.dag_id, run_id), task_id, map_index)
    with open_state(target) as state:
        tries = state.tries(key)
    for tried in tries:
        if tried.try_number == try_number:
            return _read(tried, max(offset, 0))
    said = {"dag_id": target.dag_id, "number": try_number, "name": name_of(key), "run_id": run_id}
    raise AddressError(_NO_TRY.format(**said))


def _read(tried: TryRecord, offset: int) -> dict[str, Any]:
    # A sensor that waits goes on in the same try.
    ended = tried.result not in (None, Result.WAITING.value)
    try:
        with (tried.folder / LOG_FILE).open("rb") as file:
            size = file.seek(0, 2)
            if offset > size:  # another log has taken its place
                offset = 0
            file.seek(offset)
            data = file.read(_PIECE)
    except FileNotFoundError:
        return {"text": "", "offset": 0, "ended": ended}
    whole = len(data) if ended and offset + len(data) == size else _whole(data)
    return {
        "text": data[:whole].decode("utf-8", "replace"),
        "offset": offset + whole,
        "ended": ended and offset + whole == size,
    }


def _whole(data: bytes) -> int:
    """How many bytes there are without a character at the end of which something is still to come."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0b1100_0000 != 0b1000_0000:  # the first of its character
            length = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if length > back else len(data)
    return len(data)
