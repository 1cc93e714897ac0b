"""Modules in and out of files: what lies below the notebook's folder, and nothing else."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from service.conftest import CODE, day

from nbflow.errors import AddressError, HomeError
from nbflow.model.run import RunType
from nbflow.model.state import RunState
from nbflow.service.lookup import find_target
from nbflow.service.modules import lay_out, reader, stored_flow
from nbflow.service.open_run import openings, register
from nbflow.service.submit import new, stale_tasks
from nbflow.service.workflow import read_workflow, stored_workflow

if TYPE_CHECKING:
    from pathlib import Path

    from service.conftest import Written

IMPORTS = (
    "import helpers\nfrom lib import deep",
    "%%task a\nx = helpers.f(deep.V)",
    "%%task b --after none\n3",
)
MODULES = {"helpers.py": "def f(x): return x", "lib/__init__.py": "", "lib/deep.py": "V = 1"}


def test_a_reader_reads_files_below_the_folder_and_links_that_stay_in_the_project(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    folder = project / "notebooks"
    for place in (folder, outside):
        place.mkdir(parents=True)
    (folder / "m.py").write_bytes(b"# coding: latin-1\r\nx = '\xe9'\r\n")
    (project / "shared.py").write_text("shared")
    (outside / "secret.py").write_text("secret")
    (folder / "inner.py").symlink_to(project / "shared.py")
    (folder / "outer.py").symlink_to(outside / "secret.py")
    (folder / "dangling.py").symlink_to(outside / "nothing.py")
    (folder / "folder.py").mkdir()
    os.mkfifo(folder / "pipe.py")
    read = reader(folder, project)
    assert read("m.py") == "# coding: latin-1\nx = 'é'\n"
    assert read("inner.py") == "shared"
    for path in (
        "outer.py",
        "dangling.py",
        "folder.py",
        "pipe.py",
        "none.py",
        "m.py/x.py",
        "x\0.py",
        "n" * 300,
    ):
        assert read(path) is None, path


def test_a_file_that_may_not_be_read_is_none_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.py").write_text("1")

    def refuse(_: Path) -> bytes:
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    assert reader(tmp_path, tmp_path)("m.py") is None


def test_modules_are_laid_out_once_as_they_lie_below_the_notebook(written: Written) -> None:
    flow = written.flow(
        *IMPORTS, modules=MODULES | {"latin.py": "# coding: latin-1\nx = 'é'\n", "unused.py": ""}
    )
    flow = replace(flow, modules={**flow.modules, "latin.py": "# coding: latin-1\nx = 'é'\n"})
    home = written.folder / ".nbflow"
    folder = lay_out(flow, home)
    assert folder is not None
    laid = {str(file.relative_to(folder)) for file in folder.rglob("*.py")}
    assert laid == {*MODULES, "latin.py"}
    assert (folder / "latin.py").read_bytes().endswith(b"x = '\xe9'\n")
    assert stat.S_IMODE(folder.parent.stat().st_mode) == stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = folder.stat().st_ino
    assert lay_out(flow, home) == folder
    assert folder.stat().st_ino == before
    assert [file.name for file in folder.parent.iterdir()] == [folder.name], "nothing half done is left"
    other = lay_out(replace(flow, modules={"helpers.py": "2"}), home)
    assert other not in (None, folder)
    assert lay_out(written.flow(*CODE), home) is None


def test_the_time_of_a_layout_is_that_of_its_last_use(written: Written) -> None:
    flow, home = written.flow(*IMPORTS, modules=MODULES), written.folder / ".nbflow"
    folder = lay_out(flow, home)
    assert folder
    os.utime(folder, (1, 1))
    lay_out(flow, home)
    assert folder.stat().st_mtime > 1, "what was used lately is not removed with what is old"


@pytest.mark.parametrize(
    "path",
    ["../x.py", "/tmp/x.py", "a/../../x.py", "x", "x.txt", ".py", "", "a b.py", "a//b.py/../c.py", "x.py/"],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str, written: Written) -> None:
    flow = replace(written.flow(*CODE), modules={path: "1"})
    with pytest.raises(HomeError, match="no place below a notebook's folder"):
        lay_out(flow, written.folder / ".nbflow")
    assert not (written.folder / ".nbflow" / "modules").exists()


def test_a_home_that_cannot_be_written_is_named(written: Written) -> None:
    flow = written.flow(*IMPORTS, modules=MODULES)
    (written.folder / ".nbflow" / "modules").write_text("in the way")
    with pytest.raises(HomeError, match=r"the modules of n can't be written to .*modules"):
        lay_out(flow, written.folder / ".nbflow")


def test_every_face_sees_the_same_code(written: Written) -> None:
    flow = written.flow(*IMPORTS, modules=MODULES)
    written.run(flow, day(1), {"a": "S", "b": "S"}, RunState.SUCCESS)
    path = written.folder / "n.ipynb"
    for edit in ("V = 1", "V = 2"):
        (written.folder / "lib" / "deep.py").write_text(edit)
        by_path, by_name = find_target(str(path)).flow, find_target("n", folder=written.folder).flow
        to_run = read_workflow(path).flow
        assert by_path.code_hashes == by_name.code_hashes == to_run.code_hashes
        assert by_path.version == by_name.version == to_run.version
        (run,) = written.state.runs("n")
        assert stale_tasks(to_run, written.state.instances(run.key)) == ({"a"} if edit == "V = 2" else set())


def test_a_stored_version_comes_back_with_its_modules_and_its_runs_import_them(written: Written) -> None:
    written.flow(*IMPORTS, modules=MODULES)
    workflow = read_workflow(written.folder / "n.ipynb")
    todo = [new(workflow.flow, day(1), run_type=RunType.MANUAL, params={})]
    register(written.state, workflow, todo)
    ((as_saved, _),) = openings(written.state, workflow, todo)
    assert as_saved.modules is None, "the files count, as they are"
    for name in MODULES:
        (written.folder / name).unlink()
    record = written.state.dag("n")
    assert record is not None
    stored = stored_workflow(written.state, record, workflow.flow.version)
    assert stored.flow.modules == MODULES
    assert stored.flow.version == workflow.flow.version
    assert stored.flow.code_hashes == workflow.flow.code_hashes
    assert stored_flow(written.state, record, workflow.flow.version).code_hashes == workflow.flow.code_hashes
    ((opened, _),) = openings(written.state, stored, todo)
    assert opened.modules is not None
    assert (opened.modules / "lib" / "deep.py").read_text() == "V = 1"
    assert opened.modules.is_relative_to(written.folder / ".nbflow" / "modules")
    with pytest.raises(AddressError, match="no version 0000"):
        stored_flow(written.state, record, "0000")
