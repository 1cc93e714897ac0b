"""The first lines of a cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from nbflow.model.task import MapOver, SensorMode, TaskKind, TaskSpec, TriggerRule, WeightRule
from nbflow.parse.header import HeaderKind, read_header
from nbflow.parse.options import BY_OPPOSITE, TASK_OPTIONS, Option, OptionType, misplaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    source: str
    kind: HeaderKind = HeaderKind.TASK
    task: str = ""
    task_kind: TaskKind = TaskKind.TASK
    options: dict[str, object] = field(default_factory=dict)
    lines: int = 1
    body: str | None = None


CASES = [
    Case(name="a name", source="%%task load\nx = 1", task="load", body="\nx = 1"),
    Case(name="a line magic", source="%task load\nx = 1", task="load", body="\nx = 1"),
    Case(name="a name in any script", source="%%task 추출", task="추출"),
    Case(name="a name with marks of a script", source="%%task निकालो", task="निकालो"),
    Case(name="dots and dashes", source="%%task load-2.b_c", task="load-2.b_c"),
    Case(name="a quoted name", source='%%task "load"', task="load"),
    Case(name="blank lines above", source="\n\n%%task load\nx", task="load", lines=3, body="\n\n\nx"),
    Case(name="Windows line ends", source="%%task load\r\nx", task="load", body="\nx"),
    Case(name="going on", source="%%task +\nx", kind=HeaderKind.CONTINUES),
    Case(name="going on in a line", source="%task +\nx", kind=HeaderKind.CONTINUES),
    Case(name="scratch", source="%%scratch\nx", kind=HeaderKind.SCRATCH),
    Case(
        name="a dag",
        source="%%dag daily\nowner = 'a'",
        kind=HeaderKind.DAG,
        task="daily",
        body="\nowner = 'a'",
    ),
    Case(name="a dag without a name", source="%%dag\nowner = 'a'", kind=HeaderKind.DAG),
    Case(name="another cell magic below", source="%%task load\n%%bash\nls", task="load", body="\n%%bash\nls"),
    Case(name="a sensor", source="%%task.sensor wait", task="wait", task_kind=TaskKind.SENSOR),
    Case(name="a branch", source="%%task.branch choose", task="choose", task_kind=TaskKind.BRANCH),
    Case(
        name="a short circuit", source="%%task.short_circuit go", task="go", task_kind=TaskKind.SHORT_CIRCUIT
    ),
    Case(name="a setup", source="%%task.setup up", task="up", task_kind=TaskKind.SETUP),
    Case(name="a teardown", source="%%task.teardown down", task="down", task_kind=TaskKind.TEARDOWN),
    Case(
        name="lines joined by backslashes",
        source="%%task load --retries 3 \\\n    --after a,b \\\n  --doc 'two words'\nx",
        task="load",
        options={"retries": 3, "after": ("a", "b"), "doc": "two words"},
        lines=3,
        body="\n\n\nx",
    ),
    Case(
        name="options before the name", source="%%task --retries=2 load", task="load", options={"retries": 2}
    ),
    Case(name="after none", source="%%task load --after none", task="load", options={"after": ()}),
    Case(name="a comment behind", source="%%task load # first", task="load"),
    Case(
        name="every other option",
        source="%%task t --uses a,b --exports c --retry-delay 1m --retry-exponential-backoff --max-retry-delay PT1H"
        " --execution-timeout 90 --trigger-rule all_done --priority-weight -2 --group A.B",
        task="t",
        options={
            "uses": frozenset({"a", "b"}),
            "exports": frozenset({"c"}),
            "retry_delay": timedelta(minutes=1),
            "retry_exponential_backoff": True,
            "max_retry_delay": timedelta(hours=1),
            "execution_timeout": timedelta(seconds=90),
            "trigger_rule": TriggerRule.ALL_DONE,
            "priority_weight": -2,
            "group": "A.B",
        },
    ),
    Case(
        name="what Airflow's tasks can say",
        source="%%task t --weight-rule absolute --pool gpu --pool-slots 2 --max-active-tis 3 --depends-on-past"
        " --wait-for-downstream --latest-only --no-template --on-success-callback f --on-failure-callback g"
        " --on-retry-callback h --on-skipped-callback k",
        task="t",
        options={
            "weight_rule": WeightRule.ABSOLUTE,
            "pool": "gpu",
            "pool_slots": 2,
            "max_active_tis": 3,
            "depends_on_past": True,
            "wait_for_downstream": True,
            "latest_only": True,
            "no_template": True,
            "on_success_callback": "f",
            "on_failure_callback": "g",
            "on_retry_callback": "h",
            "on_skipped_callback": "k",
        },
    ),
    Case(
        name="a sensor's options",
        source="%%task.sensor t --mode reschedule --poke-interval 5m --timeout 2h --soft-fail"
        " --exponential-backoff --max-wait 1h",
        task="t",
        task_kind=TaskKind.SENSOR,
        options={
            "mode": SensorMode.RESCHEDULE,
            "poke_interval": timedelta(minutes=5),
            "timeout": timedelta(hours=2),
            "soft_fail": True,
            "exponential_backoff": True,
            "max_wait": timedelta(hours=1),
        },
    ),
    Case(
        name="a short circuit's",
        source="%%task.short_circuit t --respect-trigger-rules",
        task="t",
        task_kind=TaskKind.SHORT_CIRCUIT,
        options={"respect_trigger_rules": True},
    ),
    Case(
        name="a teardown's",
        source="%%task.teardown t --setups a,b --on-failure-fail-dagrun",
        task="t",
        task_kind=TaskKind.TEARDOWN,
        options={"setups": ("a", "b"), "on_failure_fail_dagrun": True},
    ),
    Case(
        name="a mapped task's",
        source="%%task t --map 'p in grid' --map='a, b in pairs' --collect out --label '{{ p }}' --first 1",
        task="t",
        options={
            "map": (
                MapOver(names=("p",), expression="grid"),
                MapOver(names=("a", "b"), expression="pairs"),
            ),
            "collect": "out",
            "label": "{{ p }}",
            "first": 1,
        },
    ),
    Case(name="templates on", source="%%task t --template", task="t", options={"no_template": False}),
    Case(
        name="a flag turned off",
        source="%%task t --no-retry-exponential-backoff",
        task="t",
        options={"retry_exponential_backoff": False},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_read(case: Case) -> None:
    header = read_header(case.source)
    assert header is not None
    assert header.problems == ()
    assert (header.kind, header.name, header.task_kind) == (case.kind, case.task, case.task_kind)
    assert dict(header.options) == case.options
    assert header.lines == case.lines
    assert case.body is None or header.body == case.body


@pytest.mark.parametrize(
    "source", ["", "x = 1", "# only", "x\n%%task load", "%%tasks a", "%%time\nx", "%dag a --owner b"]
)
def test_other_cells_have_none(source: str) -> None:
    assert read_header(source) is None


@dataclass(frozen=True, slots=True)
class Wrong:
    name: str
    source: str
    code: str
    says: str
    line: int = 1


WRONG = [
    Wrong("no name", "%%task", "no-name", "%%task has no name; write %%task NAME"),
    Wrong("two names", "%%task load data", "bad-name", "Write %%task load_data"),
    Wrong("a space in the name", "%%task 'load data'", "bad-name", "write load_data"),
    Wrong("a slash in the name", "%%task a/b", "bad-name", "'/'"),
    Wrong("a dot before the name", "%%task .hidden", "bad-name", "write hidden"),
    Wrong("a name that means something", "%%task none", "bad-name", "meaning of its own"),
    Wrong("a long name", "%%task " + "a" * 201, "bad-name", "longer than 200"),
    Wrong("an unknown kind", "%%task.brnch a", "unknown-kind", "Did you mean %%task.branch?"),
    Wrong(
        "an unknown option",
        "%%task a --retrys 3",
        "unknown-option",
        "Did you mean --retries? There are --after",
    ),
    Wrong("a short option", "%%task a -r 3", "unknown-option", "no option -r"),
    Wrong("no value", "%%task a --retries", "bad-option", "--retries needs a value"),
    Wrong("no number", "%%task a --retries many", "bad-option", "'many' is no whole number"),
    Wrong("too small", "%%task a --retries -1", "bad-option", "0 is the least"),
    Wrong("no duration", "%%task a --retry-delay soon", "bad-option", "write 30s, 5m"),
    Wrong("no rule", "%%task a --trigger-rule all_sucess", "bad-option", "Did you mean all_success?"),
    Wrong("no mode", "%%task.sensor a --mode reschedul", "bad-option", "Did you mean reschedule?"),
    Wrong("no weight rule", "%%task a --weight-rule none", "bad-option", "downstream, upstream, absolute"),
    Wrong("no pool", "%%task a --pool ''", "bad-option", "nothing is named"),
    Wrong("no slots", "%%task a --pool-slots 0", "bad-option", "1 is the least"),
    Wrong("no function", "%%task a --on-retry-callback a.b", "bad-option", "'a.b' is no Python name"),
    Wrong("two negations", "%%task a --no-no-template", "unknown-option", "Did you mean --no-template?"),
    Wrong(
        "a sensor's option",
        "%%task a --mode poke",
        "bad-option",
        "is for %%task.sensor only, and this is %%task",
    ),
    Wrong("a teardown's option", "%%task a --setups b", "bad-option", "is for %%task.teardown only"),
    Wrong(
        "a short circuit's option",
        "%%task.branch a --respect-trigger-rules",
        "bad-option",
        "is for %%task.short_circuit only, and this is %%task.branch",
    ),
    Wrong(
        "a teardown's rule",
        "%%task.teardown a --trigger-rule all_done",
        "bad-option",
        "if its setup succeeded",
    ),
    Wrong("a mapped branch", "%%task.branch a --map 'p in x'", "bad-option", "nobody could say"),
    Wrong("collect alone", "%%task a --collect x", "bad-option", 'add --map "p in grid", or take it out'),
    Wrong("label alone", "%%task a --label x", "bad-option", "for mapped tasks only"),
    Wrong("first alone", "%%task a --first 1", "bad-option", "for mapped tasks only"),
    Wrong("first of none", "%%task a --map 'p in x' --first 0", "bad-option", "1 is the least"),
    Wrong("collect beside a bad map", "%%task a --map p --collect x", "bad-option", "write --map"),
    Wrong("no Python name", "%%task a --uses 1x", "bad-option", "1x is no Python name"),
    Wrong("an open quote", "%%task a --doc 'open", "bad-header", "can't be split"),
    Wrong("a comment above", "# load\n%%task a", "comment-above-header", "Move the comment below"),
    Wrong("options of a continuation", "%%task + --retries 3", "bad-header", "takes no kind or options"),
    Wrong("words behind scratch", "%%scratch now", "bad-header", "takes nothing"),
    Wrong("two headers", "%%task a\nx\n%%task b", "two-headers", "split the cell", 3),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_says_what_is_wrong_and_where(case: Wrong) -> None:
    header = read_header(case.source)
    assert header is not None
    (problem,) = [problem for problem in header.problems if problem.code == case.code]
    assert case.says in problem.message
    assert problem.line == case.line


def test_every_problem_is_reported_at_once() -> None:
    header = read_header("%%task a b --retries x --colour red")
    assert header is not None
    assert {problem.code for problem in header.problems} == {"bad-name", "bad-option", "unknown-option"}


def test_every_option_has_a_line_of_help() -> None:
    assert all(option.help and "\n" not in option.help for option in TASK_OPTIONS)


@pytest.mark.parametrize("option", TASK_OPTIONS, ids=lambda option: option.flag)
def test_every_option_sets_a_field_of_the_task_unless_it_is_for_cells_run_by_hand(option: Option) -> None:
    assert (option.field in TaskSpec.__slots__) != option.by_hand


def test_every_field_of_a_task_but_its_name_and_kind_has_an_option() -> None:
    fields = {option.field for option in TASK_OPTIONS if not option.by_hand}
    assert set(TaskSpec.__slots__) - fields == {"task_id", "kind"}


@pytest.mark.parametrize("flag", BY_OPPOSITE)
def test_every_flag_can_be_turned_off(flag: str) -> None:
    option = BY_OPPOSITE[flag]
    kind = next(kind for kind in TaskKind if kind in option.kinds)
    written = "%%task" if kind is TaskKind.TASK else f"%%task.{kind}"
    header = read_header(f"{written} t {option.flag} {flag}")
    assert header is not None
    assert header.problems == ()
    assert header.options == {option.field: False}


@pytest.mark.parametrize("kind", TaskKind)
def test_an_option_makes_sense_for_the_kinds_it_names_only(kind: TaskKind) -> None:
    for option in TASK_OPTIONS:
        mapped = option.type is OptionType.MAP or option.mapped
        assert (misplaced(option, kind, mapped=mapped) is None) == (kind in option.kinds), option.flag
