"""What completes on lines of ours."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nbflow.magics.completer import completions

TASKS = ("load", "clean", "report")


@dataclass(frozen=True)
class Case:
    name: str
    line: str
    offers: tuple[str, ...]
    fragment: str
    never: tuple[str, ...] = ()


CASES = [
    Case("options", "%%task join --ret", ("--retries", "--retry-delay"), "--ret", ("--after",)),
    Case("options already written are not offered", "%%task join --retries 2 --ret", ("--retry-delay",), "--ret",
         ("--retries",)),
    Case("task names", "%%task join --after ", ("load", "clean", "none"), "", ("join",)),
    Case("task names behind =", "%task join --after=cl", ("clean",), "cl"),
    Case("further task names", "%%task join --after load,", ("clean", "report"), "", ("load",)),
    Case("not the task itself", "%%task clean --after ", ("load",), "", ("clean",)),
    Case("trigger rules", "%%task join --trigger-rule none", ("none_failed", "none_skipped"), "none", ("all_done",)),
    Case("kinds", "%%task.s", ("%%task.sensor", "%%task.setup", "%%task.short_circuit"), "%%task.s"),
    Case("commands", "%nbflow gr", ("graph", "grid"), "gr", ("run",)),
    Case("dates", "%dag --d", ("--date",), "--d"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_offers(case: Case) -> None:
    found = completions(case.line, tasks=TASKS)
    assert found is not None
    words, fragment = found
    assert fragment == case.fragment
    assert set(case.offers) <= set(words)
    assert not set(case.never) & set(words)
    assert all(word.startswith(fragment) for word in words)


@pytest.mark.parametrize(
    "line", ["x = lo", "task --re", "%%time --re", "# %%task a --re", "%nbflow graph no"]
)
def test_other_lines_are_left_to_ipython(line: str) -> None:
    assert completions(line, tasks=TASKS) is None
