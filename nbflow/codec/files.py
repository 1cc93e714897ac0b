"""The files that encoded values lie in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbflow.model.xcom import Form

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX = {Form.ARROW: ".arrow", Form.PICKLE: ".pickle"}
PAYLOADS = frozenset(_SUFFIX.values())  # how the files of encoded values end


def new_file(folder: Path, key: str, form: Form) -> Path:
    """A file that was not there before, made empty: `<n>-<key>.arrow` or `.pickle`. The folder is made, too.

    A key may have any characters, a file name not; the number keeps keys apart that look alike.
    """
    name = re.sub(r"[^\w.-]+", "_", key)[:60] + _SUFFIX[form]
    folder.mkdir(exist_ok=True)
    number = sum(1 for _ in folder.iterdir())
    while True:
        path = folder / f"{number}-{name}"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path
