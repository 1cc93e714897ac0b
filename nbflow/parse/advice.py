"""Warnings and hints: what the text can't show, and what would run in parallel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.problem import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.model.dag import DagSpec
    from nbflow.model.flow import Flow
    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft
    from nbflow.parse.wiring import Wiring


def advice(
    drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], dag: DagSpec, wiring: Wiring, flow: Flow
) -> list[Problem]:
    """Every warning and hint about a notebook that makes a DAG."""
    return []
