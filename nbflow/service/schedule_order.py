"""The commands about schedules, as whoever owns the home obeys them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbflow.errors import AddressError
from nbflow.service.publishing import ScheduleRequest, publish, put_on_schedule, take_off_schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.store.state import StateStore

_UNKNOWN_DAG = "this home knows no DAG {dag_id!r}: nbflow schedule NOTEBOOK"


def obey_schedule(state: StateStore, verb: str, body: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Do what `schedule`, `unschedule` or `publish` says, in the store.

    Args:
        state: open for writing.
        verb: `schedule`, `unschedule` or `publish`.
        body: `ScheduleRequest.to_json`; or `dag_ids`; or `dag_id`.

    Returns:
        The DAGs whose schedules are to be looked at anew, and the answer.

    Raises:
        NbflowError: it can't be done.
    """
    match verb:
        case "schedule":
            placed = put_on_schedule(state, ScheduleRequest.from_json(body))
            answer = {"placed": [one.to_json() for one in placed]}
            return [one.dag_id for one in placed if not one.error], answer
        case "unschedule":
            take_off_schedule(state, body["dag_ids"])
            return list(body["dag_ids"]), {}
        case _:
            dag_id = body["dag_id"]
            record = state.dag(dag_id)
            if record is None:
                raise AddressError(_UNKNOWN_DAG.format(dag_id=dag_id))
            workflow = publish(state, record)
            return [dag_id], {"version": workflow.flow.version, "was": record.published}
