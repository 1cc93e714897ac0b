"""What the kernel of a try is told, as plain JSON: the bridge reads it inside."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.execute.purpose import Purpose
from nbflow.model.run import Interval, RunKey, TaskKey
from nbflow.model.xcom import XComValue

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

BRIEF_FILE = "brief.json"  # in a try's folder
REPORT_FILE = "report.json"  # in its folder: what a kernel says of how it went
HANG_FILE = "hang.txt"  # in its folder: where a kernel was that didn't answer an interrupt
TRY_VARIABLE = "NBFLOW_TRY"  # holds the token in the kernel of the try, and nowhere else


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPlace:
    """A cell of the notebook as the kernel knows it: its number, and whether it is the task's own."""

    cell_id: str
    number: int
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CellText:
    """A cell of another task, whose functions may come into this kernel."""

    cell_id: str
    number: int
    task_id: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A name the task hands on: the cell that makes it and the one that wants it, in words."""

    name: str
    made: str
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterTask:
    """A task below: the names it takes from above, those it hands on, those it says it changes in place."""

    task_id: str
    takes: frozenset[str]
    gives: frozenset[str]
    changes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """What is known of a task's names beyond its own cells.

    Attributes:
        origins: of what it has and didn't make, where that comes from, in words.
        given: the names among them that other tasks gave; the others are of shared cells.
        changes: names the task says it changes in place.
        later: the tasks below that take some of its names, in order.
    """

    origins: Mapping[str, str] = field(default_factory=dict[str, str])
    given: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    later: tuple[LaterTask, ...] = ()

    def without(self, names: Collection[str]) -> Ties:
        """Without names of which enough has been said."""
        origins = {name: origin for name, origin in self.origins.items() if name not in names}
        return replace(self, origins=origins)

    def to_json(self) -> dict[str, object]:
        """Plain JSON types."""
        return {
            "origins": dict(self.origins),
            "given": sorted(self.given),
            "changes": sorted(self.changes),
            "later": [
                [task.task_id, sorted(task.takes), sorted(task.gives), sorted(task.changes)]
                for task in self.later
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ties:
        """The inverse of `to_json`."""
        return cls(
            origins=data["origins"],
            given=frozenset(data["given"]),
            changes=frozenset(data["changes"]),
            later=tuple(
                LaterTask(
                    task_id=task_id,
                    takes=frozenset(takes),
                    gives=frozenset(gives),
                    changes=frozenset(changes),
                )
                for task_id, takes, gives, changes in data["later"]
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What the kernel of a try needs to know.

    Attributes:
        key, try_number, token, interval, timezone, previous_success, missing, inputs, exchange: as in
            `TaskRequest`.
        params: every parameter's value as far as it is known before the cells run.
        assigned: names that some cell of the notebook assigns: `ds` and friends never overwrite them.
        shared: names that shared cells define.
        cells: the notebook's cells that run in this kernel, in order.
        others: cells of tasks above that define functions or classes.
        parameters: names of the notebook's parameters.
        own_cells: ids of the cells that nbflow added.
        purpose: what the try is for.
        exports: what the task hands on.
        watched: names it must not change unseen, each with where the task uses it, in words; `strict` makes such a change a failure.
        ties: what else is known of its names.
        folder: the try's folder.
        timeout: seconds the try may take, None for no limit.
        modules: see `TaskRequest`.
    """

    key: TaskKey
    try_number: int
    token: str
    interval: Interval
    timezone: str
    previous_success: Interval | None
    params: Mapping[str, object]
    inputs: Mapping[str, XComValue]
    missing: Mapping[str, str]
    assigned: frozenset[str]
    shared: frozenset[str]
    cells: tuple[CellPlace, ...]
    others: tuple[CellText, ...]
    parameters: frozenset[str]
    own_cells: frozenset[str]
    exports: tuple[Export, ...]
    watched: Mapping[str, str]
    strict: bool
    ties: Ties
    folder: Path
    exchange: Path | None = None
    timeout: float | None = None
    modules: Path | None = None
    purpose: Purpose = field(default_factory=Purpose)

    @property
    def exported(self) -> frozenset[str]:
        """The names the task hands on."""
        return frozenset(export.name for export in self.exports)

    def to_json(self) -> dict[str, object]:
        """Plain JSON types (parameters that JSON doesn't know become text, as in papermill)."""
        return {
            "dag_id": self.key.run.dag_id,
            "run_id": self.key.run.run_id,
            "task_id": self.key.task_id,
            "map_index": self.key.map_index,
            "try_number": self.try_number,
            "token": self.token,
            "interval": _interval_to_json(self.interval),
            "timezone": self.timezone,
            "previous_success": None
            if self.previous_success is None
            else _interval_to_json(self.previous_success),
            "params": json.loads(json.dumps(dict(self.params), default=str)),
            "inputs": {name: value.to_json() for name, value in self.inputs.items()},
            "missing": dict(self.missing),
            "assigned": sorted(self.assigned),
            "shared": sorted(self.shared),
            "cells": [[cell.cell_id, cell.number, cell.own] for cell in self.cells],
            "others": [[cell.cell_id, cell.number, cell.task_id, cell.source] for cell in self.others],
            "exports": [[export.name, export.made, export.wanted] for export in self.exports],
            "watched": dict(self.watched),
            "strict": self.strict,
            "ties": self.ties.to_json(),
            "folder": str(self.folder),
            "exchange": None if self.exchange is None else str(self.exchange),
            "timeout": self.timeout,
            "modules": None if self.modules is None else str(self.modules),
            "parameters": sorted(self.parameters),
            "own_cells": sorted(self.own_cells),
            "purpose": self.purpose.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Brief:
        """The inverse of `to_json`."""
        previous = data["previous_success"]
        return cls(
            key=TaskKey(RunKey(data["dag_id"], data["run_id"]), data["task_id"], data["map_index"]),
            try_number=data["try_number"],
            token=data["token"],
            interval=_interval_from_json(data["interval"]),
            timezone=data["timezone"],
            previous_success=None if previous is None else _interval_from_json(previous),
            params=data["params"],
            inputs={name: XComValue.from_json(value) for name, value in data["inputs"].items()},
            missing=data["missing"],
            assigned=frozenset(data["assigned"]),
            shared=frozenset(data["shared"]),
            cells=tuple(
                CellPlace(cell_id=cell_id, number=number, own=own) for cell_id, number, own in data["cells"]
            ),
            others=tuple(
                CellText(cell_id=cell_id, number=number, task_id=task_id, source=source)
                for cell_id, number, task_id, source in data["others"]
            ),
            exports=tuple(
                Export(name=name, made=made, wanted=wanted) for name, made, wanted in data["exports"]
            ),
            watched=data["watched"],
            strict=data["strict"],
            ties=Ties.from_json(data["ties"]),
            folder=Path(data["folder"]),
            exchange=None if data["exchange"] is None else Path(data["exchange"]),
            timeout=data["timeout"],
            modules=None if data["modules"] is None else Path(data["modules"]),
            parameters=frozenset(data["parameters"]),
            own_cells=frozenset(data["own_cells"]),
            purpose=Purpose.from_json(data["purpose"]),
        )


def _interval_to_json(interval: Interval) -> list[str]:
    moments = (interval.logical_date, interval.start, interval.end, interval.due)
    return [moment.isoformat() for moment in moments]


def _interval_from_json(moments: list[str]) -> Interval:
    logical_date, start, end, due = map(datetime.fromisoformat, moments)
    return Interval(logical_date=logical_date, start=start, end=end, due=due)
