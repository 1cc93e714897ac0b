"""The scheduler's own log: one line of JSON an event in the home, and what people read of it."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from queue import Full, Queue
from typing import IO, TYPE_CHECKING, Any, Literal

from nbflow.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from nbflow.store.home import Home

LogFormat = Literal["text", "json"]

ROOT = "nbflow"  # every logger of ours is below it: logging.getLogger("nbflow.scheduler")
_LARGEST = 10_000_000  # bytes of a file before the next one is begun
_KEPT = 5  # older files
_ITS_OWN = frozenset((*vars(logging.LogRecord("", 0, "", 0, "", (), None)), "message", "asctime", "taskName"))
_WAITING = 10_000  # lines that wait for a stream that takes none
_PARTING = 5.0  # seconds it has for them at the end
_LEFT_OUT = "nbflow: {count} lines are left out here, as nobody took them; they are in {path}\n"
_UNWRITTEN = "nbflow: {path} can't be written ({why}); what is not in it is told here\n"


@contextmanager
def journal(home: Home, *, format: LogFormat = "text", stream: IO[str] | None = None) -> Iterator[None]:
    """Have what is told to the logger `nbflow` and those below it written down, from INFO up.

    `log.info("run finished", extra={"dag_id": …, "run_id": …})` becomes one JSON object in the home's
    `scheduler.log` (see `as_entry`), and a line on the stream. A log that can't be written (a full disk)
    stops nobody: the stream says so once. Nor does a stream that nobody reads.

    Args:
        home: whose; it is there already.
        format: how the stream is told: `text` for people, `json` for programs, as in the file.
        stream: where to; None: standard error.
    """
    out = sys.stderr if stream is None else stream
    shown = _Aside(out, home.journal)
    shown.setFormatter(_Lines(format))
    kept = _PrivateFile(home, out)
    kept.setFormatter(_Lines("json"))
    logger = logging.getLogger(ROOT)
    before = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False  # nor does the stream get it twice
    logger.addHandler(shown)
    logger.addHandler(kept)
    try:
        yield
    finally:
        logger.level, logger.propagate = before
        for handler in (shown, kept):
            logger.removeHandler(handler)
            handler.close()


def as_entry(record: logging.LogRecord) -> dict[str, Any]:
    """What a line of the log says.

    `at` (ISO, UTC), `level` (in small letters), `event` (the message), then whatever `extra` named
    (`dag_id`, `run_id`, `task_id`, `try`, …), `logger`, and `error`: the traceback, where there is one.
    """
    entry: dict[str, Any] = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": record.getMessage(),
    }
    entry |= {name: value for name, value in vars(record).items() if name not in _ITS_OWN}
    entry["logger"] = record.name
    if record.exc_info:
        entry["error"] = logging.Formatter().formatException(record.exc_info)
    return entry


def as_text(entry: Mapping[str, Any]) -> str:
    """A line of the log for people: `2026-02-17 06:00:00 INFO run finished dag_id=flights`, without whatever
    a terminal would obey.
    """
    rest = {
        name: value
        for name, value in entry.items()
        if name not in ("at", "level", "event", "logger", "error") and value is not None
    }
    at = str(entry.get("at", ""))[:19].replace("T", " ")
    words = [at, f"{str(entry.get('level', '')).upper():<7}", str(entry.get("event", ""))]
    words += [f"{name}={_value(value)}" for name, value in rest.items()]
    error = entry.get("error")
    return printable(" ".join(words)) + (f"\n{printable(str(error), lines=True)}" if error else "")


def read_line(line: str) -> str:
    """A line of `scheduler.log` for people; one that is no JSON (cut short by a crash) is shown as it is."""
    try:
        entry = json.loads(line)
    except ValueError:
        return printable(line)
    return as_text(entry) if isinstance(entry, dict) else printable(line)


def _value(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or " " in text else text


class _Lines(logging.Formatter):
    def __init__(self, format: LogFormat) -> None:
        super().__init__()
        self._format = format

    def format(self, record: logging.LogRecord) -> str:
        entry = as_entry(record)
        if self._format == "text":
            return as_text(entry)
        return json.dumps(entry, ensure_ascii=False, default=str)


class _Aside(logging.Handler):
    """A stream that is written by a thread of its own, so that whoever logs never waits for it.

    A terminal stopped by Ctrl-S, or a pipe whose reader sleeps, takes nothing for as long as it likes.
    """

    def __init__(self, out: IO[str], journal: Path) -> None:
        super().__init__()
        self._out = out
        self._journal = journal
        self._lines: Queue[str | None] = Queue(_WAITING)
        self._left_out = 0
        self._thread = threading.Thread(target=self._write, name="nbflow-journal", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Have a line written; what is too much to keep is counted."""
        try:
            self._lines.put_nowait(self.format(record))
        except Full:
            self._left_out += 1
        except Exception:  # noqa: BLE001 as logging's own handlers
            self.handleError(record)

    def close(self) -> None:
        """Wait a little for what is still to be written."""
        with suppress(Full):
            self._lines.put(None, timeout=_PARTING)
        self._thread.join(_PARTING)
        super().close()

    def _write(self) -> None:
        with suppress(OSError, ValueError):  # nobody is there any more
            while (line := self._lines.get()) is not None:
                self._out.write(f"{line}\n")
                if self._lines.empty():
                    self._own_up()
                self._out.flush()
            self._own_up()
            self._out.flush()

    def _own_up(self) -> None:
        left_out, self._left_out = self._left_out, 0
        if left_out:
            self._out.write(_LEFT_OUT.format(count=left_out, path=self._journal))


class _PrivateFile(RotatingFileHandler):
    """The file, which nobody but its user reads."""

    def __init__(self, home: Home, out: IO[str]) -> None:
        self._out = out
        self._told = False
        super().__init__(home.journal, maxBytes=_LARGEST, backupCount=_KEPT, encoding="utf-8", delay=True)

    def _open(self) -> Any:  # noqa: ANN401 as the class it overrides
        return open(
            self.baseFilename,
            self.mode,
            encoding=self.encoding,
            errors=self.errors,
            opener=lambda path, flags: os.open(path, flags, 0o600),
        )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 as the class it overrides
        """Say once that the file can't be written, and go on."""
        if not self._told:
            self._told = True
            self._out.write(_UNWRITTEN.format(path=self.baseFilename, why=sys.exc_info()[1]))
