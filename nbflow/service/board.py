"""The board of a DAG: headline, grid and what moves in it, as JSON for whatever shows it in a page.

Times are ISO 8601 in UTC; labels are in the DAG's zone. A square is one letter: `LETTERS`, upper case where the task's
code has changed since (stale), a space where a run has no such task. The graph beside it is drawn by
`nbflow.widgets.board.data`.
"""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from nbflow.model.run import run_label
from nbflow.model.state import FINISHED, RunState, TaskState
from nbflow.service.board_headline import headline
from nbflow.service.board_rows import rows_of
from nbflow.service.board_schedule import ScheduleSays, schedule_says
from nbflow.service.clock import now
from nbflow.store.board import seconds_between
from nbflow.store.home import is_held
from nbflow.store.rows import stamp as stored_stamp
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from nbflow.model.dag import DagSpec
    from nbflow.service.lookup import Target
    from nbflow.store.board import BoardRun

Json = dict[str, Any]

LETTERS: Mapping[str, str] = {
    TaskState.NONE.value: "n",
    TaskState.SCHEDULED.value: "o",
    TaskState.QUEUED.value: "q",
    TaskState.RUNNING.value: "r",
    TaskState.SUCCESS.value: "s",
    TaskState.FAILED.value: "f",
    TaskState.UPSTREAM_FAILED.value: "u",
    TaskState.UP_FOR_RETRY.value: "y",
    TaskState.UP_FOR_RESCHEDULE.value: "w",
    TaskState.SKIPPED.value: "k",
    TaskState.REMOVED.value: "x",
    TaskState.RESTARTING.value: "t",
}
LAST = 60  # runs that are shown at first
_GHOSTS = 3
_FINISHED = frozenset(state.value for state in FINISHED)
_INTERRUPTED = "its process has ended; the same nbflow run goes on"


def board(target: Target, *, last: int = LAST) -> Json:
    """Everything the board shows at first, but for the graph.

    Args:
        target: the DAG, with its notebook as saved.
        last: how many runs, the latest ones.

    Raises:
        HomeError: the home's state can't be read.
    """
    at = now()
    if not target.home.state.exists():
        return _frame(target, at, ScheduleSays()) | {
            "mark": 0,
            "headline": headline(target, None, None, at=at),
            "runs": [],
            "older": 0,
            "squares": {},
            "flags": {},
            "scheduler": {"alive": False, "what": ""},
            "tasks": _tasks(target, tuple(target.flow.tasks)),
        }
    held = is_held(target.home)
    with StateStore(target.home.state) as state:
        # Before the look: what moves meanwhile is told again, never left out.
        mark = state.last_transition()
        says = schedule_says(state, target, at=at, most=_GHOSTS, held=held)
        runs = state.board.runs(target.dag_id, most=last)
        rows = rows_of(state, target)
        whole = sum(state.board.states(target.dag_id).values())
        return _frame(target, at, says) | {
            "mark": mark,
            "headline": headline(target, state, says.next_due, at=at),
            "runs": [_run(target, run, at=at, held=held) for run in runs],
            "older": max(whole - len(runs), 0),
            **_squares(state, target, runs, rows),
            "scheduler": says.scheduler,
            "tasks": _tasks(target, rows),
        }


def updates(target: Target, since: int) -> Json:
    """What has moved in a DAG after the mark that the board, or the updates before, came with.

    `runs`, `squares`, `flags`, `headline` and `tasks` (the rows that the squares are in the order of) are left out
    where nothing has moved. `saved` and `published` are the versions by now: where they are others than the board's,
    everything may be stale, and the board is to be asked for anew.
    """
    at = now()
    if not target.home.state.exists():
        return {"mark": 0, "saved": target.flow.version, "scheduler": {"alive": False, "what": ""}}
    held = is_held(target.home)
    with StateStore(target.home.state) as state:
        mark = state.last_transition()
        says = schedule_says(state, target, at=at, most=1, held=held)
        found: Json = {"mark": mark, "scheduler": says.scheduler, **_standing(target, says)}
        moved = state.board.moved_since(target.dag_id, since)
        if moved:
            runs = state.board.some_runs(target.dag_id, moved)
            rows = rows_of(state, target)
            shown = _squares(state, target, runs, rows)
            # Of all of them: what was said of one may be over.
            shown["flags"] = {run.run_id: shown["flags"].get(run.run_id, {}) for run in runs}
            found |= {
                "headline": headline(target, state, says.next_due, at=at),
                "runs": [_run(target, run, at=at, held=held) for run in runs],
                "tasks": list(rows),
                **shown,
            }
        return found


