"""Templates in cells of other languages."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from nbflow.errors import OutsideError, TemplateError
from nbflow.execute.imports import imports_of
from nbflow.execute.templates import Renderer, TemplateOptions, TemplateTransformer
from nbflow.parse.flow import flow_of

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {
    "ds": "2026-02-17",
    "params": {"rows": 3},
    "logical_date": datetime(2026, 2, 17, 6, tzinfo=UTC),
    "ti": type("ti", (), {"xcom_pull": staticmethod(lambda task: f"value of {task}")}),
}
OPTIONS = TemplateOptions(filters={"loud": "shout"}, macros={"twice": "double"})
NAMESPACE = {"shout": str.upper, "double": lambda n: 2 * n, "mine": 1}


def rendered(text: str) -> str:
    return Renderer(lambda: NAMES, NAMESPACE, OPTIONS).render(text)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain {text}\n", "plain {text}\n"),
        ("{{ ds }}\n", "2026-02-17\n"),
        ("{{ params.rows }} {{ params['rows'] + 1 }}", "3 4"),
        ("{{ ti.xcom_pull('load') }}", "value of load"),
        ("{{ logical_date | ts_nodash }} {{ logical_date | ds }}", "20260217T060000 2026-02-17"),
        ("{{ macros.ds_add(ds, -20) }}", "2026-01-28"),
        ("{{ macros.ds_format(ds, '%Y-%m-%d', '%d.%m.%y') }}", "17.02.26"),
        ("{{ (logical_date + macros.timedelta(days=1)).day }}", "18"),
        ("{{ macros.json.dumps([1]) }}", "[1]"),
        ("{% for n in range(3) %}{{ n }}{% endfor %}", "012"),
        ("{{ 'x' | loud }} {{ twice(4) }}", "X 8"),
        ("${#array[@]} {# no comment #} {{ ds }}", "${#array[@]} {# no comment #} 2026-02-17"),
        ("{% raw %}{{ .State }}{% endraw %}", "{{ .State }}"),
    ],
)
def test_a_template_becomes(text: str, result: str) -> None:
    assert rendered(text) == result


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\n{{ nope }}", "line 2 of the template: 'nope' is undefined. A template knows ds, logical_date,"),
        ("{{ mine }}", "`%%bash -s {x}`"),
        ("{{ params.nix }}", "has no attribute 'nix'"),
        ("docker inspect -f '{{ .State }}'", "write {% raw %}…{% endraw %} around them, or --no-template"),
        ("\n\n{% for %}", "line 3 of the template can't be read"),
        ("\n{{ 1 / 0 }}", "line 2 of the template: ZeroDivisionError: division by zero"),
    ],
)
def test_what_cannot_be_rendered_says_why(text: str, words: str) -> None:
    with pytest.raises(TemplateError) as error:
        rendered(text)
    assert words in str(error.value)


def test_an_error_of_nbflow_inside_stays_what_it_is() -> None:
    def missing() -> None:
        raise OutsideError("there is no variable 'x'")

    with pytest.raises(OutsideError, match="no variable 'x'"):
        Renderer(lambda: {"f": missing}, {}, TemplateOptions()).render("{{ f() }}")


def test_a_filter_that_is_not_defined_yet_is_named() -> None:
    options = TemplateOptions(filters={"loud": "shout"})
    with pytest.raises(TemplateError, match="user_defined_filters names `shout`"):
        Renderer(lambda: NAMES, {}, options).render("{{ ds }}")


@dataclass(frozen=True)
class Cell:
    name: str
    source: str
    renders: bool


CELLS = [
    Cell("bash", "%%bash\necho {{ ds }}\n", True),
    Cell("sh with options", "%%sh --out x\necho {{ ds }}\n", True),
    Cell("another shell", "%%script zsh\necho {% if ds %}x{% endif %}\n", True),
    Cell("SQL", "%%sql\nselect '{{ ds }}'\n", True),
    Cell("without a template", "%%bash\necho ${ds}\n", False),
    Cell("HTML has its own braces", "%%html\n{{ ds }}\n", False),
    Cell("so has another Python", "%%python3\nprint(f'{{x}}')\n", False),
    Cell("a Python cell", "x = '{{ ds }}'\n", False),
    Cell("a shell line", "!echo {{ds}}\n", False),
]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_only_bodies_for_shells_and_databases_are_rendered(cell: Cell) -> None:
    manager = TransformerManager()
    before = manager.transform_cell(cell.source)
    manager.line_transforms.append(TemplateTransformer())
    after = manager.transform_cell(cell.source)
    assert ("nbflow_rendered(" in after) == cell.renders
    assert after.replace("get_ipython().nbflow_rendered(", "").replace("))", ")") == before.replace("))", ")")


@pytest.mark.parametrize(
    ("source", "early"),
    [
        ("%%bash\necho {{ ds }}", True),
        ("%%task say\n%%sql\n{{ ds }}", True),
        ("%%html\n{{ ds }}", False),
        ("x = 1", False),
    ],
)
def test_a_host_has_jinja_before_a_try_needs_it(source: str, early: bool, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    assert ("import jinja2" in imports_of(flow_of(notebook), tmp_path)) is early


def test_jinja_is_imported_where_there_is_a_template_only() -> None:
    code = (
        "import sys\n"
        "from nbflow.execute.templates import Renderer, TemplateOptions\n"
        "Renderer(dict, {}, TemplateOptions()).render('plain')\n"
        "assert 'jinja2' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
