"""What the verb `run` comes to: runs that another process asks the owner of its home for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.errors import AddressError
from nbflow.model.run import RunType
from nbflow.plan.selection import Reprocess
from nbflow.service.admission import check_dag_id, check_unpaused
from nbflow.service.bodies import interval_of
from nbflow.service.open_run import openings, register
from nbflow.service.params import check_params
from nbflow.service.submit import Standing, submissions
from nbflow.service.surroundings import environment_asked
from nbflow.service.workflow import read_workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbflow.model.run import RunKey
    from nbflow.service.open_run import Opening
    from nbflow.service.workflow import Workflow
    from nbflow.store.state import StateStore

_MOVED = (
    "the notebook {path} holds the DAG {other!r} by now, not {dag_id!r}. Give the same command once more."
)


class RunOrders:
    """Reads what other processes ask to be run. One that asks for many runs asks in portions."""

    def __init__(self, state: StateStore, *, serves: bool) -> None:
        self._state = state
        self._serves = serves
        self._latest: tuple[str, Workflow] | None = None  # of which request, as its first portion found it

    def begin(
        self, body: Mapping[str, Any], *, is_open: Callable[[RunKey], bool]
    ) -> tuple[list[Opening], dict[str, object]]:
        """The runs to open, stored by now, and the answer.

        Args:
            body: see `bodies.run_asked`.
            is_open: whether the machine has a run open; that one is left alone.

        Returns:
            The answer has `runs`, pairs of run id and standing, as asked; or `again`: the owner has changed
            since the question was made, and it is to be made anew.

        Raises:
            NbflowError: it cannot be done.
        """
        environment = environment_asked(self._state.path.parent, body["asker"])
        if environment is None:
            return [], {"again": True}
        workflow = self._workflow(body)
        dag = workflow.flow.dag
        check_dag_id(self._state, dag.dag_id, Path(body["path"]))
        check_params(dag, body["params"])
        check_unpaused(self._state, dag.dag_id)
        found = submissions(
            workflow.flow,
            map(interval_of, body["intervals"]),
            self._state,
            run_type=RunType(body["run_type"]),
            params=body["params"],
            variant=body["variant"],
            reprocess=Reprocess(body["reprocess"]),
            rerun_stale=body["rerun_stale"],
            keep_stale=body["keep_stale"],
            environment=environment,
        )
        found = [replace(one, standing=Standing.OPEN) if is_open(one.key) else one for one in found]
        todo = [one for one in found if one.standing in (Standing.NEW, Standing.CONTINUES)]
        register(self._state, workflow, todo, unattended=self._serves)
        runs = openings(self._state, workflow, todo, is_open=is_open)
        return runs, {"runs": [[one.key.run_id, one.standing.value] for one in found]}

    def _workflow(self, body: Mapping[str, Any]) -> Workflow:
        """The notebook as saved when the first portion of the request came (semantics.md, which code)."""
        if self._latest is not None and self._latest[0] == body["request"]:
            return self._latest[1]
        dag_id, path = body["dag_id"], Path(body["path"])
        workflow = read_workflow(path, self._state.dag(dag_id))
        if workflow.flow.dag.dag_id != dag_id:
            other = workflow.flow.dag.dag_id
            raise AddressError(_MOVED.format(path=path, other=other, dag_id=dag_id))
        self._latest = body["request"], workflow
        return workflow
