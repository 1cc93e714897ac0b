"""What a task hands on at its end, inside its kernel: exports, pushes, the return value."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from nbflow.errors import CannotCarry
from nbflow.execute.brief import Ties
from nbflow.execute.capture import kind_of, rough_size
from nbflow.execute.together import keep_together
from nbflow.model.xcom import RETURN_VALUE, names_together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nbflow.execute.brief import Brief, Export
    from nbflow.model.xcom import XComValue

LARGEST_RETURN = 64_000_000  # bytes of a return value that nobody asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What goes to the store, and what to say about it."""

    xcoms: tuple[XComValue, ...]
    notes: tuple[str, ...]


def hand_over(
    task_id: str,
    namespace: Mapping[str, object],
    exports: tuple[Export, ...],
    *,
    pushed: Mapping[str, object],
    returned: object,
    shared: Mapping[str, object],
    folder: Path,
    ties: Ties | None = None,
    wanted: bool = False,
) -> Handover:
    """Encode what the task leaves into `folder`.

    Args:
        task_id: whose values.
        namespace: the notebook's variables at the end of the task.
        exports: the names later tasks need; one that isn't defined, or is a module, is passed over.
        pushed: what `xcom_push` was given.
        returned: the value of the last expression, None for none.
        shared: what shared cells defined and goes by reference.
        folder: exists.
        ties: what is known of the task's names beyond its own cells.
        wanted: whether the return value is needed as an export is, None too.

    Raises:
        CannotCarry: a value that is needed, or was pushed, can't leave the process. The message names the
            variable, its type, both cells and what to do.
    """
    from nbflow.codec import encode

    xcoms: dict[str, XComValue] = {}
    exported: dict[str, object] = {}
    for export in exports:
        if export.name not in namespace or isinstance(namespace[export.name], ModuleType):
            continue
        value = namespace[export.name]
        try:
            xcoms[export.name] = encode(export.name, value, folder=folder, shared=shared)
        except CannotCarry as error:
            raise CannotCarry(_cannot(export, error)) from None
        exported[export.name] = value
    for key, value in pushed.items():
        try:
            xcoms[key] = encode(key, value, folder=folder, shared=shared)
        except CannotCarry as error:
            msg = f"xcom_push of {key!r} in task {task_id!r}: {error}"
            raise CannotCarry(msg) from None
    ties = ties or Ties()
    mine = exported.keys() | shared.keys()
    held = {name: namespace[name] for name in ties.origins if name in namespace and name not in mine}
    together = keep_together(task_id, exported, held, ties=ties, shared=shared, folder=folder)
    notes = together.notes
    values = [*xcoms.values(), *together.xcoms]
    if wanted and RETURN_VALUE not in xcoms:
        try:
            values.append(encode(RETURN_VALUE, returned, folder=folder, shared=shared))
        except CannotCarry as error:
            msg = f"the return value of task {task_id!r}, which its --collect list needs: {error}"
            raise CannotCarry(msg) from None
        return Handover(xcoms=tuple(values), notes=notes)
    if returned is None or RETURN_VALUE in xcoms:
        return Handover(xcoms=tuple(values), notes=notes)
    name = next((name for name, value in exported.items() if value is returned), None)
    found = _returned(task_id, returned, shared, folder) if name is None else _again(xcoms[name], folder)
    if isinstance(found, str):
        return Handover(xcoms=tuple(values), notes=(*notes, found))
    return Handover(xcoms=(*values, found), notes=notes)


def taken(inputs: Mapping[str, XComValue], decode: Callable[[XComValue], object]) -> dict[str, object]:
    """The inputs decoded; names that came together in one value are taken out of it, so that they share
    what they shared.
    """
    groups: dict[Path | None, Any] = {}
    found: dict[str, object] = {}
    for name, value in inputs.items():
        if name not in names_together(value.key):
            found[name] = decode(value)
            continue
        if value.path not in groups:
            groups[value.path] = decode(value)
        found[name] = groups[value.path][name]
    return found


