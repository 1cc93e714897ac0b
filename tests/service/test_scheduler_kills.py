"""kill -9 of a scheduler, its tasks, hosts and stems at any instant: nothing is lost, counted twice or left behind."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from cli.conftest import COMMAND, write_notebook
from service.marked import Mark, kill

from nbflow.codec import decode
from nbflow.codec.files import PAYLOADS
from nbflow.model.run import TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import INPUTS_FOLDER, STAGING_FOLDER
from nbflow.store.home import Home
from nbflow.store.state import StateStore
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.model.record import RunRecord

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux says which processes belong together"
)

ROUNDS = int(os.environ.get("NBFLOW_KILL_ROUNDS", "200"))  # of the soak
DAYS = 3
MOST_KILLS = 3  # a try may be lost three times: the fourth time it has failed
KINDS = ("scheduler", "task", "host", "ours", "all")

CELLS = (
    f"""\
%%dag killed
schedule = '@daily'
start_date = 2026-01-01
end_date = 2026-01-0{DAYS}
catchup = true
default_args = {{ retries = 1, retry_delay = '0s' }}""",
    """\
import pathlib, subprocess, time
import pyarrow as pa

def note(what):
    pathlib.Path(f"effect {what} {time.time_ns()}").touch()""",
    "%%task first\nnote(f'{ds} first')\nnumbers = [1, 2]",
    "%%task.branch choose\nnote(f'{ds} choose')\n'even' if logical_date.day % 2 == 0 else 'odd'",
    "%%task even --after choose\nnote(f'{ds} even')\nkind = 'even'",
    "%%task odd --after choose\nnote(f'{ds} odd')\nkind = 'odd'",
    '%%task square --map "n in numbers" --collect squares --after first\nnote(f"{ds} square[{map_index}]")\nn * n',
    """\
%%task flaky --after first
note(f"{ds} flaky")
asked = pathlib.Path(f"asked-{ds}")
if not asked.exists():
    asked.touch()
    raise ValueError("not the first time")
answer = 42""",
    """\
%%task leaves --after first
note(f"{ds} leaves")
left_over = subprocess.Popen(["sleep", "3600"]).pid
time.sleep(0.05)
table = pa.table({"n": [1, 2, 3], "ds": [ds] * 3})""",
    """\
