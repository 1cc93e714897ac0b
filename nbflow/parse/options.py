"""The options of a `%%task` line: one table for reading, completing and explaining them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.task import TaskKind
from nbflow.parse.option import (
    EVERY_KIND,
    MAPPABLE,
    SENSOR,
    SHORT_CIRCUIT,
    TEARDOWN,
    Option,
    OptionType,
    nearest,
    sentence,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BY_FIELD",
    "BY_FLAG",
    "BY_OPPOSITE",
    "CALLBACKS",
    "TASK_OPTIONS",
    "Option",
    "OptionType",
    "misplaced",
    "nearest",
    "sentence",
    "value_of",
]

_T = OptionType
TASK_OPTIONS: tuple[Option, ...] = (
    Option(
        field="after",
        type=_T.TASKS,
        help="task ids it follows, comma-separated; none: follows no task by position",
        default_arg=False,
    ),
    Option(
        field="uses",
        type=_T.NAMES,
        help="names it reads that its text doesn't show, comma-separated",
        default_arg=False,
    ),
    Option(
        field="exports",
        type=_T.NAMES,
        help="names it hands on that its text doesn't show, comma-separated",
        default_arg=False,
    ),
    Option(
        field="map",
        type=_T.MAP,
        help='one instance for each item, as "p in grid" or "a, b in pairs"; several make the product',
        default_arg=False,
        kinds=MAPPABLE,
    ),
    Option(
        field="collect",
        type=_T.NAME,
        help="the name of the list of its instances' return values, for what follows",
        default_arg=False,
        mapped=True,
    ),
    Option(
        field="label",
        type=_T.TEXT,
        help='a template that names an instance in the grid, such as "{{ p }}" (its index)',
        default_arg=False,
        mapped=True,
    ),
    Option(
        field="first",
        type=_T.INTEGER,
        help="how many items the cell goes through by hand (all); a run always takes all",
        least=1,
        default_arg=False,
        mapped=True,
        by_hand=True,
    ),
    Option(field="retries", type=_T.INTEGER, help="how often it runs again after a failure (0)"),
    Option(field="retry_delay", type=_T.DURATION, help="the wait before a retry (300s)"),
    Option(
        field="retry_exponential_backoff",
        type=_T.FLAG,
        help="whether the wait doubles with each try; --no-retry-exponential-backoff turns it off (off)",
    ),
    Option(field="max_retry_delay", type=_T.DURATION, help="the longest wait before a retry (24h)"),
    Option(field="execution_timeout", type=_T.DURATION, help="the longest time one try may take (no limit)"),
    Option(
        field="trigger_rule",
        type=_T.RULE,
        help="when it may run, given its upstream tasks (all_success)",
        kinds=EVERY_KIND - TEARDOWN,
    ),
    Option(
        field="depends_on_past",
        type=_T.FLAG,
        help="whether it waits until it has gone well, or was skipped, in the run before (off)",
    ),
    Option(
        field="wait_for_downstream",
        type=_T.FLAG,
        help="as --depends-on-past, and for the tasks directly below it in the run before (off)",
    ),
    Option(
        field="latest_only",
        type=_T.FLAG,
        help="whether it is skipped but in the run of the latest interval (off)",
    ),
    Option(
        field="priority_weight",
        type=_T.INTEGER,
        help="higher starts first among ready tasks (1)",
        least=-(2**31),
    ),
    Option(
        field="weight_rule",
        type=_T.WEIGHT,
        help="whose weights are added to its own: downstream, upstream or absolute for none (downstream)",
    ),
    Option(field="pool", type=_T.WORD, help="the pool whose slots it takes (default_pool)"),
    Option(field="pool_slots", type=_T.INTEGER, help="how many of them an instance takes (1)", least=1),
    Option(
        field="max_active_tis",
        type=_T.INTEGER,
        help="how many of its instances, over all runs, may run at once (no limit)",
        least=1,
    ),
    Option(
        field="mode",
        type=_T.MODE,
        help="between two looks poke keeps the sensor's slot, reschedule frees it (poke)",
        kinds=SENSOR,
    ),
    Option(field="poke_interval", type=_T.DURATION, help="the time between two looks (60s)", kinds=SENSOR),
    Option(
        field="timeout",
        type=_T.DURATION,
        help="how long a sensor looks, from its first look (7d)",
        kinds=SENSOR,
    ),
    Option(
        field="soft_fail",
        type=_T.FLAG,
        help="whether a sensor that gives up is skipped rather than failed (off)",
        kinds=SENSOR,
    ),
    Option(
        field="exponential_backoff",
        type=_T.FLAG,
        help="whether the time between looks doubles with each (off)",
        kinds=SENSOR,
    ),
    Option(
        field="max_wait",
        type=_T.DURATION,
        help="the longest time between looks with --exponential-backoff (no limit)",
        kinds=SENSOR,
    ),
    Option(
        field="respect_trigger_rules",
        type=_T.FLAG,
        help="whether a false value skips only the tasks directly below, the others by their rules (off)",
        kinds=SHORT_CIRCUIT,
    ),
    Option(
        field="setups",
        type=_T.TASKS,
        help="the setup tasks it cleans up after, comma-separated (the nearest above); none: none",
        default_arg=False,
        kinds=TEARDOWN,
    ),
    Option(
        field="on_failure_fail_dagrun",
        type=_T.FLAG,
        help="whether its failure fails the run (off)",
        kinds=TEARDOWN,
    ),
    Option(field="on_success_callback", type=_T.FUNCTION, help="a function called when it has succeeded"),
    Option(
        field="on_failure_callback", type=_T.FUNCTION, help="a function called when it has failed for good"
    ),
    Option(field="on_retry_callback", type=_T.FUNCTION, help="a function called when it will be tried again"),
    Option(field="on_skipped_callback", type=_T.FUNCTION, help="a function called when it has been skipped"),
    Option(
        field="no_template",
        type=_T.FLAG,
        help="leaves {{ }} in its cells and options as written; --template renders them (rendered)",
    ),
    Option(field="group", type=_T.TEXT, help="the group it is shown in, dots between levels (its headings)"),
    Option(field="doc", type=_T.TEXT, help="a line about it, shown where it is"),
)

BY_FLAG: Mapping[str, Option] = {option.flag: option for option in TASK_OPTIONS}
BY_FIELD: Mapping[str, Option] = {option.field: option for option in TASK_OPTIONS}
BY_OPPOSITE: Mapping[str, Option] = {option.opposite: option for option in TASK_OPTIONS if option.opposite}
CALLBACKS = tuple(option.field for option in TASK_OPTIONS if option.type is OptionType.FUNCTION)
"""The fields of TaskSpec that name a function of the notebook."""

_WHY_NOT = {
    "map": "what its instances would choose or clean up together, nobody could say; map the task below it",
    "trigger_rule": "a teardown runs when all before it has finished, if its setup succeeded",
}


def misplaced(option: Option, kind: TaskKind, *, mapped: bool) -> str | None:
    """Why an option makes no sense on the line of a task of this kind; None when it does."""
    if kind not in option.kinds:
        if why := _WHY_NOT.get(option.field):
            return f"{option.flag} makes no sense on {_written(kind)}: {why}"
        homes = " and ".join(_written(home) for home in TaskKind if home in option.kinds)
        return f"{option.flag} is for {homes} only, and this is {_written(kind)}; take it out"
    if option.mapped and not mapped:
        return f'{option.flag} is for mapped tasks only; add --map "p in grid", or take it out'
    if option.field == "exports" and mapped:
        return (
            "--exports hands nothing on from a mapped task: what its cells define stays inside its instances. "
            "Let the cell end with the value, and name the list of them by --collect"
        )
    return None


def _written(kind: TaskKind) -> str:
    return "%%task" if kind is TaskKind.TASK else f"%%task.{kind}"
