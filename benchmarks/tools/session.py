"""How compare.py talks to a tool: one process in the tool's environment does the works asked for, in order.

A script of a tool maps names of works to functions that yield samples, and calls `serve`. Each sample is a
line of JSON in the file given, so that a tool that prints or dies spoils nothing that was measured before.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memory import end_descendants, keep_orphans
from work import result_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement.

    Attributes:
        measured: seconds of a run (MB for `memory`).
        results: the numbers that the runs of this sample left.
        tasks: how many tasks ran, where that is not what the work says.
    """

    measured: float
    results: tuple[int, ...] = ()
    tasks: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a tool's script was asked for.

    Attributes:
        folder: for this session, empty.
        runs: samples of each warm work.
        works: names, in order.
        at_once: tasks at once, where a tool wants to be told.
        words: further words for the tool's command.
    """

    folder: Path
    runs: int
    works: tuple[str, ...]
    at_once: int
    words: tuple[str, ...] = ()


def asked() -> Session:
    """The session that the command line describes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--word", action="append", default=[])
    parser.add_argument("works", nargs="+")
    found = parser.parse_args()
    return Session(
        folder=found.folder.resolve(),
        runs=found.runs,
        works=tuple(found.works),
        at_once=found.at_once,
        words=tuple(found.word),
    )


def serve(session: Session, works: Mapping[str, Callable[[Path, int], Iterable[Sample]]]) -> None:
    """Do those of the works that are asked for; each gets a folder of its own and the number of runs wanted."""
    with (session.folder / "samples.jsonl").open("a") as out:

        def say(**line: object) -> None:
            out.write(json.dumps(line) + "\n")
            out.flush()

        for name in session.works:
            if name not in works:
                continue
            folder = session.folder / name
            folder.mkdir()
            os.chdir(folder)
            try:
                for sample in works[name](folder, session.runs):
                    say(work=name, measured=sample.measured, results=sample.results, tasks=sample.tasks)
            except Exception as error:  # noqa: BLE001 - said in the table
                traceback.print_exc()
                said = str(error).strip().splitlines()
                say(work=name, failed=f"{type(error).__name__}: {said[0] if said else 'no message'}")


def main(play: Callable[[Session], None]) -> None:
    """Run a tool's script: whatever it starts ends with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    keep_orphans()
    try:
        play(asked())
    finally:
        end_descendants()


def found(folder: Path, names: Iterable[str]) -> tuple[int, ...]:
    """The numbers that runs left in their result files."""
    return tuple(int((folder / result_file(name)).read_text()) for name in names)


def command(folder: Path, words: Sequence[str | Path], **environment: str) -> float:
    """Seconds of a command in `folder`, from the call to its end; an error if it fails.

    The tool's own programs are found first on the path.
    """
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    began = time.perf_counter()
    done = subprocess.run(
        words,
        cwd=folder,
        env=os.environ | {"PATH": path} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode:
        sys.stderr.write(done.stdout[-3000:] + done.stderr[-3000:])
        said = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(
            f"`{Path(words[0]).name}` ended with {done.returncode}: {said[-1][:200] if said else ''}"
        )
    return took


def timed(run: Callable[[], object]) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def warm(folder: Path, names: Sequence[str], run: Callable[[str], object]) -> Iterator[Sample]:
    """One sample for each name but the first, which only warms the tool up."""
    for place, name in enumerate(names):
        seconds = timed(lambda name=name: run(name))
        if place:
            yield Sample(measured=seconds, results=found(folder, [name]))