%%task total --trigger-rule none_failed_min_one_success
note(f"{ds} total")
said = [kind, sum(squares), answer, table.num_rows]""",
    "%%task end\nnote(f'{ds} end')\n[*said, ds]",
)


def label_of(run: RunRecord) -> str:
    return run.key.run_id[:10]


class Round:
    """One catchup over which processes are killed, and how it has to look afterwards."""

    def __init__(self, folder: Path, seed: int) -> None:
        folder.mkdir()
        self.folder = folder
        self.home = Home(folder / ".nbflow", folder)
        self.chance = random.Random(seed)
        self.mark = Mark()
        self.said: list[str] = []
        self.count: Counter[str] = Counter()
        write_notebook(folder / "killed.ipynb", *CELLS)

    def run(self) -> Counter[str]:
        """Kill, start again, until all is done; then look at everything. How many kills, and ends of tries."""
        kinds = self.chance.choices(KINDS, k=MOST_KILLS)
        try:
            while not self._lives(kinds):
                pass
            self._is_as_it_would_have_been()
        except BaseException:
            print("\n".join(self.said))
            raise
        finally:
            kill(self.mark.victims("all"))
        return self.count

    def _lives(self, kinds: list[str]) -> bool:
        """One life of the scheduler, with as many of these kills as it has time for; whether it came to its end."""
        with subprocess.Popen(
            [*COMMAND, "schedule", "killed.ipynb", "--until-idle"],
            cwd=self.folder,
            env=self.mark.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as scheduler:
            early = self.chance.random() < 0.25  # while it starts: recovery may be hit as well
            while kinds and scheduler.poll() is None:
                if not early and not self.mark.victims("host"):
                    time.sleep(0.01)
                    continue  # nothing of it has begun
                time.sleep(self.chance.uniform(0, 0.5))  # the instant: nothing is waited for here
                if killed := kill(self.mark.victims(kinds[-1])[self._which(kinds[-1])]):
                    self.said.append(f"{killed} killed: {kinds[-1]}")
                    self.count[f"kills: {kinds.pop()}"] += 1
            said, _ = scheduler.communicate()
        self.said.append(said)
        assert "Traceback" not in said, said
        assert scheduler.returncode in (0, -9), said
        return scheduler.returncode == 0

    def _which(self, kind: str) -> slice:
        """Of several of a kind: one of them, or all."""
        if kind not in ("task", "host"):
            return slice(None)
        first = self.chance.randrange(4)
        return slice(first, first + 1)

    # What holds afterwards

    def _is_as_it_would_have_been(self) -> None:
        self._nobody_is_left()
        with closing(sqlite3.connect(self.home.state)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with StateStore(self.home.state) as state, XComStore.open(self.home.root) as xcoms:
            runs = state.runs("killed")
            assert [label_of(run) for run in runs] == [f"2026-01-0{day}" for day in range(DAYS, 0, -1)]
            for run in runs:
                assert run.state is RunState.SUCCESS, run.reason
                self._each_succeeded_once(state, run)
                self._values_are_there(xcoms, run)
                self._notebook_is_whole(run)
        self._nothing_lies_around()

    def _nobody_is_left(self) -> None:
        for _ in range(500):
            if not self.mark.processes():
                return
            time.sleep(0.02)
        pytest.fail(f"still there: {self.mark.processes()}")

    def _each_succeeded_once(self, state: StateStore, run: RunRecord) -> None:
        label = label_of(run)
        effects = Counter(path.name.rpartition(" ")[0] for path in self.folder.glob("effect *"))
        chosen, other = ("even", "odd") if run.interval.logical_date.day % 2 == 0 else ("odd", "even")
        instances = {one.key: one for one in state.instances(run.key)}
        assert len(instances) == 11  # nine tasks, and two instances of one
        for key, instance in instances.items():
            ends = Counter(tried.result for tried in state.tries(key))
            if key.task_id == other:
                assert (instance.state, dict(ends)) == (TaskState.SKIPPED, {})
                continue
            assert instance.state is TaskState.SUCCESS
            assert [tried.result for tried in state.tries(key)][-1] == "success"
            may_fail = 1 if key.task_id == "flaky" else 0
            assert ends["success"] == 1
            assert ends["failed"] <= may_fail
            assert set(ends) <= {"success", "failed", "lost"}
            assert state.tries(key)[-1].try_number == instance.try_number == ends.total()
            self.count.update(map(str, ends.elements()))
            name = key.task_id if key.map_index < 0 else f"{key.task_id}[{key.map_index}]"
            if instance.items is None:
                assert 1 <= effects[f"effect {label} {name}"] <= ends.total()
        assert {one.key.task_id for one in instances.values() if one.state is TaskState.SUCCESS} >= {chosen}

    def _values_are_there(self, xcoms: XComStore, run: RunRecord) -> None:
        kind = "even" if run.interval.logical_date.day % 2 == 0 else "odd"

        def value(task_id: str, key: str, index: int = -1) -> Any:
            found = xcoms.get(TaskKey(run.key, task_id, index), key, folder=self.folder)
            assert found is not None
            return decode(found, namespace={})

        assert value("end", "return_value") == [kind, 5, 42, 3, label_of(run)]
        assert value("total", "said") == [kind, 5, 42, 3]
        assert [value("square", "return_value", index) for index in range(2)] == [1, 4]
        assert value("leaves", "table").to_pydict() == {"n": [1, 2, 3], "ds": [label_of(run)] * 3}
        current = Counter(
            (one.task, one.key) for one in xcoms.list_values("killed", run.key.run_id) if one.current
        )
        assert set(current.values()) == {1}

    def _notebook_is_whole(self, run: RunRecord) -> None:
        executed = nbformat.read(self.home.run_notebook("killed", label_of(run)), as_version=4)
        assert executed.cells[-1].outputs[0].data["text/plain"].endswith(f"42, 3, '{label_of(run)}']")

    def _nothing_lies_around(self) -> None:
        for folder in (self.home.handed, self.home.root / "pulls"):
            assert not folder.exists() or not list(folder.iterdir())
        with StateStore(self.home.state) as state:
            keys = [one.key for run in state.runs("killed") for one in state.instances(run.key)]
            folders = [one.folder for key in keys for one in state.tries(key) if one.result == "success"]
        for folder in folders:
            left = [*folder.glob(f"{INPUTS_FOLDER}/*"), *folder.glob(f"{STAGING_FOLDER}/*")]
            assert not [file for file in left if file.suffix in PAYLOADS]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_killed_every_run_ends_as_it_would_have(tmp_path: Path, seed: int) -> None:
    count = Round(tmp_path / "round", seed).run()
    assert sum(number for name, number in count.items() if name.startswith("kills")) == MOST_KILLS


@pytest.mark.soak
@pytest.mark.timeout(6 * 3600)
def test_many_rounds_of_kills(tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    for seed in range(1000, 1000 + ROUNDS):
        try:
            total += Round(tmp_path / str(seed), seed).run()
        except BaseException:
            print(f"in the round of seed {seed}")
            raise
        total["rounds"] += 1
    print(", ".join(f"{name}: {number}" for name, number in sorted(total.items())))
