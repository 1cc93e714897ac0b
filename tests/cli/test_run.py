"""`nbflow run` on real notebooks with real kernels: what people do in a day."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

if TYPE_CHECKING:
    from conftest import Project

DAILY = '%%dag {name}\nschedule = "@daily"'


def test_a_backfill_fails_is_fixed_and_runs_just_what_is_missing(project: Project) -> None:
    """The story nbflow exists for, from the first command to a green grid."""
    cells = [
        DAILY.format(name="story"),
        "%%task load\nprint('loading', ds)\nrows = [int(ds[-2:])] * 3",
        "%%task clean\nif ds == '2026-01-02':\n    raise KeyError('x')\nclean = sum(rows)",
        "%%task aside --after load\nlen(rows)",
        "%%task report\nprint(clean)\nclean",
    ]
    project.notebook("story.ipynb", *cells)
    days = ("--start-date", "2026-01-01", "--end-date", "2026-01-03")
    first = project.nbflow("run", "story.ipynb", *days)
    assert first.status == 1, first.all
    assert "✕  2026-01-02  clean: KeyError: 'x' (cell 3, line 3)" in first.out
    assert "nbflow logs story.ipynb 2026-01-02 clean" in first.out
    assert project.states("story", "2026-01-02") == {
        "load": "success",
        "clean": "failed",
        "aside": "success",
        "report": "upstream_failed",
    }
    assert "KeyError" in project.nbflow("logs", "story", "2026-01-02", "clean").out
    assert project.nbflow("logs", "story", "2026-01-02", "load").out == "loading 2026-01-02\n"

    cells[2] = "%%task clean\nclean = sum(rows)"
    project.notebook("story.ipynb", *cells)
    preview = project.nbflow("run", "story.ipynb", *days, "--dry-run")
    assert preview.status == 0
    assert "2026-01-02  continues  2 tasks" in preview.out
    second = project.nbflow("run", "story.ipynb", *days)
    assert second.status == 0, second.all
    assert "changed since: clean, report" in second.out, "the succeeded days are stale, and that is said"
    assert project.tries("story", "2026-01-02") == {"load": 1, "clean": 2, "aside": 1, "report": 1}
    assert project.tries("story", "2026-01-01") == {"load": 1, "clean": 1, "aside": 1, "report": 1}
    value = project.nbflow("xcom", "story", "2026-01-02", "report", "return_value", "--json").json()
    assert value["value"] == 6

    stale = project.nbflow("run", "story.ipynb", *days, "--stale")
    assert stale.status == 0, stale.all
    assert project.tries("story", "2026-01-01") == {"load": 1, "clean": 2, "aside": 1, "report": 2}
    again = project.nbflow("run", "story.ipynb", *days)
    assert again.status == 0
    assert "3 runs: success already" in again.out


def test_a_run_leaves_one_notebook_with_the_outputs_in_their_cells(project: Project) -> None:
    project.notebook(
        "n.ipynb",
        "#parameters\nn = 1",
        "print('shared')",
        "%%task a\nx = n * 2\nx",
        "# Text",
        "x + 1",
        "%%task b\nprint('b has', x)",
    )
    assert project.nbflow("run", "n.ipynb", "2026-01-01", "-p", "n", "21").status == 0
    path = project.folder / "nbflow-runs" / "n" / "2026-01-01.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = {cell.source.splitlines()[0]: [_text(output) for output in cell.outputs] for cell in code}
    assert shown["%%task a"] == ["42"]
    assert shown["x + 1"] == ["43"]
    assert shown["%%task b"] == ["b has 42\n"]
    assert shown["print('shared')"] == ["shared\n"]
    assert any("n = 21" in cell.source and "injected-parameters" in cell.metadata.tags for cell in code)
    assert notebook.metadata.papermill["parameters"] == {"n": 21}
    assert {path.name for path in project.folder.iterdir()} == {"n.ipynb", "nbflow-runs", ".nbflow"}


def _text(output: dict) -> str:
    return output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"]


def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(project: Project) -> None:
    project.notebook(
        "n.ipynb",
        "import pathlib, time",
        "%%task quick\nx = 1",
        "%%task slow\nif not pathlib.Path('go').exists():\n    pathlib.Path('here').touch()\n    time.sleep(600)\ny = x",
        "%%task last\nprint(y)",
    )
    running = project.start("run", "n.ipynb", "2026-01-01")
    while not (project.folder / "here").exists():
        assert running.poll() is None, running.communicate()[0]
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGINT)
    out, _ = running.communicate()
    assert running.returncode == 1, out
    assert "stopped; the same command again goes on from here" in out
    assert project.states("n", "2026-01-01") == {"quick": "success", "slow": "none", "last": "none"}
    assert not _processes_in(project.folder)
    (project.folder / "go").touch()
    again = project.nbflow("run", "n.ipynb", "2026-01-01")
    assert again.status == 0, again.all
    assert "2026-01-01 goes on: 2 tasks to do" in again.out
    assert project.tries("n", "2026-01-01") == {"quick": 1, "slow": 2, "last": 1}


def test_a_killed_run_goes_on_and_leaves_no_process(project: Project) -> None:
    project.notebook(
        "n.ipynb",
        "import pathlib, time",
        "%%task quick\nx = 1",
        "%%task slow\nif not pathlib.Path('go').exists():\n    pathlib.Path('here').touch()\n    time.sleep(600)\ny = x",
    )
    running = project.start("run", "n.ipynb", "2026-01-01")
    while not (project.folder / "here").exists():
        assert running.poll() is None, running.communicate()[0]
        time.sleep(0.05)
    running.kill()
    running.communicate()
    while _processes_in(project.folder):
        time.sleep(0.05)
    assert "interrupted" in project.nbflow("show", "n", "2026-01-01").out
    assert "interrupted" in project.nbflow("list", "n").out
    (project.folder / "go").touch()
    assert project.nbflow("run", "n", "2026-01-01").status == 0, "the DAG's name does as well as its notebook"
    tries = project.nbflow("show", "n", "2026-01-01", "slow", "--json").json()
    assert [tried["result"] for tried in tries] == ["lost", "success"]
    assert project.tries("n", "2026-01-01") == {"quick": 1, "slow": 2}


def _processes_in(folder: Path) -> list[int]:
    """Processes that work in a folder: kernels run there."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").resolve() == folder:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_tasks_that_end_in_every_way_are_told_apart(project: Project) -> None:
    project.notebook(
        "ends.ipynb",
        "import os, signal, sys, time, nbflow",
        "%%task exit_1 --after none\nsys.exit(1)",
        "%%task exit_0 --after none\nsys.exit(0)",
        '%%task killed --after none\nprint("last words", flush=True)\nos.kill(os.getpid(), signal.SIGKILL)',
        "%%task hangs --after none\nwhile True:\n    time.sleep(0.1)",
        '%%task skips --after none\nraise nbflow.Skip("nothing to do")',
        '%%task gives_up --after none --retries 5\nraise nbflow.Fail("never again")',
        "%%task carries --after none\nconnection = (number for number in range(3))",
        "%%task wants --after carries\nprint(connection)",
        '%%task loud --after none\nfor _ in range(1000):\n    print("y" * 100_000)',
        "%%task twice --after none --retries 1 --retry-delay 0s\nif try_number == 1:\n    1 / 0\n",
    )
    answer = project.nbflow("run", "ends.ipynb", "2026-01-01", "--execution-timeout", "8s")
    assert answer.status == 1, answer.all
    shown = project.nbflow("show", "ends", "2026-01-01", "--json").json()
    tasks = {task["task_id"]: task for task in shown["tasks"]}
    states = {name: task["state"] for name, task in tasks.items()}
    assert states == {
        "exit_1": "failed",
        "exit_0": "success",
        "killed": "failed",
        "hangs": "failed",
        "skips": "skipped",
        "gives_up": "failed",
        "carries": "failed",
        "wants": "upstream_failed",
        "loud": "success",
        "twice": "success",
    }
    assert "SystemExit: 1" in tasks["exit_1"]["reason"]
    assert tasks["killed"]["try_number"] == 4
    assert "signal 9" in tasks["killed"]["reason"]
    assert "8 s" in tasks["hangs"]["reason"]
    assert "cell 5" in tasks["hangs"]["reason"]
    assert "nothing to do" in tasks["skips"]["reason"]
    assert tasks["gives_up"]["try_number"] == 1
    for words in ("`connection`", "generator", "cell 8", "cell 9"):
        assert words in tasks["carries"]["reason"]
    assert tasks["twice"]["try_number"] == 2
    log = Path(project.nbflow("logs", "ends", "2026-01-01", "loud", "--path").out.strip())
    assert log.stat().st_size < 11_000_000
    executed = project.folder / "nbflow-runs" / "ends" / "2026-01-01.ipynb"
    assert executed.stat().st_size < 5_000_000
    tries = project.nbflow("show", "ends", "2026-01-01", "loud", "--json").json()
    assert any("keeps the first" in note for note in tries[0]["notes"]), tries[0]["notes"]