def _frame(target: Target, at: datetime, says: ScheduleSays) -> Json:
    """What doesn't change while runs go on."""
    dag = says.dag or target.flow.dag
    zone = ZoneInfo(target.timezone)
    return {
        "dag_id": target.dag_id,
        "notebook": str(target.path),
        "home": str(target.home.root),
        "timezone": target.timezone,
        "schedule": dag.schedule,
        **_standing(target, says),
        "params": _params(target.flow.dag),
        "ghosts": [
            {"label": run_label(run.logical_date, target.timezone), "due": stamp(run.due)} for run in says.due
        ],
        "today": f"{at.astimezone(zone):%Y-%m-%d}",
    }


def _standing(target: Target, says: ScheduleSays) -> Json:
    """What a person can change of a DAG."""
    record = says.record
    published = None if record is None else record.published
    return {
        "paused": record is not None and record.paused,
        "pause_reason": "" if record is None else record.pause_reason,
        "published": published,
        "saved": target.flow.version,
        "changed": published is not None and published != target.flow.version,
        "scheduled": record is not None and record.scheduled is not None,
    }


def _params(dag: DagSpec) -> list[Json]:
    return [
        {
            "name": param.name,
            "default": _default(param.default),
            "annotation": param.annotation,
            "help": param.help,
            "schema": dict(param.schema),
        }
        for param in dag.params.values()
        if param.name != dag.date_param
    ]


def _default(source: str) -> object:
    """A parameter's default as JSON, where its source is a plain value; else the source."""
    try:
        found = ast.literal_eval(source)
        json.dumps(found, allow_nan=False)
    except (ValueError, SyntaxError, TypeError):
        return source
    return found


def _tasks(target: Target, rows: Sequence[str]) -> list[Json]:
    found: list[Json] = []
    for task_id in rows:
        spec = target.flow.tasks.get(task_id)
        found.append(
            {
                "id": task_id,
                "group": "" if spec is None else spec.group,
                "kind": "" if spec is None else spec.kind.value,
                "mapped": spec is not None and spec.mapped,
                "removed": spec is None,
                "doc": "" if spec is None else spec.doc,
            }
        )
    return found


def _run(target: Target, run: BoardRun, *, at: datetime, held: bool) -> Json:
    interrupted = run.state is RunState.RUNNING and not held
    ended = run.ended or (None if interrupted else at)
    known = run.started is not None and ended is not None and run.state is not RunState.QUEUED
    local = run.logical_date.astimezone(ZoneInfo(target.timezone))
    return {
        "run_id": run.run_id,
        "label": run_label(run.logical_date, target.timezone, run.variant),
        "date": local.isoformat(),
        "state": run.state.value,
        "type": run.run_type.value,
        "seconds": (ended - run.started).total_seconds() if known and ended and run.started else None,
        "variant": run.variant,
        "reason": _INTERRUPTED if interrupted else run.reason,
        "interrupted": interrupted,
    }


def _squares(state: StateStore, target: Target, runs: Sequence[BoardRun], rows: Sequence[str]) -> Json:
    """The letters of all squares, and what else there is to say of some."""
    place = {task_id: index for index, task_id in enumerate(rows)}
    run_ids = [run.run_id for run in runs]
    squares = {run_id: [" "] * len(rows) for run_id in run_ids}
    flags: dict[str, dict[str, Json]] = {}
    hashes = target.flow.code_hashes
    for run_id, task_id, task_state, number, code_hash, started, ended in state.board.squares(
        target.dag_id, run_ids
    ):
        if task_id not in place:
            continue  # no run has it any more
        # As `submit.stale_tasks` says it of an instance.
        same = code_hash in ("", hashes.get(task_id, code_hash)) or task_state not in _FINISHED
        squares[run_id][place[task_id]] = LETTERS[task_state] if same else LETTERS[task_state].upper()
        if number > 1:
            said = {"try": number, "seconds": seconds_between(started, ended)}
            flags.setdefault(run_id, {})[task_id] = said
    for (run_id, task_id), count in state.board.noted(target.dag_id, run_ids).items():
        flags.setdefault(run_id, {}).setdefault(task_id, {})["notes"] = count
    return {"squares": {run_id: "".join(letters) for run_id, letters in squares.items()}, "flags": flags}


def stamp(moment: datetime | None) -> str | None:
    """A time as the board has it: ISO 8601 in UTC, with a Z."""
    return None if moment is None else stored_stamp(moment)
