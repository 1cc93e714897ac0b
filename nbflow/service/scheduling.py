"""What `nbflow schedule` does: put notebooks on the schedule, and be the scheduler of a home."""

from __future__ import annotations

import glob
import logging
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from nbflow.errors import AddressError, NbflowError
from nbflow.model.messages import Move, RunMove
from nbflow.model.state import RunState, TaskState
from nbflow.parse.flow import read_flow
from nbflow.service.agenda import agenda_of
from nbflow.service.asking import settle
from nbflow.service.clock import now
from nbflow.service.lookup import Target, known_dag
from nbflow.service.planner import Planner
from nbflow.service.publishing import Placed
from nbflow.service.retention import daily
from nbflow.service.session import owned_home, session
from nbflow.service.workflow import read_workflow
from nbflow.store.home import HOME_NAME, OUTPUT_NAME, find_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta

    from nbflow.service.agenda import Agenda
    from nbflow.service.publishing import ScheduleRequest
    from nbflow.service.scheduler import Moves
    from nbflow.store.home import Home
    from nbflow.store.serve import Remote

_LOG = logging.getLogger("nbflow.scheduler")
_NEVER = frozenset({HOME_NAME, OUTPUT_NAME, ".ipynb_checkpoints"})
_NOTHING = (
    "there is no notebook {path}. Give notebooks (.ipynb), folders, or patterns such as 'daily/*.ipynb'."
)
_TWO_HOMES = """\
{first} and {second} belong to different homes ({one} and {other}), and a scheduler looks after one. Start one for \
each, or set NBFLOW_HOME."""
_EMPTY = "nothing is on the schedule of {home}. Put a notebook on it: nbflow schedule NOTEBOOK.ipynb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The notebooks that paths name.

    Attributes:
        home: of all of them.
        paths: those to be scheduled, absolute, each once.
        left_out: those found in folders that have no schedule or can't be read, each with why.
    """

    home: Home
    paths: tuple[Path, ...]
    left_out: tuple[tuple[Path, str], ...]


def find_notebooks(names: Iterable[str], *, scheduled: bool) -> Found:
    """The notebooks that files, folders (with those below) and glob patterns name.

    What nbflow and Jupyter write themselves is never among them. Notebooks named one by one are taken as
    they are; of those in folders and patterns only the ones that have a schedule.

    Args:
        names: as typed.
        scheduled: whether a schedule is given from outside, so that none needs to have its own.

    Raises:
        AddressError: one names nothing, or they belong to several homes.
    """
    paths: dict[Path, None] = {}
    left_out: dict[Path, str] = {}
    for name in names:
        if Path(name).is_file():
            paths[Path(name).resolve()] = None
            continue
        notebooks = list(_within(name))
        if not notebooks:
            raise AddressError(_NOTHING.format(path=name))
        for notebook in notebooks:
            why = _why_not(notebook, scheduled=scheduled)
            if why:
                left_out[notebook] = why
            else:
                paths[notebook] = None
    return Found(home=_one_home([*paths, *left_out]), paths=tuple(paths), left_out=tuple(left_out.items()))


def place(home: Home, request: ScheduleRequest, *, what: str) -> tuple[list[Placed], str | None]:
    """Put notebooks on the schedule, through whoever holds the home.

    Returns:
        What became of each; and who makes their runs already, in words, None where nobody does.

    Raises:
        NbflowError: the home can't be used.
    """
    asked = settle(home, "schedule", request.to_json(), what=what)
    rows = cast("Sequence[Mapping[str, object]]", asked.answer["placed"])
    return [Placed.from_json(row) for row in rows], asked.owner if asked.answer["serves"] else None


def agenda_for(home: Home, placed: Placed, request: ScheduleRequest) -> Agenda:
    """What the schedule of a notebook does next, once it is placed as was asked for."""
    record = known_dag(home, placed.dag_id)
    flow = read_workflow(placed.path, record, options=request.options).flow
    target = Target(home=home, dag_id=placed.dag_id, path=placed.path, timezone=flow.dag.timezone, flow=flow)
    return agenda_of(target, now=now(), count=1)


def unschedule(home: Home, dag_ids: Sequence[str], *, what: str) -> None:
    """Take DAGs off the schedule; runs under way go on.

    Raises:
        AddressError: one of them is not on it.
    """
    settle(home, "unschedule", {"dag_ids": list(dag_ids)}, what=what)


def publish(home: Home, dag_id: str, *, what: str) -> tuple[str, str | None]:
    """Have a DAG's schedule run its notebook as saved.

    Returns:
        The version, and the one that was published before.

    Raises:
        NbflowError: it can't be read as this DAG; what was published before goes on.
    """
    answer = settle(home, "publish", {"dag_id": dag_id}, what=what).answer
    was = answer["was"]
    return str(answer["version"]), None if was is None else str(was)


def serve(
    home: Home,
    *,
    what: str,
    parallelism: int,
    grace: timedelta,
    until_idle: bool,
    remote: Remote | None,
    on_wait: Callable[[str], None],
    on_start: Callable[[int], None],
) -> None:
    """Be the scheduler of a home until somebody stops it.

    Args:
        home: which.
        what: the command, shown to others.
        parallelism: how many tasks run at once.
        grace: how long tasks may go on when it is asked to stop.
        until_idle: end as soon as nothing is due and nothing runs.
        remote: where XComs are read from beyond this machine (`store.serve.read_remote`); None: nowhere.
        on_wait: told who holds the home, when it has to be waited for.
        on_start: told how many schedules it follows, before it begins.

    Raises:
        AddressError: nothing is on the schedule.
        HomeError: the home can't be used, or another process took it over.
    """
    if not home.state.exists():
        raise AddressError(_EMPTY.format(home=home.root))
    with owned_home(home, what=what, on_wait=on_wait) as state:
        if not state.schedules.dags():
            raise AddressError(_EMPTY.format(home=home.root))
        with ExitStack() as stack:
            scheduler = stack.enter_context(
                session(
                    home,
                    state,
                    parallelism=parallelism,
                    listener=_tell,
                    serves=True,
                    grace=grace,
                    remote=remote,
                )
            )
            stack.enter_context(daily(home, lambda verb, body: scheduler.ask(verb, body).result()))
            planner = Planner(state, now())
            on_start(len(planner))
            _LOG.info("scheduler begins", extra={"schedules": len(planner), "slots": parallelism})
            scheduler.serve(planner, until_idle=until_idle)
        _LOG.info("scheduler ends")


def _tell(moves: Moves) -> None:
    """Write down what people ask about later: ends of runs, failures, second tries."""
    for move in moves:
        match move:
            case RunMove(run=run, new=RunState.SUCCESS):
                _LOG.info("run succeeded", extra={"dag_id": run.dag_id, "run_id": run.run_id})
            case RunMove(run=run, new=RunState.FAILED, reason=reason):
                _LOG.warning("run failed", extra={"dag_id": run.dag_id, "run_id": run.run_id, "why": reason})
            case Move(new=TaskState.FAILED | TaskState.UP_FOR_RETRY as new):
                said = "task failed" if new is TaskState.FAILED else "task is tried again"
                _LOG.warning(said, extra=_of(move) | {"why": move.reason})
            case Move(old=TaskState.QUEUED | TaskState.RUNNING, new=TaskState.SCHEDULED):
                _LOG.warning("try was lost", extra=_of(move) | {"why": move.reason})
            case _:
                pass


def _of(move: Move) -> dict[str, object]:
    key = move.key
    said: dict[str, object] = {
        "dag_id": key.run.dag_id,
        "run_id": key.run.run_id,
        "task_id": key.task_id,
        "try_number": move.instance.try_number,
    }
    return said if key.map_index < 0 else said | {"map_index": key.map_index}


def _within(name: str) -> Iterator[Path]:
    """The notebooks in a folder, or of a pattern, but for those in folders that nobody writes them into."""
    folder = Path(name)
    if folder.is_dir():
        found = ((path, path.relative_to(folder)) for path in sorted(folder.rglob("*.ipynb")))
    else:
        names = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 `Path.glob` takes no absolute pattern
        found = ((Path(name), Path(Path(name).name)) for name in names)
    for path, inside in found:
        if path.is_file() and not any(part in _NEVER or part.startswith(".") for part in inside.parts):
            yield path.resolve()


def _one_home(paths: Sequence[Path]) -> Home:
    """The home of all these notebooks: where they have none yet, that of the folder they share."""
    shared = find_home(Path(os.path.commonpath([path.parent for path in paths])))
    homes = {path: find_home(path) for path in paths}
    others = {path: home for path, home in homes.items() if home.root != shared.root}
    if all(not home.root.exists() for home in others.values()):
        return shared
    first, one = next(iter(homes.items()))
    for path, other in homes.items():
        if other.root != one.root:
            raise AddressError(_TWO_HOMES.format(first=first, second=path, one=one.root, other=other.root))
    return one


def _why_not(path: Path, *, scheduled: bool) -> str:
    """Why a notebook found in a folder isn't scheduled; "" when it is."""
    try:
        flow = read_flow(path)
    except NbflowError as error:
        return str(error).splitlines()[0].removeprefix(f"{path}: ")
    return "" if scheduled or flow.dag.schedule is not None else "it has no schedule"
