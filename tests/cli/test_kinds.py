"""Branches, sensors and mapped tasks, as people see them; trying a task out; why and failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project

DAILY = '%%dag n\nschedule = "@daily"'
FIT = """\
%%task fit --map "p in grid" --collect scores --label "p={{ p }}"
import pathlib
if p == 2 and not pathlib.Path('go').exists():
    raise ValueError(p)
print('fitting', p)
p * 10"""
MAPPED = [
    DAILY,
    "%%task grid\ngrid = [1, 2, 3]",
    FIT,
    "%%task best\nprint(max(scores), scores)\nmax(scores)",
]


def test_a_mapped_task_is_one_row_its_instances_are_lines_and_one_can_be_cleared(project: Project) -> None:
    project.notebook("n.ipynb", *MAPPED)
    failed = project.nbflow("run", "n.ipynb", "2026-01-01")
    assert failed.status == 1, failed.all
    assert "fit[1]: ValueError: 2 (cell 3, line 4)" in failed.out
    shown = project.nbflow("show", "n")
    assert "[1] p=2" in shown.out
    assert "2 success, 1 failed" in shown.out
    rows = project.nbflow("show", "n", "--json").json()["tasks"]
    assert [(row["task_id"], row["map_index"], row["label"], row["state"]) for row in rows] == [
        ("grid", -1, "", "success"),
        ("fit", -1, "", "failed"),
        ("fit", 0, "p=1", "success"),
        ("fit", 1, "p=2", "failed"),
        ("fit", 2, "p=3", "success"),
        ("best", -1, "", "upstream_failed"),
    ]
    assert project.nbflow("grid", "n", "--json").json()["tasks"] == ["grid", "fit", "best"]
    assert project.nbflow("logs", "n", "latest", "fit[2]").out == "fitting 3\n"
    listed = project.nbflow("failures", "n", "--json").json()
    assert [
        (one["task_id"], one["map_index"], one["cell"], one["line"]) for one in listed if one["cell"]
    ] == [("fit", 1, 3, 4)]
    (project.folder / "go").touch()
    cleared = project.nbflow("clear", "n", "latest", "fit[1]")
    assert cleared.status == 0, cleared.all
    assert project.nbflow("logs", "n", "latest", "best").out == "30 [10, 20, 30]\n"
    tries = {(row["task_id"], row["map_index"]): row["try_number"] for row in tasks(project)}
    assert [tries["fit", index] for index in (0, 1, 2)] == [1, 2, 1]
    value = project.nbflow("xcom", "n", "latest", "fit[1]", "return_value", "--json").json()
    assert value["value"] == 20
    missing = project.nbflow("logs", "n", "latest", "fit[7]")
    assert missing.status == 2
    assert "no task instance fit[7]: fit is there, and it has [0] to [2]." in missing.err


def tasks(project: Project) -> list[dict[str, object]]:
    return project.nbflow("show", "n", "--json").json()["tasks"]


def test_a_branch_runs_what_it_chose_and_the_join(project: Project) -> None:
    project.notebook(
        "n.ipynb",
        DAILY,
        "%%task.branch choose\n'even' if int(ds[-1]) % 2 == 0 else 'odd'",
        "%%task even --after choose\nname = 'even'",
        "%%task odd --after choose\nname = 'odd'",
        "%%task join --trigger-rule none_failed_min_one_success\nprint(name)",
    )
    assert project.nbflow("run", "n.ipynb", "--from", "2026-01-01", "--to", "2026-01-02").status == 0
    assert [project.nbflow("logs", "n", f"2026-01-0{day}", "join").out for day in (1, 2)] == [
        "odd\n",
        "even\n",
    ]
    assert project.states("n", "2026-01-01")["even"] == "skipped"
    why = project.nbflow("why", "n", "2026-01-01", "even").out
    assert "choose" in why
    assert "none → skipped" in why


def test_a_sensor_looks_until_it_is_there(project: Project) -> None:
    project.notebook(
        "n.ipynb",
        DAILY,
        "%%task.sensor there --mode reschedule --poke-interval 100ms\n"
        "import pathlib\nseen = pathlib.Path('looks').exists()\npathlib.Path('looks').touch()\nseen",
        "%%task then --after there\n1",
    )
    done = project.nbflow("run", "n.ipynb", "2026-01-01")
    assert done.status == 0, done.all
    assert project.tries("n") == {"there": 1, "then": 1}
    assert "up_for_reschedule → scheduled" in project.nbflow("why", "n", "latest", "there").out


def test_trying_a_task_out_prints_what_it_prints_and_stores_nothing(project: Project) -> None:
    project.notebook("n.ipynb", *MAPPED)
    fresh = project.nbflow("test", "n.ipynb", "2026-01-01", "grid")
    assert fresh.status == 0, fresh.all
    assert "handed on  grid = [1, 2, 3]" in fresh.err
    assert not (project.folder / ".nbflow").exists()
    unknown = project.nbflow("test", "n.ipynb", "2026-01-01", "fit")
    assert unknown.status == 1, "what it is mapped over has no value yet"
    assert project.nbflow("run", "n.ipynb", "2026-01-01").status == 1
    before = project.nbflow("show", "n", "--json").out
    third = project.nbflow("test", "n.ipynb", "2026-01-01", "fit[2]")
    assert (third.status, third.out) == (0, "fitting 3\n"), third.all
    second = project.nbflow("test", "n.ipynb", "2026-01-01", "fit[1]")
    assert second.status == 1
    assert "ValueError" in second.out
    assert project.nbflow("test", "n.ipynb", "2026-01-01", "fat").status == 2
    assert project.nbflow("show", "n", "--json").out == before


def test_a_dag_that_another_triggers_runs_in_the_same_session(project: Project) -> None:
    project.notebook("below/other.ipynb", '%%dag other\nschedule = "@daily"', "%%task b\nprint('other', ds)")
    project.notebook(
        "n.ipynb", DAILY, "%%task a\nimport nbflow\nnbflow.trigger_dag('other', poke_interval=0.2)"
    )
    refused = project.nbflow("run", "n.ipynb", "2026-01-01")
    assert refused.status == 1
    assert "knows no DAG 'other'" in project.nbflow("logs", "n", "latest", "a").out
    assert project.nbflow("run", "below/other.ipynb", "2025-12-31").status == 0
    done = project.nbflow("run", "n.ipynb", "2026-01-01")
    assert done.status == 0, done.all
    assert project.nbflow("logs", "other", "2026-01-01", "b").out == "other 2026-01-01\n"


def test_a_dag_that_lies_beside_the_one_that_triggers_it_needs_no_run_before(project: Project) -> None:
    project.notebook("other.ipynb", '%%dag other\nschedule = "@daily"', "%%task b\n1")
    project.notebook(
        "n.ipynb", DAILY, "%%task a\nimport nbflow\nnbflow.trigger_dag('other', poke_interval=0.2)"
    )
    done = project.nbflow("run", "n.ipynb", "2026-01-01")
    assert done.status == 0, done.all
    assert project.states("other", "2026-01-01") == {"b": "success"}


def test_an_instance_is_tried_out_where_nothing_has_run(project: Project) -> None:
    project.notebook("n.ipynb", DAILY, '%%task fit --map "p in [5, 6]"\nprint(p, ds)')
    tried = project.nbflow("test", "n.ipynb", "2026-01-01", "fit[1]")
    assert (tried.status, tried.out) == (0, "6 2026-01-01\n"), tried.all
    beyond = project.nbflow("test", "n.ipynb", "2026-01-01", "fit[2]")
    assert beyond.status == 2
    assert "fit has 2 items, [0] to [1]; there is no fit[2]." in beyond.err


def test_a_callback_is_called_with_what_happened(project: Project) -> None:
    tell = "def tell(context):\n    with open('told', 'a') as f:\n        f.write(f\"{context['event']} {context['task_id']}: {context['exception']}\\n\")"
    project.notebook("n.ipynb", DAILY, tell, "%%task a --on-failure-callback tell\nraise KeyError('x')")
    assert project.nbflow("run", "n.ipynb", "2026-01-01").status == 1
    assert (project.folder / "told").read_text() == "on_failure_callback a: KeyError: 'x' (cell 3, line 2)\n"
