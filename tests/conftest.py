"""What every test shares."""

from __future__ import annotations

import pytest
from hypothesis import settings

# Machines differ: no test of ours fails for being slow (figures are benchmarks' business).
settings.register_profile("nbflow", deadline=None)
settings.load_profile("nbflow")


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes the home of the person who runs it."""
    monkeypatch.delenv("NBFLOW_HOME", raising=False)
