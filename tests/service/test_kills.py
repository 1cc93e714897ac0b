"""kill -9 at any instant: whatever of a backfill's processes dies costs the try it ran, and nothing else."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest

from nbflow.model.run import TaskKey
from nbflow.store.state import StateStore
from nbflow.store.xcom import XComStore

DAYS = 6
CELLS = [
    "%%dag killed\nschedule = '@daily'\nstart_date = 2026-01-01\ndefault_args = { retries = 0 }",
    "import time",
    "%%task first\nnumbers = [1]",
    "%%task left\nnumbers_left = [*numbers, 2]",
    "%%task right --after first\ntime.sleep(0.05)\nnumbers_right = [*numbers, 3]",
    "%%task last\nall_numbers = numbers_left + numbers_right",
    "%%task end\nsum(all_numbers)",
]
TASKS = {"first", "left", "right", "last", "end"}


def children_of(pid: int) -> list[int]:
    """The processes below one, however deep."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *children_of(int(child))]
    return found


def killed_round(folder: Path, chance: random.Random) -> tuple[int, Counter[str]]:
    """One backfill in which processes are killed at random; how many, and how all tries ended."""
    folder.mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "killed.ipynb")
    dates = ["--start-date", "2026-01-01", "--end-date", f"2026-01-0{DAYS}"]
    kills = 0
    with subprocess.Popen(
        [sys.executable, "-m", "nbflow", "run", "killed.ipynb", *dates, "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as owner:
        while owner.poll() is None and not (folder / ".nbflow" / "tries").is_dir():
            time.sleep(0.002)  # from the first try on; before that only imports could be hit
        until = time.monotonic() + chance.uniform(0, 0.4)
        while owner.poll() is None:
            if time.monotonic() > until and kills < 4 and (victims := children_of(owner.pid)):
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(victims), signal.SIGKILL)
                    kills += 1
                until = time.monotonic() + chance.uniform(0.02, 0.3)
            time.sleep(0.002)
        assert owner.stdout is not None
        assert owner.stderr is not None
        runs, said = json.loads(owner.stdout.read()), owner.stderr.read()
    assert [run["state"] for run in runs] == ["success"] * DAYS, said
    results: Counter[str] = Counter()
    home = folder / ".nbflow"
    with StateStore(home / "state.sqlite") as state, XComStore.open(home) as xcoms:
        for run in state.runs("killed"):
            for task_id in TASKS:
                key = TaskKey(run.key, task_id)
                ended = [tried.result for tried in state.tries(key)]
                assert ended[-1] == "success"
                assert set(ended[:-1]) <= {"lost"}
                results += Counter(map(str, ended))
            value = xcoms.get(TaskKey(run.key, "last"), "all_numbers", folder=folder)
            assert value is not None
            assert value.text == "[1, 2, 1, 3]"
    return kills, results


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_process_costs_its_try_and_nothing_else(tmp_path: Path, seed: int) -> None:
    kills, results = killed_round(tmp_path / "round", random.Random(seed))
    assert results["success"] == DAYS * len(TASKS)
    assert results["lost"] <= kills


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_rounds_of_kills(tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    for seed in range(100, 200):
        kills, results = killed_round(tmp_path / str(seed), random.Random(seed))
        assert results["success"] == DAYS * len(TASKS)
        assert results["lost"] <= kills
        total += results + Counter(kills=kills)
    print(total)
