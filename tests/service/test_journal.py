"""What the scheduler says of its work, for programs and for people."""

from __future__ import annotations

import io
import json
import logging
import os
import threading
from typing import TYPE_CHECKING

import pytest

from nbflow.service.journal import journal, read_line
from nbflow.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

LOG = logging.getLogger("nbflow.scheduler")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / ".nbflow", tmp_path)
    home.create()
    return home


def test_an_event_is_an_object_in_the_file_and_a_line_for_people(home: Home) -> None:
    out = io.StringIO()
    with journal(home, stream=out):
        LOG.info(
            "run %s",
            "finished",
            extra={"dag_id": "d", "run_id": "2026-01-01T00:00:00Z", "try": 2, "task_id": None},
        )
    (line,) = home.journal.read_text().splitlines()
    entry = json.loads(line)
    assert entry.pop("at").endswith("+00:00")
    assert entry == {
        "level": "info",
        "event": "run finished",
        "dag_id": "d",
        "run_id": "2026-01-01T00:00:00Z",
        "try": 2,
        "task_id": None,
        "logger": "nbflow.scheduler",
    }
    shown = out.getvalue()
    assert shown.endswith("INFO    run finished dag_id=d run_id=2026-01-01T00:00:00Z try=2\n")
    assert read_line(line) + "\n" == shown


def test_for_programs_the_stream_gets_what_the_file_gets(home: Home) -> None:
    out = io.StringIO()
    with journal(home, format="json", stream=out):
        LOG.warning("a save can't be published", extra={"why": "two\nlines"})
    assert out.getvalue() == home.journal.read_text()
    assert json.loads(out.getvalue())["why"] == "two\nlines"


def test_an_error_brings_its_traceback(home: Home) -> None:
    out = io.StringIO()
    with journal(home, stream=out):
        try:
            {}["x"]
        except KeyError:
            LOG.exception("a DAG can't be scheduled", extra={"dag_id": "d"})
    entry = json.loads(home.journal.read_text())
    assert entry["level"] == "error"
    assert entry["error"].endswith("KeyError: 'x'")
    assert "KeyError: 'x'" in out.getvalue()


def test_a_terminal_obeys_nothing_of_it(home: Home) -> None:
    out = io.StringIO()
    with journal(home, stream=out):
        LOG.info("task failed: \x1b]0;x\x07", extra={"why": "\x1b[2J\nnext"})
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().count("\n") == 1
    assert r"\x1b]0;x\x07" in out.getvalue()


def test_nothing_is_told_before_or_after_and_the_logger_is_as_it_was(home: Home) -> None:
    logger = logging.getLogger("nbflow")
    before = (logger.level, logger.propagate, list(logger.handlers))
    with journal(home, stream=io.StringIO()):
        pass
    LOG.info("unheard")
    assert not home.journal.exists()
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


def test_the_file_is_private_and_begins_anew_when_it_is_large(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbflow.service.journal._LARGEST", 2_000)
    with journal(home, stream=io.StringIO()):
        for number in range(200):
            LOG.info("event", extra={"number": number})
    files = sorted(home.root.glob("scheduler.log*"))
    assert len(files) == 6
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert json.loads(home.journal.read_text().splitlines()[-1])["number"] == 199


def test_a_log_that_cannot_be_written_stops_nobody_and_is_said_once(home: Home) -> None:
    home.journal.mkdir()
    out = io.StringIO()
    with journal(home, stream=out):
        LOG.info("first")
        LOG.info("second")
    assert out.getvalue().count("can't be written") == 1
    assert "first" in out.getvalue()
    assert "second" in out.getvalue()


def test_a_stream_that_nobody_reads_stops_nobody_and_hears_what_it_has_missed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbflow.service.journal._WAITING", 100)
    reading, writing = os.pipe()
    line = "x" * 100
    with os.fdopen(writing, "w") as out, os.fdopen(reading) as pipe:
        heard: list[str] = []
        listener = threading.Thread(target=lambda: heard.extend(pipe))
        with journal(home, stream=out):
            for _ in range(3000):  # many more than a pipe holds
                LOG.info(line)
            listener.start()
        out.close()
        listener.join()
    *lines, last = heard
    told = int(last.split()[1])
    assert last.startswith("nbflow: ")
    assert str(home.journal) in last
    assert len(lines) + told == 3000
    assert len(home.journal.read_text().splitlines()) == 3000


def test_a_line_that_was_cut_short_is_shown_as_it_is() -> None:
    assert read_line('{"at": "2026') == '{"at": "2026'
    assert read_line("[1]\x1b") == r"[1]\x1b"
