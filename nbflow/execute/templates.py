"""Jinja templates in cells of other languages (`%%bash`, `%%sql`) and in options; Airflow's names.

A cell is rendered when it runs: IPython's `run_cell_magic('bash', line, body)` becomes the same call with
`get_ipython().nbflow_rendered(body)` in it, so the cell's frame, its line numbers and its stored text stay what
they are. Jinja is imported where there is a template, and nowhere else.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError, TemplateError
from nbflow.parse.magic import TEMPLATED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import jinja2
    from IPython.core.interactiveshell import InteractiveShell

RENDER = "nbflow_rendered"
_CALL = "get_ipython().run_cell_magic("
_NO_COMMENT = ("{#\0", "\0#}")  # `${#array[@]}` is the shell's; no text has a NUL in it
_RAW = "Where the braces are meant, write {% raw %}…{% endraw %} around them, or --no-template on the task's line."
_UNKNOWN = (
    "line {line} of the template: {error}. A template knows {names}; the notebook's own variables come in by "
    "`params`, or as arguments: `%%bash -s {{x}}`. {raw}"
)
_SYNTAX = "line {line} of the template can't be read: {error}. {raw}"
_INSIDE = "line {line} of the template: {kind}: {error}"
_NO_FUNCTION = "the DAG's {option} names `{name}`, which no cell has defined by now"


def has_template(text: str) -> bool:
    """Whether anything in it is to be rendered."""
    return "{{" in text or "{%" in text


class TemplateTransformer:
    """Has the bodies of templated cell magics rendered when they run; one of IPython's line transforms."""

    def __call__(self, lines: list[str]) -> list[str]:
        """The lines with the call in place of the body; those without a template come back as they are."""
        found = next((number for number, line in enumerate(lines) if line.strip()), None)
        if found is None or not lines[found].startswith(_CALL) or not has_template(lines[found]):
            return lines
        try:
            node = ast.parse(lines[found].strip(), mode="eval").body
        except SyntaxError:
            return lines
        match node:
            case ast.Call(
                args=[ast.Constant(value=str(name)), ast.Constant(value=line), ast.Constant(value=str(body))]
            ) if name in TEMPLATED and has_template(body):
                call = f"{_CALL}{name!r}, {line!r}, get_ipython().{RENDER}({body!r}))\n"
                return [*lines[:found], call, *lines[found + 1 :]]
            case _:
                return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateOptions:
    """What the notebook says of its templates.

    Attributes:
        filters, macros: name in a template → name of a function or value in the notebook.
    """

    filters: Mapping[str, str] = field(default_factory=dict[str, str])
    macros: Mapping[str, str] = field(default_factory=dict[str, str])


class Renderer:
    """Renders templates.

    Args:
        names: gives what templates can use: the names of the run.
        namespace: the notebook's variables, where the DAG's own filters and macros are.
        options: what these are.
    """

    def __init__(
        self,
        names: Callable[[], Mapping[str, object]],
        namespace: Mapping[str, object],
        options: TemplateOptions,
    ) -> None:
        self._names = names
        self._namespace = namespace
        self._options = options
        self._read: dict[str, jinja2.Template] = {}

    def render(self, text: str, more: Mapping[str, object] | None = None) -> str:
        """The text with its templates filled in.

        Args:
            text: any; without a template it comes back as it is.
            more: names beside those of the run, which they outrank.

        Raises:
            TemplateError: a template can't be read, uses a name it hasn't, or raises an error.
        """
        if not has_template(text):
            return text
        import jinja2

        names = {**self._names(), "macros": self._macros, **(more or {})}
        names |= self._own("user_defined_macros", self._options.macros)
        self._environment.filters |= self._own("user_defined_filters", self._options.filters)
        try:
            if text not in self._read:
                self._read[text] = self._environment.from_string(text)
            return self._read[text].render(names)
        except NbflowError:
            raise  # of `var`, `conn` or `ti`: it says what to do
        except jinja2.UndefinedError as error:
            known = ", ".join(sorted(name for name in names if not name.startswith("_")))
            message = _UNKNOWN.format(line=_line(error), error=error.message, names=known, raw=_RAW)
            raise TemplateError(message) from None
        except jinja2.TemplateSyntaxError as error:
            raise TemplateError(_SYNTAX.format(line=error.lineno, error=error.message, raw=_RAW)) from None
        except Exception as error:
            message = _INSIDE.format(line=_line(error), kind=type(error).__name__, error=error)
            raise TemplateError(message) from error

    @cached_property
    def _environment(self) -> jinja2.Environment:
        import jinja2

        from nbflow.execute.macros import FILTERS

        start, end = _NO_COMMENT
        environment = jinja2.Environment(  # noqa: S701 the text is no HTML
            undefined=jinja2.StrictUndefined,
            comment_start_string=start,
            comment_end_string=end,
            keep_trailing_newline=True,
            extensions=["jinja2.ext.do"],
            cache_size=0,
        )
        environment.filters |= FILTERS
        return environment

    @cached_property
    def _macros(self) -> object:
        from nbflow.execute.macros import Macros

        return Macros()

    def _own(self, option: str, wanted: Mapping[str, str]) -> dict[str, Any]:
        """The notebook's own functions, as they are by now."""
        found: dict[str, Any] = {}
        for name, function in wanted.items():
            if function not in self._namespace:
                raise TemplateError(_NO_FUNCTION.format(option=option, name=function))
            found[name] = self._namespace[function]
        return found


def offer_templates(shell: InteractiveShell, render: Callable[[str], str]) -> TemplateTransformer:
    """Have the shell render the templates of its cells; gives the transformer, for `withdraw_templates`."""
    transformer = TemplateTransformer()
    shell.input_transformer_manager.line_transforms.append(transformer)
    setattr(shell, RENDER, render)
    return transformer


def withdraw_templates(shell: InteractiveShell, transformer: TemplateTransformer) -> None:
    """Have the shell take cells as they are again."""
    shell.input_transformer_manager.line_transforms.remove(transformer)
    delattr(shell, RENDER)


def _line(error: BaseException) -> int:
    """The line of the template in which an error was raised, from 1."""
    line, traceback = 1, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == "<template>":
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
