from __future__ import annotations

from dataclasses import dataclass

import pytest

from nbflow.store.sql import parse, queries


def test_each_block_is_one_query_with_its_comments() -> None:
    found = parse("-- about the file\n\n-- name: one\n-- why\nSELECT 1;\n\n-- name: two\nSELECT 2;\n")
    assert dict(found) == {"one": "-- why\nSELECT 1;", "two": "SELECT 2;"}


@dataclass(frozen=True)
class Bad:
    name: str
    text: str
    message: str


@pytest.mark.parametrize(
    "case",
    [
        Bad("twice", "-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;", "two queries are named `a`"),
        Bad("empty", "-- name: a\n-- nothing\n", "`a` has no SQL"),
        Bad("nameless", "SELECT 1;\n-- name: a\nSELECT 2;", "before the first"),
    ],
    ids=lambda case: case.name,
)
def test_a_malformed_file_is_refused(case: Bad) -> None:
    with pytest.raises(ValueError, match=case.message):
        parse(case.text)


def test_the_package_s_own_files_parse() -> None:
    assert queries("xcom.sql")


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.sql"):
        queries("nowhere.sql")
