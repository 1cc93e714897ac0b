"""A value, encoded by the first form that gives it back exactly: JSON, Arrow, pickle."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING

from nbflow.codec.files import new_file
from nbflow.codec.plain import from_json, to_json
from nbflow.codec.preview import preview, type_name
from nbflow.codec.scalar import from_scalar, to_scalar
from nbflow.codec.table import read_table, write_table
from nbflow.errors import CannotCarry, XComError
from nbflow.model.xcom import Form, XComValue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PLAIN_KINDS = frozenset({"NoneType", "bool", "int", "str", "list", "dict"})


def encode(
    key: str,
    value: object,
    *,
    folder: Path,
    shared: Mapping[str, object],
    namespace: Mapping[str, object] | None = None,
) -> XComValue:
    """The value in a form that `decode` gives back exactly.

    Args:
        key: the name it travels under.
        value: anything.
        folder: where a file goes, if it takes one (`<n>-<key>.arrow` or `.pickle`).
        shared: names that shared cells defined → the objects; classes, functions and sentinels among
            them go by reference, so that the receiver finds its own.
        namespace: the globals of the notebook that sends; functions defined in it get the receiver's
            globals. Those of `__main__` when None.

    Raises:
        CannotCarry: it cannot leave this process; the message says what in it, why, and what to do.
    """
    text = to_json(value)
    kind = type_name(value)
    if text is None:
        kind, text = to_scalar(value) or (kind, None)
    if text is not None:
        size = len(text.encode())
        return XComValue(key=key, form=Form.JSON, kind=kind, text=text, size=size, preview=preview(value))
    form = Form.ARROW
    path = new_file(folder, key, form)
    written = write_table(value, path)
    if written is None:
        path.unlink(missing_ok=True)
        form = Form.PICKLE
        path = new_file(folder, key, form)
        home = sys.modules["__main__"].__dict__ if namespace is None else namespace
        _write_pickle(key, value, path, shared, home)
    size = path.stat().st_size
    return XComValue(key=key, form=form, kind=written or kind, path=path, size=size, preview=preview(value))


def decode(value: XComValue, *, namespace: dict[str, object]) -> object:
    """The value that was encoded.

    Args:
        value: what `encode` gave; its file, if any, is read.
        namespace: the receiving notebook's globals: references to names of shared cells are looked up
            in it, and functions of task cells get it as `__globals__`.

    Raises:
        XComError: it cannot be read here (a shared name or a module is missing, a newer nbflow).
    """
    try:
        if value.form is Form.JSON:
            text = value.text or "null"
            return from_json(text) if value.kind in _PLAIN_KINDS else from_scalar(value.kind, text)
        assert value.path is not None  # noqa: S101 (the other forms have a file)
        return read_table(value.path) if value.form is Form.ARROW else _read_pickle(value.path, namespace)
    except XComError as error:
        msg = f"`{value.key}` ({value.kind}) cannot be read: {error}"
        raise XComError(msg) from error
    except Exception as error:
        msg = (
            f"`{value.key}` ({value.kind}) cannot be read here: {type(error).__name__}: {error}. "
            "Run the task that makes it again with this environment, or hand on plain values instead"
        )
        raise XComError(msg) from error


def _write_pickle(
    key: str, value: object, path: Path, shared: Mapping[str, object], namespace: Mapping[str, object]
) -> None:
    from nbflow.codec.pickled import Nowhere, Pickler
    from nbflow.codec.reference import References

    references = References(shared, namespace)

    def carries(part: object) -> bool:
        try:
            Pickler(Nowhere(), references, namespace).dump(part)
        except Exception:  # noqa: BLE001 (whatever it raises, it does not carry)
            return False
        return True

    try:
        with path.open("wb") as file:
            Pickler(file, references, namespace).dump(value)
    except Exception as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        from nbflow.codec.refusal import refusal

        raise CannotCarry(refusal(key, value, error=error, carries=carries)) from error


def _read_pickle(path: Path, namespace: dict[str, object]) -> object:
    from nbflow.codec.pickled import Unpickler

    with path.open("rb") as file:
        return Unpickler(file, namespace).load()
