"""The versions of a notebook: which run ran which, found by name, listed, written out again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from service.conftest import CODE, day

from nbflow.errors import AddressError, DateError, HomeError, OptionError
from nbflow.model.state import RunState
from nbflow.service.checkout import version_files, write_files
from nbflow.service.lookup import find_run, find_target
from nbflow.service.versions import find_version, listed, ran, run_flow, version_text
from nbflow.service.views import grid_view

if TYPE_CHECKING:
    from service.conftest import Written

    from nbflow.model.record import RunRecord
    from nbflow.service.lookup import Target

A, B, C = CODE
LATER = (A, "%%task b\ny = x + 1", "%%task d --after a\n4")
MODULAR = ("%%task a\nimport m\nx = m.V", B, C)


def target_of(written: Written) -> Target:
    return find_target(str(written.folder / "n.ipynb"))


def run_of(written: Written, text: str) -> RunRecord:
    return find_run(written.state, target_of(written), text)


def three_versions(written: Written) -> list[str]:
    """Runs of three days, each by a version of its own; the last with a module. The notebook is the last's."""
    versions: list[str] = []
    for number, cells in enumerate((CODE, LATER, MODULAR), start=1):
        flow = written.flow(*cells, modules={"m.py": "V = 1"} if cells is MODULAR else None)
        written.run(flow, day(number), dict.fromkeys(flow.tasks, "S"), RunState.SUCCESS)
        versions.append(flow.version)
    return versions


def test_an_old_run_is_seen_by_the_version_that_it_ran(written: Written) -> None:
    three_versions(written)
    target = target_of(written)
    tasks = [list(run_flow(written.state, target, run_of(written, f"2026-01-0{n}")).tasks) for n in (1, 2, 3)]
    assert tasks == [["a", "b", "c"], ["a", "b", "d"], ["a", "b", "c"]]


@dataclass(frozen=True)
class Case:
    name: str
    date: str
    said: str
    saved: tuple[str, ...] = MODULAR
    modules: str = "V = 1"


