"""`nbflow status`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbflow.cli.output import console, json_option, print_json, print_table
from nbflow.cli.sizes import in_bytes, in_words

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from rich.console import Console

    from nbflow.service.status import Scheduled, Status

NOT_ALIVE = 3
_MOST_REASONS = 5
_PLURALS = {
    "state": "state",
    "xcoms": "XComs",
    "tries": "tries",
    "logs": "logs",
    "notebooks": "executed notebooks",
}


@click.command(
    "status",
    epilog="""\
\b
Exit status: 0 a scheduler lives and gave a sign of life within the last minute, 3 none does, 2 the home can't be
read. A run of `nbflow run` that holds the home is no scheduler. Lag is how late the oldest run is that is due and
has not begun.""",
)
@json_option("the status")
def command(*, as_json: bool) -> None:
    """Say how this project stands: scheduler, slots, queue, what is next, what can't be scheduled, the home's size.

    It only reads, and disturbs nobody.
    """
    from nbflow.service.clock import now
    from nbflow.service.status import status_of
    from nbflow.store.home import find_home

    found = status_of(find_home(Path.cwd()), at=now())
    if as_json:
        print_json(_json(found))
    else:
        _print(found)
    sys.exit(0 if found.alive else NOT_ALIVE)


def _print(found: Status) -> None:
    from rich.text import Text

    out = console()

    def line(head: str, text: str, style: str = "") -> None:
        out.print(Text.assemble((f"{head:<11}", "dim"), (text, style)), soft_wrap=True)

    style = "green" if found.alive else "yellow"
    line("scheduler", _owner(found), style)
    if found.slots is not None:
        line("slots", f"{found.taken} of {found.slots} taken")
    line("queue", _queue(found))
    for one in _reasons(found):
        line("", one, "dim")
    if found.scheduled or found.lag:
        line(
            "lag",
            in_words(found.lag) if found.lag.total_seconds() >= 1 else "none",
            "yellow" if found.lag else "",
        )
    sizes = ", ".join(
        f"{_PLURALS[name]} {'' if size.whole else 'more than '}{in_bytes(size.bytes)}"
        for name, size in found.sizes.items()
    )
    line("home", str(found.home.root))
    line("", f"{sizes}; {in_bytes(found.free)} free on its disk")
    line("keeps", _keep(found.keep))
    if found.scheduled:
        out.print()
        _print_scheduled(found)
    _print_errors(found, out)


def _owner(found: Status) -> str:
    owner, silent = found.owner, found.silent
    if owner is None or silent is None:
        last = found.last_owner
        return "none lives" + (
            f"; the last to work here was {last.what}, at {_clock(last.heartbeat)}" if last else ""
        )
    who = f"{owner.what} (process {owner.pid} on {owner.host}, since {_clock(owner.since)})"
    if found.alive:
        return f"lives: {who}"
    from nbflow.service.status import SCHEDULES

    if owner.what.startswith(SCHEDULES):
        return f"has given no sign of life for {in_words(silent)}: {who}"
    return f"none lives; the home is held by {who}"


def _queue(found: Status) -> str:
    said = [f"{count} {state}" for state, count in sorted(found.states.items()) if state != "none"]
    still = found.states.get("none", 0)
    runs = sum(one.count for one in found.runs)
    if not runs:
        return "empty"
    said += [f"{still} to come"] if still else []
    return f"{', '.join(said)}; in {runs} run{'' if runs == 1 else 's'}"


def _reasons(found: Status) -> list[str]:
    """Why what waits does so, the most frequent first."""
    waiting = [
        one for one in (*found.runs, *found.tasks) if one.reason and one.state not in ("none", "running")
    ]
    waiting.sort(key=lambda one: -one.count)
    said = [f"{one.count} {one.state}: {one.reason}" for one in waiting[:_MOST_REASONS]]
    more = len(waiting) - len(said)
    return said + ([f"and {more} other reasons: nbflow why DAG DATE TASK"] if more else [])


def _print_scheduled(found: Status) -> None:
    def row(one: Scheduled) -> tuple[object, ...]:
        name = f"{one.dag_id}{' (paused)' if one.paused else ''}"
        if one.due is None or one.logical_date is None:
            return name, "", "", one.remark, one.path
        from nbflow.model.run import run_label

        left = one.due - found.at
        wait = f"{in_words(-left)} late" if left.total_seconds() < 0 else f"in {in_words(left)}"
        return name, run_label(one.logical_date, one.timezone), _clock(one.due), wait, one.path

    print_table(
        map(row, found.scheduled),
        {"DAG": "left", "NEXT": "left", "DUE": "left", "IN": "fold", "NOTEBOOK": "fold"},
    )


def _print_errors(found: Status, out: Console) -> None:
    from rich.text import Text

    for error in found.errors:
        out.print()
        out.print(
            Text.assemble(("can't be scheduled  ", "red"), str(error.path), f"  since {_clock(error.at)}")
        )
        out.print(Text(f"  {error.error}", "dim"), soft_wrap=True)


def _keep(keep: timedelta | None) -> str:
    if keep is None:
        return "everything, for ever (NBFLOW_KEEP)"
    return f"runs until {in_words(keep)} after their end, the latest of each DAG always (NBFLOW_KEEP, nbflow clean)"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S %Z}"


def _json(found: Status) -> dict[str, object]:
    owner = found.owner
    return {
        "alive": found.alive,
        "owner": None
        if owner is None
        else {
            "what": owner.what,
            "pid": owner.pid,
            "host": owner.host,
            "since": owner.since,
            "heartbeat": owner.heartbeat,
        },
        "slots": {"taken": found.taken, "of": found.slots},
        "queue": found.states,
        "waiting": [
            {"what": what, "state": one.state, "reason": one.reason, "count": one.count}
            for what, several in (("run", found.runs), ("task", found.tasks))
            for one in several
        ],
        "lag_seconds": found.lag.total_seconds(),
        "scheduled": [
            {
                "dag_id": one.dag_id,
                "notebook": one.path,
                "paused": one.paused,
                "follow": one.follow,
                "next": one.logical_date,
                "due": one.due,
                "remark": one.remark,
            }
            for one in found.scheduled
        ],
        "import_errors": [
            {"notebook": error.path, "dag_id": error.dag_id, "error": error.error, "since": error.at}
            for error in found.errors
        ],
        "home": found.home.root,
        "sizes": {name: {"bytes": size.bytes, "complete": size.whole} for name, size in found.sizes.items()},
        "free_bytes": found.free,
        "keep_seconds": None if found.keep is None else found.keep.total_seconds(),
    }
