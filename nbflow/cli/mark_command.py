"""`nbflow mark`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbflow.cli.carrying import agreed, carry, print_chosen
from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import json_option
from nbflow.cli.running import detach_option, dry_run_option
from nbflow.cli.selectors import choice_of, selector_options
from nbflow.model.state import RunState, TaskState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.service.choosing import Chosen

_NO_TASK = """\
the run {label} is over: name the tasks that are to count as failed (nbflow mark failed {dag} {label} TASK)."""


@click.command(
    "mark",
    cls=DatedCommand,
    epilog="""\
\b
Examples:
  nbflow mark success flights 2013-01-03 load      load is done, by other means; what hung on it runs
  nbflow mark failed flights latest                end the run that is under way
  nbflow mark skipped flights 2013-01-03 report -d""",
)
@click.argument(
    "becomes", metavar="success|failed|skipped", type=click.Choice(["success", "failed", "skipped"])
)
@click.argument("dag", metavar="DAG|NOTEBOOK")
@click.argument("words", metavar="DATE|latest|RUN_ID [TASK[INDEX]]...", nargs=-1)
@selector_options
@dry_run_option
@click.option("-y", "--yes", is_flag=True, help="Don't ask, where several runs are meant.")
@detach_option
@json_option("what would be marked, or the runs when they have ended,")
def command(
    becomes: str,
    dag: str,
    words: tuple[str, ...],
    *,
    dry_run: bool,
    yes: bool,
    detach: bool,
    as_json: bool,
    **selectors: Any,  # noqa: ANN401 see choice_of
) -> None:
    """Say how tasks of a run have ended, whatever they did.

    What had failed below them, or did not run because of them, runs then. Without TASK the whole run is
    meant: a success of all its tasks; a failure ends what is under way.
    """
    from nbflow.service.bodies import marked, run_marked
    from nbflow.service.choosing import chosen_to_mark, count_of, runs_meant, task_keys
    from nbflow.service.lookup import find_target, open_state

    target = find_target(dag)
    choice = choice_of(words, **selectors)
    state = TaskState(becomes)
    whole = state is not TaskState.SKIPPED and not (choice.tasks or choice.groups or choice.wanted_states)
    reason = f"marked {becomes}"
    with open_state(target) as store:
        chosen = chosen_to_mark(store, target, choice, state)
        runs = runs_meant(store, target, choice) if whole and not choice.stale else []
    if runs and state is TaskState.FAILED:
        chosen = _under_way(chosen, dag)
    if dry_run or not as_json:
        if chosen or as_json:
            print_chosen(chosen, as_json=as_json, becomes=becomes)
        else:
            click.echo(f"nothing to mark: all that is meant is {becomes} already")
    if dry_run or not chosen:
        return
    if len(chosen) > 1 and not agreed(
        f"Mark {count_of(chosen)} task instances of {len(chosen)} runs?", yes=yes
    ):
        return
    if runs:
        ends = state is TaskState.FAILED
        body = run_marked((one.run.key for one in chosen), RunState(becomes), reason, unless_over=ends)
    else:
        body = marked(target.dag_id, task_keys(chosen), state, reason)
    todo = [one.submission(target.timezone) for one in chosen]
    carry(target, "mark", body, todo, detach=detach, as_json=as_json)


def _under_way(chosen: Sequence[Chosen], dag: str) -> list[Chosen]:
    """Those of the runs that a failure can end."""
    from nbflow.errors import OptionError

    found = [one for one in chosen if not one.run.state.finished]
    if chosen and not found:
        raise OptionError(_NO_TASK.format(label=chosen[0].label, dag=dag))
    return found