CASES = [
    Case("the version as saved", "2026-01-03", "the notebook as saved"),
    Case("the one before", "2026-01-02", "1 version ago; since then: tasks a, b changed, task d removed, task c new, module m.py new"),
    Case("two before", "2026-01-01", "2 versions ago; since then: task a changed, module m.py new"),
    Case("one that is not stored yet", "2026-01-03", "1 version ago; since then: tasks a, b changed, task c removed, task d new, module m.py removed", (*LATER, "# a comment")),
    Case("an edited module", "2026-01-03", "1 version ago; since then: module m.py changed", modules="V = 2"),
    Case("an older version, saved again", "2026-01-03", "; since then: task a changed, module m.py removed", CODE),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_run_ran_is_said_beside_the_notebook_as_saved(case: Case, written: Written) -> None:
    versions = three_versions(written)
    written.flow(*case.saved)
    (written.folder / "m.py").write_text(case.modules)
    run = run_of(written, case.date)
    version = versions[int(case.date[-1]) - 1]
    between = "" if case.said.startswith(";") else ", "
    assert (
        str(ran(written.state, target_of(written), run)) == f"ran version {version[:8]}{between}{case.said}"
    )


def test_a_version_that_cannot_be_read_any_more_leaves_the_notebook_as_saved(written: Written) -> None:
    flow = written.flow(*CODE)
    written.notebooks.clear()  # `{}` is stored
    written.run(flow, day(1), {"a": "S"}, RunState.SUCCESS)
    written.flow(*LATER)
    target, run = target_of(written), run_of(written, "latest")
    assert run_flow(written.state, target, run) is target.flow
    assert str(ran(written.state, target, run)) == f"ran version {flow.version[:8]}, 1 version ago"


def test_versions_are_listed_latest_first_with_what_changed(written: Written) -> None:
    first, second, third = three_versions(written)
    with written.state.writing():
        written.state.schedules.publish("n", second)
    found = listed(written.state, target_of(written), last=10)
    assert [(one.version, one.published, one.saved, one.record and one.record.runs) for one in found] == [
        (third, False, True, 1),
        (second, True, False, 1),
        (first, False, False, 1),
    ]
    assert [str(one.since) for one in found] == [
        "tasks a, b changed, task d removed, task c new, module m.py new",
        "task b changed, task c removed, task d new",
        "None",
    ]
    assert [one.version for one in listed(written.state, target_of(written), last=2)] == [third, second]
    assert str(listed(written.state, target_of(written), last=2)[1].since) == str(found[1].since)


def test_a_notebook_that_was_saved_and_has_not_run_heads_the_list(written: Written) -> None:
    *_, third = three_versions(written)
    (written.folder / "m.py").write_text("V = 2")
    found = listed(written.state, target_of(written), last=1)
    assert [(one.record, one.saved, str(one.since)) for one in found] == [(None, True, "module m.py changed")]
    assert found[0].version != third


def test_a_version_is_found_by_its_name_or_by_a_run(written: Written) -> None:
    first, second, third = three_versions(written)
    with written.state.writing():
        written.state.schedules.publish("n", second)
    state, target = written.state, target_of(written)
    said = {
        first[:8]: first,
        first: first,
        "published": second,
        "saved": third,
        "latest": third,
        "2026-01-02": second,
    }
    assert {text: find_version(state, target, text).version for text in said} == said
    with pytest.raises(
        AddressError, match=rf"no version 00000000 of n. Its latest: {third[:8]}, {second[:8]}"
    ):
        find_version(state, target, "00000000")
    with pytest.raises(AddressError, match="n has no run '2026-02-01'"):
        find_version(state, target, "2026-02-01")
    with pytest.raises(DateError, match="'<b>' is not a date"):
        find_version(state, target, "<b>")


def test_no_version_is_published_before_one_is(written: Written) -> None:
    three_versions(written)
    with pytest.raises(AddressError, match=r"no version of n is published: nbflow publish n\.ipynb"):
        find_version(written.state, target_of(written), "published")


def test_a_beginning_that_several_versions_share_is_refused(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = written.flow(*CODE)
    with written.state.writing():
        for version in ("abcd1", "abcd2"):
            written.state.save_dag(
                "n",
                path=written.folder / "n.ipynb",
                version=version,
                timezone="UTC",
                notebook="{}",
                at=day(1).start,
            )
    with pytest.raises(AddressError, match="abcd is the beginning of several versions of n: abcd1, abcd2"):
        find_version(written.state, target_of(written), "abcd")
    assert find_version(written.state, target_of(written), flow.version[:6]).version == flow.version


def test_a_version_becomes_files_again_and_overwrites_nothing_else(written: Written) -> None:
    *_, third = three_versions(written)
    written.flow(*CODE, modules={"m.py": "V = 2"})
    state, target = written.state, target_of(written)
    files = version_files(state, target, find_version(state, target, third))
    folder = written.folder / "out" / "of it"
    write_files(files, folder)
    write_files(files, folder)  # the same once more
    assert (folder / "m.py").read_text() == "V = 1"
    assert find_target(str(folder / "n.ipynb")).flow.version == third
    assert json.loads(version_text(state, target, third))["cells"][0]["source"] == MODULAR[0]
    (folder / "m.py").write_text("of somebody")
    (folder / "n.ipynb").unlink()
    with pytest.raises(OptionError, match=r"m\.py is there already and holds something else"):
        write_files(files, folder)
    assert not (folder / "n.ipynb").exists(), "nothing is written then"


def test_the_notebook_as_saved_is_no_version_of_the_home_before_it_has_run(written: Written) -> None:
    three_versions(written)
    written.flow(*LATER, "%%task e\n5")
    state, target = written.state, target_of(written)
    with pytest.raises(AddressError, match="the home has no version"):
        version_files(state, target, find_version(state, target, "saved"))


def test_a_stored_path_that_leads_elsewhere_is_never_written(written: Written) -> None:
    flow = written.flow(*CODE)
    written.run(flow, day(1), {"a": "S"}, RunState.SUCCESS)
    target = target_of(written)
    object.__setattr__(flow, "modules", {"../evil.py": "1"})  # as a changed store would have it
    with pytest.raises(HomeError, match=r"'\.\./evil\.py'"):
        version_files(written.state, target, flow)


def test_the_grid_over_several_versions_has_the_tasks_of_all_and_squares_where_there_were_any(
    written: Written,
) -> None:
    three_versions(written)
    view = grid_view(written.state, target_of(written).flow)
    assert view.tasks == ("a", "b", "c", "d")
    assert view.removed == {"d"}
    rows = {
        task: "".join("#" if (task, column.run_id) in view.squares else " " for column in view.columns)
        for task in view.tasks
    }
    assert rows == {"a": "###", "b": "###", "c": "# #", "d": " # "}
    stale = {(task, run[:10]) for (task, run), square in view.squares.items() if square.stale}
    assert stale == {(task, f"2026-01-0{n}") for task in "ab" for n in (1, 2)} | {("c", "2026-01-01")}
