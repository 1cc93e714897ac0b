"""The errors nbflow raises: one tree, every message says what was found and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.model.problem import Problem


class NbflowError(Exception):
    """Base of every error nbflow raises on purpose.

    The message is complete: it names the object, says what was found and what to do. Faces print
    it as it is and never show a traceback for it.
    """


class NotebookUnreadable(NbflowError, ValueError):
    """The file is not a notebook nbflow can read (missing, not JSON, no code)."""


class FlowError(NbflowError, ValueError):
    """A notebook's cells do not make a DAG. Holds every problem found, not only the first."""

    def __init__(self, path: str, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        count = len(self.problems)
        super().__init__(f"{path}: {count} problem{'s' if count != 1 else ''}\n{lines}")


class OptionError(NbflowError, ValueError):
    """An option of a command, a header or `%%dag` is unknown or has a value it cannot take."""


class DateError(NbflowError, ValueError):
    """A date or schedule that a person gave cannot be understood or makes no sense here."""


class ParameterError(NbflowError, ValueError):
    """A parameter is unknown to the notebook, or has a value it does not allow."""


class AddressError(NbflowError, LookupError):
    """No DAG, run, task or try stands at the address a person gave."""


class SqlError(NbflowError, ValueError):
    """A person's SQL cannot be run, is no reading, failed, or was stopped at its limits."""


class CannotCarry(NbflowError, TypeError):
    """A value that another task needs cannot leave the process that made it."""


class XComError(NbflowError, RuntimeError):
    """A stored XCom cannot be read: changed, unsigned, or of a newer nbflow."""


class HomeError(NbflowError, OSError):
    """The home folder (`.nbflow`) cannot be used as it is."""


class HomeHeld(HomeError):
    """Another process has the home's XCom file open and does not answer in its place: try again later."""


class StoreTooNew(HomeError):
    """The home was written by a newer nbflow than this one."""


class TrustError(HomeError, PermissionError):
    """A notebook or home belongs to another user, and nobody has said that it is trusted."""


class EnvironmentUnfit(NbflowError, RuntimeError):
    """The interpreter that a run was asked for with can't run its tasks."""


class IllegalMove(NbflowError, RuntimeError):
    """The state machine was asked for a move that its table does not have: a bug of nbflow."""


class Skip(NbflowError):
    """Raise in a task cell: the task ends as skipped."""


class Fail(NbflowError):
    """Raise in a task cell: the task fails at once, without using its retries."""


class BadValue(Fail, ValueError):
    """A value that decides how a run goes on (of a branch, a sensor, `--map`, `--label`) can't do so."""


class MapError(NbflowError, RuntimeError):
    """What a mapped task goes through raised an error while it was gone through."""


class TemplateError(NbflowError, ValueError):
    """A template (`{{ ds }}`) can't be rendered: its syntax, a name it has not, an error inside."""


class OutsideError(NbflowError, RuntimeError):
    """A variable, a connection or another DAG that a task asked for can't be had, or has failed."""


class WaitAgain(BaseException):
    """Ends a try that waits for something else; its cells run again from the start later.

    No `Exception`, so that a cell which catches those doesn't take it for an error of its own.

    Attributes:
        seconds: until then.
        reason: what it waits for, in words.
    """

    def __init__(self, seconds: float, reason: str) -> None:
        self.seconds = seconds
        self.reason = reason
        super().__init__(reason)
