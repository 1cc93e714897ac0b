"""Half an hour in the life of a scheduler, with somebody who never leaves it alone: nothing leaks, nothing is forgotten."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import statistics
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli.conftest import Project
from cli.inside import nbflow as nbflow  # noqa: PLC0414 a fixture
from cli.test_schedule import scheduler, until

from nbflow.model.run import RunType
from nbflow.model.state import RunState, TaskState
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from cli.conftest import Answer
    from cli.inside import Call

    from nbflow.model.record import RunRecord

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3 * 3600)]

MINUTES = float(os.environ.get("NBFLOW_SOAK_MINUTES", "30"))
SEED = int(os.environ.get("NBFLOW_SOAK_SEED", "1"))
LONG_ENOUGH = 15  # minutes, to say of memory that it doesn't grow
MOST = 1.05  # of the memory after the warm-up
WARM_UP = 0.25  # of the time
MINUTE = timedelta(minutes=1)

OFTEN = "schedule = '5s'\nmax_active_runs = 3"
OFTEN_CELLS = (
    """\
import pyarrow as pa
from nbflow import var

def told(context):
    print("told of", context)""",
    "%%task first\nnumbers = [1, 2]\nlimit = var.value.get('limit', 3)",
    "%%task.branch choose --after first\n'even' if logical_date.second % 2 == 0 else 'odd'",
    "%%task even --after choose\nkind = 'even'",
    "%%task odd --after choose\nkind = 'odd'",
    '%%task square --map "n in numbers" --collect squares --after first\nn * n',
    "%%task frame --after first\ntable = pa.table({'n': list(range(100)), 'ds': [ds] * 100})",
    """\
%%task total --trigger-rule none_failed_min_one_success --on-success-callback told
[kind, sum(squares), table.num_rows]""",
)
ASKED_CELLS = ("#parameters\nn = 1", "%%task double\nx = 2 * n", "%%task say\nprint(x)\nx")
# What a person may well be told while everything changes under his hands.
REFUSALS = ("is paused", "has no runs", "no run", "nothing", "under way", "no XCom", "handed on")


class Somebody:
    """Gives commands at random, and remembers what came of them."""

    def __init__(self, project: Project, nbflow: Call, chance: random.Random) -> None:
        self.project = project
        self.count: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._nbflow = nbflow
        self._chance = chance
        self._number = 0
        self._deeds = (
            self._clear, self._mark, self._pause, self._trigger, self._publish, self._run, self._variable,
            *[self._look] * 4,
        )  # fmt: skip

    def does_something(self) -> None:
        deed = self._chance.choice(self._deeds)
        self._number += 1
        deed()

    def rests(self) -> None:
        """Leave everything as it can go on."""
        for dag in ("often", "minutes"):
            self._nbflow("unpause", dag)

    def _says(self, *words: str) -> Answer:
        answer = self._nbflow(*words)
        self.count[words[0]] += 1
        if answer.status:
            assert answer.status in (1, 2, 3), answer.all
            assert any(said in answer.all for said in REFUSALS), f"{words}: {answer.all}"
            self.refused[words[0]] += 1
        return answer

    def _clear(self) -> None:
        task = self._chance.choice(("first", "square", "total", "choose"))
        self._says("clear", "often", "latest", task, *self._some("--downstream"), "--yes")

    def _mark(self) -> None:
        self._says("mark", "success", "often", "latest", "last", "--yes")

    def _pause(self) -> None:
        dag = self._chance.choice(("often", "minutes"))
        self._says("pause", dag)
        time.sleep(self._chance.uniform(0, 3))
        self._says("unpause", dag)

    def _trigger(self) -> None:
        self._says("trigger", "asked.ipynb", "--as", f"t{self._number}", "-p", "n", str(self._number))

    def _publish(self) -> None:
        save_often(self.project, f"edition {self._number}")
        self._says("publish", "often")

    def _run(self) -> None:
        self._says("run", "asked.ipynb", "--as", f"r{self._number}", "-p", "n", str(self._number))

    def _variable(self) -> None:
        self._says("variables", "set", "limit", str(self._number))
        if self._chance.random() < 0.3:
            self._says("variables", "delete", "limit")

    def _look(self) -> None:
        dag = self._chance.choice(("often", "minutes"))
        words = (
            ("list",), ("list", dag), ("show", dag), ("grid", dag), ("next", dag), ("status",), ("why", "minutes", "latest", "b"),
            ("xcom", "often", "latest"), ("xcom", "often", "latest", "frame", "table"), ("logs", "often", "latest", "first"),
            ("failures", dag), ("sql", "select count(*) from runs"),
        )  # fmt: skip
        self._says(*self._chance.choice(words))

    def _some(self, option: str) -> tuple[str, ...]:
        return (option,) if self._chance.random() < 0.5 else ()


def save_often(project: Project, edition: str) -> None:
    project.notebook(
        "often.ipynb", f"%%dag often\n{OFTEN}", *OFTEN_CELLS, f"%%task last --after total\n# {edition}\n1"
    )


def memory(process: int) -> int:
    """Bytes that a process has in memory."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(process)


