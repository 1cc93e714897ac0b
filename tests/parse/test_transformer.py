"""The header taken off a cell, in an IPython shell of this process."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from IPython.core.error import UsageError
from IPython.core.inputtransformer2 import TransformerManager

from nbflow.parse.transformer import HeaderTransformer


@pytest.fixture
def manager() -> TransformerManager:
    manager = TransformerManager()
    manager.cleanup_transforms.append(HeaderTransformer(manager))
    return manager


@dataclass(frozen=True)
class Case:
    name: str
    cell: str
    code: str


CASES = [
    Case("a header becomes an empty line", "%%task load\nx = 1\n", "\nx = 1\n"),
    Case("options go with it", "%%task load --retries 2 --after a,b\nx = 1\n", "\nx = 1\n"),
    Case("joined lines become as many", "%%task load \\\n  --retries 2\nx\n", "\n\nx\n"),
    Case("a line magic header is the same", "%task load\nx = 1\n", "\nx = 1\n"),
    Case("a cell that continues", "%%task +\nx = 1\n", "\nx = 1\n"),
    Case("a scratch cell runs by hand", "%%scratch\nx = 1\n", "\nx = 1\n"),
    Case("nothing below the header", "%%task load", "\n"),
    Case("a cell without header stays", "x = 1\n", "x = 1\n"),
    Case("line magics below work", "%%task load\nfiles = !ls\n", "\nfiles = get_ipython().getoutput('ls')\n"),
    Case(
        "a nested cell magic is first again",
        "%%task load\n%%bash\necho hi\n",
        "\nget_ipython().run_cell_magic('bash', '', 'echo hi\\n')\n",
    ),
    Case(
        "also after an empty line",
        "%%task load\n\n%%bash -e\necho hi\n",
        "\n\nget_ipython().run_cell_magic('bash', '-e', 'echo hi\\n')\n",
    ),
    Case(
        "an indented body is dedented as any cell", "%%task load\n    x = 1\n    y = 2\n", "\nx = 1\ny = 2\n"
    ),
    Case(
        "%%dag stays a cell magic",
        "%%dag flights\nschedule = '@daily'\n",
        "get_ipython().run_cell_magic('dag', 'flights', \"schedule = '@daily'\\n\")\n",
    ),
    Case(
        "%%dag without a body has an empty one",
        "%%dag flights",
        "get_ipython().run_cell_magic('dag', 'flights', '\\n')\n",
    ),
    Case("text that only mentions it stays", "s = '''\n%%task x\n'''\n", "s = '''\n%%task x\n'''\n"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_code_that_runs(manager: TransformerManager, case: Case) -> None:
    assert manager.transform_cell(case.cell) == case.code


@dataclass(frozen=True)
class Wrong:
    name: str
    cell: str
    words: tuple[str, ...]


WRONG = [
    Wrong("no name", "%%task\nx", ("line 1", "has no name")),
    Wrong("unknown option", "%%task a --retrys 2\nx", ("line 1", "--retrys", "Did you mean --retries?")),
    Wrong("a value that does not fit", "%%task a \\\n --retries many\nx", ("--retries", "'many'")),
    Wrong("two headers", "%%task a\nx\n%%task b\ny", ("line 3", "second header")),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_a_wrong_header_is_a_message(manager: TransformerManager, case: Wrong) -> None:
    with pytest.raises(UsageError) as caught:
        manager.transform_cell(case.cell)
    for word in case.words:
        assert word in str(caught.value)
