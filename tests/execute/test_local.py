"""Several tries at once, and processes that die."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbflow.execute.local import LocalExecutor
from nbflow.execute.outcome import read_outcome
from nbflow.model.work import Result

if TYPE_CHECKING:
    from conftest import Bench

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="looks at processes in /proc (Linux)"
)
SLEEP = "%%task a\nimport time\ndef wait():\n    print('ready', flush=True)\n    time.sleep(60)\nwait()"


def alive(pgid: int) -> bool:
    """Whether a process of the group still runs (an orphan may lie dead until init takes it away)."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(group) == pgid and state not in "ZX":
                return True
    return False


def host_of(pgid: int) -> int:
    """The process that started a kernel."""
    stat = Path(f"/proc/{pgid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def wait_for_line(path: Path) -> None:
    while not path.exists() or not path.read_text():
        pass


MEET = """%%task a
from pathlib import Path
Path({mine!r}).touch()
while not Path({other!r}).exists():
    pass
"""


def test_two_tries_run_at_the_same_time(bench: Bench) -> None:
    pairs = (("one", "two"), ("two", "one"))
    requests = [bench.request(MEET.format(mine=mine, other=other)) for mine, other in pairs]
    for request in requests:
        bench.submit(request)
    assert [bench.finish(request).outcome.result for request in requests] == [Result.SUCCESS] * 2


def test_a_stopped_try_is_interrupted_and_says_where(bench: Bench) -> None:
    request = bench.request(SLEEP)
    bench.submit(request)
    wait_for_line(request.folder / "log.txt")
    bench.executor.stop(request.token, "stopped by a person")
    outcome = bench.finish(request).outcome
    assert outcome.result is Result.STOPPED
    assert outcome.reason.startswith("stopped by a person (cell 1, line ")
    while alive(bench.started[request.token].pgid):
        pass


def test_a_try_stopped_while_it_waits_never_starts(tmp_path: Path, bench: Bench) -> None:
    running, waiting = bench.request(SLEEP), bench.request(SLEEP)
    executor = LocalExecutor(1)
    bench.executor = executor
    try:
        bench.submit(running)
        bench.submit(waiting)
        executor.stop(waiting.token, "no longer wanted")
        bench.wait(running.token, started=True)
        executor.stop(running.token, "enough")
        assert bench.finish(running).outcome.result is Result.STOPPED
        outcome = bench.finish(waiting).outcome
        assert (outcome.result, outcome.reason) == (Result.STOPPED, "no longer wanted")
        assert waiting.token not in bench.started
    finally:
        executor.close()


def test_stopping_what_is_over_does_nothing(bench: Bench) -> None:
    left = bench.run("%%task a\n1")
    bench.executor.stop(left.request.token, "late")
    assert bench.run("%%task a\n2").outcome.result is Result.SUCCESS


def test_a_host_that_is_killed_costs_its_try_and_leaves_no_kernel(bench: Bench) -> None:
    request = bench.request(SLEEP)
    bench.submit(request)
    bench.wait(request.token, started=True)
    wait_for_line(request.folder / "log.txt")
    pgid = bench.started[request.token].pgid
    os.kill(host_of(pgid), signal.SIGKILL)
    outcome = bench.finish(request).outcome
    assert (outcome.result, outcome.reason) == (
        Result.LOST,
        "the process that ran the try has died",
    )
    while alive(pgid):
        pass
    assert bench.run("%%task a\n1").outcome.result is Result.SUCCESS


def test_children_of_a_task_end_with_it(bench: Bench) -> None:
    left = bench.run("%%task a\nimport subprocess\nsubprocess.Popen(['sleep', '60']);")
    while alive(bench.started[left.request.token].pgid):
        pass  # it has been killed; the system takes it away when it has time


def test_exit_handlers_run_and_unfinished_threads_do_not_hold_the_try(bench: Bench) -> None:
    left = bench.run(
        "%%task a\nimport atexit, threading, time\natexit.register(lambda: open('ended', 'w').close())"
    )
    assert (left.request.cwd / "ended").exists()
    bench.run("%%task a\nimport threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()")


def test_closing_ends_what_runs(bench: Bench) -> None:
    executor = LocalExecutor(1)
    bench.executor = executor
    request = bench.request(SLEEP)
    bench.submit(request)
    bench.wait(request.token, started=True)
    executor.close()
    outcome = bench.finish(request).outcome
    assert (outcome.result, outcome.reason) == (Result.STOPPED, "the executor was closed")
    while alive(bench.started[request.token].pgid):
        pass
    with pytest.raises(RuntimeError, match="closed"):
        executor.submit(request)


def test_a_folder_that_is_gone_or_cannot_be_written_is_said(bench: Bench, tmp_path: Path) -> None:
    gone = bench.run("%%task a\n1", cwd=tmp_path / "gone")
    assert gone.outcome.result is Result.FAIL
    assert "is gone" in gone.outcome.reason
    request = bench.request("%%task a\n1", folder=tmp_path / "nowhere")
    bench.submit(request)
    bench.wait(request.token)
    assert bench.outcomes[request.token].result is Result.LOST


def test_a_slot_is_needed() -> None:
    with pytest.raises(ValueError, match="at least one"):
        LocalExecutor(0)


def test_no_outcome_is_read_where_there_is_none(tmp_path: Path) -> None:
    assert read_outcome(tmp_path) is None
