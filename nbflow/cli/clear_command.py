"""`nbflow clear`."""

from __future__ import annotations

from typing import Any

import click

from nbflow.cli.carrying import agreed, carry, print_chosen
from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import json_option
from nbflow.cli.running import detach_option, dry_run_option, what
from nbflow.cli.selectors import choice_of, selector_options


@click.command(
    "clear",
    cls=DatedCommand,
    epilog="""\
\b
Examples:
  nbflow clear flights 2013-01-03 clean              clean, and what could not run because of it
  nbflow clear flights 2013-01-03 clean -d           and everything below it
  nbflow clear flights latest --only-failed          whatever failed in the latest run
  nbflow clear flights --from 2013-01-01 --to 2013-01-31 --stale
  nbflow clear flights 2013-01-03 'fit[3]'           one instance of a mapped task

A task that is cleared keeps what its earlier tries printed and handed on. What stands above it runs
again only where its code has changed, or its values are gone. Exit status: 0 all succeeded, 1 a run failed, 2 the call was wrong.""",
)
@click.argument("dag", metavar="DAG|NOTEBOOK")
@click.argument("words", metavar="DATE|latest|RUN_ID [TASK[INDEX]]...", nargs=-1)
@selector_options
@click.option("--keep-stale", is_flag=True, help="Leave what has changed above them as it is.")
@click.option(
    "--original", is_flag=True, help="By the notebook as it was when each run last ran, not as it is now."
)
@dry_run_option
@click.option("-y", "--yes", is_flag=True, help="Don't ask, where several runs are meant.")
@click.option(
    "--no-run", is_flag=True, help="Clear only; the next nbflow run of these dates goes on with them."
)
@detach_option
@json_option("what would run again, or the runs when they have ended,")
def command(
    dag: str,
    words: tuple[str, ...],
    *,
    dry_run: bool,
    yes: bool,
    no_run: bool,
    detach: bool,
    as_json: bool,
    **selectors: Any,  # noqa: ANN401 see choice_of
) -> None:
    """Have tasks of runs run again, with the notebook as it is now (--original: as it ran then).

    Without TASK all tasks of the run are meant. What runs again is listed first.
    """
    from nbflow.service.asking import settle
    from nbflow.service.bodies import cleared
    from nbflow.service.choosing import chosen_to_clear, count_of, task_keys
    from nbflow.service.lookup import find_target, open_state

    target = find_target(dag)
    with open_state(target) as state:
        chosen = chosen_to_clear(state, target, choice_of(words, **selectors))
    if dry_run or not as_json:
        if chosen or as_json:
            print_chosen(chosen, as_json=as_json, becomes="none")
        else:
            click.echo("nothing to clear: no task instance is as you say")
    if dry_run or not chosen:
        return
    if len(chosen) > 1 and not agreed(
        f"Clear {count_of(chosen)} task instances of {len(chosen)} runs?", yes=yes
    ):
        return
    original = bool(selectors["original"])
    body = cleared(target.dag_id, task_keys(chosen), run=not no_run, original=original)
    if no_run:
        settle(target.home, "clear", body, what=what())
        return
    todo = [one.submission(target.timezone) for one in chosen]
    carry(target, "clear", body, todo, detach=detach, as_json=as_json)
