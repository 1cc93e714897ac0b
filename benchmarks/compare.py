"""nbflow beside what a user would pick instead: every tool in an environment of its own, in one run.

    python benchmarks/compare.py --rounds 5 --write

The tools take turns, round by round; each round is a process of its own in an empty folder. Each run must leave the
right number. What can't be installed, fails or doesn't apply is in the table with its reason. README.md has the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from contenders import CONTENDERS
from environments import DEFAULT_FOLDER, HERE, python_of, version
from findings import Comparison, Finding, save
from machine import described
from table import markdown
from tools.work import WORKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contenders import Contender

QUIET = {"DO_NOT_TRACK": "1", "PLOOMBER_STATS_ENABLED": "false"}
# Settings of the caller that would change what is measured.
NOT_OURS = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "NBFLOW_HOME")
SESSION_MINUTES = 60


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each tool (default 5)")
    parser.add_argument("--runs", type=int, default=3, help="samples of a quick work in a round (default 3)")
    names = [one.name for one in CONTENDERS]
    parser.add_argument("--only", action="append", choices=names, metavar="TOOL", help=", ".join(names))
    parser.add_argument("--work", action="append", choices=WORKS, metavar="WORK", help=", ".join(WORKS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all figures here")
    parser.add_argument("--write", action="store_true", help="write results.md, results.json and results.svg")
    parser.add_argument("--env-folder", type=Path, default=DEFAULT_FOLDER, help=f"default {DEFAULT_FOLDER}")
    return parser.parse_args()


def session(
    contender: Contender, python: Path, works: Sequence[str], runs: int
) -> Iterator[dict[str, object]]:
    """What a tool's script reports of one turn: a line each sample or failure."""
    with tempfile.TemporaryDirectory(prefix=f"{contender.name}-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        words = [python, HERE / "tools" / contender.script, "--folder", folder, "--runs", str(runs)]
        with (folder / "output.log").open("wb") as log:
            running = subprocess.Popen(
                [*words, *contender.words, *works],
                cwd=folder,
                env={name: value for name, value in os.environ.items() if name not in NOT_OURS} | QUIET,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            ended = finish(running)
        report = folder / "samples.jsonl"
        lines = report.read_text().splitlines() if report.is_file() else []
        found = [json.loads(line) for line in lines]
        yield from found
        tail = (folder / "output.log").read_text(errors="replace")[-2000:].strip()
        if any("failed" in one for one in found) or ended:
            print(f"{contender.name}: {tail}", file=sys.stderr)
        for work in works:
            if not any(one["work"] == work for one in found):
                last = tail.splitlines()[-1][:200] if tail else "nothing"
                yield {"work": work, "failed": ended or f"no figure; it said last: {last}"}


def finish(running: subprocess.Popen[bytes]) -> str:
    """Wait for a session; what went wrong, or an empty text."""
    try:
        status = running.wait(SESSION_MINUTES * 60)
    except subprocess.TimeoutExpired:
        running.terminate()  # it ends what it started
        running.wait(60)
        return f"not done within {SESSION_MINUTES} minutes"
    except BaseException:  # ended by hand: leave nothing behind
        running.terminate()
        running.wait(60)
        raise
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    return "" if not status else f"its process ended with {status}"


def figure(line: dict[str, object]) -> float | str:
    """The figure of a reported sample, or what is wrong with it."""
    if "failed" in line:
        return str(line["failed"])
    work = WORKS[str(line["work"])]
    results, measured, tasks = line["results"], line["measured"], line["tasks"]
    if work.result is not None and set(results) != {work.result}:  # pyright: ignore[reportArgumentType]
        return f"wrong result: {results}, not {work.result}"
    if work.rate and tasks:
        return float(tasks) / float(measured)  # pyright: ignore[reportArgumentType]
    return work.figure(float(measured))  # pyright: ignore[reportArgumentType]


def works_of(contender: Contender, wanted: Sequence[str]) -> list[str]:
    """What a tool does of the works wanted."""
    return [work for work in wanted if work in contender.works and work not in dict(contender.not_done)]


def compare(options: argparse.Namespace) -> Comparison:
    """Install, take turns, gather."""
    wanted = options.work or list(WORKS)
    sides = [one for one in CONTENDERS if not options.only or one.name in options.only]
    pythons: dict[str, Path] = {}
    versions: dict[str, str] = {}
    reasons: dict[tuple[str, str], str] = {}
    for one in sides:
        try:
            pythons[one.name] = python_of(one.environment, options.env_folder)
            versions[one.name] = f"{one.package} {version(pythons[one.name], one.package)}"
        except RuntimeError as error:
            versions[one.name] = f"not installed: {error}"
            reasons |= {(one.name, work): f"{one.title} can't be installed: {error}" for work in wanted}
        reasons |= {(one.name, work): why for work, why in one.not_done if work in wanted}
    began = datetime.now().astimezone().isoformat(timespec="minutes")
    machine = described(Path(tempfile.gettempdir()))
    figures: dict[tuple[str, str], list[float]] = {}
    present = [one for one in sides if one.name in pythons and works_of(one, wanted)]
    for number in range(options.rounds):
        first = number % max(1, len(present))
        for one in present[first:] + present[:first]:  # another begins each round
            print(f"round {number + 1} of {options.rounds}: {one.name}", file=sys.stderr)
            for line in session(one, pythons[one.name], works_of(one, wanted), options.runs):
                key = (one.name, str(line["work"]))
                found = figure(line)
                if isinstance(found, str):
                    reasons[key] = f"{one.title}: {found}"
                else:
                    figures.setdefault(key, []).append(found)
    findings = tuple(
        Finding(
            contender=one.name, work=work, figures=tuple(figures.get(key, ())), reason=reasons.get(key, "")
        )
        for one in sides
        for work in wanted
        if work in one.works
        for key in [(one.name, work)]
    )
    return Comparison(
        date=began,
        rounds=options.rounds,
        runs=options.runs,
        machine=machine,
        versions=versions,
        findings=findings,
    )


def main() -> None:
    """Compare, print the table, write what was asked for."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = arguments()
    comparison = compare(options)
    text = markdown(comparison)
    print(text)
    if options.json:
        save(comparison, options.json)
    if options.write:
        save(comparison, HERE / "results.json")
        (HERE / "results.md").write_text(
            text.replace("\n## ", "\n![The same as a plot](results.svg)\n\n## ", 1)
        )
        python = python_of("nbflow", options.env_folder)
        subprocess.run([python, HERE / "plot.py", HERE / "results.json", HERE / "results.svg"], check=True)


if __name__ == "__main__":
    main()
