"""Running and backfilling from a board: checked here, run by a process of its own or whoever holds the home."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml

from nbflow.errors import OptionError
from nbflow.plan.selection import Reprocess
from nbflow.service.admission import check_unpaused
from nbflow.service.api import prepare, preview
from nbflow.service.board_asking import started
from nbflow.service.request import RunRequest
from nbflow.service.submit import Standing
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.service.lookup import Target
    from nbflow.service.submit import Submission

    Body = Mapping[str, Any]

_STANDINGS = {
    Standing.NEW: "new",
    Standing.CONTINUES: "goes on",
    Standing.DONE: "stays as it is",
    Standing.OPEN: "is under way",
}
_NO_OBJECT = "params is a JSON object, as {{}}, and is {found!r}."
_NO_DATES = "a backfill needs both dates: from and to."
_NO_REPROCESS = "reprocess is none, failed or completed, not {found!r}."


def preview_run(target: Target, body: Body) -> dict[str, Any]:
    """Which run it would be, and whether it is new."""
    return _previewed(_looked(_run_request(target, body)))


def preview_backfill(target: Target, body: Body) -> dict[str, Any]:
    """The dates, and which of them have run."""
    todo = _looked(_backfill_request(target, body))
    return _previewed(todo)


def run(target: Target, body: Body) -> dict[str, Any]:
    """Have one date run; one that has succeeded stays as it is."""
    request = _run_request(target, body)
    todo = _looked(request)
    doing = [one for one in todo if one.standing is not Standing.DONE]
    if not doing:
        return {"said": f"{todo[0].label} has succeeded already; clear it to have it run again."}
    _check_unpaused(target)
    # The date as text once more: what it means is decided there as it was here.
    words = ["run", str(target.path), *([request.date] if request.date else [])]
    started(target, [*words, *_params(request), *_variant(request)])
    return {"said": f"Started the run of {doing[0].label}."}


def backfill(target: Target, body: Body) -> dict[str, Any]:
    """Have a stretch of dates run, both inclusive."""
    request = _backfill_request(target, body)
    todo = _looked(request)
    doing = [one for one in todo if one.standing is not Standing.DONE]
    if not doing:
        return {"said": f"{_previewed(todo)['said']} Nothing is to be done."}
    _check_unpaused(target)
    dates = ["--from", str(request.start), "--to", str(request.end)]
    how = ["--reprocess", request.reprocess.value]
    started(target, ["backfill", str(target.path), *dates, *how, *_params(request), *_variant(request)])
    many = "1 run" if len(doing) == 1 else f"{len(doing)} runs"
    return {"said": f"Started {many}, {doing[0].label} to {doing[-1].label}."}


def _run_request(target: Target, body: Body) -> RunRequest:
    date = body.get("date")
    return RunRequest(
        notebook=target.path,
        date=None if date in (None, "") else str(date),
        params=_given(body),
        variant=str(body.get("variant") or ""),
    )


def _backfill_request(target: Target, body: Body) -> RunRequest:
    first, last = body.get("from"), body.get("to")
    if not first or not last:
        raise OptionError(_NO_DATES)
    said = body.get("reprocess") or Reprocess.NONE.value
    if said not in [one.value for one in Reprocess]:  # it may be no text at all
        raise OptionError(_NO_REPROCESS.format(found=said))
    return RunRequest(
        notebook=target.path,
        start=str(first),
        end=str(last),
        params=_given(body),
        variant=str(body.get("variant") or ""),
        reprocess=Reprocess(said),
    )


def _given(body: Body) -> dict[str, object]:
    found = body.get("params") or {}
    if not isinstance(found, dict):
        raise OptionError(_NO_OBJECT.format(found=found))
    return dict(found)


def _looked(request: RunRequest) -> list[Submission]:
    return preview(prepare(request))


def _check_unpaused(target: Target) -> None:
    if target.home.state.exists():
        with StateStore(target.home.state) as state:
            check_unpaused(state, target.dag_id)


def _params(request: RunRequest) -> list[str]:
    """As YAML, which has all that JSON has: text that looks like a number stays text, 1e-05 and NaN numbers."""
    if not request.params:
        return []
    text = yaml.safe_dump(dict(request.params), default_flow_style=True, sort_keys=False, width=math.inf)
    return ["-y", text.rstrip("\n")]


def _variant(request: RunRequest) -> list[str]:
    return ["--as", request.variant] if request.variant else []


def _previewed(todo: Sequence[Submission]) -> dict[str, Any]:
    counts = Counter(one.standing for one in todo)
    said = ", ".join(f"{counts[one]} {words}" for one, words in _STANDINGS.items() if counts[one])
    dates = "1 date" if len(todo) == 1 else f"{len(todo)} dates"
    return {
        "said": f"{dates}: {said}.",
        "count": len(todo) - counts[Standing.DONE],
        "rows": [
            {
                "run_id": one.key.run_id,
                "label": one.label,
                "state": None if one.standing is Standing.NEW else one.state.value,
                "standing": one.standing.value,
                "becomes": _STANDINGS[one.standing],
            }
            for one in todo
        ],
    }
