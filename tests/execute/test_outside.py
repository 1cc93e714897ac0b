"""What a task asks of the world outside, through the owner's socket."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from nbflow.errors import OutsideError
from nbflow.execute.exchange import AskedOutside, ExchangeServer
from nbflow.execute.variables import Connections, Variables
from nbflow.model.outside import Standing, StateQuery, TriggerQuery
from nbflow.model.run import RunKey, TaskKey

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = datetime(2026, 2, 17, tzinfo=UTC)
VARIABLES = {"city": "Seoul", "limits": '{"rows": 3}', "get": "shadowed"}
CONNECTIONS = {"db": "postgres://me:p%40ss@host:5432/sales?sslmode=require"}


class Asked:
    """Answers from tables, and keeps what it was asked."""

    def __init__(self) -> None:
        self.standings: list[StateQuery] = []
        self.triggers: list[TriggerQuery] = []

    def standing(self, query: StateQuery) -> Standing | None:
        self.standings.append(query)
        return Standing(run_id="r", state="running", reason="why") if query.dag_id == "known" else None

    def trigger(self, query: TriggerQuery) -> Standing:
        self.triggers.append(query)
        if query.dag_id != "known":
            msg = f"no DAG {query.dag_id}"
            raise LookupError(msg)
        return Standing(run_id="r", state="queued")


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def outside(asked: Asked) -> Iterator[AskedOutside]:
    server = ExchangeServer(
        lambda _: (),
        variable=VARIABLES.get,
        connection=CONNECTIONS.get,
        standing=asked.standing,
        trigger=asked.trigger,
    )
    yield AskedOutside(server.path)
    server.close()


def test_variables_are_read_as_text_and_as_json(outside: AskedOutside) -> None:
    var = Variables(outside)
    assert var.value.city == "Seoul"
    assert var.json.limits == {"rows": 3}
    assert var.value.get("get") == "shadowed"
    assert var.value.get("nowhere", "default") == "default"
    assert var.json.get("nowhere", None) is None


def test_a_variable_that_is_missing_or_no_json_says_what_to_do(outside: AskedOutside) -> None:
    var = Variables(outside)
    with pytest.raises(OutsideError, match=r"nbflow variables set town VALUE.*NBFLOW_VAR_TOWN"):
        _ = var.value.town
    with pytest.raises(OutsideError, match=r"'city' is no JSON .* read it as text with var\.value"):
        _ = var.json.city


def test_a_connection_has_its_parts(outside: AskedOutside) -> None:
    conn = Connections(outside)
    assert (conn.db.host, conn.db.login, conn.db.password, conn.db.port) == ("host", "me", "p@ss", 5432)
    assert (conn.db.schema, conn.db.extra_dejson) == ("sales", {"sslmode": "require"})
    assert conn.get("nowhere") is None
    with pytest.raises(
        OutsideError, match=r"nbflow connections add nowhere --conn-uri URI.*NBFLOW_CONN_NOWHERE"
    ):
        _ = conn.nowhere


def test_the_environment_comes_first(outside: AskedOutside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBFLOW_VAR_CITY", "Busan")
    monkeypatch.setenv("NBFLOW_CONN_DB", json.dumps({"conn_type": "http", "host": "other", "port": 80}))
    assert Variables(outside).value.city == "Busan"
    assert Connections(outside).db.host == "other"
    assert Connections(AskedOutside(None)).db.port == 80


def test_questions_about_other_dags_arrive_as_they_were_asked(outside: AskedOutside, asked: Asked) -> None:
    question = StateQuery(dag_id="known", task_id="load", logical_date=DAY)
    assert outside.standing(question) == Standing(run_id="r", state="running", reason="why")
    assert outside.standing(StateQuery(dag_id="other", logical_date=DAY)) is None
    assert asked.standings == [question, StateQuery(dag_id="other", logical_date=DAY)]
    wish = TriggerQuery(
        dag_id="known",
        logical_date=DAY,
        conf={"rows": [1, None]},
        asked_by=TaskKey(RunKey("mine", "now"), "start", 2),
        try_number=3,
        wait=False,
    )
    assert outside.trigger(wish).state == "queued"
    assert asked.triggers == [wish]


def test_what_the_owner_cannot_do_reaches_the_task_in_words(outside: AskedOutside) -> None:
    with pytest.raises(OutsideError, match="trigger_dag of 'other' failed: LookupError: no DAG other"):
        outside.trigger(TriggerQuery(dag_id="other", logical_date=DAY))


def test_a_question_that_nobody_answers_is_an_error_and_not_an_answer() -> None:
    server = ExchangeServer(lambda _: ())
    try:
        with pytest.raises(OutsideError, match="nobody answers questions about a variable here"):
            AskedOutside(server.path).variable("city")
    finally:
        server.close()
    with pytest.raises(OutsideError, match="nbflow doesn't answer"):
        AskedOutside(server.path).variable("city")
    with pytest.raises(OutsideError, match="no nbflow process stands behind this try"):
        AskedOutside(None).connection("db")


def test_a_date_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        StateQuery(dag_id="known", logical_date=datetime(2026, 2, 17))