def test_names_in_any_script_with_spaces_and_braces_work(project: Project) -> None:
    project.notebook(
        "내 {노트} 100%.ipynb", "%%task 추출\n값 = {'ключ': 'é'}", "%%task 요약\nprint(값['ключ'])"
    )
    answer = project.nbflow("run", "내 {노트} 100%.ipynb", "2026-01-01")
    assert answer.status == 0, answer.all
    assert (project.folder / "nbflow-runs").exists()
    assert project.nbflow("logs", "내 {노트} 100%.ipynb", "latest", "요약").out == "é\n"


def test_date_param_backfills_an_ordinary_papermill_notebook(project: Project) -> None:
    project.notebook(
        "plain.ipynb",
        '%%dag plain\ndate_param = "run_date"',
        "#parameters\nrun_date = '1999-01-01'\nfactor = 2",
        "result = f'{run_date} {factor}'\nresult",
    )
    parameters = project.folder / "p.yaml"
    parameters.write_text("factor: 7\n")
    days = ("--from", "2026-01-01", "--to", "2026-01-02", "-f", "p.yaml")
    answer = project.nbflow("run", "plain.ipynb", *days)
    assert answer.status == 0, answer.all
    shown = project.nbflow("xcom", "plain", "2026-01-02", "plain", "return_value", "--json").json()
    assert shown["value"] == "2026-01-02 7"


