"""An XCom value on its way between a task's process and the store."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

RETURN_VALUE = "return_value"

HIDDEN = "nbflow:"  # begins the keys that listings leave out; nobody can push one
_TOGETHER = f"{HIDDEN}shared:"
_ITEM = f"{HIDDEN}item:"


def item_key(index: int) -> str:
    """The hidden key under which a mapped task keeps the item of one of its instances: a dict from name to
    value.
    """
    return f"{_ITEM}{index}"


def check_pushed_key(key: object) -> None:
    """Accept what may be the key of an `xcom_push`, in a run as by hand.

    Raises:
        TypeError: it is no text, or an empty one.
        ValueError: it is one of nbflow's own.
    """
    if not isinstance(key, str) or not key:
        msg = f"xcom_push takes a key that is a text and not empty, and got {key!r}"
        raise TypeError(msg)
    if key.startswith(HIDDEN):
        msg = f"xcom_push of {key!r}: keys that begin with {HIDDEN!r} are nbflow's own; choose another"
        raise ValueError(msg)


def together_key(names: Iterable[str]) -> str:
    """The hidden key under which a try keeps these variables once more, in one value, because they share
    an object: a dict from name to value.
    """
    return _TOGETHER + ",".join(sorted(names))


def names_together(key: str) -> frozenset[str]:
    """The inverse of `together_key`; empty for any other key."""
    return frozenset(key.removeprefix(_TOGETHER).split(",")) if key.startswith(_TOGETHER) else frozenset()


class Form(StrEnum):
    """How a value is carried."""

    JSON = "json"  # text
    ARROW = "arrow"  # an Arrow IPC file: frames
    PICKLE = "pickle"  # cloudpickle bytes in a file


@dataclass(frozen=True, slots=True, kw_only=True)
class XComValue:
    """A value, encoded.

    Attributes:
        key: the variable's name, or `return_value`, or the key given to `xcom_push`.
        form: how it is carried.
        kind: the Python type it decodes to (`int`, `pandas.DataFrame`, `numpy.float64`).
        text: the JSON text when form is json, else None.
        path: the file with the Arrow IPC or pickle bytes when form is arrow or pickle, else None.
        size: bytes of text or file.
        preview: one line for people, at most 200 characters.
        wanted: whether a later task needs it (False for a return value nobody is known to pull).
    """

    key: str
    form: Form
    kind: str
    text: str | None = None
    path: Path | None = None
    size: int = 0
    preview: str = ""
    wanted: bool = True

    def to_json(self) -> dict[str, object]:
        """Plain JSON types, for files and pipes."""
        return {
            "key": self.key,
            "form": self.form.value,
            "kind": self.kind,
            "text": self.text,
            "path": None if self.path is None else str(self.path),
            "size": self.size,
            "preview": self.preview,
            "wanted": self.wanted,
        }

    @classmethod
    def from_json(cls, data: dict[str, object]) -> XComValue:
        """The inverse of `to_json`."""
        path = data["path"]
        return cls(
            **{  # type: ignore[arg-type]
                **data,
                "form": Form(str(data["form"])),
                "path": None if path is None else Path(str(path)),
            }
        )
