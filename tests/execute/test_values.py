"""What goes from one task to another, through real kernels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nbflow.codec import encode
from nbflow.errors import CannotCarry
from nbflow.execute.brief import Export
from nbflow.execute.capture import EACH, capture, kind_of, rough_size
from nbflow.execute.exchange import ExchangeServer, XComQuery
from nbflow.execute.handover import LARGEST_RETURN, hand_over
from nbflow.execute.outcome import read_outcome, tidy
from nbflow.model.work import FAILURE_FOLDER, INPUTS_FOLDER, Result
from nbflow.model.xcom import Form

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conftest import Bench

    from nbflow.model.xcom import XComValue


def test_a_chain_of_two_hands_a_frame_and_an_object_of_a_shared_class_on(bench: Bench) -> None:
    cells = (
        "import pandas as pd\nclass Box:\n    def __init__(self, x): self.x = x",
        "%%task make\ndf = pd.DataFrame({'a': [1, 2]})\nbox = Box(df.a.sum())",
        "%%task use\n(type(box) is Box, int(box.x), df.a.tolist())",
    )
    made = bench.run(*cells, task="make")
    inputs = {value.key: value for value in made.outcome.xcoms if value.wanted}
    assert {key: value.form for key, value in inputs.items()} == {"df": Form.ARROW, "box": Form.PICKLE}
    used = bench.run(*cells, task="use", inputs=inputs)
    assert used.values["return_value"] == (True, 3, [1, 2])


def test_a_value_that_cannot_be_carried_fails_its_task_and_says_who_wants_it(bench: Bench) -> None:
    cells = ("%%task make\nimport threading\nlock = threading.Lock()", "%%task use\n\nwith lock:\n    pass")
    left = bench.run(*cells, task="make")
    assert left.outcome.result is Result.FAIL
    for part in (
        "`lock` cannot be carried",
        "cell 1 (task 'make')",
        "cell 2, line 3 (task 'use')",
        "shared cell",
    ):
        assert part in left.outcome.reason
    assert left.outcome.xcoms == ()
    assert "CannotCarry" in left.log


def test_a_return_value_that_cannot_be_carried_is_a_note(bench: Bench) -> None:
    left = bench.run("%%task a\nimport threading\nthreading.Lock()")
    assert left.outcome.result is Result.SUCCESS
    assert left.outcome.xcoms == ()
    (note,) = left.outcome.notes
    assert "not kept as its return value" in note


def test_imports_of_another_task_are_repeated_not_handed_on(bench: Bench) -> None:
    cells = ("%%task a\nimport math\nx = 1", "%%task b --after none\nmath.floor(2.5)")
    assert [value.key for value in bench.run(*cells, task="a").outcome.xcoms] == []
    assert bench.run(*cells, task="b").values == {"return_value": 2}


HIDDEN = ("cfg = {'a': 1}", "%%task a\nglobals()['cfg']['a'] = 2\ncfg.get('a')", "%%task b\ncfg")


def test_an_undeclared_change_of_a_shared_name_is_a_note(bench: Bench) -> None:
    left = bench.run(*HIDDEN, task="a")
    assert left.outcome.result is Result.SUCCESS
    (note,) = left.outcome.notes
    assert note.startswith("cell 2 (task 'a') changes `cfg` in a way the text doesn't show")


def test_a_change_that_is_handed_on_needs_no_note(bench: Bench) -> None:
    cells = (HIDDEN[0], HIDDEN[1].replace("%%task a", "%%task a --exports cfg"), HIDDEN[2])
    left = bench.run(*cells, task="a")
    assert left.outcome.notes == ()
    assert left.values["cfg"] == {"a": 2}


UNSEEN = {
    "instance-of-a-shared-class": (
        "class Add:\n    pass",
        "%%task make\npp = Add()",
        "%%task a\nimport functools\nfunctools.partial(setattr, pp)('mean_', 1)",
        "%%task b\nprint(pp)",
        "cell 3 (task 'a') changes `pp`",
    ),
    "class-attribute": (
        "class P:\n    steps = []\n    def add(self, f): self.steps.append(f)\np = P()",
        "%%task make\nx = 1",
        "%%task a\ngetattr(p, 'add')(x)",
        "%%task b\nprint(p)",
        "cell 3 (task 'a') changes attributes of the class `P`",
    ),
    "large-frame": (
        "import pandas as pd",
        "%%task make\ndf = pd.DataFrame({'a': range(200_000)})",
        "%%task a\ndf.__class__.__setitem__(df, 'c', 1)",
        "%%task b\nprint(df)",
        "cell 3 (task 'a') changes `df`",
    ),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_a_change_that_the_text_does_not_show_is_a_note(bench: Bench, name: str) -> None:
    *cells, said = UNSEEN[name]
    made = bench.run(*cells, task="make")
    inputs = {value.key: value for value in made.outcome.xcoms if value.wanted}
    left = bench.run(*cells, task="a", inputs=inputs)
    assert left.outcome.result is Result.SUCCESS, left.outcome.reason
    (note,) = left.outcome.notes
    assert note.startswith(said), note


SEEDED = (
    "import random\nimport numpy as np\nimport pandas as pd\nrandom.seed(1)\nnp.random.seed(42)",
    "%%task a\nx = np.random.rand(2)",
    "%%task b\ny = random.random()",
    "%%task c\nz = random.Random(1).random()",
)


@pytest.mark.parametrize(("task", "source"), [("a", "numpy.random"), ("b", "random"), ("c", None)])
def test_drawing_from_a_source_that_a_shared_cell_seeds_is_a_note(
    bench: Bench, task: str, source: str | None
) -> None:
    left = bench.run(*SEEDED, task=task)
    assert [note.split("`")[1] for note in left.outcome.notes] == ([source] if source else [])


def test_drawing_from_chance_is_no_note(bench: Bench) -> None:
    left = bench.run("import random\nimport numpy as np", "%%task a\nrandom.random() + np.random.rand()")
    assert left.outcome.notes == ()


def test_a_stored_try_is_tidied_and_keeps_what_people_read(bench: Bench, tmp_path: Path) -> None:
    cells = ("%%task a\nx = {1}", "%%task b\ny = {*x, 2}", "%%task c\nprint(y)")
    made = bench.run(*cells, task="a")
    left = bench.run(*cells, task="b", inputs={value.key: value for value in made.outcome.xcoms})
    folder = left.request.folder
    for _ in range(2):
        tidy(folder)
        assert not (folder / INPUTS_FOLDER).exists()
        assert not list(folder.rglob("*.pickle"))
        assert read_outcome(folder) == left.outcome
        assert left.notebook.cells
        assert left.log is not None
    tidy(tmp_path / "gone")


def test_an_undeclared_change_fails_a_strict_try(bench: Bench) -> None:
    left = bench.run("%%dag strict_one\nstrict = true", *HIDDEN, task="a")
    assert left.outcome.result is Result.FAIL
    assert "changes `cfg`" in left.outcome.reason


def test_a_failed_try_leaves_its_variables_and_says_what_it_left_out(bench: Bench) -> None:
    left = bench.run("%%task a\nimport threading\nx = {'k': [1]}\nlock = threading.Lock()\nx['missing']")
    index = json.loads((left.request.folder / FAILURE_FOLDER / "index.json").read_text())
    assert [(value["key"], value["text"]) for value in index["variables"]] == [("x", '{"k": [1]}')]
    assert [(gone["name"], gone["kind"]) for gone in index["left_out"]] == [("lock", "_thread.lock")]


def test_pushes_are_handed_on_and_pulls_are_answered_over_the_exchange(bench: Bench, tmp_path: Path) -> None:
    asked: list[XComQuery] = []

    def answer(query: XComQuery) -> Sequence[XComValue]:
        asked.append(query)
        return [encode(query.key, 41, folder=tmp_path, shared={})] if query.task_id == "up" else []

    server = ExchangeServer(answer)
    try:
        left = bench.run(
            "%%task a\nti.xcom_push('rows', 3)\nti.xcom_push(key='return_value', value='mine')\n"
            "(ti.xcom_pull('up') + 1, ti.xcom_pull(task_ids=['up', 'gone'], key='k', default=0), ti.xcom_pull(key='rows'))"
            "\nx = ti.xcom_pull('up') + 1\nti.xcom_push('x', x)\nti.xcom_push('both', ti.xcom_pull(['up', 'gone'], key='k'))",
            exchange=server.path,
        )
    finally:
        server.close()
    assert left.outcome.result is Result.SUCCESS, left.outcome.reason
    assert left.values == {"rows": 3, "return_value": "mine", "x": 42, "both": [41, None]}
    assert {query.task_id for query in asked} == {"up", "gone"}
    assert not server.path.exists()


def test_a_pull_that_the_owner_cannot_answer_fails_with_its_words(bench: Bench) -> None:
    def answer(query: XComQuery) -> Sequence[XComValue]:
        msg = f"no task {query.task_id}"
        raise LookupError(msg)

    server = ExchangeServer(answer)
    try:
        left = bench.run("%%task a\nti.xcom_pull('nowhere')", exchange=server.path)
    finally:
        server.close()
    assert left.outcome.result is Result.FAILED
    assert "LookupError: no task nowhere" in left.outcome.reason


def test_the_socket_is_private_and_its_path_short() -> None:
    server = ExchangeServer(lambda _: [])
    try:
        assert server.path.stat().st_mode & 0o777 == 0o600
        assert server.path.parent.stat().st_mode & 0o777 == 0o700
        assert len(str(server.path)) < 104
    finally:
        server.close()


def test_a_return_value_that_is_an_export_is_encoded_once(tmp_path: Path) -> None:
    value = {1, 2}
    export = Export(name="s", made="cell 1", wanted="cell 2")
    handover = hand_over("a", {"s": value}, (export,), pushed={}, returned=value, shared={}, folder=tmp_path)
    first, second = handover.xcoms
    assert (second.key, second.wanted) == ("return_value", False)
    assert first.text == second.text
    if first.path is not None and second.path is not None:
        assert first.path != second.path
        assert first.path.samefile(second.path)


def test_a_large_return_value_is_a_note(tmp_path: Path) -> None:
    handover = hand_over(
        "a", {}, (), pushed={}, returned=b"x" * (LARGEST_RETURN + 1), shared={}, folder=tmp_path
    )
    assert handover.xcoms == ()
    assert "64 MB) is not kept" in handover.notes[0]
    assert list(tmp_path.iterdir()) == []


def test_a_push_that_cannot_be_carried_names_its_key(tmp_path: Path) -> None:
    with pytest.raises(CannotCarry, match="xcom_push of 'g' in task 'a'"):
        hand_over("a", {}, (), pushed={"g": (n for n in ())}, returned=None, shared={}, folder=tmp_path)


def test_variables_too_large_or_too_late_are_left_out(tmp_path: Path) -> None:
    capture({"big": b"x" * (EACH + 1), "small": 1, "module": json}, tmp_path / "one")
    index = json.loads((tmp_path / "one" / "index.json").read_text())
    assert [value["key"] for value in index["variables"]] == ["small"]
    assert index["left_out"] == [{"name": "big", "kind": "bytes", "why": "50 MB, more than 50 MB"}]
    capture({"small": 1}, tmp_path / "two", seconds=-1)
    index = json.loads((tmp_path / "two" / "index.json").read_text())
    assert [gone["name"] for gone in index["left_out"]] == ["small"]


class Awkward:
    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)


def test_sizes_and_kinds_never_raise() -> None:
    assert rough_size(Awkward()) == 0
    assert kind_of(1) == "int"
    assert kind_of(json.JSONDecoder()) == "json.decoder.JSONDecoder"
