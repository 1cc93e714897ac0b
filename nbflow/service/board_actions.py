"""What a person does from a board: what the command line does, asked for as JSON.

Nothing runs in this process: whoever holds the home obeys, and where nobody does a process of its own begins
(`nbflow clear …`). `body` says what is meant:

| verb | body |
| --- | --- |
| clear, mark | `run_ids`, or `from` and `to`; `tasks` (none: all); `map_index` of a single task; `upstream`, `downstream`, `past`, `future`, `only_failed`, `stale`; of mark `state`: success, failed or skipped |
| run, trigger | `date` (null: the latest complete interval), `params`, `variant` |
| backfill | `from`, `to`, `reprocess` (none, failed or completed), `params` |
| pause, unpause, publish, schedule, unschedule, start_scheduler | nothing; of schedule `follow` |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbflow.errors import OptionError
from nbflow.service import board_choice, board_runs, board_settings
from nbflow.service.params import guess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbflow.service.lookup import Target

    Done = Callable[[Target, Mapping[str, Any]], dict[str, Any]]

_UNKNOWN = "a board has no verb {verb!r}{guess} It has {known}."

_PREVIEWS: Mapping[str, Done] = {
    "clear": board_choice.preview_clear,
    "mark": board_choice.preview_mark,
    "run": board_runs.preview_run,
    "trigger": board_runs.preview_run,
    "backfill": board_runs.preview_backfill,
    "pause": board_settings.preview_pause,
    "unpause": board_settings.preview_unpause,
    "publish": board_settings.preview_publish,
    "schedule": board_settings.preview_schedule,
    "unschedule": board_settings.preview_unschedule,
    "start_scheduler": board_settings.preview_start,
}
_ACTS: Mapping[str, Done] = {
    "clear": board_choice.clear,
    "mark": board_choice.mark,
    "run": board_runs.run,
    "trigger": board_runs.run,
    "backfill": board_runs.backfill,
    "pause": board_settings.pause,
    "unpause": board_settings.unpause,
    "publish": board_settings.publish,
    "schedule": board_settings.schedule,
    "unschedule": board_settings.unschedule,
    "start_scheduler": board_settings.start_scheduler,
}


def preview(target: Target, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What an action would come to: `said` in words; `count`, of how many things; `rows`, one for each. Changes
    nothing.

    Raises:
        NbflowError: it can't be done as asked for.
    """
    return _of(_PREVIEWS, verb)(target, body)


def act(target: Target, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Have it done: `ok`, and `said`, what was done in words. May wait for the process that holds the home.

    Raises:
        NbflowError: it can't be done; the message says what to do.
    """
    return {"ok": True, "said": _of(_ACTS, verb)(target, body)["said"]}


def _of(verbs: Mapping[str, Done], verb: str) -> Done:
    found = verbs.get(verb)
    if found is None:
        raise OptionError(_UNKNOWN.format(verb=verb, guess=guess(verb, verbs), known=", ".join(verbs)))
    return found
