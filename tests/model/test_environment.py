"""Where and how runs run: what is written of it comes back, what differs is found and put right."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.model.environment import OWN, Environment, changed, changes_to

NAMES = st.text("ABC", min_size=1, max_size=2)
VARIABLES = st.dictionaries(NAMES, st.text(max_size=3))


@pytest.mark.parametrize(
    "environment",
    [
        OWN,
        Environment(python="/venv/bin/python"),
        Environment(variables={"FOO": "1", "EMPTY": "", "GONE": None}),
        Environment(kernel="python3", execution_timeout=timedelta(seconds=1.5)),
        Environment(max_active_runs=2, latest_first=True),
    ],
    ids=["own", "interpreter", "variables", "kernel and timeout", "order"],
)
def test_what_is_stored_comes_back(environment: Environment) -> None:
    assert Environment.from_json(json.loads(json.dumps(environment.to_json()))) == environment


def test_nothing_is_stored_of_the_owners_own() -> None:
    assert OWN.to_json() == {}


def test_what_a_newer_nbflow_has_said_beside_it_is_passed_over() -> None:
    assert Environment.from_json({"kernel": "k", "colour": "red"}) == Environment(kernel="k")


@given(VARIABLES, VARIABLES)
def test_the_changes_lead_from_the_inherited_variables_to_the_wanted_ones(
    wanted: dict[str, str], inherited: dict[str, str]
) -> None:
    changes = changes_to(wanted, inherited)
    assert changed(inherited, changes) == wanted
    assert not {name for name, value in changes.items() if name in inherited and inherited[name] == value}
