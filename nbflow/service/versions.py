"""The versions of a notebook that its home has: which run ran which, and what has changed since."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.errors import AddressError, FlowError, NotebookUnreadable
from nbflow.service.changes import Change, change
from nbflow.service.lookup import find_run
from nbflow.service.modules import stored_flow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.model.flow import Flow
    from nbflow.model.record import RunRecord, VersionRecord
    from nbflow.service.lookup import Target
    from nbflow.store.state import StateStore

SHORT = 8  # characters of a version's hash that people see
SAVED = "saved"
PUBLISHED = "published"
_HASH = re.compile(r"[0-9a-f]{4,64}")
_NONE = "the home has no version {text} of {dag_id}. {known}"
_SEVERAL = "{text} is the beginning of several versions of {dag_id}: {found}. Write more of it."
_UNPUBLISHED = "no version of {dag_id} is published: nbflow publish {path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A version, in a list of them.

    Attributes:
        record: as the home has it; None of a notebook as saved that has not run yet.
        version: its hash.
        published: whether it is what the schedule runs.
        saved: whether it is the notebook as saved.
        since: what has changed against the version before it; None for the first, and where one of the two can't
            be read.
    """

    record: VersionRecord | None
    version: str
    published: bool
    saved: bool
    since: Change | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """Which version a run ran, beside the notebook as saved.

    Attributes:
        version: its hash.
        ago: how many versions later the one is that is saved; 0: it is that one; None: it isn't known, or an earlier
            one was saved again.
        since: what has changed since then; None where the version can't be read.
    """

    version: str
    ago: int | None
    since: Change | None

    def __str__(self) -> str:
        """«ran version ab12cd34, 3 versions ago; since then: task clean changed, task y new»."""
        head = f"ran version {self.version[:SHORT]}"
        if self.ago == 0:
            return f"{head}, the notebook as saved"
        when = "" if self.ago is None else f", {self.ago} version{'' if self.ago == 1 else 's'} ago"
        if self.since is None:
            return f"{head}{when}"
        return f"{head}{when}; since then: {str(self.since) or 'nothing that a task runs'}"


def run_flow(state: StateStore, target: Target, run: RunRecord) -> Flow:
    """The workflow that a run ran last; the notebook as saved where its version can't be had."""
    found = _flow_or_none(state, target, run.version)
    return target.flow if found is None else found


def ran(state: StateStore, target: Target, run: RunRecord) -> Ran:
    """Which version a run ran, how long ago that was, and what has changed since."""
    if run.version == target.flow.version:
        return Ran(version=run.version, ago=0, since=None)
    known = [record.version for record in state.versions.of(target.dag_id)]
    ago = None
    if run.version in known:
        saved = known.index(target.flow.version) if target.flow.version in known else len(known)
        ago = saved - known.index(run.version)
    flow = _flow_or_none(state, target, run.version)
    return Ran(
        version=run.version,
        ago=ago if ago is not None and ago > 0 else None,
        since=None if flow is None else change(flow, target.flow),
    )


def listed(state: StateStore, target: Target, *, last: int) -> list[Listed]:
    """The DAG's versions, latest first, at most `last`; the notebook as saved comes first where it is new."""
    dag = state.dag(target.dag_id)
    published = None if dag is None else dag.published
    records: list[VersionRecord | None] = list(state.versions.of(target.dag_id))
    saved = target.flow.version
    if all(record is None or record.version != saved for record in records):
        records.append(None)
    flows = [
        _flow_or_none(state, target, saved if record is None else record.version)
        for record in records[-last - 1 :]
    ]
    shown = records[-last:]
    before = [None, *flows] if len(flows) == len(shown) else flows
    found = [
        Listed(
            record=record,
            version=saved if record is None else record.version,
            published=record is not None and record.version == published,
            saved=record is None or record.version == saved,
            since=change(old, new) if old is not None and new is not None else None,
        )
        for record, old, new in zip(shown, before, before[1:], strict=False)
    ]
    return found[::-1]


def version_text(state: StateStore, target: Target, version: str) -> str:
    """The notebook of a version as the home has it: nbformat's JSON, without outputs.

    Raises:
        AddressError: the home doesn't have it.
    """
    stored = state.notebook(target.dag_id, version)
    if stored is None:
        known = [record.version for record in state.versions.of(target.dag_id)]
        raise AddressError(_none(target, version[:SHORT], known))
    return json.dumps(json.loads(stored), ensure_ascii=False, indent=1)


def find_version(state: StateStore, target: Target, text: str) -> Flow:
    """The workflow of the version that a person named.

    Args:
        state: of the target's home.
        target: the DAG.
        text: the beginning of its hash; `saved`; `published`; a run's date, id or `latest`: what that run ran.

    Raises:
        AddressError: the home has no such version, or several.
        DateError: the text is none of these.
        NotebookUnreadable, FlowError: this nbflow cannot read it.
    """
    if text == SAVED:
        return target.flow
    dag = state.dag(target.dag_id)
    known = [record.version for record in state.versions.of(target.dag_id)]
    if text == PUBLISHED:
        if dag is None or dag.published is None:
            raise AddressError(_UNPUBLISHED.format(dag_id=target.dag_id, path=target.path.name))
        version = dag.published
    elif _HASH.fullmatch(text):
        version = _named(target, text, list(dict.fromkeys([*known, target.flow.version])))
    else:
        version = find_run(state, target, text).version
    if version == target.flow.version:
        return target.flow
    if dag is None or version not in known:
        raise AddressError(_none(target, text, known))
    return stored_flow(state, dag, version)


def _named(target: Target, text: str, known: Sequence[str]) -> str:
    found = [version for version in known if version.startswith(text)]
    if len(found) > 1:
        listing = ", ".join(version[: max(SHORT, len(text) + 4)] for version in found)
        raise AddressError(_SEVERAL.format(text=text, dag_id=target.dag_id, found=listing))
    if not found:
        raise AddressError(_none(target, text, known))
    return found[0]


def _none(target: Target, text: str, known: Sequence[str]) -> str:
    latest = ", ".join(version[:SHORT] for version in reversed(known[-5:]))
    said = f"Its latest: {latest}." if latest else "It has none yet."
    return _NONE.format(text=text, dag_id=target.dag_id, known=said)


def _flow_or_none(state: StateStore, target: Target, version: str) -> Flow | None:
    """The workflow of a version; None where the home doesn't have it or this nbflow can't read it."""
    if version == target.flow.version:
        return target.flow
    dag = state.dag(target.dag_id)
    if dag is not None:
        with suppress(AddressError, FlowError, NotebookUnreadable):
            return stored_flow(state, dag, version)
    return None
