"""Commits: tries, tokens, what is current."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from nbflow.codec import decode, encode
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.xcom import Form
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 2, 17, 6, tzinfo=UTC)


@dataclass
class Home:
    """A home on disk with an open store, and a hand to put values in."""

    path: Path
    store: XComStore
    tries: int = 0
    files: list[Path] = field(default_factory=list)

    def folder(self) -> Path:
        made = self.path / f"folder-{len(self.files)}"
        made.mkdir()
        self.files.append(made)
        return made

    def entry(self, values: dict[str, object], **place: Any) -> TryXComs:
        self.tries += 1
        day = place.get("day", "2026-02-17")
        run = RunKey(place.get("dag", "flights"), place.get("run", f"{day}T00:00:00Z"))
        folder = self.folder()
        return TryXComs(
            key=TaskKey(run, place.get("task", "clean"), place.get("map_index", -1)),
            try_number=place.get("number", 1),
            ds=day,
            token=place.get("token", f"token-{self.tries}"),
            xcoms=tuple(
                encode(key, value, folder=folder, shared={}, namespace={}) for key, value in values.items()
            ),
            at=AT + timedelta(seconds=self.tries),
        )

    def put(self, values: dict[str, object], **place: Any) -> TaskKey:
        entry = self.entry(values, **place)
        self.store.commit([entry])
        return entry.key

    def get(self, task: TaskKey, key: str = "x", number: int | None = None) -> Any:
        found = self.store.get(task, key, try_number=number, folder=self.folder())
        return None if found is None else decode(found, namespace={})

    def sql(self, query: str) -> list[Any]:
        return self.store._connection.cursor().execute(query).fetchall()


@pytest.fixture
def home(tmp_path: Path) -> Any:
    with XComStore.open(tmp_path) as store:
        yield Home(tmp_path, store)


FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})


@pytest.mark.parametrize("value", [5, FRAME, {1, 2}], ids=["json", "frame", "pickle"])
def test_the_latest_committed_try_is_the_current_one_and_older_ones_stay(home: Home, value: object) -> None:
    task = home.put({"x": value}, number=1)
    home.put({"x": "second"}, number=2)
    assert home.get(task) == "second"
    assert type(home.get(task, number=1)) is type(value)
    assert home.get(task, number=3) is None


def test_a_try_that_hands_on_nothing_still_becomes_the_current_one(home: Home) -> None:
    task = home.put({"x": 1})
    home.put({}, number=2)
    assert home.get(task) is None


@pytest.mark.parametrize("value", [5, FRAME, {1, 2}], ids=["json", "frame", "pickle"])
def test_the_same_token_replaces_its_leftovers_and_no_other_try(home: Home, value: object) -> None:
    home.put({"x": value, "y": 1}, token="a")
    home.put({"x": FRAME}, token="b", number=2)
    task = home.put({"x": value}, token="a")
    assert home.get(task, "y") is None
    assert [entry.try_number for entry in home.store.list_values("flights")] == [1, 2]
    assert len(home.get(task, number=2)) == 2
    rows = sum(
        home.sql(f"SELECT count(*) FROM nbflow.{name}")[0][0]
        for (name,) in home.sql(
            "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'frame\\_%' ESCAPE '\\'"
        )
    )
    assert rows == (4 if value is FRAME else 2)


def test_a_batch_is_stored_whole_or_not_at_all(home: Home) -> None:
    good, bad = home.entry({"x": 1}), home.entry({"x": {1}}, task="other")
    assert bad.xcoms[0].path is not None
    bad.xcoms[0].path.unlink()
    with pytest.raises(FileNotFoundError):
        home.store.commit([good, bad])
    assert home.store.list_values("flights") == []
    home.store.commit([good])
    assert home.get(good.key) == 1


def test_a_forgotten_task_instance_has_no_value_but_its_history(home: Home) -> None:
    task = home.put({"x": 1})
    other = home.put({"x": 2}, day="2026-02-18")
    home.store.forget([task])
    assert home.get(task) is None
    assert home.get(task, number=1) == 1
    assert home.get(other) == 2


def test_a_listing_says_what_each_value_is(home: Home) -> None:
    home.put({"n": 42, "df": FRAME, "s": {1}})
    listed = home.store.list_values("flights", task_id="clean")
    assert [(row.key, row.form, row.kind, row.preview) for row in listed] == [
        ("n", Form.JSON, "int", "42"),
        ("df", Form.ARROW, "pandas.DataFrame", "DataFrame 2 × 2: a, b"),
        ("s", Form.PICKLE, "set", "{1}"),
    ]
    assert {(row.ds, row.current, row.created) for row in listed} == {
        ("2026-02-17", True, AT + timedelta(seconds=1))
    }
    assert home.store.list_values("flights", key="df", run_id="2026-02-17T00:00:00Z")[0].size > 0
    assert home.store.list_values("flights", run_id="nope") == home.store.list_values("nope") == []


def test_mapped_instances_and_runs_are_apart(home: Home) -> None:
    tasks = [
        home.put({"x": (day, index)}, day=day, map_index=index)
        for day in ("2026-01-01", "2026-01-02")
        for index in (0, 1)
    ]
    assert [home.get(task) for task in tasks] == [
        (day, i) for day in ("2026-01-01", "2026-01-02") for i in (0, 1)
    ]


DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")


@dataclass(frozen=True)
class Pull:
    name: str
    found: list[object]
    run: str | None = "2026-01-02T00:00:00Z"
    tasks: list[str] | None = field(default_factory=lambda: ["a"])
    maps: list[int] | None = None
    prior: bool = False


PULLS = [
    Pull("one-task", ["a 02"]),
    Pull("in-the-order-asked", ["b 02 0", "b 02 1", "a 02"], tasks=["b", "a"]),
    Pull("all-tasks", ["a 02", "b 02 0", "b 02 1"], tasks=None),
    Pull("one-instance", ["b 02 1"], tasks=["b"], maps=[1]),
    Pull("nothing", [], tasks=["c"]),
    Pull("earlier-date", ["c 01"], tasks=["c"], prior=True),
    Pull("not-earlier-than-needed", ["a 02", "c 01"], tasks=["a", "c"], prior=True),
    Pull("never-later", [], tasks=["d"], prior=True),
    Pull("latest-run", ["d 03"], tasks=["d"], run=None),
    Pull("variant-itself", ["a big"], run="2026-01-02T00:00:00Z~big"),
    Pull(
        "variant-looks-back-on-plain-runs",
        ["b 02 0", "b 02 1"],
        tasks=["b"],
        run="2026-01-02T00:00:00Z~big",
        prior=True,
    ),
    Pull("no-plain-run-looks-back-on-a-variant", ["a 02"], run="2026-01-03T00:00:00Z", prior=True),
]


@pytest.mark.parametrize("case", PULLS, ids=lambda case: case.name)
def test_pull_finds_what_airflow_s_would(home: Home, case: Pull) -> None:
    home.put({"x": "a 01"}, task="a", day="2026-01-01")
    home.put({"x": "c 01"}, task="c", day="2026-01-01")
    home.put({"x": "old"}, task="a", day="2026-01-02")
    home.put({"x": "a 02", "y": "other key"}, task="a", day="2026-01-02", number=2)
    home.put({"x": "b 02 1"}, task="b", day="2026-01-02", map_index=1)
    home.put({"x": "b 02 0"}, task="b", day="2026-01-02", map_index=0)
    home.put({"x": "a big"}, task="a", day="2026-01-02", run="2026-01-02T00:00:00Z~big")
    home.put({"x": "d 03"}, task="d", day="2026-01-03")
    pulled = home.store.pull(
        "flights",
        case.run,
        case.tasks,
        "x",
        map_indexes=case.maps,
        include_prior_dates=case.prior,
        folder=home.folder(),
    )
    assert [decode(value, namespace={}) for _, value in pulled] == case.found
    assert all(task.run.dag_id == "flights" for task, _ in pulled)
