"""A notebook of the fidelity suite: what it says of itself, a request for it, and what a try of it left.

It says in its metadata, under `nbflow_fidelity`:

* `about`: what it is an example of.
* `expect`: the essential of what must come out, so that two engines that are wrong alike are seen:
  `result` (else success), `reason` (how it begins), `error` ([type, cell, line]), `notes` (a piece of each;
  else there are none), `value` (of the last expression, as JSON), `cells` (cell number → pieces of its
  outputs, in their order, as `shown` writes them; none for a cell without any), `log` (pieces in order),
  `files` (name → text of what it left in its folder).
* `request`: fields of the request: `timeout` in seconds, `environment`, `params`, `task`; and `beside`, files
  that lie in its folder before it runs (name → text).
* `differs`: what two executions differ in beyond `normalise.py`: `why`, and `normalise`, pairs of a regular
  expression and what replaces it.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from fidelity.normalise import normalised

from nbflow.codec import decode
from nbflow.errors import NbflowError
from nbflow.execute.outcome import outcome_to_json
from nbflow.model.run import Interval, RunKey, TaskKey, run_id_of
from nbflow.model.work import FAILURE_FOLDER, INPUTS_FOLDER, LOG_FILE, NOTEBOOK_FILE, TaskRequest
from nbflow.parse.flow import flow_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbflow.model.work import TaskOutcome
    from nbflow.model.xcom import XComValue

FOLDER = Path(__file__).parent / "notebooks"
FORKED = Path(__file__).parent / "forked"  # what only the forked engine can run as it should
BESIDE = Path(__file__).parent / "beside"  # lies in the folder of each notebook when it runs
DAY = datetime(2026, 2, 17, tzinfo=UTC)
_INTERVAL = Interval(logical_date=DAY, start=DAY, end=DAY + timedelta(days=1), due=DAY + timedelta(days=1))
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """A notebook and what it says of itself (see the top of this file)."""

    path: Path
    about: str
    expect: Mapping[str, Any]
    request: Mapping[str, Any] = field(default_factory=dict[str, Any])
    differs: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def read(cls, path: Path) -> Golden:
        """The notebook of this path."""
        return cls(path=path, **json.loads(path.read_text(encoding="utf-8"))["metadata"]["nbflow_fidelity"])

    @property
    def name(self) -> str:
        return self.path.stem

    def request_for(self, kernel: str, folder: Path) -> TaskRequest:
        """A request for its only task, or for the one it names, run by `kernel` in a new folder in `folder`.

        Both engines get paths of one length: IPython and rich break lines by it.
        """
        place = folder / f"{next(_numbers):04}"
        cwd, own = place / "work", place / "try"
        shutil.copytree(BESIDE, cwd)
        for name, text in self.request.get("beside", {}).items():
            (cwd / name).write_text(text, encoding="utf-8")
        (own / INPUTS_FOLDER).mkdir(parents=True)
        notebook = nbformat.read(self.path, as_version=4)
        flow = flow_of(notebook, self.path.name)
        task = self.request.get("task") or next(iter(flow.tasks))
        timeout = self.request.get("timeout")
        return TaskRequest(
            key=TaskKey(RunKey(flow.dag.dag_id, run_id_of(DAY)), task),
            try_number=1,
            token=f"try-{place.name}",
            flow=flow,
            notebook=notebook,
            interval=_INTERVAL,
            timezone="UTC",
            params=self.request.get("params", {}),
            inputs={},
            missing={},
            cwd=cwd,
            folder=own,
            execution_timeout=None if timeout is None else timedelta(seconds=timeout),
            environment=self.request.get("environment", {}),
            kernel=kernel,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a try of a notebook left."""

    golden: Golden
    request: TaskRequest
    outcome: TaskOutcome

    @property
    def notebook(self) -> dict[str, Any]:
        return nbformat.read(self.request.folder / NOTEBOOK_FILE, as_version=4)

    @property
    def log(self) -> str:
        return (self.request.folder / LOG_FILE).read_text(encoding="utf-8")

    @property
    def value(self) -> object:
        """The value of the last expression as JSON knows it, None without one."""
        text = next((value.text for value in self.outcome.xcoms if value.key == "return_value"), None)
        return None if text is None else json.loads(text)

    @property
    def files(self) -> dict[str, str]:
        """What the notebook made in its folder: path → text."""
        made = {
            str(path.relative_to(self.request.cwd)): path
            for path in sorted(self.request.cwd.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
        return {
            name: path.read_text(encoding="utf-8", errors="backslashreplace")
            for name, path in made.items()
            if not (BESIDE / name).exists() and name not in self.golden.request.get("beside", ())
        }

    def shown(self, number: int) -> str:
        """The outputs of the notebook's cell of this number, as text without colours."""
        cell_id = self.request.flow.cells[number - 1].cell_id
        cell = next(cell for cell in self.notebook["cells"] if cell["id"] == cell_id)
        return _ANSI.sub("", "".join(itertools.chain.from_iterable(map(_shown, cell["outputs"]))))

    def normalised(self) -> dict[str, Any]:
        """All of it, but for what differs between any two tries."""
        outcome = outcome_to_json(self.outcome)
        for name in ("token", "started", "ended", "engine"):
            del outcome[name]
        outcome["xcoms"] = [self._xcom(value) for value in self.outcome.xcoms]
        index = self.request.folder / FAILURE_FOLDER / "index.json"
        beside = {
            "outcome": outcome,
            "log": self.log,
            "files": self.files,
            "failure": _captured(json.loads(index.read_text(encoding="utf-8"))) if index.exists() else None,
        }
        places = {str(self.request.folder): "<try>", str(self.request.cwd): "<folder>"}
        return normalised(
            self.notebook, beside, places=places, allowed=self.golden.differs.get("normalise", ())
        )

    @staticmethod
    def _xcom(value: XComValue) -> dict[str, object]:
        """An XCom with its value in the place of its file."""
        found = value.to_json()
        del found["path"]
        try:
            found["value"] = repr(decode(value, namespace={}))
        except NbflowError as error:
            found["value"] = f"{type(error).__name__}: {error}"
        return found


def _captured(index: dict[str, Any]) -> dict[str, Any]:
    """What was kept of a failed try's variables, in the order of their names: the order kept is by size."""
    kept = sorted(index["variables"], key=lambda value: value["key"])
    return {
        "variables": [{name: part for name, part in value.items() if name != "path"} for value in kept],
        "left_out": sorted(index["left_out"], key=lambda value: value["name"]),
    }


def _shown(output: Mapping[str, Any]) -> Iterator[str]:
    match output["output_type"]:
        case "stream":
            yield f"[{output['name']}]\n{_text(output['text'])}"
        case "error":
            yield f"[error {output['ename']}]\n{output['evalue']}\n" + "\n".join(output["traceback"])
        case kind:
            for mime, data in output["data"].items():
                text = _text(data) if isinstance(data, str | list) else json.dumps(data)
                yield f"[{'result' if kind == 'execute_result' else 'display'} {mime}]\n{text}\n"


def _text(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
