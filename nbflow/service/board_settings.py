"""What a person changes of a DAG from a board: paused or not, on the schedule or not, the version that it runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nbflow.errors import AddressError, NbflowError
from nbflow.service import pausing, scheduling
from nbflow.service.board_asking import started
from nbflow.service.changes import change
from nbflow.service.clock import now
from nbflow.service.lookup import known_dag, open_state
from nbflow.service.modules import stored_flow
from nbflow.service.publishing import ScheduleRequest
from nbflow.service.publishing import preview as preview_placed
from nbflow.service.status import status_of
from nbflow.store.home import is_held
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.service.lookup import Target

    Body = Mapping[str, Any]

_NOT_SCHEDULED = "{dag_id} is not on the schedule: put it there first."
_NOTHING = "nothing is on the schedule of {home}: put a notebook on it first."
_WHAT = "nbflow {verb} {dag_id}, from its notebook"


def preview_pause(target: Target, _body: Body) -> dict[str, Any]:
    """Whether it is paused already."""
    return _said(f"{target.dag_id} would be paused: nothing new of it starts, what runs goes on.", 1)


def preview_unpause(target: Target, _body: Body) -> dict[str, Any]:
    """That it would go on."""
    return _said(f"{target.dag_id} would go on.", 1)


def preview_publish(target: Target, _body: Body) -> dict[str, Any]:
    """What has changed since the version that the schedule runs."""
    record = known_dag(target.home, target.dag_id)
    if record is None:
        raise AddressError(_NOT_SCHEDULED.format(dag_id=target.dag_id))
    if record.published is None:
        return _said("The schedule would run the notebook as saved; nothing is published yet.", 1)
    if record.published == target.flow.version:
        return _said("The schedule runs the notebook as saved already.", 0)
    with open_state(target) as state:
        try:
            said = str(change(stored_flow(state, record, record.published), target.flow))
        except NbflowError:  # the version published can't be read any more
            said = ""
    return _said(f"Since it was published: {said or 'nothing that a task runs'}.", 1)


def preview_schedule(target: Target, body: Body) -> dict[str, Any]:
    """Whether it can be scheduled as it is saved."""
    (placed,) = preview_placed(target.home, _request(target, body))
    if placed.error:
        raise NbflowError(placed.error)
    return _said(f"{target.dag_id} would run by its schedule, {target.flow.dag.schedule}.", 1)


def preview_unschedule(target: Target, _body: Body) -> dict[str, Any]:
    """That its schedule would make no more runs."""
    return _said(f"The schedule of {target.dag_id} would make no more runs.", 1)


def preview_start(target: Target, _body: Body) -> dict[str, Any]:
    """Whether there is something to schedule, and nobody who does."""
    return _said(*_startable(target))


def pause(target: Target, _body: Body) -> dict[str, Any]:
    """Let nothing new of it start."""
    changed, _ = pausing.pause(target, paused=True, what=_what("pause", target))
    return _said(f"{target.dag_id} is paused{'' if changed else ' already'}.")


def unpause(target: Target, _body: Body) -> dict[str, Any]:
    """Let it go on."""
    changed, queued = pausing.pause(target, paused=False, what=_what("unpause", target))
    said = f"{target.dag_id} is not paused{'' if changed else ' any more'}."
    if queued and not is_held(target.home):
        waits = "1 run that is queued goes" if len(queued) == 1 else f"{len(queued)} runs that are queued go"
        said += f" {waits} on when somebody runs them or a scheduler begins."
    return _said(said)


def publish(target: Target, _body: Body) -> dict[str, Any]:
    """Have the schedule run the notebook as saved."""
    if known_dag(target.home, target.dag_id) is None:
        raise AddressError(_NOT_SCHEDULED.format(dag_id=target.dag_id))
    version, was = scheduling.publish(target.home, target.dag_id, what=_what("publish", target))
    already = " already" if version == was else ""
    return _said(f"The schedule runs the notebook as saved{already} (version {version[:8]}).")


def schedule(target: Target, body: Body) -> dict[str, Any]:
    """Put it on the schedule, and have a scheduler where there is none."""
    request = _request(target, body)
    (placed,), keeper = scheduling.place(target.home, request, what=_what("schedule", target))
    if placed.error:
        raise NbflowError(placed.error)
    if keeper is None and _startable(target)[1]:
        started(target, ["schedule"])
    return _said(f"{target.dag_id} runs by its schedule, {target.flow.dag.schedule}.")


def unschedule(target: Target, _body: Body) -> dict[str, Any]:
    """Have its schedule make no more runs."""
    scheduling.unschedule(target.home, [target.dag_id], what=_what("unschedule", target))
    return _said(f"The schedule of {target.dag_id} makes no more runs; those under way go on.")


def start_scheduler(target: Target, _body: Body) -> dict[str, Any]:
    """Begin a scheduler of the home in a process of its own."""
    said, count = _startable(target)
    if count:
        started(target, ["schedule"])
        said = "A scheduler begins."
    return _said(said)


def _startable(target: Target) -> tuple[str, int]:
    """What starting a scheduler would come to, and whether (1 or 0) there is one to start.

    Raises:
        AddressError: nothing is on the schedule.
    """
    if target.home.state.exists():
        with StateStore(target.home.state) as state:
            dags = [record.dag_id for record in state.schedules.dags()]
        if dags:
            if status_of(target.home, at=now()).alive:
                return "A scheduler is there already.", 0
            return f"A scheduler would begin, for {', '.join(dags)}.", 1
    raise AddressError(_NOTHING.format(home=target.home.root))


def _request(target: Target, body: Body) -> ScheduleRequest:
    return ScheduleRequest(
        paths=(target.path,),
        follow=bool(body.get("follow")),
        options={},
        environment={"python": sys.executable},
    )


def _what(verb: str, target: Target) -> str:
    return _WHAT.format(verb=verb, dag_id=target.dag_id)


def _said(said: str, count: int = 1) -> dict[str, Any]:
    return {"said": said, "count": count, "rows": []}
