"""`nbflow.trigger_dag` and `nbflow.external_task`, with somebody who answers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

import nbflow
from nbflow.current import set_current
from nbflow.errors import DateError, NbflowError, OutsideError, ParameterError, WaitAgain
from nbflow.model.outside import Standing, StateQuery, TriggerQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

SEOUL = ZoneInfo("Asia/Seoul")
HERE = datetime(2026, 2, 17, tzinfo=SEOUL)
DAY = datetime(2026, 2, 16, 15, tzinfo=UTC)


class Answers:
    """Says of everything that it stands as told."""

    def __init__(self) -> None:
        self.state: str | None = None
        self.asked: list[Any] = []

    def variable(self, key: str) -> str | None:
        return None

    def connection(self, conn_id: str) -> str | None:
        return None

    def standing(self, query: StateQuery) -> Standing | None:
        self.asked.append(query)
        return self.state and Standing(run_id="R", state=self.state, reason="2 tasks failed")

    def trigger(self, query: TriggerQuery) -> Standing:
        self.asked.append(query)
        return Standing(run_id="R", state=self.state or "queued", reason="2 tasks failed")


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    context = {"dag_id": "mine", "run_id": "now", "task_id": "start", "map_index": -1, "try_number": 2}
    set_current({**context, "logical_date": HERE}, answers)
    yield answers
    set_current({})


def test_a_run_that_is_not_over_ends_the_try_until_later(answers: Answers) -> None:
    with pytest.raises(WaitAgain) as waiting:
        nbflow.trigger_dag("other", conf={"rows": 3}, poke_interval=timedelta(minutes=1))
    assert waiting.value.seconds == 60
    assert waiting.value.reason == "waits for run R of other, which is queued"
    assert not isinstance(waiting.value, Exception)
    (query,) = answers.asked
    assert (query.dag_id, query.logical_date, query.conf) == ("other", DAY, {"rows": 3})
    assert (query.asked_by.task_id, query.try_number, query.wait) == ("start", 2, True)


def test_a_run_that_succeeded_gives_its_id(answers: Answers) -> None:
    answers.state = "success"
    assert nbflow.trigger_dag("other") == "R"


def test_without_waiting_the_run_need_only_be_there(answers: Answers) -> None:
    assert nbflow.trigger_dag("other", wait=False) == "R"
    assert answers.asked[0].wait is False


def test_a_run_that_failed_is_an_error_that_names_it(answers: Answers) -> None:
    answers.state = "failed"
    with pytest.raises(
        OutsideError, match=r"run R of other has failed: 2 tasks failed\. Repair and clear it"
    ):
        nbflow.trigger_dag("other")


@pytest.mark.parametrize(
    ("state", "found"), [(None, False), ("queued", False), ("running", False), ("skipped", False), ("success", True)]
)  # fmt: skip
def test_an_external_task_has_succeeded_or_not_yet(answers: Answers, state: str | None, found: bool) -> None:
    answers.state = state
    assert nbflow.external_task("other", "load") is found


@pytest.mark.parametrize("state", ["failed", "upstream_failed"])
def test_an_external_task_that_failed_is_an_error(answers: Answers, state: str) -> None:
    answers.state = state
    with pytest.raises(OutsideError, match="task 'load' of run R of other has failed"):
        nbflow.external_task("other", "load")
    with pytest.raises(OutsideError, match=r"^run R of other has failed"):
        nbflow.external_task("other")


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        (None, DAY),
        ("2026-02-18", datetime(2026, 2, 17, 15, tzinfo=UTC)),
        ("2026-02-18T06:00", datetime(2026, 2, 17, 21, tzinfo=UTC)),
        ("2026-02-18T06:00Z", datetime(2026, 2, 18, 6, tzinfo=UTC)),
        (date(2026, 2, 18), datetime(2026, 2, 17, 15, tzinfo=UTC)),
        (HERE + timedelta(days=1), datetime(2026, 2, 17, 15, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_in_the_zone_of_the_dag_that_asks(
    answers: Answers, given: Any, moment: datetime
) -> None:
    nbflow.external_task("other", logical_date=given)
    assert answers.asked[0].logical_date == moment


def test_dates_and_parameters_that_are_none_are_refused(answers: Answers) -> None:
    with pytest.raises(DateError, match=r"no date; write 2026-02-17"):
        nbflow.external_task("other", logical_date="soon")
    with pytest.raises(DateError, match="no time zone"):
        nbflow.external_task("other", logical_date=datetime(2026, 2, 17))
    with pytest.raises(ParameterError, match="conf is a dict"):
        nbflow.trigger_dag("other", conf={3: 4})  # type: ignore[dict-item]
    assert answers.asked == []


def test_outside_of_a_run_there_is_nobody_to_ask() -> None:
    set_current({})
    with pytest.raises(
        NbflowError, match=r"nbflow\.trigger_dag has no value here: this process runs no task"
    ):
        nbflow.trigger_dag("other")
