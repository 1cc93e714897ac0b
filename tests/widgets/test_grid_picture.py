"""The grid as SVG and HTML."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from nbflow.model.grid import GridColumn, GridView
from nbflow.widgets.grid import grid_html, grid_svg, summary

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SVG = "{http://www.w3.org/2000/svg}"


def drawn(view: GridView, dark: bool | None = None) -> Element:
    return ElementTree.fromstring(grid_svg(view, dark))


def titles(view: GridView) -> list[str]:
    return [title.text or "" for title in drawn(view).iter(f"{SVG}title")]


def texts(view: GridView) -> list[str]:
    return ["".join(text.itertext()) for text in drawn(view).iter(f"{SVG}text")]


def test_rows_groups_dates_and_title_are_written(view: GridView) -> None:
    found = texts(view)
    assert {"a", "b", "c", "Part › Deep", "30", "31", "1", "2"} <= set(found)
    assert "2 of 4 succeeded · failed: 31 Jan b: KeyError" in found


def test_a_month_is_named_where_it_begins_unless_the_next_is_too_near(view: GridView) -> None:
    assert "Feb 2013" in texts(view)
    assert "Jan 2013" not in texts(view)


def test_hovering_says_task_date_state_try_time_and_reason(view: GridView) -> None:
    assert "b · 31 Jan 2013 · failed · try 3 · 2.5 s\nKeyError: <b>'x' & y" in titles(view)
    assert "a · 1 Feb 2013 · success\nStale: its code has changed since." in titles(view)
    assert "31 Jan 2013 · manual run · failed · 2.0 s" in titles(view)


def test_the_legend_names_the_states_that_occur(view: GridView) -> None:
    found = texts(view)
    assert {"failed", "upstream failed", "running", "success"} <= set(found)
    assert {"skipped", "queued"}.isdisjoint(found)
    assert "ringed: failed by itself · notched: code has changed since · 5 older runs not shown" in found


def test_only_failed_runs_have_coloured_bars(view: GridView) -> None:
    bars = [rect for rect in drawn(view).iter(f"{SVG}rect") if rect.get("stroke-width") == "0"]
    assert [bar.get("class") for bar in bars if bar.get("height") != "2"] == [
        "nbf-bar",
        "nbf-failed",
        "nbf-bar",
    ]
    assert max(float(bar.get("height", "0")) for bar in bars) == 40


def test_it_is_an_image_with_words_for_those_who_cannot_see_it(view: GridView) -> None:
    root = drawn(view)
    assert (root.get("role"), root.get("aria-label")) == ("img", "Run grid of flights")
    assert root.findtext(f"{SVG}desc") == summary(view)
    assert summary(view) == (
        "3 tasks, 4 runs from 2013-01-30 to 2013-02-02: 1 failed, 1 running, 2 success. "
        "Failed tasks: b on 2013-01-31."
    )


@pytest.mark.parametrize("dark", [False, True, None])
def test_it_follows_its_page_only_where_it_is_asked_to(view: GridView, dark: bool | None) -> None:
    assert ("prefers-color-scheme" in grid_svg(view, dark)) == (dark is None)


def test_no_runs_is_said(view: GridView) -> None:
    empty = replace(view, columns=(), squares={}, title="")
    assert "No runs yet." in texts(empty)
    assert summary(empty) == "flights: no runs yet."


def test_everything_stays_inside_the_picture(view: GridView) -> None:
    long = replace(view, tasks=("an_extraordinarily_long_name_" * 4, *view.tasks), title="failed " * 60)
    root = drawn(long)
    width = float(root.get("width", "0"))
    assert width < 1000
    assert all(float(rect.get("x", "0")) < width for rect in root.iter(f"{SVG}rect"))
    assert any(text.endswith("…") for text in texts(long))


def test_html_is_an_image_that_needs_no_trust(view: GridView) -> None:
    html = grid_html(replace(view, dag_id='"><script>'))
    assert "<svg" not in html
    assert "<script" not in html
    assert html.count("<img ") == 1


def test_a_column_needs_a_zone(view: GridView) -> None:
    column = view.columns[0]
    with pytest.raises(ValueError, match="no time zone"):
        GridColumn(
            run_id=column.run_id, logical_date=column.logical_date.replace(tzinfo=None), state=column.state
        )


def test_the_last_columns_leave_the_others_counted(view: GridView) -> None:
    last = view.last(1)
    assert [column.label for column in last.columns] == ["2013-02-02"]
    assert last.older == 8
    assert {run for _, run in last.squares} == {last.columns[0].run_id}
    assert view.last(9) is view
