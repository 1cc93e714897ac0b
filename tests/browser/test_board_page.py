"""The board's page in a real browser: what is seen, what a person does, what is asked of the kernel."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from browser.access import serious
from browser.harness import Shown
from browser.made_boards import BOARDS, HOSTILE, MadeBoard, run_of, story, year
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

FAILED = "2013-02-17T00:00:00Z"
NEWEST = "2013-03-01T00:00:00Z"


@pytest.fixture
def show(browser: Browser) -> Iterator[Callable[..., Shown]]:
    """Shows a board; at the test's end nothing has gone wrong on its page, and nothing was asked of others."""
    opened: list[tuple[Shown, Any]] = []

    def on_page(
        made: MadeBoard, *, width: int = 1250, height: int = 900, dark: bool = False, **options: Any
    ) -> Shown:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            **options,
        )
        found = Shown(context.new_page(), made)
        opened.append((found, context))
        return found.open()

    yield on_page
    for found, context in opened:
        errors, asked = list(found.errors), list(found.asked)
        context.close()
        assert errors == []
        assert [
            address
            for address in asked
            if address.removeprefix("http://board.test/").partition("?")[0] not in found.made.served
        ] == []


# --- what is seen ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in BOARDS if name != "hostile"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_board_is_drawn_without_an_error(
    show: Callable[..., Shown], name: str, dark: bool, tmp_path: Path
) -> None:
    shown = show(BOARDS[name](), dark=dark)
    expect(shown.locator(".nbf-headline")).to_contain_text("flights")
    expect(shown.locator(".nbf-graph")).to_be_visible()
    assert shown.page.screenshot(path=tmp_path / f"{name}.png")


def test_the_headline_says_how_many_which_failed_today_and_what_is_next(show: Callable[..., Shown]) -> None:
    shown = show(story())
    expect(shown.locator(".nbf-headline .nbf-sentence")).to_have_text(
        "flights59 of 61 succeeded · 1 running17 FebcleanKeyError: 'x', cell 9 line 2today: runningnext 06:00"
    )
    expect(shown.locator(".nbf-failure")).to_have_accessible_name(
        "failed: 17 Feb clean, KeyError: 'x', cell 9 line 2"
    )


def test_more_than_three_failures_are_named_when_asked_for(show: Callable[..., Shown]) -> None:
    shown = show(BOARDS["year"]())
    expect(shown.locator(".nbf-failure")).to_have_count(3)
    shown.button("17 more").click()
    expect(shown.locator(".nbf-failure")).to_have_count(20)


def test_banners_say_what_keeps_runs_from_running_each_with_its_button(show: Callable[..., Shown]) -> None:
    shown = show(BOARDS["one"]())
    for title, name, verb in [
        ("Paused", "Resume", "unpause"),
        ("Not published", "Publish it", "publish"),
        ("No scheduler", "Start one", "start_scheduler"),
    ]:
        banner = shown.locator(".nbf-banner").filter(has_text=title)
        banner.get_by_role("button", name=name).click()
        assert shown.wait_sent("act")[-1] == {"verb": verb, "body": {}}
        shown.page.evaluate("window.sent.length = 0")


def test_the_newest_runs_are_in_sight_and_the_next_ones_are_ghosts(show: Callable[..., Shown]) -> None:
    shown = show(story(), width=700)
    x, _ = shown.square(NEWEST, "load")
    assert 0 < x < 700
    expect(shown.locator(".nbf-ghost")).to_have_count(3)
    expect(shown.locator(".nbf-axis .nbf-today")).to_have_count(1)
    expect(shown.locator(".nbf-axis .nbf-coarse")).to_have_text(["Jan 2013", "Feb 2013", "Mar 2013"])


def test_the_month_at_the_left_edge_stays_in_sight(show: Callable[..., Shown]) -> None:
    shown = show(story())
    names = shown.locator(".nbf-names").bounding_box()
    month = shown.locator(".nbf-axis .nbf-coarse").first
    expect(month).to_have_text("Jan 2013")
    seen = month.bounding_box()
    assert names
    assert seen
    assert seen["x"] >= names["x"] + names["width"]


def test_a_tip_at_the_edge_is_no_narrower_than_elsewhere(show: Callable[..., Shown]) -> None:
    shown = show(story(), width=480)
    shown.page.mouse.move(*shown.square("2013-02-20T00:00:00Z", "clean"))
    before = shown.locator(".nbf-tip").bounding_box()
    shown.page.mouse.move(*shown.square("2013-02-28T00:00:00Z", "clean"))
    after = shown.locator(".nbf-tip").bounding_box()
    assert before
    assert after
    assert after["height"] == before["height"]


def test_a_root_failure_is_ringed_its_consequences_are_not_and_stale_squares_have_a_notch(
    show: Callable[..., Shown],
) -> None:
    shown = show(story())
    expect(shown.locator(".nbf-cells .nbf-ring")).to_have_count(1)
    assert shown.locator(".nbf-cells .nbf-s-f").count() == 1
    expect(shown.locator(".nbf-cells .nbf-notch")).to_have_count(1)
    expect(shown.locator(".nbf-legend")).to_contain_text("3 stale")


