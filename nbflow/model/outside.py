"""What a task may ask of the world outside its process: variables, connections, other DAGs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from nbflow.model.run import aware

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nbflow.model.run import TaskKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StateQuery:
    """How a DAG's run stands, or a task of it.

    Attributes:
        dag_id: of the DAG.
        logical_date: of its run (no variant); aware, kept in UTC.
        task_id: which task (of a mapped one, all its instances together); None: the run as a whole.
    """

    dag_id: str
    logical_date: datetime
    task_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "logical_date", aware(self.logical_date, "logical_date"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerQuery:
    """That a DAG's run be there, and how it stands. Asked again, it is the same run.

    Attributes:
        dag_id: of the DAG.
        logical_date: of the run that is wanted; aware, kept in UTC.
        conf: values of that DAG's parameters, in JSON's types.
        asked_by: the task that wants it; None: a person, by hand.
        try_number: which try of it.
        wait: whether the one who asks waits for its end.
    """

    dag_id: str
    logical_date: datetime
    conf: Mapping[str, object] = field(default_factory=dict[str, object])
    asked_by: TaskKey | None = None
    try_number: int = 0
    wait: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "logical_date", aware(self.logical_date, "logical_date"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a run or a task stands.

    Attributes:
        run_id: of the run.
        state: a `RunState`'s or a `TaskState`'s value, by what was asked about.
        reason: in words, or "".
    """

    run_id: str
    state: str
    reason: str = ""


class Outside(Protocol):
    """Whoever answers: in a run the owner of the home, by hand the kernel itself.

    Each raises an `NbflowError` where the question can't be answered at all.
    """

    def variable(self, key: str) -> str | None:
        """A variable's value, None where there is none."""
        ...

    def connection(self, conn_id: str) -> str | None:
        """A connection as URI, None where there is none."""
        ...

    def standing(self, query: StateQuery) -> Standing | None:
        """How a run or a task stands; None where there is no such run yet."""
        ...

    def trigger(self, query: TriggerQuery) -> Standing:
        """Have a run, and say how it stands."""
        ...
