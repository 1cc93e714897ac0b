"""Connections as URIs and as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.model.connection import Connection

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=8)


@given(
    st.builds(
        Connection,
        conn_id=st.just("c"),
        conn_type=st.sampled_from(["postgres", "http", "google_cloud"]),
        host=st.none() | st.from_regex(r"[A-Za-z][A-Za-z0-9.]{0,8}", fullmatch=True),
        login=st.none() | TEXT,
        password=st.none() | TEXT,
        port=st.none() | st.integers(1, 65535),
        schema=st.none() | TEXT,
        extra=st.just("")
        | st.dictionaries(TEXT, TEXT | st.integers(), min_size=1, max_size=2).map(json.dumps),
    )
)
def test_a_uri_is_read_as_what_it_was_made_of(connection: Connection) -> None:
    read = Connection.read("c", connection.get_uri())
    assert read.extra_dejson == connection.extra_dejson
    for name in ("conn_type", "host", "login", "password", "port", "schema"):
        assert getattr(read, name) == getattr(connection, name)


def test_airflows_json_form_is_read_too() -> None:
    text = json.dumps({"conn_type": "aws", "login": "me", "port": "1", "extra": {"region": "eu"}})
    found = Connection.read("c", text)
    assert (found.conn_type, found.login, found.port, found.extra_dejson) == (
        "aws",
        "me",
        1,
        {"region": "eu"},
    )


@pytest.mark.parametrize("text", ["host only", "x://host:port/", '{"port": "many"}', '{"conn_type'])
def test_what_is_neither_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="connection 'c' is no URI") as error:
        Connection.read("c", text)
    assert text not in str(error.value)


def test_nobody_sees_a_password_by_looking() -> None:
    assert "secret" not in repr(Connection.read("c", "postgres://me:secret@host:1/db"))
