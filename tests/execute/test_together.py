"""Variables that hold an object together, through real kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbflow.codec import decode
from nbflow.execute.handover import taken
from nbflow.execute.ti import TaskInstance
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.work import Result
from nbflow.model.xcom import names_together, together_key

if TYPE_CHECKING:
    from conftest import Bench, Left

    from nbflow.model.xcom import XComValue


def inputs_of(left: Left) -> dict[str, XComValue]:
    """What the service would give a task that needs every name of the try."""
    values = {value.key: value for value in left.outcome.xcoms if value.wanted}
    together = {name: value for key, value in values.items() for name in names_together(key)}
    return {key: value for key, value in values.items() if not names_together(key)} | together


def test_a_key_of_names_is_read_back() -> None:
    assert names_together(together_key({"b", "a"})) == {"a", "b"}
    assert names_together("a") == frozenset()


NETWORK = (
    (
        "class Net:\n    def __init__(self): self.w = [0]\n"
        "class SGD:\n    def __init__(self, ps): self.ps = ps\n    def step(self): self.ps[0] += 1"
    ),
    "%%task make\nnet = Net()\nopt = SGD(net.w)\nx = [1]",
    "%%task train\nopt.step()\nresult = (net.w, opt.ps is net.w, x)",
    "%%task show\nprint(result)",
)


def test_two_names_that_share_an_object_still_share_it_in_the_next_task(bench: Bench) -> None:
    made = bench.run(*NETWORK, task="make")
    assert [value.key for value in made.outcome.xcoms] == ["net", "opt", "x", together_key({"net", "opt"})]
    used = bench.run(*NETWORK, task="train", inputs=inputs_of(made))
    assert used.outcome.result is Result.SUCCESS, used.outcome.reason
    assert used.values["result"] == ([1], True, [1])


def test_a_value_of_several_names_is_decoded_once(bench: Bench) -> None:
    made = bench.run(*NETWORK, task="make")
    seen: list[str] = []

    def count(value: XComValue) -> object:
        seen.append(value.key)
        return decode(value, namespace={"Net": object, "SGD": object})

    given = {name: value for name, value in inputs_of(made).items() if name == "x"}
    assert taken(given, count) == {"x": [1]}
    assert seen == ["x"]


def test_a_figure_and_its_axes_make_one_picture(bench: Bench) -> None:
    pytest.importorskip("matplotlib")
    cells = (
        "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt",
        "%%task make\nfig, ax = plt.subplots()",
        "%%task draw\nax.plot([1, 2, 3])\nlines = len(fig.axes[0].lines)",
        "%%task show\nprint(lines)",
    )
    made = bench.run(*cells, task="make")
    assert made.outcome.result is Result.SUCCESS, made.outcome.reason
    drawn = bench.run(*cells, task="draw", inputs=inputs_of(made))
    assert drawn.values["lines"] == 1, drawn.outcome.reason


NOTES = {
    "alias": (
        ("%%task a\nd = {'x': 1}", "%%task b\nother = d", "%%task c\nother['w'] = 1", "%%task d\nprint(d)"),
        "b",
        "`other` holds a part of `d`, which came from task 'a'; task 'c' changes one of them",
    ),
    "part-of-a-shared-value": (
        ("CFG = {'a': {}}", "%%task b\nsub = CFG['a']", "%%task c\nsub['n'] = 5", "%%task d\nprint(CFG)"),
        "b",
        "`sub` holds a part of `CFG`, which cell 1 gives each task anew; task 'c' changes one of them",
    ),
    "a-change-of-its-own": (
        (
            "%%task a\nnet = [[0]]\nnet.append(net)\nopt = {'w': net[0]}",
            "%%task b\nnet\nopt['w'] += [1]",
            "%%task c\nprint(net, opt)",
        ),
        "b",
        "`opt` holds a part of `net`, which came from task 'a'; task 'b' changes one of them",
    ),
    "a-change-of-its-own-that-the-fingerprint-shows": (
        (
            "%%task a\nnet = [[0]]\nopt = {'w': net[0]}",
            "%%task b\nnet\nopt['w'] += [1]",
            "%%task c\nprint(net, opt)",
        ),
        "b",
        "cell 2 (task 'b') changes `net` in a way the text doesn't show",
    ),
    "one-of-two-goes-alone": (
        ("%%task a\nx = []\ny = [x]", "%%task b\nx.append(1)", "%%task c\nprint(x, y)"),
        "a",
        "`x` and `y` hold an object together, and task 'b' changes `x` without having `y`",
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_sharing_that_is_lost_is_a_note(bench: Bench, name: str) -> None:
    cells, task, said = NOTES[name]
    inputs = inputs_of(bench.run(*cells, task="a")) if task == "b" and "%%task a" in cells[0] else {}
    left = bench.run(*cells, task=task, inputs=inputs)
    assert left.outcome.result is Result.SUCCESS, left.outcome.reason
    (note,) = left.outcome.notes
    assert note.startswith(said)


SILENT = {
    "nothing-changed-later": ("%%task b\nsub = CFG['a']", "%%task c\nprint(sub)", "%%task d\nprint(CFG)"),
    "other-not-read-later": ("%%task b\nsub = CFG['a']", "%%task c\nsub['n'] = 5", "%%task d\nprint(1)"),
    "both-handed-on": (
        "%%task b --exports CFG\nsub = CFG['a']",
        "%%task c --exports CFG\nsub['n'] = 5\nCFG",
        "%%task d\nprint(CFG)",
    ),
    "what-is-held-is-not-what-changes": (
        "%%task b\nmodel = {'cfg': CFG}",
        "%%task c\nmodel['w'] = 5",
        "%%task d\nprint(CFG, model)",
    ),
    "a-copy": ("%%task b\nsub = dict(CFG['a'])", "%%task c\nsub['n'] = 5", "%%task d\nprint(CFG)"),
}


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_said_where_nothing_is_lost(bench: Bench, name: str) -> None:
    left = bench.run("CFG = {'a': {}}", *SILENT[name], task="b")
    assert left.outcome.notes == ()


def test_values_that_go_alone_but_not_together_are_a_note(bench: Bench) -> None:
    cells = (
        (
            "class Once:\n    def __init__(self): self.n = 0\n    def __getstate__(self):\n        self.n += 1\n"
            "        if self.n > 4: raise ValueError('worn out')\n        return {'n': self.n}"
        ),
        "%%task a\nx = Once()\ny = x",
        "%%task b\nprint(x, y)",
    )
    left = bench.run(*cells, task="a")
    assert left.outcome.result is Result.SUCCESS, left.outcome.reason
    assert [value.key for value in left.outcome.xcoms] == ["x", "y"]
    (note,) = left.outcome.notes
    assert note.startswith(
        "`x` and `y` hold an object together, but can't be stored as one value (ValueError)"
    )


def test_nobody_can_push_a_hidden_key() -> None:
    ti = TaskInstance(TaskKey(RunKey("d", "r"), "t"), 1, None, lambda value: value)
    with pytest.raises(ValueError, match="are nbflow's own"):
        ti.xcom_push("nbflow:x", 1)