def test_a_scheduler_lives_on_whatever_is_done_to_it(tmp_path: Path, nbflow: Call) -> None:
    project, chance = Project(tmp_path), random.Random(SEED)
    began = datetime.now(UTC).replace(second=0, microsecond=0)
    save_often(project, "first edition")
    project.notebook("asked.ipynb", "%%dag asked", *ASKED_CELLS)
    minutes = f"schedule = '* * * * *'\ncatchup = true\nstart_date = {began - 10 * MINUTE:%Y-%m-%dT%H:%M:%SZ}"
    project.notebook("minutes.ipynb", f"%%dag minutes\n{minutes}", "%%task a\nx = ds", "%%task b\ny = x")
    somebody = Somebody(project, nbflow, chance)
    samples: list[int] = []
    with scheduler(project, "often.ipynb", "minutes.ipynb", "--log-format", "json") as process:
        until((tmp_path / ".nbflow" / "scheduler.log").exists, "its beginning")
        end = time.monotonic() + MINUTES * 60
        while time.monotonic() < end:
            assert process.poll() is None, "the scheduler has ended"
            somebody.does_something()
            samples.append(memory(process.pid))
            time.sleep(chance.uniform(0, 1))
        somebody.rests()
        os.kill(process.pid, signal.SIGTERM)
        said, _ = process.communicate()
    assert process.returncode == 0, said
    warm = samples[int(len(samples) * WARM_UP) :]
    tenth = max(len(warm) // 10, 1)
    before, after = statistics.median(warm[:tenth]), statistics.median(warm[-tenth:])
    print(f"\n{MINUTES:g} minutes; commands: {dict(somebody.count)}; refused: {dict(somebody.refused)}")
    print("memory (MB): " + " ".join(f"{one / 1e6:.0f}" for one in samples[:: max(len(samples) // 30, 1)]))
    print(
        f"after the warm-up {before / 1e6:.1f} MB, at the end {after / 1e6:.1f} MB ({after / before - 1:+.1%})"
    )
    print(dict(everything_is_accounted_for(project, began)))
    nothing_went_wrong(project)
    assert MINUTES < LONG_ENOUGH or after <= MOST * before


def everything_is_accounted_for(project: Project, began: datetime) -> Counter[str]:
    """Every run that should be there is, and has ended well, but for those that the stop left to go on."""
    count: Counter[str] = Counter()
    with StateStore(project.folder / ".nbflow" / "state.sqlite") as state:
        assert not state.commands.open()
        assert not state.schedules.open_tries()
        for dag in ("often", "minutes", "asked"):
            runs = sorted(state.runs(dag), key=lambda run: run.interval.logical_date)
            assert {run.state for run in runs} <= {RunState.SUCCESS, RunState.QUEUED}
            over = [run for run in runs if run.state is RunState.SUCCESS]
            assert len(runs) - len(over) <= 3  # those that the stop found under way
            for run in over:
                count.update(ends_of(state, run))
            count[f"runs of {dag}"] = len(runs)
        made = [run for run in state.runs("minutes") if run.run_type is RunType.SCHEDULED]
        dates = sorted(run.interval.logical_date for run in made)
        assert dates == [began + (number - 10) * MINUTE for number in range(len(dates))]
    return count


def ends_of(state: StateStore, run: RunRecord) -> Counter[str]:
    ends: Counter[str] = Counter()
    for instance in state.instances(run.key):
        assert instance.state in (TaskState.SUCCESS, TaskState.SKIPPED), (instance.key, instance.reason)
        tries = state.tries(instance.key)
        assert [tried.try_number for tried in tries] == list(range(1, instance.try_number + 1))
        ends.update(f"tries: {tried.result}" for tried in tries)
        assert not [tried for tried in tries if tried.result == "lost"], (instance, tries)
    return ends


def nothing_went_wrong(project: Project) -> None:
    with closing(sqlite3.connect(project.folder / ".nbflow" / "state.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    for path in sorted((project.folder / ".nbflow").glob("scheduler.log*")):
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            assert entry["level"].upper() in ("INFO", "DEBUG"), entry
