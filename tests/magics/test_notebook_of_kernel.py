"""Which notebook a kernel belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from nbflow.errors import AddressError
from nbflow.magics.notebook import find_notebook, this_notebook


@dataclass(frozen=True)
class Case:
    name: str
    namespace: dict[str, object]
    environment: dict[str, str]
    found: str | None


CASES = [
    Case("nobody said", {}, {}, None),
    Case("Jupyter Server, absolute", {}, {"JPY_SESSION_NAME": "/work/flights.ipynb"}, "/work/flights.ipynb"),
    Case("a server that says it from its root", {}, {"JPY_SESSION_NAME": "deep/down/flights.ipynb"}, "flights.ipynb"),
    Case("relative, and there", {}, {"JPY_SESSION_NAME": "sub/here.ipynb"}, "sub/here.ipynb"),
    Case("spaces and scripts", {}, {"JPY_SESSION_NAME": "/w/my 추출.ipynb"}, "/w/my 추출.ipynb"),
    Case("VS Code", {"__vsc_ipynb_file__": "/w/code.ipynb"}, {"JPY_SESSION_NAME": "/w/other.ipynb"}, "/w/code.ipynb"),
    Case(
        "VS Code through a server",
        {},
        {"JPY_SESSION_NAME": "/w/flights.ipynb-jvsc-0d2f7c3e-1111-4222-8333-444455556666.ipynb"},
        "/w/flights.ipynb",
    ),
    Case("a person's variable of that name", {"__vsc_ipynb_file__": 3}, {}, None),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_where_it_should_lie(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "here.ipynb").touch()
    found = find_notebook(case.namespace, case.environment)
    assert found == (None if case.found is None else Path(case.found))


def test_an_unknown_notebook_is_to_be_passed() -> None:
    with pytest.raises(AddressError, match=r"Pass its path: %nbflow grid NOTEBOOK\.ipynb"):
        this_notebook("grid", {}, {})


def test_a_notebook_that_is_gone_is_named() -> None:
    with pytest.raises(AddressError, match=r"/w/gone\.ipynb, which is not there"):
        this_notebook("grid", {}, {"JPY_SESSION_NAME": "/w/gone.ipynb"})
