"""How long a home keeps what ran: old runs, and all that only they need, are removed."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError, OptionError
from nbflow.model.duration import duration
from nbflow.model.run import RunKey, run_label
from nbflow.service.clock import now
from nbflow.service.disposal import remove, remove_run, sweep
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from nbflow.store.home import Home
    from nbflow.store.retention import OldRun
    from nbflow.store.xcom import XComStore

    Ask = Callable[[str, Mapping[str, object]], Mapping[str, Any]]
    """Has the owner of the home obey a command; its answer."""

KEEP_VARIABLE = "NBFLOW_KEEP"
DEFAULT_KEEP = "90d"
VERB = "clean"
_NEVER = frozenset({"never", "forever", "0"})
_BATCH = 20  # runs that the owner removes at once: a few milliseconds of its time
_DAY = timedelta(days=1)
_LOOK = 600.0  # seconds between two looks whether it is time
_BAD_KEEP = "{where}: {why}; or `never`, to keep everything."
_NO_XCOMS = "runs are removed by who holds the home with its XComs, and this process has none of them open."
log = logging.getLogger("nbflow.retention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What has been removed.

    Attributes:
        runs, tries: how many.
        values: XComs.
        commands: answered ones of other processes.
        versions: of notebooks, which nothing ran or shows any more.
        notebooks: executed ones, the user's.
        bytes: of files that were removed; what the two stores have free now they use again.
    """

    runs: int = 0
    tries: int = 0
    values: int = 0
    commands: int = 0
    versions: int = 0
    notebooks: int = 0
    bytes: int = 0


def keep_of(text: str | None = None) -> timedelta | None:
    """How long ended runs are kept; None: for ever.

    Args:
        text: as written, `90d`; None: what `NBFLOW_KEEP` says, else `DEFAULT_KEEP`.

    Raises:
        OptionError: it is no duration.
    """
    where = "--keep" if text is not None else KEEP_VARIABLE
    written = text if text is not None else os.environ.get(KEEP_VARIABLE) or DEFAULT_KEEP
    if written.strip().lower() in _NEVER:
        return None
    try:
        return duration(written)
    except ValueError as error:
        raise OptionError(_BAD_KEEP.format(where=where, why=error)) from error


def old_runs(
    home: Home, keep: timedelta, *, at: datetime, dag_ids: Collection[str] | None = None
) -> list[OldRun]:
    """The runs that would go, those that ended first first. See `Retention.old_runs` for what always stays.

    Args:
        home: whose; it may not be there.
        keep: how long before `at` a run must have ended.
        at: now; aware.
        dag_ids: of these DAGs; None: of all.
    """
    if not home.state.exists():
        return []
    with StateStore(home.state) as state:
        found = state.retention.old_runs(before=at - keep, now=at)
    return [run for run in found if dag_ids is None or run.key.dag_id in dag_ids]


