"""`nbflow pools`, `variables`, `connections`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project


def test_variables_are_set_listed_and_secrets_are_not_shown(project: Project) -> None:
    assert project.nbflow("variables", "set", "city", "Seoul").status == 0
    assert project.nbflow("variables", "set", "api_key", "s3cret").status == 0
    assert project.nbflow("variables", "list", "--json").json() == {"api_key": "***", "city": "Seoul"}
    assert "s3cret" not in project.nbflow("variables").out
    assert project.nbflow("variables", "get", "api_key").out == "s3cret\n"
    assert project.nbflow("variables", "get", "town", "--default", "x").out == "x\n"
    missing = project.nbflow("variables", "get", "citty")
    assert missing.status == 2
    assert "there is no variable 'citty'; did you mean 'city'? There are: api_key, city." in missing.err
    assert project.nbflow("variables", "delete", "city").status == 0
    assert project.nbflow("variables", "delete", "city").status == 2


def test_pools_have_names_and_the_default_one_stays(project: Project) -> None:
    assert project.nbflow("pools", "set", "db", "2").status == 0
    unnamed = project.nbflow("pools", "set", "", "1")
    assert (unnamed.status, "a pool needs a name" in unnamed.err) == (2, True)
    default = project.nbflow("pools", "delete", "default_pool")
    assert (default.status, "is always there" in default.err) == (2, True)


def test_connections_are_shown_without_their_passwords(project: Project) -> None:
    assert (
        project.nbflow(
            "connections", "add", "db", "--conn-uri", "postgres://me:s3cret@hal:5432/flights"
        ).status
        == 0
    )
    added = project.nbflow(
        "connections",
        "add",
        "web",
        "--conn-type",
        "http",
        "--conn-host",
        "example.org",
        "--conn-password",
        "s3cret",
    )
    assert added.status == 0, added.all
    listed = project.nbflow("connections", "list")
    assert "hal:5432" in listed.out
    assert "example.org" in listed.out
    assert "s3cret" not in listed.out + project.nbflow("connections", "list", "--json").out
    assert project.nbflow("connections", "get", "db").out == "postgres://me:s3cret@hal:5432/flights\n"
    for wrong in (
        ("x",),
        ("x", "--conn-uri", "postgres://h", "--conn-host", "h"),
        ("x", "--conn-uri", "no uri"),
    ):
        assert project.nbflow("connections", "add", *wrong).status == 2
    assert project.nbflow("connections", "delete", "db").status == 0
    assert project.nbflow("connections", "get", "db").status == 2


def test_a_task_without_its_pool_fails_and_runs_once_it_is_there(project: Project) -> None:
    project.notebook("n.ipynb", "%%task a --pool db --pool-slots 2\n1")
    assert project.nbflow("run", "n.ipynb", "2026-01-01").status == 1
    assert "there is no pool `db`: nbflow pools set db SLOTS" in project.nbflow("why", "n", "latest", "a").out
    assert project.nbflow("pools", "set", "db", "1", "one at a time").status == 0
    assert project.nbflow("clear", "n", "latest").status == 1
    assert "it takes 2 slots and the pool `db` has 1" in project.nbflow("why", "n", "latest", "a").out
    assert project.nbflow("pools", "set", "db", "2").status == 0
    assert project.nbflow("clear", "n", "latest").status == 0
    pools = project.nbflow("pools", "list", "--json").json()
    assert {pool["name"]: pool["slots"] for pool in pools} == {"default_pool": 128, "db": 2}
    assert project.nbflow("pools", "delete", "db").status == 0
    assert project.nbflow("pools", "delete", "db").status == 2


def test_where_there_is_no_home_that_is_said(project: Project) -> None:
    for verb in ("pools", "variables", "connections"):
        answer = project.nbflow(verb)
        assert answer.status == 2
        assert "holds nothing yet" in answer.err
    assert not (project.folder / ".nbflow").exists()
