"""`%%dag` and `%dag` run by hand: read, checked, and told back in one line."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nbflow.errors import OptionError
from nbflow.model.dag import Param
from nbflow.model.problem import Severity
from nbflow.widgets.look import duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nbflow.model.dag import DagSpec


def dag_from(source: str, *, params: Mapping[str, Param]) -> DagSpec:
    """What one cell says of the DAG.

    Args:
        source: the cell, `%%dag` line and all.
        params: the notebook's parameters as far as they are known: `date_param` names one of them.

    Raises:
        OptionError: something in it is wrong; the message has every problem with its line.
    """
    from nbflow.parse.dag_options import dag_of
    from nbflow.parse.draft import drafts_of

    drafts, problems = drafts_of([{"cell_type": "code", "source": source}])
    dag, found = dag_of(drafts, default="notebook", params=params)
    if dag.date_param is not None and dag.date_param not in dag.params:
        # The cell that defines it may not be saved yet, or stand in a notebook nobody told us of.
        assumed = Param(name=dag.date_param)
        dag, found = dag_of(drafts, default="notebook", params={**params, assumed.name: assumed})
    wrong = [problem for problem in (*problems, *found) if problem.severity is Severity.ERROR]
    if wrong:
        raise OptionError("\n".join(f"line {problem.line or 1}: {problem.message}" for problem in wrong))
    return dag


def _shown(value: object) -> str:
    return duration(value.total_seconds()) if isinstance(value, timedelta) else str(value)


def describe_dag(dag: DagSpec) -> str:
    """`flights · @daily, America/New_York · from 2013-01-01 to 2013-12-31 · retries 2`."""
    parts = [dag.dag_id, f"{dag.schedule or 'no schedule'}, {dag.timezone}"]
    zone = ZoneInfo(dag.timezone)

    def day(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d}"

    bounds = [f"from {day(dag.start_date)}"] if dag.start_date else []
    bounds += [f"to {day(dag.end_date)}"] if dag.end_date else []
    parts += [" ".join(bounds)] if bounds else []
    parts += (
        [", ".join(f"{name} {_shown(value)}" for name, value in dag.default_args.items())]
        if dag.default_args
        else []
    )
    return " · ".join(parts)
