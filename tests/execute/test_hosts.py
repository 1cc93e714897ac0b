"""Hosts: what they keep apart, when they are replaced, what they leave behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbflow.execute import worker
from nbflow.execute.local import LocalExecutor
from nbflow.model.work import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from execute.conftest import Bench


@pytest.fixture
def alone(tmp_path: Path, bench: Bench) -> Iterator[Bench]:
    """A bench with one place for tries, and nobody else on it."""
    executor = LocalExecutor(1)
    yield type(bench)(executor, tmp_path)
    executor.close()


HOST = "%%task a\nimport os\nhost = os.getppid()\nhost"
MEMORY = (
    "import pathlib\nint(pathlib.Path('/proc/self/smaps_rollup').read_text().split('Rss:')[1].split()[0])"
)


def host_of(bench: Bench, **fields: object) -> object:
    left = bench.run(HOST, **fields)
    assert left.outcome.result is Result.SUCCESS, left.outcome
    return left.values["return_value"]


def threads_of(pid: object) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def test_one_host_runs_one_try_after_another_and_has_no_threads(alone: Bench) -> None:
    host = host_of(alone)
    assert host_of(alone) == host
    assert threads_of(host) == 1


def test_a_host_that_dies_between_tries_costs_nothing(alone: Bench) -> None:
    host = host_of(alone)
    assert isinstance(host, int)
    os.kill(host, signal.SIGKILL)
    assert host_of(alone) != host


def test_a_host_is_replaced_after_so_many_tries(alone: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "TRIES", 2)
    hosts = [host_of(alone) for _ in range(4)]
    assert hosts[0] == hosts[1] != hosts[2] == hosts[3]


def test_another_environment_gets_another_host(alone: Bench) -> None:
    told = "%%task a\nimport os\n(os.getppid(), os.environ['COLOUR'])"
    first = alone.run(told, environment={"COLOUR": "red"}).values["return_value"]
    second = alone.run(told, environment={"COLOUR": "blue"}).values["return_value"]
    assert isinstance(first, tuple)
    assert isinstance(second, tuple)
    assert first[1], second[1] == ("red", "blue")
    assert first[0] != second[0]


def test_other_imports_get_another_host_that_has_them(alone: Bench) -> None:
    had = "import sys\nhad = 'decimal' in sys.modules, 'colorsys' in sys.modules"
    plain = alone.run(had, "%%task a\nhad")
    imported = alone.run(had, "import colorsys", "%%task a\nhad")
    assert plain.values["return_value"] == (True, False)
    assert imported.values["return_value"] == (True, True)
    assert imported.outcome.engine == "forked (sys, colorsys imported before)"


def test_where_children_cannot_be_forked_a_kernel_runs_the_try_and_says_why(
    alone: Bench, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "papermill.py").write_text("raise OSError('no papermill here')")
    left = alone.run("%%task a\n1 + 1", environment={"PYTHONPATH": str(tmp_path / "broken")})
    assert left.outcome.result is Result.SUCCESS, left.outcome
    assert left.outcome.engine == (
        "kernel python3 (children can't be forked here: OSError: no papermill here)"
    )


def test_an_import_that_never_ends_is_given_up(
    alone: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "START_TIMEOUT", 1.0)
    (tmp_path / "endless").mkdir()
    (tmp_path / "endless" / "papermill.py").write_text("import time\ntime.sleep(600)")
    left = alone.run("%%task a\n1 + 1", environment={"PYTHONPATH": str(tmp_path / "endless")})
    assert left.outcome.result is Result.SUCCESS, left.outcome
    assert left.outcome.engine == (
        "kernel python3 (children can't be forked here: what the notebook imports was not there within 1 s)"
    )


def test_a_kernel_that_is_asked_for_runs_the_try(alone: Bench) -> None:
    left = alone.run("%%task a\nimport sys\n'zmq' in sys.modules", kernel="python3")
    assert left.outcome.engine == "kernel python3 (asked for)"
    assert left.values["return_value"] is True


def test_a_child_has_no_descriptor_of_its_host(alone: Bench) -> None:
    # 0 to 2, what they were, the pipes, the way to the host, and what asyncio and the listing need
    listed = (
        "%%task a\nimport os\npaths = [f'/proc/self/fd/{n}' for n in os.listdir('/proc/self/fd')]\n"
        "[os.readlink(path) for path in paths if os.path.lexists(path)]"
    )
    alone.run(listed)
    names = alone.run(listed).values["return_value"]
    assert isinstance(names, list)
    assert sum(name.startswith("socket:") for name in names) <= 3, names
    assert len(names) <= 14, names


def test_chance_is_drawn_anew_in_each_child(alone: Bench) -> None:
    draw = "import random\nimport numpy as np", "%%task a\n(random.random(), np.random.random())"
    first, second = (alone.run(*draw).values["return_value"] for _ in range(2))
    assert isinstance(first, tuple)
    assert isinstance(second, tuple)
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_memory_is_back_after_each_task(alone: Bench) -> None:
    before = alone.run(f"%%task a\n{MEMORY}").values["return_value"]
    assert (
        alone.run("%%task a\nlarge = bytearray(b'1' * 300_000_000)\nlen(large)").outcome.result
        is Result.SUCCESS
    )
    after = alone.run(f"%%task a\n{MEMORY}").values["return_value"]
    assert isinstance(before, int)
    assert isinstance(after, int)
    assert after < before + 20_000  # kB


def test_a_child_leads_a_session_of_its_own(alone: Bench) -> None:
    left = alone.run("%%task a\nimport os\nos.getpid() == os.getpgid(0) == os.getsid(0)")
    assert left.values["return_value"] is True
