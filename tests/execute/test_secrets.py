"""What a try was given in confidence stays out of everything it leaves to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nbflow.execute.exchange import ExchangeServer
from nbflow.execute.secrets import Secrets
from nbflow.model.connection import Connection
from nbflow.model.work import LOG_FILE, NOTEBOOK_FILE, Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from execute.conftest import Bench

PASSWORD = "p@ss w'ord"
URI = "postgres://me:p%40ss%20w%27ord@host:5432/sales?api_key=key-1234&region=eu"


class FakeSession:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, _: object, message: object, content: object = None) -> None:
        self.sent.append(message if content is None else content)


def test_every_form_of_a_secret_is_masked_in_whatever_is_sent_and_nothing_before_it_is_known() -> None:
    session = FakeSession()
    secrets = Secrets(session)
    session.send(None, "stream", {"text": "host"})
    connection = Connection.read("db", URI)
    secrets.keep_connection(connection)
    session.send(None, "stream", {"text": f"{PASSWORD} at host in eu"})
    session.send(None, {"content": {"data": {"text/plain": f"{PASSWORD!r}"}, "n": 3}})
    session.send(None, "error", {"traceback": [connection.get_uri(), "key-1234"]})
    assert session.sent == [
        {"text": "host"},
        {"text": "*** at host in eu"},
        {"content": {"data": {"text/plain": '"***"'}, "n": 3}},
        {"traceback": ["postgres://me:***@host:5432/sales?api_key=***&region=eu", "***"]},
    ]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("city", "Seoul"),
        ("db_password", "***"),
        ("API_KEY", "***"),
        ("access_token", "***"),
        ("SECRET", "***"),
        ("gcp_credential", "***"),
    ],
)
def test_variables_are_secret_by_their_names(key: str, said: str) -> None:
    secrets = Secrets(FakeSession())
    secrets.keep_variable(key, "Seoul")
    assert secrets.masked("Seoul") == said


def test_what_is_too_short_to_be_found_for_certain_is_not_masked() -> None:
    secrets = Secrets(FakeSession())
    secrets.keep_variable("password", "abc")
    assert secrets.masked("abcdef") == "abcdef"


@pytest.fixture
def exchange() -> Iterator[Path]:
    nothing: Any = lambda _: None  # noqa: E731
    server = ExchangeServer(
        lambda _: (), variable=nothing, connection={"db": URI}.get, standing=nothing, trigger=nothing
    )
    yield server.path
    server.close()


@pytest.mark.parametrize("kernel", ["", "python3"])
def test_a_password_is_in_no_output_log_or_reason(bench: Bench, exchange: Path, kernel: str) -> None:
    cells = (
        "%%task leak\nimport os, sys\nword = conn.db.password\nprint(word)",
        "%%task +\nprint(word, file=sys.stderr)\ndisplay({'word': word})\nos.system(f'echo \"{word}\"')\nword",
        "%%task +\nraise ValueError(f'cannot log in with {word}')",
    )
    left = bench.run(*cells, exchange=exchange, kernel=kernel)
    assert left.outcome.result is Result.FAILED
    assert left.outcome.reason == "ValueError: cannot log in with *** (cell 3, line 2)"
    for name in (NOTEBOOK_FILE, LOG_FILE):
        text = (left.request.folder / name).read_text()
        assert "***" in text
        assert PASSWORD not in text