def clean(
    home: Home,
    runs: Sequence[OldRun],
    keep: timedelta,
    *,
    at: datetime,
    ask: Ask,
    notebooks: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Cleaned:
    """Remove runs with their tries, logs, XComs and history, and what nothing needs without them.

    The owner removes what is in the stores, a few runs at a time; this process removes the files.

    Args:
        home: whose.
        runs: as `old_runs` gives them; one that was cleared since stays.
        keep: how old leftovers of dead processes and answered commands must be.
        at: now; aware.
        ask: has the owner obey.
        notebooks: whether their executed notebooks go too.
        progress: told how many of the runs are done, now and then.

    Raises:
        NbflowError: the owner can't.
    """
    tries = values = written = freed = done = 0
    gone: set[RunKey] = set()
    for start in range(0, len(runs), _BATCH):
        batch = runs[start : start + _BATCH]
        answer = _answer(ask, {"runs": [[run.key.dag_id, run.key.run_id] for run in batch]})
        removed = {RunKey(dag_id, run_id) for dag_id, run_id in answer["runs"]}
        gone |= removed
        tries, values = tries + int(answer["tries"]), values + int(answer["values"])
        freed += sum(remove_run(home, folder) for folder in answer["folders"])
        if notebooks:
            found = [remove(_notebook(home, run)) for run in batch if run.key in removed]
            freed, written = freed + sum(found), written + sum(size > 0 for size in found)
        done += len(batch)
        progress(done)
    answer = _answer(ask, {"before": (at - keep).isoformat()})
    return Cleaned(
        runs=len(gone),
        tries=tries,
        values=values,
        commands=int(answer["commands"]),
        versions=int(answer["versions"]),
        notebooks=written,
        bytes=freed + sweep(home, at - keep),
    )


def _answer(ask: Ask, body: Mapping[str, object]) -> Mapping[str, Any]:
    answer = ask(VERB, body)
    if "error" in answer:
        raise NbflowError(str(answer["error"]))
    return answer


def obey(
    state: StateStore, xcoms: XComStore | None, body: Mapping[str, Any], *, is_open: Callable[[RunKey], bool]
) -> dict[str, object]:
    """The owner's part of `clean`: a few runs leave both stores; or, with `before`, what nothing refers to.

    Args:
        state: open for writing, by the owner.
        xcoms: likewise; None will do with `before`.
        body: `runs`, pairs of ids, or `before`, a moment.
        is_open: whether the machine has a run open: it stays.

    Returns:
        `runs` that are gone, how many `tries` and `values` they had, their `folders`; or how many `commands`
        and `versions` are gone.
    """
    if "before" in body:
        with state.writing():
            commands, versions = state.retention.remove_unused(before=datetime.fromisoformat(body["before"]))
        return {"commands": commands, "versions": versions}
    if xcoms is None:
        raise NbflowError(_NO_XCOMS)
    named = [RunKey(dag_id, run_id) for dag_id, run_id in body["runs"]]
    runs = [run for run in state.retention.finished(named) if not is_open(run)]
    folders = sorted(state.retention.run_folders(runs))
    values = xcoms.drop_runs(runs)  # first: without its row nobody would find what is left of a run
    with state.writing():
        tries = state.retention.remove(runs)
    return {
        "runs": [[run.dag_id, run.run_id] for run in runs],
        "tries": tries,
        "values": values,
        "folders": folders,
    }


@contextmanager
def daily(home: Home, ask: Ask) -> Iterator[None]:
    """While this lasts, old runs are removed once a day, as `keep_of()` says, by a thread of its own.

    What goes wrong with it is told to the log and stops nobody.

    Args:
        home: held by this process.
        ask: has the scheduler obey a command, from any thread; its answer.
    """
    over = threading.Event()

    def work() -> None:
        while not over.wait(_LOOK):
            if over.is_set() or not is_time(home, now()):
                continue
            try:
                clean_now(home, ask)
            except (NbflowError, OSError) as error:
                log.warning("old runs could not be removed: %s", error)

    thread = threading.Thread(target=work, name="nbflow-retention", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def clean_now(home: Home, ask: Ask) -> Cleaned | None:
    """Remove what `keep_of()` no longer keeps, and note that it has been done; None where everything is kept."""
    keep, at = keep_of(), now()
    if keep is None:
        return None
    cleaned = clean(home, old_runs(home, keep, at=at), keep, at=at, ask=ask)
    _mark(home).touch(mode=0o600)
    if cleaned.runs:
        log.info(
            "old runs removed", extra={"runs": cleaned.runs, "tries": cleaned.tries, "bytes": cleaned.bytes}
        )
    return cleaned


def is_time(home: Home, at: datetime) -> bool:
    """Whether the last daily cleaning is a day ago, or lies in the future: a clock that was put back."""
    try:
        last = datetime.fromtimestamp(_mark(home).stat().st_mtime, UTC)
    except FileNotFoundError:
        return True
    return not at - _DAY < last <= at


def _mark(home: Home) -> Path:
    return home.root / "cleaned"


def _notebook(home: Home, run: OldRun) -> Path:
    label = run_label(run.logical_date, run.timezone, run.variant)
    return home.run_notebook(run.key.dag_id, label)


def dags_of(runs: Iterable[OldRun]) -> dict[str, list[OldRun]]:
    """The runs by DAG."""
    found: dict[str, list[OldRun]] = {}
    for run in runs:
        found.setdefault(run.key.dag_id, []).append(run)
    return found
