"""Task lines for an ordinary notebook."""

from __future__ import annotations

from nbformat import v4

from nbflow.parse.flow import flow_of
from nbflow.parse.suggest import slug, suggest

CODE = {
    "imports": "import pandas as pd\nLIMIT = 3",
    "helper": "def load_rows(path):\n    return [path]",
    "load": "raw = load_rows('x')",
    "look": "raw",
    "clean": "clean = [row for row in raw]",
    "change": "clean.append(LIMIT)",
    "plot": "print(clean)",
}


def notebook(*parts: str) -> dict:
    return v4.new_notebook(
        cells=[v4.new_code_cell(CODE[part]) if part in CODE else v4.new_markdown_cell(part) for part in parts]
    )


SECTIONS = notebook(
    "# Report",
    "imports",
    "helper",
    "## 1. Load the rows",
    "load",
    "look",
    "## Clean",
    "clean",
    "change",
    "## Plot it",
    "plot",
)


def test_each_section_begins_a_task() -> None:
    assert [(found.index, found.name) for found in suggest(SECTIONS)] == [
        (4, "load_the_rows"),
        (7, "clean"),
        (10, "plot_it"),
    ]


def test_without_headings_what_later_cells_use_begins_one() -> None:
    plain = notebook("imports", "helper", "load", "look", "clean", "change", "plot")
    assert [(found.index, found.name) for found in suggest(plain)] == [(2, "load_rows"), (4, "make_clean")]


def test_a_notebook_with_tasks_is_left_alone() -> None:
    assert suggest(v4.new_notebook(cells=[v4.new_code_cell("%%task a\n1")])) == []


def test_the_lines_proposed_make_a_flow() -> None:
    for found in suggest(SECTIONS):
        SECTIONS["cells"][found.index]["source"] = (
            f"%%task {found.name}\n" + SECTIONS["cells"][found.index]["source"]
        )
    flow = flow_of(SECTIONS)
    assert list(flow.tasks) == ["load_the_rows", "clean", "plot_it"]
    assert {(edge.upstream, edge.downstream) for edge in flow.edges} == {
        ("load_the_rows", "clean"),
        ("clean", "plot_it"),
    }


def test_a_name_is_the_first_words_of_a_heading_in_any_script() -> None:
    assert slug("Load all of the raw data!") == "load_all_of_the"
    assert slug("데이터 추출") == "데이터_추출"
    assert slug("!?") == ""
