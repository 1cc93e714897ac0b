"""The names a cell can use (`ds` and friends, `ti`), when a person runs it."""

from __future__ import annotations

import ast
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from nbflow.current import set_current
from nbflow.errors import AddressError, DateError, HomeError, NbflowError
from nbflow.execute.variables import Connections, Variables
from nbflow.magics.notebook import SavedFlow, find_notebook
from nbflow.magics.outside import HandOutside
from nbflow.magics.ti import HandTaskInstance
from nbflow.model.dag import DagSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbflow.magics.ti import XComPlace
    from nbflow.model.dag import Param
    from nbflow.model.flow import Flow
    from nbflow.model.run import Interval

_UNSET = object()
_NO_DATE = "no date is set; choose one with %dag --date 2026-02-17"


class Hand:
    """What a kernel knows while a person works in it: its notebook, its date, its task.

    Args:
        namespace: the kernel's user namespace.
        hidden: names in it that `%who` and variable inspectors leave out, with their values.
        environment: the kernel's environment variables.

    Attributes:
        ti: what cells talk to as `ti`.
        task: the task whose cell ran last, "" before the first.
        seen: tasks whose cells ran in this kernel, in order.
    """

    def __init__(
        self, namespace: dict[str, object], hidden: dict[str, object], environment: Mapping[str, str]
    ) -> None:
        self._namespace = namespace
        self._hidden = hidden
        self._environment = environment
        self._saved = SavedFlow()
        self._given: dict[str, object] = {}
        self._dag = DagSpec(dag_id="notebook")
        self._assigned: frozenset[str] = frozenset()
        self._interval: Interval | None = None
        self._previous: Interval | None = None  # of the latest run before that one that succeeded
        self._chosen: str | None = None
        self._outside = HandOutside(lambda: self.notebook)
        self.ti = HandTaskInstance(self._stored)
        self.task = ""
        self.seen: dict[str, None] = {}

    @property
    def notebook(self) -> Path | None:
        """The kernel's notebook, if a front end said which it is and it is there."""
        path = find_notebook(self._namespace, self._environment)
        return path if path is not None and path.is_file() else None

    @property
    def flow(self) -> Flow | None:
        """The kernel's notebook as saved, None where it isn't known or can't be read as a flow."""
        return None if self.notebook is None else self._saved.of(self.notebook)

    @property
    def dag(self) -> DagSpec:
        """What the notebook says of itself, as far as it is known."""
        return self._dag

    @property
    def gives_index(self) -> bool:
        """Whether `map_index` is a name that nbflow sets here."""
        return "map_index" in self._given

    @property
    def params(self) -> Mapping[str, Param]:
        """The notebook's parameters, as far as they are known."""
        return self._dag.params

    def take(self, dag: DagSpec) -> None:
        """Work by this DAG's zone and schedule: a `%%dag` cell that says so was run just now.

        Raises:
            DateError: the schedule can't be read, or no interval starts on the chosen date.
        """
        self._dag = replace(dag, params={**self._dag.params, **dag.params})
        self._set(self._chosen)

    def choose(self, date: str | None) -> str:
        """Work on the interval of this date; None: on the one a run without a date would get.

        Returns:
            One line that says which it is.

        Raises:
            DateError: the date can't be read, or no interval starts on it.
        """
        self._know_notebook()
        self._set(date)
        left = sorted(set(self.context()) - set(self._given))
        note = f" ({', '.join(left)} as the notebook sets it)" if left else ""
        return f"ds is {self.context()['ds']}, {self._dag.timezone}{note}"

    def _know_notebook(self) -> None:
        flow = self.flow
        if flow is not None:
            self._dag = flow.dag
            self._assigned = frozenset().union(*(cell.names.defines for cell in flow.cells))

    def work_on(self, interval: Interval, label: str) -> str:
        """Work on the interval of a run that is there, whatever intervals the notebook has by now; one line that says
        which it is. `label` is the run's.
        """
        self._know_notebook()
        self._work_on(interval, label.partition("~")[0])
        return f"ds is {self.context()['ds']}, {self._dag.timezone}"

    @property
    def chosen_ds(self) -> str | None:
        """`ds` of the date that a person has chosen; None where nobody has."""
        return None if self._chosen is None else str(self.context()["ds"])

    def describe(self) -> str:
        """One line on the date that is worked on now."""
        if self._interval is None:
            return _NO_DATE
        how = (
            "chosen with %dag --date"
            if self._chosen
            else "the latest interval; choose another with %dag --date"
        )
        return f"ds is {self.context()['ds']} ({how})"

    def give(self) -> None:
        """Set the names for the task and date that count now; names of the notebook's own stay."""
        context = self.context()
        self.ti.stand_for(context)
        set_current(context, self._outside)
        for name, value in context.items():
            if name not in self._assigned and self._ours(name):
                self._namespace[name] = self._hidden[name] = self._given[name] = value
            else:
                self._given.pop(name, None)

    def take_back(self) -> None:
        """Remove the names again, where they still are ours."""
        set_current({})
        for name in list(self._given):
            if self._ours(name):
                self._namespace.pop(name, None)
            self._hidden.pop(name, None)
        self._given.clear()

    def begin(self) -> None:
        """Set the names for the latest interval, before the first cell."""
        try:
            self.choose(None)
        except NbflowError:
            # A schedule that can't be read, say: the %%dag cell that says so is about to be run.
            self._namespace.setdefault("ti", self.ti)

    def enter(self, task_id: str) -> None:
        """A cell that begins a task is about to run: `task_id` and `ti` are the task's."""
        self.task = self.ti.task_id = task_id
        self.seen[task_id] = None
        if self._interval is not None:
            self.give()

    def _ours(self, name: str) -> bool:
        """Whether nobody else has given the name a value."""
        present = self._namespace.get(name, _UNSET)
        return present is _UNSET or present is self._given.get(name, _UNSET)

    def _set(self, date: str | None) -> None:
        from nbflow.service.clock import now
        from nbflow.service.dates import one_interval, read_date

        moment = now()
        chosen = None if date is None else read_date(date, timezone=self._dag.timezone, now=moment)
        self._work_on(one_interval(self._dag, chosen, now=moment), date)

    def _work_on(self, interval: Interval, chosen: str | None) -> None:
        self._interval = interval
        self._chosen = chosen
        self._previous = None
        with suppress(HomeError):  # a home that can't be read leaves no cell without its `ds`
            self._previous = self._outside.previous_success(self._dag.dag_id, self._interval.logical_date)
        self.give()

    def context(self) -> dict[str, object]:
        """The values of `CONTEXT_NAMES` for the task and date that count now.

        Raises:
            DateError: no date has been chosen.
        """
        from nbflow.model.context import context_of
        from nbflow.model.run import RunKey, TaskKey, run_id_of

        if self._interval is None:
            raise DateError(_NO_DATE)
        dag = self._dag
        key = TaskKey(RunKey(dag.dag_id, run_id_of(self._interval.logical_date)), self.task)
        params = {name: _default(param.default) for name, param in dag.params.items()}
        params |= {name: self._namespace[name] for name in params if name in self._namespace}
        context = context_of(
            key, self._interval, timezone=dag.timezone, params=params, previous_success=self._previous
        )
        return {
            **context,
            "var": Variables(self._outside),
            "conn": Connections(self._outside),
            "ti": self.ti,
        }

    def _stored(self, place: XComPlace) -> object:
        """A value of the store.

        Raises:
            LookupError: there is none.
        """
        if self.notebook is None or self._interval is None:
            msg = "the kernel doesn't know its notebook"
            raise AddressError(msg)
        from nbflow.magics.stored import stored_xcom
        from nbflow.service.lookup import find_target

        context = self.context()
        return stored_xcom(
            find_target(str(self.notebook)),
            dag_id=place.dag_id or str(context["dag_id"]),
            run_id=place.run_id or str(context["run_id"]),
            task_id=place.task_id,
            key=place.key,
            include_prior_dates=place.include_prior_dates,
            namespace=self._namespace,
        )


def _default(source: str) -> object:
    """A parameter's default, where its text is a plain value; else the text."""
    try:
        return ast.literal_eval(source)
    except (ValueError, SyntaxError):
        return source
