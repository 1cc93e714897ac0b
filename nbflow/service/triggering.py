"""What `nbflow trigger` comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbflow.model.run import RunType
from nbflow.service.bodies import triggered
from nbflow.service.clock import now
from nbflow.service.dates import one_interval, read_date
from nbflow.service.lookup import find_target, known_dag
from nbflow.service.open_run import dated
from nbflow.service.orders import check_unpaused
from nbflow.service.params import check_params, stored_params
from nbflow.service.submit import new, submissions
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.model.flow import Flow
    from nbflow.model.run import Interval
    from nbflow.service.lookup import Target
    from nbflow.service.submit import Submission


def to_trigger(
    name: str, date: str | None, params: Mapping[str, object], *, variant: str
) -> tuple[Target, Submission, dict[str, Any]]:
    """A run that somebody wants, checked, and the command that has it run.

    Args:
        name: a DAG's id or notebook.
        date: as typed; None: the latest complete interval.
        params: values of its parameters.
        variant: the name of a variant, "" for the ordinary run.

    Raises:
        NbflowError: the notebook, the date or a parameter is wrong, or the DAG is paused.
    """
    target = find_target(name)
    flow = dated(target.flow, known_dag(target.home, target.dag_id))
    check_params(flow.dag, params)
    at = now()
    moment = None if date is None else read_date(date, timezone=flow.dag.timezone, now=at)
    interval = one_interval(flow.dag, moment, now=at)
    body = triggered(target.dag_id, interval.logical_date, params, variant=variant, path=str(target.path))
    return target, _submission(target, flow, interval, stored_params(params), variant), body


def _submission(
    target: Target, flow: Flow, interval: Interval, params: Mapping[str, object], variant: str
) -> Submission:
    if known_dag(target.home, target.dag_id) is None:
        return new(flow, interval, run_type=RunType.MANUAL, params=params, variant=variant)
    with StateStore(target.home.state) as state:
        check_unpaused(state, target.dag_id)
        (found,) = submissions(
            flow, [interval], state, run_type=RunType.MANUAL, params=params, variant=variant
        )
    return found
