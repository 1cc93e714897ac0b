"""What a run keeps of the environment of whoever asks for it: what differs from the owner's, and no more."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from nbflow.errors import EnvironmentUnfit, OptionError
from nbflow.model.environment import OWN, Environment
from nbflow.service.surroundings import FILE, announce, asked_from_here, environment_asked, lasting

if TYPE_CHECKING:
    from pathlib import Path

    Variables = dict[str, str]


def live_in(monkeypatch: pytest.MonkeyPatch, variables: Variables) -> None:
    """Have this process be one with these environment variables."""
    monkeypatch.setattr("nbflow.service.surroundings.os.environ", dict(variables))


def asked(
    root: Path, monkeypatch: pytest.MonkeyPatch, *, owner: Variables, asker: Variables, announced: bool = True
) -> Environment | None:
    """What comes of a question, once it has gone through the store."""
    live_in(monkeypatch, owner)
    if announced:
        announce(root)
    live_in(monkeypatch, asker)
    question = json.loads(json.dumps(asked_from_here(root, OWN)))
    if announced:
        kept = set(question["environment"].get("variables", ()))
        assert not {name for name in kept if owner.get(name) == asker.get(name)}, (
            "only what differs is written"
        )
    live_in(monkeypatch, owner)
    return environment_asked(root, question)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "not announced"])
@pytest.mark.parametrize(
    ("owner", "asker", "variables"),
    [
        ({"A": "1"}, {"A": "1"}, {}),
        ({"A": "1"}, {"A": "2", "B": "3"}, {"A": "2", "B": "3"}),
        ({"A": "1", "B": "2"}, {"A": ""}, {"A": "", "B": None}),
        ({"PWD": "/x", "TERM": "dumb"}, {"PWD": "/y", "SSH_TTY": "z", "JPY_PARENT_PID": "7", "_": "env"}, {}),
        ({}, {"BYTES": "\udcff"}, {"BYTES": "\udcff"}),
    ],
    ids=["same", "others", "empty and gone", "volatile", "no text"],
)
def test_only_what_differs_counts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Variables,
    asker: Variables,
    variables: dict[str, str | None],
    *,
    announced: bool,
) -> None:
    assert asked(tmp_path, monkeypatch, owner=owner, asker=asker, announced=announced) == Environment(
        variables=variables
    )


def test_the_announcement_tells_no_value_and_is_its_users_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_in(monkeypatch, {"TOKEN": "geheim-4711"})
    announce(tmp_path)
    assert "geheim" not in (tmp_path / FILE).read_text()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_keep_that_is_no_duration_is_refused_before_anything_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBFLOW_KEEP", "soon")
    with pytest.raises(OptionError, match="NBFLOW_KEEP: 'soon' is no duration"):
        announce(tmp_path)
    assert not (tmp_path / FILE).exists()


def test_what_was_compared_with_another_owner_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(tmp_path)
    question = asked_from_here(tmp_path, OWN)
    announce(tmp_path)
    assert environment_asked(tmp_path, question) is None


def test_another_virtual_environment_is_another_interpreter(tmp_path: Path) -> None:
    question = asked_from_here(tmp_path, Environment(kernel="k"))
    own = environment_asked(tmp_path, question)
    assert own is not None
    assert (own.python, own.kernel) == ("", "k")
    other = environment_asked(tmp_path, {**question, "prefix": "/another"})
    assert other is not None
    assert other.python == sys.executable


def test_another_version_of_nbflow_is_refused(tmp_path: Path) -> None:
    question = {**asked_from_here(tmp_path, OWN), "nbflow": "0.0.1"}
    with pytest.raises(EnvironmentUnfit, match=r"this is nbflow 0\.0\.1 .* -m pip install nbflow=="):
        environment_asked(tmp_path, question)


@pytest.mark.parametrize("name", ["PATH", "PYTHONPATH", "HOME", "LANG", "AWS_PROFILE", "NBFLOW_VAR_X", "TZ"])
def test_what_the_work_may_depend_on_counts(name: str) -> None:
    assert lasting({name: "x"}) == {name: "x"}


def test_a_damaged_announcement_is_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    environment = environment_asked(tmp_path, asked_from_here(tmp_path, OWN))
    assert environment == OWN
