"""The routes as a program and a browser reach them, with and without rights."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jupyter_process import TOKEN, Browser
from server.conftest import RUN

from nbflow.errors import AddressError, OptionError, TrustError
from nbflow.server import routes
from nbflow.server.handlers import _status
from nbflow.server.places import OutsideRoot
from nbflow.service.board_actions import _ACTS

if TYPE_CHECKING:
    from jupyter_process import Jupyter, Reply

NOTEBOOK = "project/n.ipynb"
API = routes.API


@dataclass(frozen=True)
class Case:
    """A request that makes sense.

    Attributes:
        keys: some that the answer has.
    """

    name: str
    keys: frozenset[str]
    given: dict[str, object] = field(default_factory=dict)

    @property
    def posts(self) -> bool:
        return next(route.changes for route in routes.ROUTES if route.name == self.name)

    def ask(self, who: Jupyter | Browser, given: dict[str, object] | None = None, **more: str) -> Reply:
        query = {"notebook": NOTEBOOK, **self.given} if given is None else given
        if self.posts:
            return who.ask(f"{API}/{self.name}", data=json.dumps(query), **more)
        texts = {
            name: json.dumps(value) if isinstance(value, dict | list) else value
            for name, value in query.items()
        }
        return who.ask(f"{API}/{self.name}", **more, **texts)


SQUARE = {"run_id": RUN, "task_id": "a"}
CASES = [
    Case("board", frozenset({"dag_id", "tasks", "runs", "squares", "graph", "headline"}), {"last": 5}),
    Case("updates", frozenset({"mark"}), {"since": 0}),
    Case("graph", frozenset({"nodes", "edges", "groups"}), {"shut": []}),
    Case("square_panel", frozenset({"state", "reason", "tries", "outputs", "log"}), SQUARE),
    Case("run_panel", frozenset({"reason", "gantt"}), {"run_id": RUN}),
    Case("task_panel", frozenset(), {"task_id": "a"}),
    Case("log_after", frozenset({"text", "offset", "ended"}), {**SQUARE, "try_number": 1, "offset": 0}),
    Case("preview", frozenset(), {"verb": "clear", "body": {"run_ids": [RUN], "tasks": ["b"]}}),
    Case("act", frozenset({"ok", "said"}), {"verb": "pause", "body": {}}),
]
every_route = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
reading = pytest.mark.parametrize(
    "case", [case for case in CASES if not case.posts], ids=lambda case: case.name
)


def test_every_route_is_tried_here() -> None:
    assert [case.name for case in CASES] == [route.name for route in routes.ROUTES]


def test_every_route_is_in_the_table_of_the_module() -> None:
    rows = re.findall(r"^\| (GET|POST) (\w+) \|", routes.__doc__ or "", re.MULTILINE)
    assert rows == [("POST" if route.changes else "GET", route.name) for route in routes.ROUTES]


def test_every_route_and_verb_is_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(GET|POST) (\w+)` \|", readme, re.MULTILINE)
    assert rows == [("POST" if route.changes else "GET", route.name) for route in routes.ROUTES]
    said = re.search(r"The verbs are `([a-z_ ]+)`", readme)
    assert said
    assert said[1].split() == list(_ACTS)


def test_installing_the_package_turns_the_extension_on(tmp_path: Path) -> None:
    told = Path(sys.prefix) / "etc" / "jupyter" / "jupyter_server_config.d" / "nbflow.json"
    assert json.loads(told.read_text())["ServerApp"]["jpserver_extensions"] == {"nbflow.server": True}


@every_route
def test_with_the_token_a_route_answers(server: Jupyter, case: Case) -> None:
    reply = case.ask(server)
    assert reply.status == 200, reply.body
    assert case.keys <= reply.json().keys()


@every_route
def test_the_same_for_a_dag_by_its_id_and_home(server: Jupyter, case: Case) -> None:
    reply = case.ask(server, {"dag": "n", "home": "project/.nbflow", **case.given})
    assert reply.status == 200, reply.body
    assert case.keys <= reply.json().keys()


@every_route
@pytest.mark.parametrize("token", ["", "not-the-token"])
def test_without_the_token_a_route_answers_nothing(server: Jupyter, case: Case, token: str) -> None:
    reply = case.ask(server, token=token)
    assert reply.status == 403
    assert set(reply.json()) <= {"message", "reason"}


@every_route
def test_without_the_right_a_route_answers_nothing(server: Jupyter, case: Case) -> None:
    denied = f"{'write' if case.posts else 'read'} nbflow"
    query = {"notebook": NOTEBOOK, **case.given}
    who = server.browser()
    headers = {"Authorization": f"token {TOKEN}", "X-Denied": denied}
    if case.posts:
        reply = who.ask(f"{API}/{case.name}", data=json.dumps(query), headers=headers)
    else:
        reply = who.ask(f"{API}/{case.name}", headers=headers, notebook=NOTEBOOK)
    assert reply.status == 403
    assert "not authorized" in reply.json()["message"]


@every_route
@pytest.mark.parametrize(
    "notebook", ["../outside/n.ipynb", "{root}/../outside/n.ipynb", "leads_out.ipynb", "way_out/n.ipynb"]
)
def test_a_notebook_out_of_the_root_is_forbidden(server: Jupyter, case: Case, notebook: str) -> None:
    reply = case.ask(server, {**case.given, "notebook": notebook.format(root=server.root)})
    assert reply.status == 403
    assert "not below the server's root" in reply.json()["message"]


@every_route
def test_a_home_out_of_the_root_is_forbidden(server: Jupyter, case: Case) -> None:
    reply = case.ask(server, {**case.given, "dag": "n", "home": "../outside"})
    assert reply.status == 403


@every_route
@pytest.mark.parametrize("notebook", ["project/m.ipynb", "project", "100%s.ipynb"])
def test_a_notebook_that_is_not_there_is_not_found(server: Jupyter, case: Case, notebook: str) -> None:
    reply = case.ask(server, {**case.given, "notebook": notebook})
    assert reply.status == 404
    assert repr(notebook) in reply.json()["message"]


@every_route
@pytest.mark.parametrize("given", [{}, {"notebook": "half.ipynb"}], ids=["no DAG", "half a notebook"])
def test_a_request_that_makes_no_sense_is_refused(
    server: Jupyter, case: Case, given: dict[str, object]
) -> None:
    reply = case.ask(server, {**case.given, **given})
    assert reply.status == 400
    assert reply.json()["message"]


@pytest.mark.parametrize(
    ("route", "given", "status"),
    [
        ("board", {"last": "many"}, 400),
        ("updates", {"since": "yesterday"}, 400),
        ("square_panel", {}, 400),
        ("square_panel", {"run_id": RUN, "task_id": "nobody"}, 404),
        ("square_panel", {"run_id": "1999-01-01T00:00:00Z", "task_id": "a"}, 404),
        ("square_panel", {**SQUARE, "try_number": 9}, 404),
        ("square_panel", {**SQUARE, "map_index": "x"}, 400),
        ("run_panel", {"run_id": "1999-01-01T00:00:00Z"}, 404),
        ("task_panel", {"task_id": "nobody"}, 404),
        ("log_after", {**SQUARE, "try_number": 9}, 404),
        ("preview", {"verb": "clear", "body": "[]"}, 400),
        ("preview", {"body": "{}"}, 400),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_are_refused_in_words(
    server: Jupyter, route: str, given: dict[str, object], status: int
) -> None:
    reply = server.ask(f"{API}/{route}", notebook=NOTEBOOK, **given)
    assert reply.status == status, reply.body
    assert reply.json()["message"]


@pytest.mark.parametrize(
    "data", ["", "{", "[]", "3", '"x"', "null", '{"verb": 3}', '{"verb": "pause", "body": []}', "{}"]
)
def test_a_body_that_is_no_object_is_refused(server: Jupyter, data: str) -> None:
    reply = server.ask(f"{API}/act", data=data, notebook=NOTEBOOK)
    assert reply.status == 400, reply.body
    assert reply.json()["message"]


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        ("clear", "run_ids"),
        ("clear", "tasks"),
        ("clear", "map_index"),
        ("clear", "from"),
        ("mark", "state"),
        ("run", "date"),
        ("run", "params"),
        ("backfill", "from"),
        ("backfill", "reprocess"),
        ("schedule", "follow"),
    ],
    ids=str,
)
def test_odd_values_are_no_error_of_ours(server: Jupyter, verb: str, name: str) -> None:
    whole = {"run_ids": [RUN], "tasks": ["b"], "state": "success", "from": "2026-01-02", "to": "2026-01-03"}
    for odd in (3, -1, True, "x", "\0", "x" * 5000, [], ["x"], [None], {}, {"a": 1}, 1e300, "2026-13-45"):
        body = json.dumps({**whole, name: odd})
        reply = server.ask(f"{API}/preview", notebook=NOTEBOOK, verb=verb, body=body)
        assert reply.status in {200, 400, 404}, (odd, reply.body)


def test_what_changes_something_is_not_to_be_had_by_a_link(server: Jupyter) -> None:
    assert server.ask(f"{API}/act", notebook=NOTEBOOK, verb="pause").status == 405


@reading
def test_what_only_looks_takes_no_body(server: Jupyter, case: Case) -> None:
    assert server.ask(f"{API}/{case.name}", data="{}").status == 405


@reading
def test_a_browser_that_has_logged_in_reads_without_a_token(server: Jupyter, case: Case) -> None:
    assert case.ask(server.browser()).status == 200


@pytest.mark.parametrize("sent", [{}, {"X-XSRFToken": "not-it"}], ids=["none", "a wrong one"])
def test_a_browser_acts_only_with_its_xsrf_token(server: Jupyter, sent: dict[str, str]) -> None:
    who = server.browser()
    data = json.dumps({"notebook": NOTEBOOK, "verb": "unpause", "body": {}})
    assert who.ask(f"{API}/act", data=data, headers=sent).status == 403
    reply = who.ask(f"{API}/act", data=data, headers={"X-XSRFToken": who.xsrf})
    assert reply.status == 200, reply.body


def test_a_browser_that_only_reads_is_given_its_xsrf_token(server: Jupyter) -> None:
    who = Browser(server.url)
    assert who.ask(f"{API}/board", notebook=NOTEBOOK, token=TOKEN).status == 200
    data = json.dumps({"notebook": NOTEBOOK, "verb": "unpause", "body": {}})
    reply = who.ask(f"{API}/act", data=data, headers={"X-XSRFToken": who.xsrf})
    assert reply.status == 200, reply.body


@every_route
def test_a_page_of_another_origin_reads_and_does_nothing(server: Jupyter, case: Case) -> None:
    who = server.browser()
    headers = {"Origin": "https://elsewhere.example", "X-XSRFToken": who.xsrf}
    data = json.dumps({"notebook": NOTEBOOK, **case.given}) if case.posts else None
    reply = who.ask(f"{API}/{case.name}", data=data, headers=headers, notebook=NOTEBOOK)
    assert reply.status in {403, 404}


def test_an_action_by_the_server_is_done_in_the_home(server: Jupyter) -> None:
    for verb, expected in (("pause", True), ("unpause", False)):
        data = json.dumps({"verb": verb, "body": {}})
        assert server.ask(f"{API}/act", data=data, notebook=NOTEBOOK).status == 200
        listed = subprocess.run(
            [sys.executable, "-m", "nbflow", "list", "--json"],
            cwd=server.root / "project",
            capture_output=True,
            text=True,
            check=True,
        )
        assert [dag["paused"] for dag in json.loads(listed.stdout)] == [expected]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OptionError("x"), 400),
        (AddressError("x"), 404),
        (OutsideRoot("x"), 403),
        (TrustError("x"), 403),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_has_the_status_that_fits(error: Exception, status: int) -> None:
    assert _status(error) == status  # type: ignore[arg-type]