def by_reference(names: frozenset[str], namespace: Mapping[str, object]) -> dict[str, object]:
    """Of the names that shared cells define, those whose value is code: it goes by name, so that a class
    is the same class in every task. Other values go as values: a task may have changed them.
    """
    return {
        name: namespace[name]
        for name in names
        if name in namespace and isinstance(namespace[name], (type, FunctionType))
    }


def watched_values(watched: Mapping[str, str], namespace: Mapping[str, object]) -> dict[str, object]:
    """The values of these names as far as they are defined, and the notebook's classes they are of."""
    found = {name: namespace[name] for name in watched if name in namespace}
    classes = {type(value) for value in found.values() if type(value).__module__ == "__main__"}
    return {made.__qualname__: made for made in classes} | found


def fingerprints(values: Mapping[str, object]) -> dict[str, str]:
    """The fingerprint of each of these values that has one."""
    if not values:
        return {}
    from nbflow.codec import fingerprint

    found = {name: fingerprint(value) for name, value in values.items()}
    return {name: mark for name, mark in found.items() if mark is not None}


def change_notes(brief: Brief, before: Mapping[str, str], namespace: Mapping[str, object]) -> dict[str, str]:
    """What is said of changes that the notebook's text doesn't show, by the name of what was changed.

    Args:
        brief: of the task.
        before: the fingerprints of `watched_values` before its cells ran.
        namespace: the notebook's variables at its end.
    """
    values = watched_values(brief.watched, namespace)
    now = fingerprints({name: value for name, value in values.items() if name in before})
    changed = sorted(name for name, mark in now.items() if mark != before[name])
    return {
        name: _change_note(brief, name, values[name])
        for name in changed
        if isinstance(values[name], type) or name not in brief.exported
    }


def _change_note(brief: Brief, name: str, value: object) -> str:
    task_id = brief.key.task_id
    place = brief.watched.get(name, f"task {task_id!r}")
    if isinstance(value, type):
        return (
            f"{place} changes attributes of the class `{name}`, and no other task sees that. Keep them in an "
            "object that is handed on."
        )
    return (
        f"{place} changes `{name}` in a way the text doesn't show, and no other task sees the change. Assign it "
        f"(`{name} = ...`), or write `--exports {name}` on the line of task {task_id!r}."
    )


def _cannot(export: Export, error: CannotCarry) -> str:
    return f"{error} It is made in {export.made} and wanted in {export.wanted}."


def _again(value: XComValue, folder: Path) -> XComValue:
    """The same value as the return value, with a name of its own for the same file."""
    if value.path is None:
        return replace(value, key=RETURN_VALUE, wanted=False)
    path = folder / f"{RETURN_VALUE}{value.path.suffix}"
    os.link(value.path, path)
    return replace(value, key=RETURN_VALUE, path=path, wanted=False)


def _returned(task_id: str, value: object, shared: Mapping[str, object], folder: Path) -> XComValue | str:
    """The return value encoded, or why it isn't kept."""
    from nbflow.codec import encode

    size = rough_size(value)
    if size <= LARGEST_RETURN:
        try:
            encoded = encode(RETURN_VALUE, value, folder=folder, shared=shared)
        except Exception as error:  # noqa: BLE001 nobody asked for it: whatever its pickling raises is a note
            return (
                f"the value of the last expression of task {task_id!r} ({kind_of(value)}) is not kept as its "
                f"return value: {error}"
            )
        if encoded.size <= LARGEST_RETURN:
            return replace(encoded, wanted=False)
        size = encoded.size
        if encoded.path is not None:
            encoded.path.unlink()
    return (
        f"the value of the last expression of task {task_id!r} ({kind_of(value)}, {size / 1e6:.0f} MB) is not kept "
        f"as its return value: more than {LARGEST_RETURN / 1e6:.0f} MB. `ti.xcom_push` keeps it."
    )
