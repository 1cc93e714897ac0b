"""Templates in cells of other languages (`%%bash`, `%%sql`): what is wrong with them before anything runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbflow.model.context import CONTEXT_NAMES
from nbflow.model.problem import Problem, Severity
from nbflow.parse.magic import TEMPLATED
from nbflow.parse.option import nearest
from nbflow.parse.source import cell_magic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbflow.model.dag import DagSpec
    from nbflow.model.task import TaskSpec
    from nbflow.parse.draft import Draft

TEMPLATE_NAMES = (*CONTEXT_NAMES, "macros", "dag_run", "task_instance")
"""What every template knows."""
TEMPLATE_FILTERS = ("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz")
"""Filters that every template has beside Jinja's own; Airflow's."""

_EXPRESSION = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
_NO_COMMENT = ("{#\0", "\0#}")  # `${#array[@]}` is the shell's; no text has a NUL in it
_RAW = "Where the braces are meant, write {% raw %}…{% endraw %} around them, or --no-template on the task's line."


def template_of(body: str) -> str | None:
    """The text of a cell that is rendered, its magic's line empty, so that line numbers stay the cell's.

    None for a cell without a template; Python cells have none.
    """
    if "{{" not in body and "{%" not in body:
        return None
    magic = cell_magic(body)
    if magic is None or magic[0] not in TEMPLATED:
        return None
    lines = body.split("\n")
    at = next(index for index, line in enumerate(lines) if line.strip())
    return "\n" * (at + 1) + "\n".join(lines[at + 1 :])


def expressions(body: str) -> Iterator[tuple[str, int]]:
    """What stands in `{{ }}` and `{% %}` of a cell that is rendered, with its line."""
    text = template_of(body) or ""
    for found in _EXPRESSION.finditer(text):
        yield found[1] or found[2] or "", text.count("\n", 0, found.start()) + 1


def template_problems(drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], dag: DagSpec) -> list[Problem]:
    """Templates that can't be read (errors), and names that no template knows (warnings)."""
    problems: list[Problem] = _of_labels(drafts, tasks, dag)
    for draft in drafts:
        spec = tasks.get(draft.task_id or "") if draft.own else None
        if not draft.runs or (spec and spec.no_template) or (text := template_of(draft.body)) is None:
            continue
        filters = (*TEMPLATE_FILTERS, *dag.user_defined_filters)
        mapped = [name for over in (spec.map if spec else ()) for name in over.names]
        known = {*TEMPLATE_NAMES, *dag.user_defined_macros, *mapped}
        problems += _problems(text, known, filters, draft)
    return problems


def _of_labels(drafts: Sequence[Draft], tasks: Mapping[str, TaskSpec], dag: DagSpec) -> list[Problem]:
    """Labels of mapped tasks that can't be read; what they may name is known when an instance has run."""
    problems: list[Problem] = []
    filters = (*TEMPLATE_FILTERS, *dag.user_defined_filters)
    for draft in drafts:
        header = draft.header
        spec = tasks.get(draft.task_id or "") if header is not None else None
        if header is None or spec is None or spec.no_template or header.options.get("label") is None:
            continue
        if (why := _unreadable(spec.label, filters)) is not None:
            message = f"--label {spec.label!r} can't be read: {why[0]}. Write --label '{{{{ {spec.map[0].names[0]} }}}}'."
            problems.append(_problem(Severity.ERROR, "bad-template", message, draft, header.lines))
    return problems


def _unreadable(text: str, filters: Iterable[str]) -> tuple[str, int] | None:
    """Why a text is no template, and its line; None when it is one."""
    import jinja2

    try:
        _names(text, filters)
    except jinja2.TemplateSyntaxError as error:
        return error.message or "it is no template", error.lineno
    return None


def _problems(text: str, known: set[str], filters: Sequence[str], draft: Draft) -> Iterator[Problem]:
    if (why := _unreadable(text, filters)) is not None:
        message = f"the template can't be read: {why[0].rstrip('.')}. {_RAW}"
        yield _problem(Severity.ERROR, "bad-template", message, draft, why[1])
        return
    for name in sorted(_names(text, filters) - known):
        lines = (line for piece, line in expressions(draft.body) if re.search(rf"\b{name}\b", piece))
        message = (
            f"the template reads `{name}`, which no template knows.{nearest(name, known)} There are "
            f"{', '.join(TEMPLATE_NAMES)}; the notebook's own variables come in by `params` or user_defined_macros."
        )
        yield _problem(Severity.WARNING, "template-name", message, draft, next(lines, None))


def _names(text: str, filters: Iterable[str]) -> set[str]:
    """The names that a template needs from outside.

    Args:
        text: the template.
        filters: those there are beside Jinja's own.

    Raises:
        jinja2.TemplateSyntaxError: it can't be read, or uses a filter that there is not.
    """
    import jinja2  # a tenth of a second: only where there is a template
    from jinja2.defaults import DEFAULT_NAMESPACE
    from jinja2.meta import find_undeclared_variables

    start, end = _NO_COMMENT
    environment = jinja2.Environment(  # noqa: S701 (nothing is rendered)
        comment_start_string=start, comment_end_string=end, extensions=["jinja2.ext.do"]
    )
    environment.filters |= dict.fromkeys(filters, str)
    return find_undeclared_variables(environment.parse(text)) - DEFAULT_NAMESPACE.keys()


def _problem(severity: Severity, code: str, message: str, draft: Draft, line: int | None) -> Problem:
    return Problem(
        severity=severity, code=code, message=message, cell=draft.number, line=line, task=draft.task_id
    )
