"""People's queries are kept within limits, and don't hurt whose file it is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from asked_home import AskedHome, asked_home

from nbflow.errors import SqlError
from nbflow.store.guest import GuestGone
from nbflow.store.people import Question
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nbflow.store.guests import Guests

ENDLESS = "SELECT count(*) FROM range(100000000) a, range(1000000) b WHERE a.range + b.range = 3"
ROWS = "SELECT i, repeat('x', 100) s FROM range(2000000) t(i)"
# It keeps a list of four million numbers until its last row has been taken.
HOARDER = "WITH a AS MATERIALIZED (SELECT list(i) l FROM range(4000000) t(i)) SELECT len(l), n FROM a, range(1000000000) r(n)"


class Stage:
    def __init__(self, made: AskedHome, store: XComStore) -> None:
        self.made = made
        self.store = store
        self.guests: Guests = store.guests(made.home.state)

    def ask(self, question: Question, is_gone: Callable[[], bool] = lambda: False) -> int:
        with self.guests.answer(question, is_gone) as (_, batches):
            return sum(batch.num_rows for batch in batches)

    def in_background(self, question: Question) -> Asked:
        return Asked(self, question)


class Asked(threading.Thread):
    """A question on a thread of its own, begun when it is made."""

    def __init__(self, stage: Stage, question: Question) -> None:
        super().__init__(daemon=True)
        self._stage, self._question = stage, question
        self.error: Exception | None = None
        self.start()
        while not stage.guests._guests and self.is_alive():
            self.join(0.01)

    def run(self) -> None:
        try:
            self._stage.ask(self._question)
        except Exception as error:
            self.error = error


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = asked_home(tmp_path)
    with XComStore.open(made.home.root) as store:
        yield Stage(made, store)


def threads(stage: Stage) -> Any:
    return stage.store._connection.cursor().execute("SELECT current_setting('threads')").fetchall()[0][0]


def test_a_query_is_stopped_at_its_timeout(stage: Stage) -> None:
    with pytest.raises(SqlError, match=r"stopped after 0\.2 s.*--timeout"):
        stage.ask(Question(sql=ENDLESS, timeout=0.2))


def test_one_that_hands_over_rows_is_stopped_between_them_too(stage: Stage) -> None:
    question = Question(sql=ROWS, timeout=0.2)
    with stage.guests.answer(question) as (_, batches):
        slowly = (threading.Event().wait(0.1) for _ in batches)
        with pytest.raises(SqlError, match="stopped after"):
            list(slowly)


def test_a_query_whose_asker_has_gone_is_stopped(stage: Stage) -> None:
    with pytest.raises(GuestGone):
        stage.ask(Question(sql=ENDLESS), lambda: True)


def test_a_query_can_be_stopped_by_its_number(stage: Stage) -> None:
    question = Question(sql=ENDLESS)
    asked = stage.in_background(question)
    stage.guests.stop("another")
    assert asked.is_alive()
    stage.guests.stop(question.number)
    asked.join()
    assert str(asked.error) == "the query was stopped"


def test_too_many_at_once_wait_for_a_place(stage: Stage) -> None:
    questions = [Question(sql=ENDLESS) for _ in range(4)]
    asked = [stage.in_background(question) for question in questions]
    while len(stage.guests._guests) < 4:
        asked[0].join(0.01)
    with pytest.raises(SqlError, match="4 other queries run already"):
        stage.ask(Question(sql="SELECT 1", timeout=0.1))
    stage.guests.stop(questions[0].number)
    assert stage.ask(Question(sql="SELECT 1")) == 1
    stage.guests.make_room()
    for one in asked:
        one.join()


def test_a_query_that_needs_too_much_memory_ends_with_advice(stage: Stage) -> None:
    stage.store._connection.execute("SET memory_limit = '100MB'")
    guests = type(stage.guests)(stage.store._connection, stage.made.home.state, idle_threads=1)
    with (
        pytest.raises(SqlError, match=r"needs more memory than nbflow lends \(95.3 MiB"),
        guests.answer(Question(sql="SELECT len(list(i)) FROM range(100000000) t(i)")) as (_, batches),
    ):
        list(batches)
    guests.close()


def test_a_query_leaves_room_on_the_disk(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = stage.store._connection
    connection.execute("SET memory_limit = '100MB'")
    monkeypatch.setattr("nbflow.store.guests._DISK_SHARE", 1 << 60)
    guests = type(stage.guests)(connection, stage.made.home.state, idle_threads=None)
    sql = "SELECT i, hash(i) h FROM range(30000000) t(i) ORDER BY h"
    with (
        pytest.raises(SqlError, match="needs more memory than nbflow lends"),
        guests.answer(Question(sql=sql)) as (_, batches),
    ):
        list(batches)
    guests.close()


def test_results_of_any_length_pass_without_being_collected(stage: Stage) -> None:
    stage.store._connection.execute("SET memory_limit = '100MB'")  # the rows take 230 MB
    assert stage.ask(Question(sql=ROWS)) == 2_000_000


def test_a_commit_that_finds_no_memory_is_made_again_without_the_guests(stage: Stage) -> None:
    stage.store._connection.execute("SET memory_limit = '200MB'")
    with stage.guests.answer(Question(sql=HOARDER)) as (_, batches):
        next(batches)  # it has hoarded 118 MB, and its reader does something else
        key = stage.made.hand_on(stage.store, b"x" * 66_000_000, key="large")
        with pytest.raises(
            SqlError, match="memory"
        ):  # to make room, or because the commit took what was left
            next(batches)
    found = stage.store.get(key, "large", folder=stage.made.home.root)
    assert found is not None
    assert found.size > 66_000_000


def test_closing_does_not_wait_for_a_reader_that_has_stopped_reading(stage: Stage) -> None:
    with stage.guests.answer(Question(sql=ROWS)) as (_, batches):
        next(batches)
        stage.guests.close()
        assert not stage.guests._watching
        with pytest.raises(GuestGone):
            next(batches)


def test_a_commit_beside_a_guest_is_seen_by_the_next_one_only(stage: Stage) -> None:
    stage.made.hand_on(stage.store, 1, day=1, key="n")
    with stage.guests.answer(Question(sql="SELECT value FROM flights.clean__n, range(300000)")) as (
        _,
        batches,
    ):
        first = next(batches).num_rows
        stage.made.hand_on(stage.store, 2, day=2, key="n")
        assert first + sum(batch.num_rows for batch in batches) == 300_000
    assert stage.ask(Question(sql="FROM flights.clean__n")) == 2


def test_closing_ends_every_guest_and_lets_nobody_in(stage: Stage) -> None:
    asked = stage.in_background(Question(sql=ENDLESS))
    stage.guests.close()
    asked.join()
    assert isinstance(asked.error, GuestGone)
    with pytest.raises(GuestGone):
        stage.ask(Question(sql="SELECT 1"))


def test_more_threads_work_for_guests_and_one_when_they_have_gone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbflow.store.guests.os.cpu_count", lambda: 3)
    monkeypatch.setattr("nbflow.store.guests._LINGER", 0.0)
    asked = stage.in_background(question := Question(sql=ENDLESS))
    with stage.guests._changed:  # it has been let in
        assert threads(stage) == 3
    stage.guests.stop(question.number)
    asked.join()
    with stage.guests._changed:
        assert stage.guests._changed.wait_for(lambda: not stage.guests._watching, timeout=30)
    assert threads(stage) == 1
