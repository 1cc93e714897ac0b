"""Where and how the tasks of a run run, as whoever asked for it wants: interpreter, variables, limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a run keeps of the process that asked for it, whoever does the work.

    The values are not for display: variables may hold secrets.

    Attributes:
        python: the interpreter its tasks run with; "": that of whoever runs them.
        variables: environment variables beside the inherited ones; None: it is not to be set.
        kernel: the kernelspec of a Jupyter kernel to run in, "" for the fastest way that fits.
        execution_timeout: elapsed time for a try of a task that names none itself; None for no limit.
        max_active_runs: how many of the DAG's runs of its kind go on at once; None: as the DAG says.
        latest_first: whether it waits for room behind later runs, not behind earlier ones.
    """

    python: str = ""
    variables: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    kernel: str = ""
    execution_timeout: timedelta | None = None
    max_active_runs: int | None = None
    latest_first: bool = False

    def to_json(self) -> dict[str, Any]:
        """In JSON's types, without what nobody has said; empty: the owner's own."""
        timeout = self.execution_timeout
        said = {
            "python": self.python,
            "variables": dict(self.variables),
            "kernel": self.kernel,
            "execution_timeout": None if timeout is None else timeout.total_seconds(),
            "max_active_runs": self.max_active_runs,
            "latest_first": self.latest_first,
        }
        return {name: value for name, value in said.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Environment:
        """The inverse of `to_json`; what a newer nbflow has said beside it is passed over."""
        timeout = data.get("execution_timeout")
        return cls(
            python=data.get("python", ""),
            variables=data.get("variables", {}),
            kernel=data.get("kernel", ""),
            execution_timeout=None if timeout is None else timedelta(seconds=timeout),
            max_active_runs=data.get("max_active_runs"),
            latest_first=data.get("latest_first", False),
        )


OWN = Environment()
"""That of whoever does the work."""


def changed(inherited: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Environment variables with these changes (None takes one away)."""
    kept = {name: value for name, value in inherited.items() if name not in changes}
    return kept | {name: value for name, value in changes.items() if value is not None}


def changes_to(wanted: Mapping[str, str], inherited: Mapping[str, str]) -> dict[str, str | None]:
    """What `changed` has to do to the inherited variables so that the wanted ones come out."""
    found: dict[str, str | None] = {
        name: value for name, value in wanted.items() if inherited.get(name) != value
    }
    return found | dict.fromkeys(inherited.keys() - wanted.keys())
