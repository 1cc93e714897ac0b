"""A mapped task's try that finds its items: each becomes a value in the store, with a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbflow.errors import CannotCarry, MapError
from nbflow.execute.mapping import items_of, one_line, short_label, where_of
from nbflow.model.work import STAGING_FOLDER
from nbflow.model.xcom import item_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nbflow.execute.brief import Brief
    from nbflow.execute.templates import Renderer
    from nbflow.model.xcom import XComValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """What a mapped task goes through: its items as values, and their labels, in order."""

    xcoms: tuple[XComValue, ...]
    labels: tuple[str, ...]

    def __str__(self) -> str:
        return "1 item" if len(self.labels) == 1 else f"{len(self.labels):,} items"


def expansion_of(
    brief: Brief, namespace: dict[str, Any], *, shared: Mapping[str, object], renderer: Renderer
) -> Expansion:
    """Go through what the task is mapped over.

    Args:
        brief: of the try.
        namespace: the notebook's variables, its inputs among them.
        shared: what shared cells defined and goes by reference.
        renderer: of the `--label`.

    Raises:
        BadValue, MapError: see `items_of`; the second says why a name that is unset is so.
        CannotCarry: an item can't leave the process.
        TemplateError: the label can't be rendered.
    """
    purpose = brief.purpose
    cell = None if purpose.cell is None else purpose.cell[0]
    try:
        items = items_of(purpose.expand, namespace, task_id=brief.key.task_id, cell=cell)
    except MapError as error:
        why = brief.missing.get(getattr(error.__cause__, "name", None) or "")
        if why is None:
            raise
        raise MapError(f"{error}: {why}") from error.__cause__
    where = where_of(purpose.expand[0], brief.key.task_id, cell)
    xcoms = staged(items, where=where, folder=brief.folder / STAGING_FOLDER, shared=shared)
    labels = [
        one_line(renderer.render(purpose.label, {"map_index": index, **item}))
        if purpose.label
        else short_label(item)
        for index, item in enumerate(items)
    ]
    return Expansion(xcoms=xcoms, labels=tuple(labels))


def staged(
    items: Sequence[Mapping[str, object]], *, where: str, folder: Path, shared: Mapping[str, object]
) -> tuple[XComValue, ...]:
    """The items, encoded under their hidden keys; small plain ones take no file.

    Args:
        items: of `items_of`.
        where: of `where_of`, for messages.
        folder: where files go.
        shared: as for `encode`.

    Raises:
        CannotCarry: an item can't leave the process.
    """
    from nbflow.codec import encode

    found: list[XComValue] = []
    for index, item in enumerate(items):
        try:
            found.append(encode(item_key(index), dict(item), folder=folder, shared=shared))
        except CannotCarry as error:
            message = str(error).replace(f"`{item_key(index)}`", f"item {index}")
            raise CannotCarry(f"{where}: {message}") from None
    return tuple(found)
