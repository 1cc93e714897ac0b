"""nbformat is imported without what it doesn't need, and nobody misses anything afterwards."""

from __future__ import annotations

import subprocess
import sys

import jsonschema

IMPORTS = """\
import sys
sys.path[:0] = {path!r}
from nbflow.execute.schemas import hidden, import_nbformat
import_nbformat()
print("lark" in sys.modules, "jsonschema" in sys.modules)
import nbformat
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
nbformat.validate(notebook)
notebook.cells[0]["odd"] = 1
try:
    nbformat.validate(notebook)
except nbformat.ValidationError as error:
    print("odd" in str(error))
import_nbformat()
import jsonschema
print(sorted(jsonschema.FormatChecker.checkers))
"""


def test_who_imports_jsonschema_later_gets_all_of_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS.format(path=sys.path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [
        "False False",
        "True",
        str(sorted(jsonschema.FormatChecker.checkers)),
    ], done.stderr
