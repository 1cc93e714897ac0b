"""What every test shares."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

import pytest
from hypothesis import settings

# Machines differ: no test of ours fails for being slow (figures are benchmarks' business).
settings.register_profile("nbflow", deadline=None)
settings.load_profile("nbflow")


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes the home of the person who runs it, or depends on how wide the terminal is."""
    monkeypatch.delenv("NBFLOW_HOME", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)


@cache
def _has(what: str) -> bool:
    """Whether this machine has, and allows, what a test needs: `mounts` in a name space, or a program."""
    if what != "mounts":
        return shutil.which(what) is not None
    if shutil.which("unshare") is None:
        return False
    ask = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    done = subprocess.run([*ask, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    return done.returncode == 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine can't do: a container may mount nothing, and macOS has no systemd."""
    lacking = [
        item
        for item in items
        if any(not _has(what) for mark in item.iter_markers("needs") for what in mark.args)
    ]
    if lacking:
        config.hook.pytest_deselected(items=lacking)
        items[:] = [item for item in items if item not in lacking]
