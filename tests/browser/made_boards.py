"""Boards made up for the page's tests: what `service/board*.py` answers, without a home to read.

A board is deterministic: the same name gives the same data every time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from widgets.conftest import flow_from

from nbflow.model.flow import Edge, EdgeKind
from nbflow.model.task import MapOver, TaskKind, TaskSpec
from nbflow.widgets.board.graph import graph

if TYPE_CHECKING:
    from nbflow.model.flow import Flow

Json = dict[str, Any]

HOSTILE = [
    "<img src=x onerror='window.injected=1'>",
    "<script>window.injected=1</script>",
    '"onmouseover="window.injected=1',
    "javascript:window.injected=1",
    "a\u202eb\u0000c]]>",
    "x" * 300,
    "工程_日本語_🛩️",
]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
TASKS = {
    "load": ("", "", []),
    "clean": ("prepare", "", ["load"]),
    "weather": ("prepare", "", ["load"]),
    "join_weather": ("prepare", "", ["clean", "weather"]),
    "ready": ("", "sensor", ["join_weather"]),
    "fit": ("", "", ["ready"]),
    "score": ("", "", ["fit"]),
    "report": ("", "", ["score", "weather"]),
}


@dataclass
class MadeBoard:
    """A board and the answers to what the page asks about it."""

    flow: Flow
    data: Json
    answers: Json
    server: str = ""
    view: str = "all"
    config: Json | None = None  # of the Jupyter page: None where there is no Jupyter server
    served: Json = field(default_factory=dict)  # address on the page's own server → {"status", "body"}

    def laid_out(self, shut: list[str]) -> Json:
        """What the server says of the graph with these groups shut."""
        return graph(self.flow, shut)

    def json(self) -> Json:
        return {
            "data": self.data,
            "answers": self.answers,
            "server": self.server,
            "view": self.view,
            "config": self.config,
        }


def flow_of(tasks: dict[str, tuple[str, str, list[str]]], mapped: set[str]) -> Flow:
    """A flow of these tasks; `ready` only stands below its upstream task."""
    specs = [
        TaskSpec(
            task_id=task,
            group=group,
            kind=TaskKind(kind or "task") if kind in set(TaskKind) | {""} else TaskKind.SENSOR,
            map=(MapOver(names=("p",), expression="grid"),) if task in mapped else (),
        )
        for task, (group, kind, _) in tasks.items()
    ]
    edges = [
        Edge(
            upstream=above,
            downstream=task,
            kind=EdgeKind.POSITION if task == "ready" else EdgeKind.VARIABLE,
            names=frozenset() if task == "ready" else frozenset({"df"}),
            reason="`ready` follows the cell above it"
            if task == "ready"
            else f"`df`: defined in cell 3 ({above}), used in cell 5, line 2",
        )
        for task, (_, _, needed) in tasks.items()
        for above in needed
    ]
    return flow_from(specs, edges)


def run_of(day: date, state: str, seconds: float | None, **more: Any) -> Json:
    return {
        "run_id": f"{day}T00:00:00Z",
        "label": str(day),
        "date": f"{day}T00:00:00+00:00",
        "state": state,
        "type": "scheduled",
        "seconds": seconds,
        "variant": "",
        "reason": "",
        "interrupted": False,
        **more,
    }


def frame_of(flow: Flow) -> Json:
    """A board without runs."""
    return {
        "dag_id": "flights",
        "notebook": "/work/notebooks/flights.ipynb",
        "home": "/work/notebooks/.nbflow",
        "timezone": "Europe/Berlin",
        "schedule": "@daily",
        "paused": False,
        "pause_reason": "",
        "published": "aa11",
        "saved": "aa11",
        "changed": False,
        "scheduled": True,
        "scheduler": {"alive": True, "what": "nbflow schedule, process 4242"},
        "mark": 100,
        "params": [
            {
                "name": "threshold",
                "default": 0.5,
                "annotation": "float",
                "help": "delays below it are on time",
                "schema": {"type": "number", "minimum": 0},
            },
            {
                "name": "carrier",
                "default": "UA",
                "annotation": "str",
                "help": "",
                "schema": {"enum": ["UA", "AA", "DL"]},
            },
            {"name": "full", "default": False, "annotation": "bool", "help": "all columns", "schema": {}},
            {"name": "note", "default": "", "annotation": "str", "help": "", "schema": {}},
            {"name": "limits", "default": {"low": 1}, "annotation": "dict", "help": "", "schema": {}},
        ],
        "headline": {"text": "no runs yet", "failures": [], "more": False, "today": None, "next": "06:00"},
        "tasks": [
            {
                "id": task,
                "group": spec.group,
                "kind": spec.kind.value,
                "mapped": spec.mapped,
                "removed": False,
                "doc": "",
            }
            for task, spec in flow.tasks.items()
        ],
        "runs": [],
        "older": 0,
        "ghosts": [],
        "today": "2013-03-01",
        "squares": {},
        "flags": {},
        "graph": graph(flow),
    }


def failure_of(run: Json, task: str, error: str = "KeyError: 'x'") -> Json:
    return {
        "run_id": run["run_id"],
        "label": run["label"],
        "task_id": task,
        "map_index": -1,
        "error": error,
        "cell": 9,
        "line": 2,
    }


def story() -> MadeBoard:
    """Sixty days of flights: `clean` failed on 17 February, and more of what a grid may show."""
    mapped = {"score"}
    flow = flow_of(TASKS, mapped)
    data = frame_of(flow)
    random = Random(7)
    first = date(2012, 12, 31)
    for index in range(61):
        day = first + timedelta(days=index)
        letters, state, seconds = ["s"] * len(TASKS), "success", random.uniform(9, 22)
        if day == date(2013, 2, 17):
            letters, state, seconds = list("sfsuuuuu"), "failed", 6.5
        elif day == date(2013, 1, 22):
            letters, state = list("sssssskk"), "success"
        elif day == date(2013, 1, 9):
            letters = list("SsssssSS")
        elif index == 60:
            letters, state = list("sssywron"), "running"
        elif index == 59:
            letters = list("ssssssss")
        data["runs"].append(run_of(day, state, seconds))
        data["squares"][f"{day}T00:00:00Z"] = "".join(letters)
    data["flags"] = {"2013-02-17T00:00:00Z": {"clean": {"try": 3, "seconds": 1.2, "notes": 1}}}
    failed = next(run for run in data["runs"] if run["state"] == "failed")
    data["headline"] = {
        "text": "59 of 61 succeeded · 1 running",
        "failures": [failure_of(failed, "clean")],
        "more": False,
        "today": {"run_id": data["runs"][-1]["run_id"], "label": "2013-03-01", "state": "running"},
        "next": "06:00",
    }
    data["ghosts"] = [
        {"label": f"2013-03-0{day}", "due": f"2013-03-0{day + 1}T05:00:00Z"} for day in (2, 3, 4)
    ]
    data["older"] = 120
    return MadeBoard(flow=flow, data=data, answers=answers(data))


def year(tasks: int = 50, runs: int = 365) -> MadeBoard:
    """Fifty tasks over a year."""
    names = {
        f"task_{index:02d}": (
            "" if index < 10 else f"stage {index // 10}",
            "",
            [f"task_{index - 1:02d}"] if index else [],
        )
        for index in range(tasks)
    }
    flow = flow_of(names, set())
    data = frame_of(flow)
    random = Random(3)
    for index in range(runs):
        day = date(2012, 3, 2) + timedelta(days=index)
        letters = ["s"] * tasks
        if index % 9 == 4:
            at = random.randrange(tasks)
            letters[at] = "f"
            letters[at + 1 :] = "u" * (tasks - at - 1)
        if index % 13 == 5:
            letters[random.randrange(tasks)] = "k"
        data["runs"].append(run_of(day, "failed" if "f" in letters else "success", random.uniform(20, 90)))
        data["squares"][f"{day}T00:00:00Z"] = "".join(letters)
    data["headline"]["text"] = "324 of 365 succeeded"
    data["headline"]["failures"] = [
        failure_of(run, "task_07") for run in data["runs"] if run["state"] == "failed"
    ][:-21:-1]
    return MadeBoard(flow=flow, data=data, answers=answers(data))


def empty() -> MadeBoard:
    """A notebook that has never run."""
    flow = flow_of(TASKS, set())
    data = frame_of(flow) | {
        "scheduled": False,
        "published": None,
        "scheduler": {"alive": False, "what": ""},
    }
    data["headline"]["next"] = None
    return MadeBoard(flow=flow, data=data, answers=answers(data))


def bare() -> MadeBoard:
    """A notebook without tasks."""
    flow = flow_of({}, set())
    data = frame_of(flow) | {
        "schedule": None,
        "scheduled": False,
        "graph": {"width": 0, "height": 0, "nodes": [], "edges": [], "groups": []},
    }
    return MadeBoard(flow=flow, data=data, answers=answers(data))


def one() -> MadeBoard:
    """A single run, changed and paused since, and nobody to run it."""
    flow = flow_of(TASKS, {"score"})
    data = frame_of(flow)
    run = run_of(date(2013, 2, 28), "queued", None, type="manual")
    data |= {
        "runs": [run],
        "squares": {run["run_id"]: "nnnnnnnn"},
        "changed": True,
        "saved": "bb22",
        "paused": True,
        "pause_reason": "3 runs failed one after another",
        "scheduler": {"alive": False, "what": ""},
    }
    return MadeBoard(flow=flow, data=data, answers=answers(data))


def hostile() -> MadeBoard:
    """Names, errors and values that would like to be more than text."""
    tasks = {
        name: ("" if at % 2 else HOSTILE[0], HOSTILE[1] if at == 3 else "", [HOSTILE[at - 1]] if at else [])
        for at, name in enumerate(HOSTILE)
    }
    flow = flow_of(tasks, {HOSTILE[2]})
    data = frame_of(flow)
    run = run_of(date(2013, 2, 28), "failed", 3.0, reason=HOSTILE[1], label=HOSTILE[0])
    data |= {
        "dag_id": HOSTILE[0],
        "runs": [run],
        "squares": {run["run_id"]: "f" + "u" * (len(tasks) - 1)},
        "paused": True,
        "pause_reason": HOSTILE[1],
        "scheduler": {"alive": False, "what": HOSTILE[1]},
    }
    data["headline"] = {
        "text": HOSTILE[0],
        "failures": [failure_of(run, HOSTILE[0], HOSTILE[1])],
        "more": True,
        "today": None,
        "next": HOSTILE[2],
    }
    for param in data["params"]:
        param |= {"name": HOSTILE[1], "help": HOSTILE[0], "annotation": HOSTILE[2]}
    made = MadeBoard(flow=flow, data=data, answers=answers(data, HOSTILE[0]))
    panel = made.answers["square_panel"]
    panel |= {"reason": HOSTILE[1], "doc": HOSTILE[0], "stale": HOSTILE, "params": {HOSTILE[0]: HOSTILE[1]}}
    panel["error"] = {"type": HOSTILE[0], "message": HOSTILE[1], "cell": HOSTILE[0], "line": HOSTILE[1]}
    panel["log"]["text"] = "\n".join(HOSTILE)
    panel["upstream"] = panel["downstream"] = [{"id": name, "state": HOSTILE[0]} for name in HOSTILE]
    panel["mapped"] = [{"index": at, "label": name, "state": "failed"} for at, name in enumerate(HOSTILE)]
    panel["outputs"] = [
        {
            "cell": 3,
            "own": True,
            "source": HOSTILE[1],
            "outputs": [
                {"mime": mime, "data": text}
                for text in HOSTILE
                for mime in ("text/html", "text/plain", "image/svg+xml", HOSTILE[0])
            ],
        }
    ]
    panel["outputs"][0]["outputs"].append(
        {
            "mime": "text/html",
            "data": "<script>parent.injected=1</script><a href='javascript:parent.injected=1' id=link>x</a><img src='https://example.invalid/x.png'>",
        }
    )
    panel["xcoms"][0]["frame"] = {
        "columns": [{"name": name, "dtype": HOSTILE[0]} for name in HOSTILE],
        "rows": [HOSTILE],
        "total": 9,
    }
    panel["xcoms"][1] |= {"key": HOSTILE[0], "kind": HOSTILE[1], "preview": HOSTILE[2]}
    made.answers["preview"] = {
        "said": HOSTILE[0],
        "rows": [{"label": HOSTILE[0], "task_id": HOSTILE[1], "state": HOSTILE[0], "becomes": HOSTILE[1]}],
    }
    made.answers["act"] = {"ok": True, "said": HOSTILE[0]}
    return made


def answers(data: Json, task: str = "clean") -> Json:
    """What the kernel would say to each question."""
    labels = [run["label"] for run in data["runs"]] or ["2013-03-01"]
    failed = (
        next((run for run in data["runs"] if run["state"] == "failed"), None)
        or (data["runs"] or [run_of(date(2013, 3, 1), "success", 3)])[-1]
    )
    random = Random(5)
    numbers = [[label, round(random.uniform(700, 900))] for label in labels[-60:]]
    return {
        "square_panel": {
            "run_id": failed["run_id"],
            "task_id": task,
            "map_index": -1,
            "label": failed["label"],
            "state": "failed",
            "reason": "an error in cell 9, line 2; no retries are left",
            "rule": "all_success",
            "waits": [],
            "doc": "",
            "tries": [
                {
                    "number": at,
                    "result": "failed",
                    "reason": "KeyError: 'x'",
                    "started": f"2013-02-18T05:0{at}:10Z",
                    "ended": f"2013-02-18T05:0{at}:11Z",
                    "seconds": 1.2,
                    "engine": "fast",
                    "notes": ["`df` was changed by `weather`, which no edge declares"] if at == 3 else [],
                }
                for at in (1, 2, 3)
            ],
            "try_number": 3,
            "error": {"type": "KeyError", "message": "'x'", "cell": 9, "line": 2},
            "seconds": 1.2,
            "median": 3.4,
            "upstream": [{"id": "load", "state": "success"}],
            "downstream": [{"id": "join_weather", "state": "upstream_failed"}],
            "params": {"threshold": 0.5, "carrier": "UA"},
            "stale": [],
            "mapped": [],
            "outputs": [
                {
                    "cell": 9,
                    "own": True,
                    "source": "df = df[df['x'] > threshold]\ndf",
                    "outputs": [
                        {"mime": "text/plain", "data": "842 flights read\n", "name": "stdout"},
                        {
                            "mime": "text/html",
                            "data": "<table><tr><th>carrier</th><th>delay</th></tr><tr><td>UA</td><td>12.5</td></tr><tr><td>AA</td><td>3.1</td></tr></table>",
                        },
                        {
                            "mime": "application/vnd.jupyter.error",
                            "data": "\u001b[0;31mKeyError\u001b[0m: 'x'",
                        },
                    ],
                }
            ],
            "log": {
                "text": "reading flights\n842 rows\n\u001b[0;31mKeyError\u001b[0m: 'x'\n",
                "offset": 60,
                "ended": True,
            },
            "xcoms": [
                {
                    "key": "raw",
                    "kind": "pandas.DataFrame",
                    "preview": "842 × 4",
                    "size": 48_213,
                    "frame": {
                        "columns": [
                            {"name": "carrier", "dtype": "string"},
                            {"name": "flight", "dtype": "int64"},
                            {"name": "delay", "dtype": "double"},
                            {"name": "day", "dtype": "date32[day]"},
                        ],
                        "rows": [
                            ["UA", 1545, 11.0, "2013-02-17"],
                            ["UA", 1714, 20.0, "2013-02-17"],
                            ["AA", 1141, None, "2013-02-17"],
                            ["B6", 725, -18.123456789, "2013-02-17"],
                        ]
                        * 5,
                        "total": 842,
                    },
                    "spark": None,
                },
                {
                    "key": "return_value",
                    "kind": "int",
                    "preview": "842",
                    "size": 3,
                    "frame": None,
                    "spark": numbers,
                },
            ],
            "xcoms_error": "",
            "commands": {
                "test": f"nbflow test flights.ipynb {failed['label']} clean",
                "logs": f"nbflow logs flights.ipynb {failed['label']} clean --try 3",
                "pull": f"%nbflow pull {failed['label']} clean",
            },
            "notebook": "/work/notebooks/nbflow-runs/flights/2013-02-17.ipynb",
        },
        "run_panel": {
            "run_id": failed["run_id"],
            "label": failed["label"],
            "state": failed["state"],
            "shown": failed["state"],
            "reason": "clean failed",
            "type": "scheduled",
            "params": {"threshold": 0.5},
            "version": "aa11",
            "version_said": "version 3, as saved now",
            "gantt": [
                {
                    "task_id": name,
                    "map_index": -1,
                    "label": "",
                    "start": f"2013-02-18T05:00:{10 + 4 * at:02d}Z",
                    "end": f"2013-02-18T05:00:{16 + 4 * at:02d}Z",
                    "state": state,
                    "try": 1,
                }
                for at, (name, state) in enumerate(
                    [("load", "success"), ("clean", "failed"), ("weather", "success")]
                )
            ],
            "counts": {"success": 2, "failed": 1, "upstream_failed": 5},
            "notebook": None,
        },
        "task_panel": {
            "task_id": task,
            "kind": "",
            "doc": "",
            "key": "return_value",
            "median": 3.4,
            "runs": [
                {
                    "run_id": f"{label}T00:00:00Z",
                    "label": label,
                    "state": "success",
                    "seconds": random.uniform(2, 5),
                    "number": number,
                    "image": f"data:image/png;base64,{PIXEL}" if at % 3 == 0 else None,
                }
                for at, (label, number) in enumerate(numbers)
            ],
        },
        "log_after": {"text": "", "offset": 60, "ended": True},
        "preview": {
            "said": "6 tasks of 1 run run again",
            "count": 6,
            "rows": [
                {
                    "label": failed["label"],
                    "run_id": failed["run_id"],
                    "task_id": name,
                    "state": "failed" if name == task else "upstream_failed",
                    "becomes": "runs again",
                }
                for name in [task, "join_weather", "ready", "fit", "score", "report"]
            ],
        },
        "act": {"ok": True, "said": "6 tasks of 2013-02-17 run again"},
        "pull": {
            "ok": True,
            "said": "`df` and `raw` are those of 2013-02-17 clean, try 3; `threshold` was overwritten",
        },
    }


BOARDS = {"story": story, "year": year, "empty": empty, "bare": bare, "one": one, "hostile": hostile}
