"""One notebook, two engines: a real Jupyter kernel and the forked one leave the same, and what they should."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from fidelity.golden import FOLDER, FORKED, Golden, Left

from nbflow.execute.local import Finished, LocalExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbflow.model.work import TaskOutcome, TaskRequest

ENGINES = {"real": "python3", "fast": ""}  # name → `TaskRequest.kernel`
GOLDEN = [Golden.read(path) for path in sorted(FOLDER.glob("*.ipynb"))]
BETTER = [Golden.read(path) for path in sorted(FORKED.glob("*.ipynb"))]
AHEAD = 3  # notebooks that run before a test wants them


def each(notebooks: list[Golden]) -> pytest.MarkDecorator:
    """The notebooks one by one. Of module scope, all that is about one comes together: a worker of xdist that has a
    share of the tests has a share of the notebooks.
    """
    return pytest.mark.parametrize("golden", notebooks, ids=lambda golden: golden.name, scope="module")


@dataclass
class Engine:
    """An engine's tries: whoever wants one has the next few begun, so that the processors have work."""

    kernel: str
    folder: Path
    wanted: list[Golden]  # in the order of their tests
    executor: LocalExecutor = field(default_factory=lambda: LocalExecutor(2))
    asked: dict[str, TaskRequest] = field(default_factory=dict)
    over: dict[str, TaskOutcome] = field(default_factory=dict)

    def submit(self, golden: Golden) -> TaskRequest:
        """Have the notebook run once more."""
        request = golden.request_for(self.kernel, self.folder)
        self.executor.submit(request)
        return request

    def left(self, golden: Golden, request: TaskRequest | None = None) -> Left:
        """What a try left, the first unless another is named; waits for its end."""
        request = request or self._first_of(golden)
        while request.token not in self.over:
            match self.executor.events.get():
                case Finished(outcome=outcome):
                    self.over[outcome.token] = outcome
                case _:
                    pass
        return Left(golden=golden, request=request, outcome=self.over[request.token])

    def _first_of(self, golden: Golden) -> TaskRequest:
        place = self.wanted.index(golden)
        for soon in self.wanted[place : place + 1 + AHEAD]:
            if soon.name not in self.asked:
                self.asked[soon.name] = self.submit(soon)
        return self.asked[golden.name]


@pytest.fixture(scope="session")
def engines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Engine]]:
    """Both engines, for the notebooks that the chosen tests are about."""
    params = (getattr(getattr(item, "callspec", None), "params", {}) for item in request.session.items)
    about = [given["golden"] for given in params if isinstance(given.get("golden"), Golden)]
    wanted = list({golden.name: golden for golden in about}.values())
    found = {name: Engine(kernel, tmp_path_factory.mktemp(name), wanted) for name, kernel in ENGINES.items()}
    yield found
    for engine in found.values():
        engine.executor.close()


@each(GOLDEN)
def test_a_real_kernel_gives_what_the_notebook_says(golden: Golden, engines: dict[str, Engine]) -> None:
    assert_as_it_says(golden, engines["real"].left(golden))


@each(GOLDEN + BETTER)
def test_the_forked_engine_gives_what_the_notebook_says(golden: Golden, engines: dict[str, Engine]) -> None:
    assert_as_it_says(golden, engines["fast"].left(golden))


@each(GOLDEN)
def test_a_real_kernel_and_the_forked_one_leave_the_same(golden: Golden, engines: dict[str, Engine]) -> None:
    real, fast = (engines[name].left(golden) for name in ENGINES)
    expected, found = (in_lines(left.normalised()) for left in (real, fast))
    difference = difflib.unified_diff(expected, found, "a real kernel", "the forked one", lineterm="")
    assert expected == found, "\n".join(difference)
    assert fast.outcome.engine.startswith("forked")
    assert not real.outcome.engine.startswith("forked")


def test_no_two_tries_draw_the_same(engines: dict[str, Engine]) -> None:
    (golden,) = (golden for golden in GOLDEN if golden.name == "random_unseeded")
    engine = engines["fast"]
    first, second = (engine.left(golden, engine.submit(golden)).value for _ in range(2))
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] == second[name]] == []


def assert_as_it_says(golden: Golden, left: Left) -> None:
    """What the try left is what the notebook expects."""
    expect = {"result": "success", "reason": "", "notes": [], "error": None} | dict(golden.expect)
    outcome = left.outcome
    assert outcome.result.value == expect["result"], outcome.reason
    assert outcome.reason.startswith(expect["reason"])
    error = outcome.error
    assert (error and [error.type, error.cell, error.line]) == expect["error"]
    assert len(outcome.notes) == len(expect["notes"]), outcome.notes
    assert_in_order(expect["notes"], "\n".join(outcome.notes))
    for number, pieces in expect.get("cells", {}).items():
        shown = left.shown(int(number))
        assert pieces or not shown
        assert_in_order(pieces, shown)
    if "value" in expect:
        assert left.value == expect["value"]
    assert_in_order(expect.get("log", []), left.log)
    assert left.files.items() >= expect.get("files", {}).items()
    nbformat.validate(nbformat.from_dict(left.notebook))


def in_lines(value: Any) -> list[str]:
    """JSON, with each line of a text on a line of its own."""

    def split(part: Any) -> Any:
        match part:
            case str():
                return part.splitlines(keepends=True) if "\n" in part else part
            case list():
                return [split(inner) for inner in part]
            case dict():
                return {name: split(inner) for name, inner in part.items()}
            case _:
                return part

    return json.dumps(split(value), indent=1, ensure_ascii=False, sort_keys=True).splitlines()


def assert_in_order(pieces: list[str], text: str) -> None:
    """Each piece stands in the text behind the one before it."""
    place = 0
    for piece in pieces:
        found = text.find(piece, place)
        assert found >= 0, f"{piece!r} is not in what follows:\n{text[place : place + 3000]}"
        place = found + len(piece)
