"""`nbflow versions`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from nbflow.cli.dated import DatedCommand
from nbflow.cli.output import console, json_option, print_json, print_table
from nbflow.cli.times import local_time
from nbflow.model.printable import printable

if TYPE_CHECKING:
    from nbflow.model.flow import Flow
    from nbflow.service.changes import Change, Difference
    from nbflow.service.lookup import Target
    from nbflow.service.versions import Listed
    from nbflow.store.state import StateStore

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@click.command(
    "versions",
    cls=DatedCommand,
    epilog="""\
\b
Examples:
  nbflow versions flights                        each version: when, how many runs, what changed
  nbflow versions flights ab12cd34               its tasks and modules
  nbflow versions flights ab12cd34 -o before/    its notebook and modules as files
  nbflow versions flights --diff                 from what the latest run ran to the notebook as saved
  nbflow versions flights --diff ab12cd34 published

A VERSION is the beginning of its name, saved (the notebook as it is now), published (what the schedule
runs), or a run (2026-02-17, latest): what that run ran.""",
)
@click.argument("dag", metavar="DAG|NOTEBOOK")
@click.argument("version", metavar="[VERSION]", required=False)
@click.argument("other", metavar="[OTHER]", required=False)
@click.option(
    "--diff", is_flag=True, help="Show what differs from VERSION to OTHER [default: latest, saved]."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write the version's notebook and modules there.",
)
@click.option("--dry-run", is_flag=True, help="With -o: only list the files.")
@click.option(
    "--last", type=click.IntRange(min=1), default=20, show_default=True, help="How many are listed."
)
@json_option("the list, the version or the differences")
def command(
    dag: str,
    version: str | None,
    other: str | None,
    *,
    diff: bool,
    output: Path | None,
    dry_run: bool,
    last: int,
    as_json: bool,
) -> None:
    """List the versions of a notebook that have run; show, write or compare them.

    A version is what a run depends on: the cells with their tags and headings, and the modules beside the
    notebook that they import. Outputs and prose are no part of it.
    """
    from nbflow.service.changes import differences
    from nbflow.service.lookup import find_target, open_state
    from nbflow.service.versions import SAVED, find_version, listed

    if other is not None and not diff:
        raise click.UsageError("two versions are for --diff: nbflow versions DAG --diff VERSION OTHER")
    if output is not None and (version is None or diff):
        raise click.UsageError("-o FOLDER writes one version: nbflow versions DAG VERSION -o FOLDER")
    target = find_target(dag)
    with open_state(target) as state:
        if diff:
            old = find_version(state, target, version or "latest")
            new = find_version(state, target, other or SAVED)
            _print_differences(old, new, differences(old, new), as_json=as_json)
        elif version is None:
            _print_list(target, listed(state, target, last=last), as_json=as_json)
        else:
            found = find_version(state, target, version)
            if output is None:
                _print_version(target, found, as_json=as_json)
            else:
                _write(state, target, found, output, dry_run=dry_run, as_json=as_json)


def _print_list(target: Target, found: list[Listed], *, as_json: bool) -> None:
    from nbflow.service.versions import SHORT

    if as_json:
        print_json(
            [
                {
                    "version": one.version,
                    "created": one.record and one.record.created,
                    "runs": one.record.runs if one.record else 0,
                    "latest": one.record and one.record.latest,
                    "published": one.published,
                    "saved": one.saved,
                    "since": None if one.since is None else _change_json(one.since),
                }
                for one in found
            ]
        )
        return
    print_table(
        (
            (
                one.version[:SHORT],
                local_time(one.record.created, target.timezone, seconds=False)
                if one.record
                else "not run yet",
                one.record.runs if one.record else 0,
                Text(_marks(one), "green"),
                _said(one),
            )
            for one in found
        ),
        {"VERSION": "left", "SINCE": "left", "RUNS": "right", "": "left", "CHANGED": "fold"},
    )


def _marks(one: Listed) -> str:
    return ", ".join(word for word, is_so in (("published", one.published), ("saved", one.saved)) if is_so)


def _said(one: Listed) -> str:
    return "" if one.since is None else printable(str(one.since)) or "nothing that a task runs"


def _change_json(since: Change) -> dict[str, object]:
    return {
        "added": since.added,
        "removed": since.removed,
        "changed": since.changed,
        "shared": since.shared,
        "options": since.options,
        "modules": since.modules,
    }


def _print_version(target: Target, flow: Flow, *, as_json: bool) -> None:
    from nbflow.service.versions import SHORT

    if as_json:
        print_json(
            {
                "dag_id": target.dag_id,
                "version": flow.version,
                "tasks": list(flow.tasks),
                "modules": {path: len(source) for path, source in flow.modules.items()},
            }
        )
        return
    out = console()
    out.print(Text(printable(f"{target.dag_id} {flow.version[:SHORT]}"), "bold"), soft_wrap=True)
    out.print(Text(printable(f"tasks    {', '.join(flow.tasks)}")), soft_wrap=True)
    modules = ", ".join(flow.modules) or "(none beside the notebook)"
    out.print(Text(printable(f"modules  {modules}")), soft_wrap=True)
    out.print(Text(f"its files: nbflow versions {target.dag_id} {flow.version[:SHORT]} -o FOLDER", "dim"))


def _print_differences(old: Flow, new: Flow, found: list[Difference], *, as_json: bool) -> None:
    from nbflow.service.versions import SHORT

    if as_json:
        print_json(
            {
                "from": old.version,
                "to": new.version,
                "differences": [{"what": one.title, "how": one.how, "lines": one.lines} for one in found],
            }
        )
        return
    out = console()
    if not found:
        same = "one version" if old.version == new.version else "the same code (tags or headings differ)"
        out.print(f"{old.version[:SHORT]} and {new.version[:SHORT]} are {same}", style="dim")
    for one in found:
        out.print(Text(printable(f"{one.title}: {one.how}"), "bold"), soft_wrap=True)
        for line in one.lines:
            out.print(Text(printable(line), _STYLES.get(line[:1], "")), soft_wrap=True)


def _write(
    state: StateStore, target: Target, flow: Flow, folder: Path, *, dry_run: bool, as_json: bool
) -> None:
    from nbflow.service.checkout import version_files, write_files

    files = version_files(state, target, flow)
    if not dry_run:
        write_files(files, folder)
    paths = [str(folder / path) for path in files]
    if as_json:
        print_json({"version": flow.version, "files": paths})
    else:
        click.echo("\n".join(printable(path) for path in paths))
