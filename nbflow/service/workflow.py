"""A notebook as its runs need it: read from its file, or as the home has stored it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from nbflow.errors import AddressError
from nbflow.model.dag import DagSpec
from nbflow.parse.dag_options import with_options
from nbflow.parse.flow import dag_spec_of, flow_of
from nbflow.parse.notebook_file import load
from nbflow.service.clock import now
from nbflow.service.dates import with_start
from nbflow.service.modules import with_saved_modules, with_stored_modules
from nbflow.store.notebooks import without_outputs
from nbflow.store.trust import check_owner

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbflow.model.flow import Flow
    from nbflow.model.record import DagRecord
    from nbflow.store.state_reader import StateReader

_NO_VERSION = "the home of {dag_id} has no notebook of version {version}: leave --original out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A notebook as its runs need it.

    Attributes:
        flow: as read.
        notebook: its JSON without outputs.
        cwd: where its cells run: its folder.
        stored: whether it is a stored version: its runs import the modules that were stored with it.
    """

    flow: Flow
    notebook: Mapping[str, object]
    cwd: Path
    stored: bool = False


def read_workflow(
    path: Path, record: DagRecord | None = None, *, options: Mapping[str, object] | None = None
) -> Workflow:
    """The notebook as saved; the rest as for `dated`.

    Raises:
        NotebookUnreadable, FlowError: it cannot be read as a workflow.
        TrustError: it is another user's.
    """
    check_owner(path, "the notebook")
    notebook = load(path)
    flow = dated(with_saved_modules(flow_of(notebook, str(path)), path), record, options)
    return Workflow(flow=flow, notebook=without_outputs(notebook), cwd=path.resolve().parent)


def stored_workflow(state: StateReader, record: DagRecord, version: str) -> Workflow:
    """The notebook as it was at a stored version, for its place of today.

    Raises:
        AddressError: the home has no such version.
    """
    notebook = _stored_notebook(state, record, version)
    modules = state.versions.modules(record.dag_id, version)
    flow = dated(with_stored_modules(flow_of(notebook, str(record.path)), modules), record)
    return Workflow(flow=flow, notebook=notebook, cwd=record.path.resolve().parent, stored=True)


def stored_dag(state: StateReader, record: DagRecord, version: str) -> DagSpec:
    """The `dag` of `stored_workflow`, without a look at its tasks.

    Raises:
        AddressError: the home has no such version.
    """
    notebook = _stored_notebook(state, record, version)
    return _dated(dag_spec_of(notebook, str(record.path)), record, record.options)


def _stored_notebook(state: StateReader, record: DagRecord, version: str) -> dict[str, object]:
    stored = state.notebook(record.dag_id, version)
    if stored is None:
        raise AddressError(_NO_VERSION.format(dag_id=record.dag_id, version=version[:12]))
    return json.loads(stored)


def dated(flow: Flow, record: DagRecord | None, options: Mapping[str, object] | None = None) -> Flow:
    """The notebook with its start date as a date, also where it writes it relative ("14 days ago"), and with
    what was said of its schedule from outside.

    Args:
        flow: as read.
        record: of the DAG in its home; None where that doesn't know it yet.
        options: said from outside; None: as the record has them.

    Raises:
        OptionError: the options don't go with what the notebook says.
    """
    if options is None:
        options = {} if record is None else record.options
    return replace(flow, dag=_dated(flow.dag, record, options))


def _dated(dag: DagSpec, record: DagRecord | None, options: Mapping[str, object]) -> DagSpec:
    told = with_options(dag, open_options(dag, options)) if options else dag
    return with_start(told, None if record is None else record.start_date, now=now())


def open_options(dag: DagSpec, options: Mapping[str, object]) -> dict[str, object]:
    """Of options said from outside, those of `%%dag` that the notebook leaves open: what it says comes first."""
    silent = DagSpec(dag_id=dag.dag_id)
    said = {
        field.name for field in fields(dag) if getattr(dag, field.name) != getattr(silent, field.name)
    } | {"params"}
    if "start_ago" in said:
        said.add("start_date")
    return {key: value for key, value in options.items() if key not in said}
