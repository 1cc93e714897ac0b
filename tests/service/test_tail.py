"""Logs are followed to the end of what is followed, whatever happens meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from service.conftest import AT, CODE, day

from nbflow.model.instance import Instance
from nbflow.model.messages import Move, RunMove
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import LOG_FILE, Result, TaskOutcome
from nbflow.service.tail import LogFile, Printed, follow_logs
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.conftest import Written


@dataclass
class Followed:
    """A run under way of the tasks a, b and c; what a test lets happen between two looks, and what was told."""

    written: Written
    run: RunKey
    steps: list[Callable[[], None]] = field(default_factory=list)
    held: bool = True

    def key(self, task: str, index: int = -1) -> TaskKey:
        return TaskKey(self.run, task, index)

    def move(self, task: str, new: TaskState, *, number: int = 1, reason: str = "") -> None:
        instance = Instance(state=new, try_number=number)
        move = Move(at=AT, key=self.key(task), old=TaskState.NONE, new=new, reason=reason, instance=instance)
        with self.written.state.writing():
            self.written.state.record([move])

    def begin(self, task: str, number: int = 1) -> None:
        with self.written.state.writing():
            self.written.state.add_try(
                self.key(task),
                number,
                token=f"{task}{number}",
                code_hash="",
                version="",
                folder=f"tries/{task}/{number}",
                at=AT,
            )
        self.move(task, TaskState.RUNNING, number=number)

    def prints(self, task: str, text: str, number: int = 1) -> None:
        folder = self.written.folder / ".nbflow" / "tries" / task / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOG_FILE).open("a") as file:
            file.write(text)

    def ends(self, task: str, new: TaskState, *, number: int = 1, reason: str = "") -> None:
        result = Result.SUCCESS if new is TaskState.SUCCESS else Result.FAILED
        outcome = TaskOutcome(
            token=f"{task}{number}",
            result=result,
            reason=reason,
            error=None,
            xcoms=(),
            notes=(),
            started=AT,
            ended=AT,
        )
        with self.written.state.writing():
            self.written.state.end_try(outcome)
        self.move(task, new, number=number, reason=reason)

    def told(self, *tasks: str) -> list[tuple[str, str]]:
        """(task, text) of everything that was told; remarks in brackets. Every step is taken once."""
        steps = iter(self.steps)
        found: list[tuple[str, str]] = []
        with StateStore(self.written.state.path) as state:
            for news in follow_logs(
                state,
                self.run,
                lambda record: record.key.task_id in tasks,
                held=lambda: self.held,
                pause=lambda: take(next(steps)),
            ):
                task = "" if news.key is None else news.key.task_id
                found.append((task, news.text if isinstance(news, Printed) else f"[{news.text}]"))
        assert list(steps) == [], "it ended before everything had happened"
        return found


def take(step: Callable[[], None]) -> None:
    step()


@pytest.fixture
def followed(written: Written) -> Followed:
    run = written.run(written.flow(*CODE), day(1), {"a": ".", "b": ".", "c": "."}, RunState.RUNNING)
    return Followed(written, run)


def test_a_task_that_has_not_begun_is_waited_for_and_what_it_prints_comes_as_it_comes(
    followed: Followed,
) -> None:
    f = followed
    f.move("a", TaskState.QUEUED, number=0, reason="no slot is free")
    f.steps = [
        lambda: f.begin("a"),
        lambda: f.prints("a", "one\ntw"),
        lambda: None,
        lambda: f.prints("a", "o\n"),
        lambda: (f.prints("a", "last"), f.ends("a", TaskState.SUCCESS))[0],
    ]
    assert f.told("a") == [("a", "[queued: no slot is free]"), ("a", "one\ntw"), ("a", "o\n"), ("a", "last")]


def test_the_next_try_follows_the_one_that_failed(followed: Followed) -> None:
    f = followed
    f.begin("a")
    f.prints("a", "first")
    f.steps = [
        lambda: f.ends("a", TaskState.UP_FOR_RETRY, reason="boom"),
        lambda: None,
        lambda: (f.begin("a", 2), f.prints("a", "second", 2))[0],
        lambda: f.ends("a", TaskState.SUCCESS, number=2),
    ]
    assert f.told("a") == [("a", "first"), ("a", "[try 1: failed: boom]"), ("a", "second")]


def test_tries_that_come_and_go_between_two_looks_are_all_told(followed: Followed) -> None:
    f = followed
    f.begin("a")

    def much() -> None:
        f.prints("a", "1")
        f.ends("a", TaskState.UP_FOR_RETRY, reason="x")
        f.begin("a", 2)
        f.prints("a", "2", 2)
        f.ends("a", TaskState.FAILED, number=2, reason="y")

    f.steps = [much]
    assert f.told("a") == [
        ("a", "1"),
        ("a", "[try 1: failed: x]"),
        ("a", "2"),
        ("a", "[try 2: failed: y]"),
    ]


def test_a_sensor_that_looks_again_goes_on_with_the_same_try(followed: Followed) -> None:
    f = followed
    f.begin("a")
    f.prints("a", "look 1\n")

    def waits() -> None:
        with f.written.state.writing():
            f.written.state.end_try(
                TaskOutcome(
                    token="a1",
                    result=Result.WAITING,
                    reason="",
                    error=None,
                    xcoms=(),
                    notes=(),
                    started=AT,
                    ended=AT,
                )
            )
        f.move("a", TaskState.UP_FOR_RESCHEDULE)

    def looks_again() -> None:
        with f.written.state.writing():
            f.written.state.add_try(
                f.key("a"), 1, token="a1", code_hash="", version="", folder="tries/a/1", at=AT, look=2
            )
        f.prints("a", "look 2\n")
        f.ends("a", TaskState.SUCCESS)

    f.steps = [waits, lambda: None, looks_again]
    assert f.told("a") == [("a", "look 1\n"), ("a", "look 2\n")]


def test_of_several_tasks_it_ends_with_the_last_and_what_is_skipped_is_not_waited_for(
    followed: Followed,
) -> None:
    f = followed
    f.begin("a")
    f.steps = [
        lambda: (
            f.prints("a", "A"),
            f.ends("a", TaskState.SUCCESS),
            f.begin("b"),
            f.move("c", TaskState.SKIPPED),
        )[0],
        lambda: (f.prints("b", "B"), f.ends("b", TaskState.SUCCESS))[0],
    ]
    said = f.told("a", "b", "c")
    assert [one for one in said if not one[1].startswith("[")] == [("a", "A"), ("b", "B")]
    assert said[-1] == ("b", "B")


def test_it_ends_where_nobody_works_on_the_home_any_more(followed: Followed) -> None:
    f = followed
    f.begin("a")
    f.prints("a", "so far")

    def dies() -> None:
        f.held = False

    f.steps = [dies]
    said = f.told("a")
    assert said[0] == ("a", "so far")
    assert "nobody works on this home" in said[-1][1]


def test_what_is_finished_is_told_at_once(written: Written) -> None:
    run = written.run(
        written.flow(*CODE), day(1), {"a": "F", "b": "U"}, RunState.FAILED, reasons={"a": "boom"}
    )
    f = Followed(written, run, held=False)
    log = written.folder / ".nbflow" / "tries" / run.run_id / "a" / LOG_FILE
    log.parent.mkdir(parents=True)
    log.write_text("text")
    assert f.told("a", "b")[0] == ("a", "text")
    with written.state.writing():
        written.state.end_try(
            TaskOutcome(
                token=f"{run.run_id} a",
                result=Result.FAILED,
                reason="boom",
                error=None,
                xcoms=(),
                notes=(),
                started=AT,
                ended=AT,
            )
        )
    f.held = True
    assert f.told("a", "b") == [("a", "text"), ("a", "[try 1: failed: boom]")]


def test_a_run_that_ends_ends_it_for_tasks_left_undecided(followed: Followed) -> None:
    f = followed
    f.begin("a")

    def over() -> None:
        f.prints("a", "x")
        f.ends("a", TaskState.SUCCESS)
        with f.written.state.writing():
            f.written.state.record(
                [RunMove(at=AT, run=f.run, old=RunState.RUNNING, new=RunState.SUCCESS, reason="")]
            )

    f.steps = [over]
    assert f.told("a", "b", "c")[0] == ("a", "x")


def test_a_file_that_grows_is_read_once_and_another_in_its_place_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = LogFile(path)
    assert file.more() == ""
    path.write_bytes("é".encode()[:1])
    assert file.more() == ""
    with path.open("ab") as out:
        out.write("é".encode()[1:] + b"x")
    assert (file.more(), file.more()) == ("éx", "")
    path.rename(tmp_path / "log.1")
    path.write_text("new")
    assert file.more() == "new"
    path.write_text("n")
    assert file.more() == "n"