def test_other_parameters_need_a_variant(project: Project) -> None:
    project.notebook("n.ipynb", "#parameters\nn = 1", "%%task a\nn")
    assert project.nbflow("run", "n.ipynb", "2026-01-01", "-p", "n", "2").status == 0
    refused = project.nbflow("run", "n.ipynb", "2026-01-01", "-p", "n", "3")
    assert refused.status == 2
    assert "--as NAME" in refused.err
    assert project.nbflow("run", "n.ipynb", "2026-01-01", "-p", "n", "3", "--as", "three").status == 0
    values = {
        date: project.nbflow("xcom", "n", date, "a", "return_value", "--json").json()["value"]
        for date in ("2026-01-01", "2026-01-01~three")
    }
    assert values == {"2026-01-01": 2, "2026-01-01~three": 3}


def test_a_failed_run_without_a_date_goes_on_and_now_begins_a_new_one(project: Project) -> None:
    project.notebook("n.ipynb", "%%task a\nx = 1", "%%task b\n1 / 0", "%%task c\nx")
    assert project.nbflow("run", "n.ipynb").status == 1
    project.notebook("n.ipynb", "%%task a\nx = 1", "%%task b\n1 / 1", "%%task c\nx")
    assert project.nbflow("run", "n.ipynb").status == 0
    assert project.tries("n") == {"a": 1, "b": 2, "c": 1}
    assert len(project.nbflow("list", "n", "--json").json()) == 1
    time.sleep(1)
    assert project.nbflow("run", "n.ipynb", "now").status == 0
    assert len(project.nbflow("list", "n", "--json").json()) == 2


def test_two_notebooks_of_one_dag_id_do_not_mix(project: Project) -> None:
    project.notebook("one/n.ipynb", "%%task a\n1")
    project.notebook("two/n.ipynb", "%%task a\n2")
    (project.folder / "pyproject.toml").touch()
    assert project.nbflow("run", "one/n.ipynb").status == 0
    refused = project.nbflow("run", "two/n.ipynb")
    assert refused.status == 2
    assert "%%dag NAME" in refused.err


def test_everything_again_makes_new_tries(project: Project) -> None:
    project.notebook("n.ipynb", "%%task a\nx = 1", "%%task b\nx")
    assert project.nbflow("run", "n.ipynb", "2026-01-01").status == 0
    assert project.nbflow("run", "n.ipynb", "2026-01-01", "--reprocess", "completed").status == 0
    assert project.tries("n", "2026-01-01") == {"a": 2, "b": 2}


def test_a_change_that_the_text_does_not_show_is_said_wherever_people_look(project: Project) -> None:
    project.notebook(
        "n.ipynb",
        "%%task make\nsettings = {'depth': 1}",
        "%%task change\nexec(\"settings['depth'] = 2\")\nn = settings['depth']",
        "%%task use\nprint(settings['depth'], n)",
    )
    answer = project.nbflow("run", "n.ipynb", "2026-01-01")
    assert answer.status == 0, answer.all
    assert "note  2026-01-01  change: " in answer.out
    assert "`settings`" in answer.out
    assert "notes on change" in project.nbflow("grid", "n").out
    shown = project.nbflow("show", "n", "--json").json()
    notes = {task["task_id"]: task["notes"] for task in shown["tasks"]}
    assert [bool(notes[task]) for task in ("make", "change", "use")] == [False, True, False]
    project.notebook(
        "strict.ipynb",
        "%%dag strict\nstrict = true",
        "%%task make\nsettings = {'depth': 1}",
        "%%task change\nexec(\"settings['depth'] = 2\")",
        "%%task use\nprint(settings['depth'])",
    )
    assert project.nbflow("run", "strict.ipynb", "2026-01-01").status == 1
    assert project.states("strict")["change"] == "failed"
