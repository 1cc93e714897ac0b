"""Pools, variables and connections of a project, for people."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbflow.errors import AddressError, OptionError
from nbflow.model.connection import Connection
from nbflow.model.secret import MASK, is_secret
from nbflow.model.task import DEFAULT_POOL, DEFAULT_POOL_SLOTS
from nbflow.service.asking import settle
from nbflow.service.params import guess
from nbflow.store.home import find_home
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from nbflow.model.record import PoolRecord
    from nbflow.store.settings import Settings

_NO_HOME = (
    "{root} holds nothing yet: no pools, variables or connections have been set here, and nothing has run."
)
_UNKNOWN = "there is no {what} {name!r}{guess} {known}"
_TWICE = "give connection {conn_id!r} by its URI, as JSON, or field by field, not in two ways."
_NO_NAME = "a pool needs a name: nbflow pools set NAME SLOTS"
_DEFAULT_POOL = (
    f"{DEFAULT_POOL} is always there, with {DEFAULT_POOL_SLOTS} slots unless set: "
    f"nbflow pools set {DEFAULT_POOL} SLOTS"
)
_NO_TYPE = "connection {conn_id!r} needs --conn-uri, --conn-json or --conn-type."


@contextmanager
def settings_of(folder: Path, *, make: bool = False) -> Iterator[Settings]:
    """The settings of a folder's home; with `make` a home is made where there is none.

    Raises:
        AddressError: there is no home.
    """
    home = find_home(folder)
    if make:
        home.create()
    elif not home.state.exists():
        raise AddressError(_NO_HOME.format(root=home.root))
    with StateStore(home.state) as state:
        yield state.settings


def set_pool(folder: Path, pool: PoolRecord, *, what: str) -> None:
    """Make a pool or change it; whoever holds the home keeps to it at once.

    Raises:
        OptionError: it has no name.
    """
    if not pool.name.strip():
        raise OptionError(_NO_NAME)
    with settings_of(folder, make=True) as settings:
        settings.set_pool(pool)
    settle(find_home(folder), "pools", {}, what=what)


def delete_pool(folder: Path, name: str, *, what: str) -> None:
    """Delete a pool.

    Raises:
        AddressError: there is none of this name.
        OptionError: it is the default one, as it is anyway.
    """
    with settings_of(folder) as settings:
        there = settings.delete_pool(name)
        if not there and name == DEFAULT_POOL:
            raise OptionError(_DEFAULT_POOL)
        check_known(there, "pool", name, settings.pools())
    settle(find_home(folder), "pools", {}, what=what)


def variable(settings: Settings, key: str, default: str | None) -> str:
    """A variable's value, the default where there is none.

    Raises:
        AddressError: there is neither.
    """
    known = settings.variables()
    if key not in known and default is not None:
        return default
    check_known(key in known, "variable", key, known)
    return known[key]


def masked(key: str, value: str) -> str:
    """A value as listings show it: not where its name speaks of a secret (Airflow's words)."""
    return MASK if is_secret(key) else value


def shown_connections(settings: Settings) -> list[dict[str, Any]]:
    """The connections as listings show them: without passwords and extras."""
    rows: list[dict[str, Any]] = []
    for conn_id, uri in settings.connections().items():
        found = Connection.read(conn_id, uri)
        port = "" if found.port is None else f":{found.port}"
        rows.append(
            {
                "conn_id": conn_id,
                "conn_type": found.conn_type,
                "place": f"{found.host or ''}{port}",
                "login": found.login,
                "password": None if found.password is None else MASK,
                "schema": found.schema,
                "extra": MASK if found.extra else "",
            }
        )
    return rows


def connection_of(conn_id: str, text: str | None, fields: Mapping[str, Any]) -> Connection:
    """The connection that a person describes.

    Args:
        conn_id: its name.
        text: a URI or JSON; None: field by field.
        fields: `type`, `host`, `port`, `login`, `password`, `schema`, `extra`.

    Raises:
        OptionError: it is described in two ways, or in none, or the text is neither.
    """
    if text is not None and fields:
        raise OptionError(_TWICE.format(conn_id=conn_id))
    if text is None and "type" not in fields:
        raise OptionError(_NO_TYPE.format(conn_id=conn_id))
    if text is not None:
        try:
            return Connection.read(conn_id, text)
        except ValueError as error:
            raise OptionError(str(error)) from error
    rest = {name: value for name, value in fields.items() if name != "type"}
    return Connection(conn_id=conn_id, conn_type=str(fields["type"]), **rest)


def check_known(is_known: bool, what: str, name: str, known: Iterable[str]) -> None:
    """Say that there is no such thing, and what there is.

    Raises:
        AddressError: `is_known` is false.
    """
    if is_known:
        return
    names = list(known)
    said = f"There are: {', '.join(names)}." if names else "There are none."
    raise AddressError(_UNKNOWN.format(what=what, name=name, guess=guess(name, names), known=said))