def test_hovering_a_square_tells_of_it_and_lights_its_node_and_a_node_lights_its_line(
    show: Callable[..., Shown],
) -> None:
    shown = show(story())
    shown.page.mouse.move(*shown.square(FAILED, "clean"))
    expect(shown.locator(".nbf-tip")).to_have_text("clean · 17 Feb 2013 · failed · try 3 · 1.2 s1 note")
    expect(shown.locator('.nbf-node[data-node="clean"]')).to_have_class(re.compile(r"\blit\b"))
    expect(shown.locator(".nbf-graph-title")).to_contain_text("states of 17 Feb 2013")
    shown.locator('.nbf-node[data-node="fit"]').hover()
    expect(shown.locator(".nbf-band.nbf-row")).to_be_visible()
    expect(shown.locator(".nbf-graph-title")).to_contain_text("states of 1 Mar 2013")


def test_hovering_an_edge_says_why_it_is_there_and_order_alone_is_dashed(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.locator(".nbf-edge.nbf-variable .nbf-reach").first.hover()
    expect(shown.locator(".nbf-why")).to_contain_text("used in cell 5, line 2")
    dashes = shown.locator(".nbf-edge.nbf-position .nbf-line").first.evaluate(
        "line => getComputedStyle(line).strokeDasharray"
    )
    assert dashes != "none"


def test_a_group_shuts_to_its_loudest_state_in_the_grid_and_in_the_graph(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.locator('.nbf-name[data-group="prepare"]').click()
    expect(shown.locator('.nbf-name[data-task="clean"]')).to_have_count(0)
    expect(shown.locator(".nbf-cells .nbf-s-f")).to_have_count(1)  # the group's
    shown.locator('.nbf-name[data-group="prepare"]').click()
    expect(shown.locator('.nbf-name[data-task="clean"]')).to_be_visible()
    shown.locator(".nbf-cluster-name").click()
    expect(shown.locator('.nbf-node[data-node="clean"]')).to_have_count(0)
    expect(shown.locator(".nbf-node.nbf-summary")).to_contain_text("3 tasks")


def test_a_filter_leaves_only_its_state_at_full_strength(show: Callable[..., Shown]) -> None:
    shown = show(story())
    entry = shown.locator('.nbf-entry[data-letter="f"]')
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "true")
    dimmed = "node => Number(getComputedStyle(node).opacity)"
    assert shown.locator(".nbf-cells .nbf-s-f").evaluate(dimmed) == 1
    assert shown.locator(".nbf-cells .nbf-s-s").first.evaluate(dimmed) < 0.3
    shown.button("show all").click()
    assert shown.locator(".nbf-cells .nbf-s-s").first.evaluate(dimmed) == 1


@pytest.mark.parametrize(("theme", "scheme"), [("true", "light"), ("false", "dark")])
def test_jupyterlabs_theme_decides_not_the_systems(
    show: Callable[..., Shown], theme: str, scheme: str
) -> None:
    shown = show(story(), dark=scheme == "light")
    shown.page.evaluate("theme => { document.body.dataset.jpThemeLight = theme; }", theme)
    assert shown.page.locator(".nbf-board").evaluate("node => getComputedStyle(node).colorScheme") == scheme


def test_the_panel_stands_beside_the_grid_or_below_where_there_is_no_room(show: Callable[..., Shown]) -> None:
    wide = show(story())
    wide.open_failure()
    grid, panel = wide.locator(".nbf-grid").bounding_box(), wide.locator(".nbf-panel").bounding_box()
    assert grid
    assert panel
    assert panel["x"] > grid["x"] + grid["width"] - 1
    x, _ = wide.square(FAILED, "clean")
    assert grid["x"] < x < grid["x"] + grid["width"]  # the square it is about stays in sight
    narrow = show(story(), width=480)
    narrow.open_failure()
    grid, panel = narrow.locator(".nbf-grid").bounding_box(), narrow.locator(".nbf-panel").bounding_box()
    assert grid
    assert panel
    assert panel["y"] > grid["y"] + grid["height"] - 1
    assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 480


def test_a_view_shows_the_grid_or_the_graph_alone_and_the_menu_changes_it(show: Callable[..., Shown]) -> None:
    made = story()
    made.view = "grid"
    shown = show(made)
    expect(shown.locator(".nbf-graph")).to_be_hidden()
    shown.button("More").click()
    shown.page.get_by_role("menuitemradio", name="Graph alone").click()
    expect(shown.locator(".nbf-grid")).to_be_hidden()
    expect(shown.locator(".nbf-graph")).to_be_visible()


# --- the panels --------------------------------------------------------------------------------------


def test_a_click_on_the_failure_opens_its_panel_with_state_reason_error_and_outputs(
    show: Callable[..., Shown],
) -> None:
    shown = show(story())
    shown.open_failure()
    panel = shown.locator(".nbf-panel")
    assert shown.sent("square_panel") == [
        {"run_id": FAILED, "task_id": "clean", "map_index": -1, "try_number": None}
    ]
    expect(panel).to_have_attribute("data-state", "failed")
    expect(panel.locator(".nbf-state-line")).to_have_text(
        "failedan error in cell 9, line 2; no retries are left"
    )
    expect(panel.locator(".nbf-facts")).to_have_text("1.2 s usually 3.4 stry 3 of 3")
    expect(panel.locator(".nbf-error-box")).to_have_text("KeyError: 'x'cell 9, line 2")
    expect(panel.locator(".nbf-tab-body")).to_contain_text("842 flights read")
    frame = panel.frame_locator("iframe.nbf-output")
    expect(frame.locator("td").first).to_have_text("UA")
    expect(panel.locator("pre.nbf-error .nbf-ansi-c1")).to_have_text("KeyError")


def test_its_tabs_show_log_values_tries_and_what_is_around(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.open_failure()
    body = shown.locator(".nbf-tab-body")
    tab = lambda name: shown.page.get_by_role("tab", name=name)  # noqa: E731
    tab("Log").click()
    expect(body.locator(".nbf-log")).to_contain_text("842 rows")
    tab("Values").click()
    expect(body.locator("th").first).to_have_text("carrierstring")
    expect(body.locator("td").nth(2)).to_have_text("11")
    expect(body).to_contain_text("20 of 842 rows")
    expect(body.locator(".nbf-spark svg .nbf-dot.nbf-here")).to_have_count(1)
    tab("Tries").click()
    expect(body.locator(".nbf-try")).to_have_count(3)
    body.get_by_role("button", name="show").first.click()
    assert shown.wait_sent("square_panel", 2)[-1]["try_number"] == 2
    tab("Around").click()
    expect(body).to_contain_text("join_weather")
    body.get_by_role("button", name="load").click()
    assert shown.wait_sent("square_panel", 3)[-1]["task_id"] == "load"


def test_a_log_that_grows_is_followed_to_its_end(show: Callable[..., Shown]) -> None:
    made = story()
    made.answers["square_panel"] |= {"state": "running", "error": None}
    made.answers["square_panel"]["log"] = {"text": "first\n", "offset": 6, "ended": False}
    made.answers["log_after"] = {"text": "second\n", "offset": 13, "ended": False}
    shown = show(made)
    shown.open_failure()
    shown.page.get_by_role("tab", name="Log").click()
    expect(shown.locator(".nbf-log")).to_contain_text("second")
    assert shown.sent("log_after")[0] == {
        "run_id": FAILED,
        "task_id": "clean",
        "map_index": -1,
        "try_number": 3,
        "offset": 6,
    }
    shown.answer("log_after", {"text": "third\n", "offset": 19, "ended": True})
    expect(shown.locator(".nbf-log")).to_contain_text("third")
    asked = len(shown.sent("log_after"))
    shown.page.clock.install()
    shown.page.clock.fast_forward(10_000)
    assert len(shown.sent("log_after")) == asked  # it has ended


def test_a_run_shows_its_tasks_along_the_clock_and_a_task_every_date(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.locator(f'[data-run="{FAILED}"]').click()
    panel = shown.locator('.nbf-panel[data-kind="run"]')
    expect(panel.locator(".nbf-lane")).to_have_count(3)
    expect(panel.locator(".nbf-lane").nth(1)).to_have_accessible_name("clean, failed, 6.0 s")
    shown.locator('.nbf-name[data-task="clean"]').click()
    panel = shown.locator('.nbf-panel[data-kind="task"]')
    expect(panel.locator(".nbf-shot")).to_have_count(60)
    expect(panel.locator(".nbf-spark")).to_have_count(2)
    panel.locator(".nbf-shot").first.click()
    assert shown.wait_sent("square_panel")[-1]["run_id"] == NEWEST


def test_instances_of_a_mapped_task_are_opened_one_by_one(show: Callable[..., Shown]) -> None:
    made = story()
    made.answers["square_panel"]["mapped"] = [
        {"index": 0, "label": "UA", "state": "success"},
        {"index": 1, "label": "AA", "state": "failed"},
    ]
    shown = show(made)
    shown.open_failure()
    shown.page.get_by_role("button", name="instance AA, failed").click()
    assert shown.wait_sent("square_panel", 2)[-1]["map_index"] == 1
    expect(shown.locator(".nbf-panel h3")).to_have_text("clean[1]")


def test_a_panel_that_cannot_be_had_says_why(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.refuse("square_panel", "flights has no run of that date (any more).")
    shown.open_failure()
    expect(shown.locator(".nbf-panel .nbf-bad")).to_have_text("flights has no run of that date (any more).")
    shown.button("Close the panel").click()
    expect(shown.locator(".nbf-panel")).to_be_hidden()


def test_a_panel_that_could_not_be_had_is_asked_for_again_when_its_run_moves(
    show: Callable[..., Shown],
) -> None:
    shown = show(story())
    shown.refuse("square_panel", "the home is busy.")
    shown.open_failure()
    expect(shown.locator(".nbf-panel .nbf-bad")).to_be_visible()
    shown.answer("square_panel", shown.made.answers["square_panel"])
    shown.news(mark=101, squares={FAILED: "sfsuuuuk"})
    expect(shown.locator(".nbf-panel .nbf-state-line")).to_contain_text("failed")
    expect(shown.locator(".nbf-panel .nbf-bad")).to_have_count(0)


# --- what a person does ------------------------------------------------------------------------------


def test_save_and_clear_saves_the_notebook_and_has_the_task_run_again(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.page.evaluate(
        "document.addEventListener('keydown', event => { window.pressed = `${event.ctrlKey} ${event.key}`; }, true)"
    )
    shown.open_failure()
    shown.button("Save and clear").click()
    assert shown.wait_sent("act") == [
        {"verb": "clear", "body": {"run_ids": [FAILED], "tasks": ["clean"], "downstream": True}}
    ]
    assert shown.page.evaluate("window.pressed") == "true s"
    expect(shown.locator(".nbf-notice")).to_contain_text("6 tasks of 2013-02-17 run again")


def test_save_and_clear_waits_until_the_front_end_has_saved(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.page.evaluate(
        """window.jupyterapp = { commands: { hasCommand: () => true, execute: name => new Promise(done => { window.saving = name; window.saved = done; }) } }"""
    )
    shown.open_failure()
    shown.button("Save and clear").click()
    shown.page.wait_for_function("window.saving === 'docmanager:save'")
    assert shown.sent("act") == []
    shown.page.evaluate("window.saved()")
    shown.wait_sent("act")


def test_pull_asks_the_kernel_for_the_try_with_its_variables_where_it_failed(
    show: Callable[..., Shown],
) -> None:
    shown = show(story())
    shown.open_failure()
    shown.button("Pull").click()
    assert shown.wait_sent("pull") == [
        {"run_id": FAILED, "task_id": "clean", "map_index": -1, "try_number": None, "failed": True}
    ]
    expect(shown.locator(".nbf-notice")).to_contain_text("`threshold` was overwritten")


def test_clear_shows_what_would_run_again_before_it_does(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.open_failure()
    shown.button("Clear…").click()
    form = shown.locator(".nbf-form")
    expect(form.locator(".nbf-affected li")).to_have_count(6)
    assert shown.sent("preview") == [
        {"verb": "clear", "body": {"run_ids": [FAILED], "tasks": ["clean"], "downstream": True}}
    ]
    assert shown.sent("act") == []
    form.get_by_label("later dates").check()
    assert shown.wait_sent("preview", 2)[-1]["body"] == {
        "run_ids": [FAILED],
        "tasks": ["clean"],
        "downstream": True,
        "future": True,
    }
    shown.button("Clear 6 tasks").click()
    assert shown.wait_sent("act") == [
        {
            "verb": "clear",
            "body": {"run_ids": [FAILED], "tasks": ["clean"], "downstream": True, "future": True},
        }
    ]
    expect(form).to_have_count(0)


def test_where_nothing_would_happen_there_is_nothing_to_press(show: Callable[..., Shown]) -> None:
    made = story()
    made.answers["preview"] = {"said": "Nothing to mark.", "count": 0, "rows": []}
    shown = show(made)
    shown.open_failure()
    shown.button("Mark…").click()
    expect(shown.locator(".nbf-preview")).to_have_text("Nothing to mark.")
    expect(shown.button("Mark 0 tasks")).to_be_disabled()


def test_mark_says_as_what(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.open_failure()
    shown.button("Mark…").click()
    shown.locator(".nbf-form select").select_option("failed")
    assert shown.wait_sent("preview", 2)[-1] == {
        "verb": "mark",
        "body": {"run_ids": [FAILED], "tasks": ["clean"], "state": "failed"},
    }


def test_a_run_is_started_with_only_the_parameters_that_were_changed(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.button("Run").click()
    form = shown.locator(".nbf-form")
    form.get_by_label("Date").fill("2013-02-20")
    form.get_by_label("threshold").fill("0.75")
    form.get_by_label("carrier").select_option(label="DL")
    form.get_by_label("full").check()
    form.get_by_label("limits").fill('{"low": 2}')
    form.get_by_role("button", name="Run").click()
    assert shown.wait_sent("act") == [
        {
            "verb": "run",
            "body": {
                "date": "2013-02-20",
                "params": {"threshold": 0.75, "carrier": "DL", "full": True, "limits": {"low": 2}},
            },
        }
    ]
    expect(shown.locator(".nbf-panel")).to_be_hidden()


def test_a_parameter_that_is_no_json_is_not_sent(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.button("Run").click()
    shown.locator(".nbf-form").get_by_label("limits").fill("{low}")
    shown.locator(".nbf-form").get_by_role("button", name="Run").click()
    expect(shown.locator(".nbf-form .nbf-bad")).to_contain_text("not JSON")
    assert shown.sent("act") == []


def test_backfill_previews_its_dates_then_asks_for_them(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.button("Backfill").click()
    shown.locator("input[name=from]").fill("2013-01-01")
    shown.locator("input[name=to]").fill("2013-01-31")
    shown.locator("select[name=reprocess]").select_option("failed")
    wanted = {"verb": "backfill", "body": {"from": "2013-01-01", "to": "2013-01-31", "reprocess": "failed"}}
    shown.page.wait_for_function(
        "wanted => window.sent.some(one => one.ask === 'preview' && JSON.stringify(one.with) === wanted)",
        arg=_json(wanted),
    )
    shown.button("Backfill 6 runs").click()
    assert shown.wait_sent("act") == [wanted]


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def test_what_could_not_be_done_stays_said(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.answer("act", {"error": "flights is paused by its schedule."})
    shown.button("Pause").click()
    notice = shown.locator(".nbf-notice.nbf-bad")
    expect(notice).to_contain_text("flights is paused by its schedule.")
    shown.button("Dismiss").click()
    expect(notice).to_be_hidden()


# --- the keyboard ------------------------------------------------------------------------------------


def test_the_grid_is_one_tab_stop_that_arrows_move_and_enter_opens(show: Callable[..., Shown]) -> None:
    shown = show(story())
    cell = shown.page.get_by_role("gridcell")
    expect(cell).to_have_count(1)
    cell.focus()
    press = shown.page.keyboard.press
    press("End")
    expect(cell).to_have_accessible_name("4 Mar 2013 · to come, due 5 Mar 2013, 06:00")
    for key in ["ArrowLeft"] * 3 + ["ArrowDown"] * 2:
        press(key)
    expect(cell).to_have_accessible_name("clean · 1 Mar 2013 · success")
    expect(shown.locator(".nbf-spoken")).to_have_text("clean · 1 Mar 2013 · success")
    press("f")
    expect(cell).to_have_accessible_name(re.compile("clean · 17 Feb 2013 · failed"))
    press("Enter")
    shown.locator('.nbf-panel[data-kind="square"]').wait_for()
    assert shown.sent("square_panel")[0]["run_id"] == FAILED
    press("Escape")
    expect(shown.locator(".nbf-panel")).to_be_hidden()
    expect(cell).to_be_focused()


def test_arrows_reach_the_names_and_the_runs_too(show: Callable[..., Shown]) -> None:
    shown = show(story())
    cell = shown.page.get_by_role("gridcell")
    cell.focus()
    press = shown.page.keyboard.press
    press("Home")
    expect(cell).to_have_accessible_name("task load")
    press("ArrowDown")
    expect(cell).to_have_accessible_name("group prepare, open")
    press("Enter")
    expect(cell).to_have_accessible_name("group prepare, shut")
    press("ArrowUp")
    press("ArrowRight")
    press("ArrowUp")
    expect(cell).to_have_accessible_name(re.compile("^run of 31 Dec 2012"))
    press("Enter")
    shown.locator('.nbf-panel[data-kind="run"]').wait_for()


def test_the_menu_and_the_tabs_are_walked_by_arrows(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.button("More").first.focus()
    shown.page.keyboard.press("Enter")
    expect(shown.page.get_by_role("menuitemradio", name="Grid and graph")).to_be_focused()
    shown.page.keyboard.press("ArrowUp")
    expect(shown.page.get_by_role("menuitem", name="Look again")).to_be_focused()
    shown.page.keyboard.press("Escape")
    expect(shown.button("More").first).to_be_focused()
    shown.open_failure()
    shown.page.get_by_role("tab", name="Output").focus()
    shown.page.keyboard.press("ArrowRight")
    expect(shown.page.get_by_role("tab", name="Log")).to_be_focused()
    expect(shown.locator(".nbf-log")).to_be_visible()


def test_jupyters_shortcuts_are_kept_out(show: Callable[..., Shown]) -> None:
    shown = show(story())
    expect(shown.page.locator(".nbf-board")).to_have_attribute("data-lm-suppress-shortcuts", "true")


# --- what moves --------------------------------------------------------------------------------------


def test_news_turn_squares_headline_and_graph(show: Callable[..., Shown]) -> None:
    made = story()
    shown = show(made)
    run = next(run for run in made.data["runs"] if run["run_id"] == FAILED)
    shown.news(
        mark=120,
        runs=[run | {"state": "success", "seconds": 12}],
        squares={FAILED: "ssssssss"},
        headline={"text": "60 of 61 succeeded", "failures": [], "today": None, "next": "06:00"},
    )
    expect(shown.locator(".nbf-cells .nbf-s-f")).to_have_count(0)
    expect(shown.locator(f'[data-run="{FAILED}"]')).to_have_class("nbf-bar nbf-r-success")
    expect(shown.locator(".nbf-failure")).to_have_count(0)
    expect(shown.page.locator(".nbf-board")).to_have_attribute("data-mark", "120")
    shown.news(mark=121, squares={NEWEST: "ssssssss"})
    expect(shown.locator('.nbf-node[data-node="report"]')).to_have_class(re.compile(r"\bn-s\b"))


def test_older_news_than_what_is_shown_are_left_alone(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.news(mark=99, squares={FAILED: "ssssssss"})
    expect(shown.locator(".nbf-cells .nbf-s-f")).to_have_count(1)


def test_a_new_run_gets_its_column_and_the_newest_stay_in_sight(show: Callable[..., Shown]) -> None:
    shown = show(story(), width=700)
    shown.news(
        mark=101,
        runs=[run_of(date(2013, 3, 2), "running", 1.0)],
        squares={"2013-03-02T00:00:00Z": "rnnnnnnn"},
        ghosts=[],
    )
    x, _ = shown.square("2013-03-02T00:00:00Z", "load")
    assert 0 < x < 700
    assert shown.locator(".nbf-bar").count() == 62


def test_a_thousand_news_at_once_end_in_the_last_state(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.page.evaluate(
        """run => { for (let at = 0; at < 1000; at += 1) window.model.emit('msg:custom', { updates: { mark: 200 + at, squares: { [run]: at === 999 ? 'ssssssss' : 'rrrrrrrr' } } }); }""",
        FAILED,
    )
    expect(shown.locator(".nbf-cells .nbf-s-f")).to_have_count(0)
    expect(shown.page.locator(".nbf-board")).to_have_attribute("data-mark", "1199")


def test_other_rows_or_another_version_ask_for_the_whole_board(show: Callable[..., Shown]) -> None:
    made = story()
    made.answers["board"] = made.data | {"saved": "bb22", "mark": 130}
    shown = show(made)
    shown.news(mark=130, saved="bb22")
    assert shown.wait_sent("board") == [{"last": 60}]
    expect(shown.page.locator(".nbf-board")).to_have_attribute("data-mark", "130")


def test_scrolling_to_the_left_end_asks_for_older_runs_and_keeps_its_place(
    show: Callable[..., Shown],
) -> None:
    made = story()
    older = [run_of(date(2012, 9, 2) + timedelta(days=at), "success", 10.0) for at in range(120)]
    made.answers["board"] = made.data | {
        "runs": [*older, *made.data["runs"]],
        "squares": made.data["squares"] | {run["run_id"]: "ssssssss" for run in older},
        "older": 0,
    }
    shown = show(made)
    shown.locator(".nbf-grid").evaluate("node => { node.scrollLeft = 0; }")
    assert shown.wait_sent("board") == [{"last": 61 + 180}]
    expect(shown.locator(".nbf-bar")).to_have_count(181)
    grid = shown.locator(".nbf-grid").bounding_box()
    assert grid
    x, _ = shown.square("2012-12-31T00:00:00Z", "load")
    assert grid["x"] < x < grid["x"] + grid["width"]


def test_the_panel_follows_its_square(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.open_failure()
    shown.answer(
        "square_panel", shown.made.answers["square_panel"] | {"state": "success", "error": None, "reason": ""}
    )
    shown.news(mark=140, squares={FAILED: "ssssssss"})
    expect(shown.locator('.nbf-panel[data-state="success"]')).to_be_visible()
    expect(shown.locator(".nbf-panel .nbf-error-box")).to_have_count(0)


def test_a_panel_that_follows_keeps_its_form_its_place_and_the_focus(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.open_failure()
    shown.page.get_by_role("tab", name="Log").click()
    shown.locator(".nbf-log").evaluate("node => { node.dataset.kept = 'yes'; }")
    shown.button("Clear…").click()
    shown.button("Mark…").focus()
    again = shown.made.answers["square_panel"] | {"state": "up_for_retry", "reason": "tries again in 5 min"}
    shown.answer("square_panel", again)
    shown.news(mark=140, squares={FAILED: "sysnnnnn"})
    expect(shown.locator(".nbf-panel .nbf-state-line")).to_contain_text("tries again in 5 min")
    expect(shown.button("Mark…")).to_be_focused()
    expect(shown.locator(".nbf-form")).to_be_visible()
    expect(shown.locator(".nbf-log[data-kept=yes]")).to_be_visible()


def test_two_views_of_one_board_hear_the_same(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.page.evaluate(
        """async () => { const board = (await import('./board.js')).default; board.render({ model: window.model, el: document.getElementById('board') }); }"""
    )
    shown.news(mark=150, squares={FAILED: "ssssssss"})
    expect(shown.page.locator(".nbf-board[data-mark='150']")).to_have_count(2)
    expect(shown.locator(".nbf-cells .nbf-s-f")).to_have_count(0)


def test_a_view_that_is_taken_away_listens_no_more(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.page.evaluate("window.end()")
    shown.news(mark=160, squares={FAILED: "ssssssss"})
    expect(shown.page.locator(".nbf-board")).to_have_attribute("data-mark", "100")


# --- the server --------------------------------------------------------------------------------------


def _served() -> MadeBoard:
    made = story()
    made.server, made.config = "/nbflow/api", {"baseUrl": "/user/ada/", "token": "secret"}
    made.served = {f"user/ada/nbflow/api/{ask}": {"body": answer} for ask, answer in made.answers.items()}
    made.served["user/ada/nbflow/api/updates"] = {"body": {"mark": 100}}
    return made


def test_the_server_is_asked_first_with_token_and_xsrf(show: Callable[..., Shown]) -> None:
    shown = show(_served())
    shown.page.evaluate("document.cookie = '_xsrf=2|abc'")
    with shown.page.expect_request("**/act?*") as found:
        shown.button("Pause").click()
    request = found.value
    assert request.method == "POST"
    assert request.url == "http://board.test/user/ada/nbflow/api/act?notebook=flights.ipynb"
    assert request.headers["authorization"] == "token secret"
    assert request.headers["x-xsrftoken"] == "2|abc"
    assert request.post_data_json == {"verb": "pause", "body": {}}
    with shown.page.expect_request("**/square_panel?*") as found:
        shown.open_failure()
    assert "run_id=2013-02-17T00%3A00%3A00Z" in found.value.url
    assert "try_number" not in found.value.url
    expect(shown.locator(".nbf-panel .nbf-state-line")).to_contain_text("failed")
    assert shown.page.evaluate("window.sent") == []


@pytest.mark.parametrize("status", [403, 404])
def test_where_the_server_has_no_nbflow_the_kernel_is_asked(show: Callable[..., Shown], status: int) -> None:
    made = _served()
    for answer in made.served.values():
        answer |= {"status": status, "body": None}
    shown = show(made)
    shown.errors.clear()
    shown.button("Pause").click()
    assert shown.wait_sent("act") == [{"verb": "pause", "body": {}}]
    expect(shown.locator(".nbf-notice")).to_be_visible()
    shown.errors[:] = [
        error for error in shown.errors if str(status) not in error
    ]  # the browser's own note of it


def test_what_the_server_refuses_is_said_in_its_words(show: Callable[..., Shown]) -> None:
    made = _served()
    made.served["user/ada/nbflow/api/act"] = {"status": 400, "body": {"message": "flights has no schedule."}}
    shown = show(made)
    shown.button("Pause").click()
    expect(shown.locator(".nbf-notice.nbf-bad")).to_contain_text("flights has no schedule.")
    assert shown.sent("act") == []
    shown.errors[:] = [error for error in shown.errors if "400" not in error]


def test_the_server_brings_the_news_when_the_kernel_is_gone(show: Callable[..., Shown]) -> None:
    made = _served()
    made.served["user/ada/nbflow/api/updates"] = {"body": {"mark": 170, "squares": {FAILED: "ssssssss"}}}
    shown = show(made)
    expect(shown.page.locator(".nbf-board")).to_have_attribute("data-mark", "170")
    expect(shown.locator(".nbf-cells .nbf-s-f")).to_have_count(0)


# --- safety and access -------------------------------------------------------------------------------


def test_when_the_kernel_has_ended_the_last_picture_stays_and_says_what_to_do(
    show: Callable[..., Shown],
) -> None:
    shown = show(story())
    shown.open_failure()
    shown.page.evaluate("delete window.answers.pull")
    shown.button("Pull").click()
    shown.wait_sent("pull")
    shown.page.evaluate("window.model.widget_manager.kernel.become('autorestarting')")
    expect(shown.locator(".nbf-notice.nbf-bad")).to_contain_text("run the cell with %nbflow again")
    expect(shown.locator(".nbf-banner")).to_contain_text("this is the last it has told")
    expect(shown.locator(".nbf-cells .nbf-s-f")).to_have_count(1)
    shown.page.evaluate("window.model.widget_manager.kernel.become('idle')")
    shown.button("Pause").click()
    expect(shown.locator(".nbf-notice.nbf-bad")).to_contain_text("has ended")
    assert shown.sent("act") == []


def test_without_its_kernel_a_board_lives_on_through_the_server(show: Callable[..., Shown]) -> None:
    shown = show(_served())
    shown.page.evaluate("window.model.widget_manager.kernel.become('dead')")
    expect(shown.locator(".nbf-banner")).to_contain_text("the board goes on")
    shown.button("Pause").click()
    expect(shown.locator(".nbf-notice:not(.nbf-bad)")).to_be_visible()
    shown.open_failure()
    shown.button("Pull").click()
    expect(shown.locator(".nbf-notice.nbf-bad")).to_contain_text("run the cell with %nbflow again")


def test_hostile_names_stay_text(show: Callable[..., Shown]) -> None:
    shown = show(BOARDS["hostile"]())
    page = shown.page
    expect(shown.locator(".nbf-dag")).to_have_text(HOSTILE[0])
    shown.open_failure()
    for tab in ["Log", "Values", "Tries", "Around", "Output"]:
        page.get_by_role("tab", name=tab).click()
    shown.button("Clear…").click()
    expect(shown.locator(".nbf-preview li").first).to_contain_text(HOSTILE[1])
    shown.locator(".nbf-form").get_by_role("button", name="Cancel").click()
    frames = shown.locator("iframe.nbf-output")
    expect(frames.last).to_be_visible()
    assert {frame.get_attribute("sandbox") for frame in frames.all()} == {"allow-same-origin"}
    frames.last.content_frame.locator("#link").click()
    shown.locator(".nbf-bar").first.click()
    shown.locator(".nbf-panel[data-kind=run]").wait_for()
    shown.button("Run").click()
    shown.locator(".nbf-form").wait_for()
    assert page.evaluate("window.injected") is None
    assert page.locator(".nbf-board script").count() == 0
    assert page.locator(".nbf-board [onerror], .nbf-board [onmouseover]").count() == 0
    # The browser's own words about what it has kept from running and loading.
    blocked = ("Blocked script execution", "Content Security Policy")
    shown.errors[:] = [error for error in shown.errors if not any(words in error for words in blocked)]
    assert not any("example.invalid" in address for address in shown.asked)


def test_axe_finds_nothing_serious(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.open_failure()
    assert _serious(shown, "") == []
    for tab in ["Log", "Values", "Tries", "Around"]:
        shown.page.get_by_role("tab", name=tab).click()
        assert _serious(shown, ".nbf-tab-body") == [], tab
    shown.button("Clear…").click()
    shown.locator(".nbf-affected").wait_for()
    assert _serious(shown, ".nbf-form-holder") == []
    shown.locator(f'[data-run="{FAILED}"]').click()
    shown.locator(".nbf-gantt").wait_for()
    assert _serious(shown, ".nbf-panel") == []
    shown.locator('.nbf-name[data-task="clean"]').click()
    shown.locator(".nbf-film").wait_for()
    assert _serious(shown, ".nbf-panel") == []
    shown.button("Run").click()
    shown.locator(".nbf-form").wait_for()
    shown.button("More").click()
    assert _serious(shown, ".nbf-panel, .nbf-board .nbf-headline") == []


def test_axe_finds_enough_contrast_in_the_dark(show: Callable[..., Shown]) -> None:
    shown = show(story(), dark=True)
    shown.open_failure()
    shown.button("Clear…").click()
    shown.locator(".nbf-affected").wait_for()
    assert _serious(shown, "", "color-contrast") == []


def _serious(shown: Shown, part: str, *rules: str) -> list[str]:
    """What axe calls serious or critical in a part of the board."""
    return serious(shown.page, f".nbf-board {part}".strip(), *rules)


def test_nothing_moves_by_itself_where_that_is_not_wanted(show: Callable[..., Shown]) -> None:
    shown = show(story())
    assert shown.page.evaluate("document.getAnimations().length") == 0


def test_what_another_page_has_asked_is_not_taken_for_an_answer(show: Callable[..., Shown]) -> None:
    made = story()
    del made.answers["square_panel"]  # the kernel is slow
    shown = show(made)
    shown.locator(".nbf-headline .nbf-failure").click()
    shown.wait_sent("square_panel")
    shown.page.evaluate("window.model.emit('msg:custom', { id: 1, answer: { state: 'success' } })")
    identity = shown.page.evaluate("window.sent[0].id")
    shown.page.evaluate(
        "([id, answer]) => window.model.emit('msg:custom', { id, answer })",
        [identity, story().answers["square_panel"]],
    )
    expect(shown.locator('.nbf-panel[data-state="failed"]')).to_be_visible()


def test_every_class_has_nbflows_prefix_so_that_no_page_and_no_board_styles_the_other(
    show: Callable[..., Shown],
) -> None:
    shown = show(story())
    shown.open_failure()
    classes = """() => [...document.querySelectorAll(".nbf-board, .nbf-board *")]
        .flatMap((node) => [...node.classList])"""
    found: set[str] = set()
    for tab in ["output", "log", "values", "tries", "around"]:
        shown.locator(f'.nbf-tab[data-tab="{tab}"]').click()
        found |= set(shown.page.evaluate(classes))
    shown.button("Clear…").click()
    shown.locator(".nbf-affected").wait_for()
    found |= set(shown.page.evaluate(classes))
    for opened in ["run", "task"]:
        shown.locator(
            '[data-run="2013-02-17T00:00:00Z"]' if opened == "run" else '[data-task="clean"]'
        ).first.click()
        shown.locator(f'.nbf-panel[data-kind="{opened}"][aria-busy="false"]').wait_for()
        found |= set(shown.page.evaluate(classes))
    assert [name for name in found if not name.startswith("nbf-")] == []


def test_a_graph_of_more_than_two_hundred_tasks_begins_with_its_groups_shut(
    show: Callable[..., Shown],
) -> None:
    shown = show(year(tasks=230, runs=2))
    expect(shown.locator(".nbf-node.nbf-summary")).to_have_count(22)
    expect(shown.locator(".nbf-node[data-node]")).to_have_count(10)
    shown.locator(".nbf-node.nbf-summary").first.click()
    expect(shown.locator(".nbf-node[data-node]")).to_have_count(20)
    expect(shown.locator(".nbf-name")).to_have_count(32)  # ten tasks, and a line for each group
    shown.locator(".nbf-node[data-node=task_15]").click()
    expect(shown.locator(".nbf-name[data-task=task_15]")).to_be_visible()


def test_a_group_that_is_shut_is_laid_out_anew_and_stays_shut(show: Callable[..., Shown]) -> None:
    shown = show(story())
    wide = shown.locator(".nbf-graph svg").first.bounding_box()
    shown.locator(".nbf-cluster-name").click()
    expect(shown.locator(".nbf-node.nbf-summary")).to_contain_text("3 tasks")
    narrow = shown.locator(".nbf-graph svg").first.bounding_box()
    assert wide
    assert narrow
    assert narrow["width"] < wide["width"]
    expect(shown.locator(".nbf-edge")).to_have_count(6)  # those between its tasks are gone
    shown.news(mark=130, squares={"2013-03-01T00:00:00Z": "sfsuuuuu"})
    expect(shown.locator(".nbf-node.nbf-summary")).to_have_class(re.compile(r"\bnbf-n-f\b"))
    shown.page.mouse.move(*shown.square("2013-03-01T00:00:00Z", "clean"))
    expect(shown.locator(".nbf-node.nbf-summary")).to_have_class(re.compile(r"\bnbf-lit\b"))


def test_groups_of_the_graph_are_shut_and_opened_by_the_keyboard(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.button("shut group prepare").focus()
    shown.page.keyboard.press("Enter")
    expect(shown.button("open group prepare")).to_be_focused()
    shown.page.keyboard.press(" ")
    expect(shown.button("shut group prepare")).to_be_focused()
    expect(shown.locator(".nbf-node[data-node]")).to_have_count(8)


def test_the_graph_s_tasks_are_one_tab_stop_that_arrows_move_and_enter_opens(
    show: Callable[..., Shown], shot: Callable[[Page, str], None]
) -> None:
    shown = show(story())
    expect(shown.locator(".nbf-node[data-node][tabindex='0']")).to_have_count(1)
    press = shown.page.keyboard.press
    shown.locator('.nbf-node[data-node="load"]').focus()
    focused = shown.locator(".nbf-node:focus")
    seen = ["load"]
    for key in ["ArrowRight"] * 2 + ["ArrowDown", "ArrowUp", "ArrowLeft"]:
        press(key)
        seen.append(focused.get_attribute("data-node") or "")
    assert seen == ["load", "weather", "join_weather", "weather", "clean", "load"]
    expect(shown.locator(".nbf-node[data-node][tabindex='0']")).to_have_count(1)
    expect(focused).to_have_class(re.compile(r"\bnbf-lit\b"))
    expect(focused).to_have_accessible_name(re.compile("^" + seen[-1]))
    shown.news(mark=130, squares={"2013-03-01T00:00:00Z": "sfsuuuuu"})
    shot(shown.page, "focus")
    press("Enter")
    shown.locator('.nbf-panel[data-kind="square"]').wait_for()
    assert shown.sent("square_panel")[0]["task_id"] == seen[-1]
    press("Escape")
    expect(focused).to_have_attribute("data-node", seen[-1])


def test_a_graph_that_cannot_be_laid_out_stays_as_it_is(show: Callable[..., Shown]) -> None:
    shown = show(story())
    shown.refuse("graph", "Graphviz is not there.")
    shown.locator(".nbf-cluster-name").click()
    expect(shown.locator(".nbf-notice.nbf-bad")).to_contain_text("Graphviz is not there.")
    expect(shown.locator('.nbf-node[data-node="clean"]')).to_be_visible()
