"""`var` and `conn`: the home's variables and connections, as cells and templates see them; Airflow's way.

The environment comes first: `NBFLOW_VAR_KEY` and `NBFLOW_CONN_ID` (capitals) stand for what the store has.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from nbflow.errors import OutsideError
from nbflow.execute.secrets import Secrets
from nbflow.model.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbflow.model.outside import Outside

_UNSET = object()
_NO_VARIABLE = (
    "there is no variable {key!r}. Set it with `nbflow variables set {key} VALUE` (or the environment variable "
    "NBFLOW_VAR_{capitals}), or give a default: var.value.get({key!r}, 'default')."
)
_NO_JSON = "variable {key!r} is no JSON ({error}); read it as text with var.value"
_NO_CONNECTION = (
    "there is no connection {conn_id!r}. Add it with `nbflow connections add {conn_id} --conn-uri URI`, or set the "
    "environment variable NBFLOW_CONN_{capitals} to its URI."
)


class Values:
    """`var.value`, or `var.json`: a variable as attribute, or by `get`."""

    def __init__(self, outside: Outside, secrets: Secrets, read: Callable[[str, str], object]) -> None:
        self._outside = outside
        self._secrets = secrets
        self._read = read

    def __getattr__(self, key: str) -> object:
        """The variable `key`.

        Raises:
            OutsideError: there is none, or it can't be read.
        """
        if key.startswith("_"):
            raise AttributeError(key)  # asked by pickle, IPython and their like
        return self.get(key)

    def get(self, key: str, default: object = _UNSET) -> object:
        """The variable `key`, or the default where there is none.

        Raises:
            OutsideError: there is neither, or it can't be read.
        """
        text = os.environ.get(f"NBFLOW_VAR_{key.upper()}")
        if text is None:
            text = self._outside.variable(key)
        if text is not None:
            self._secrets.keep_variable(key, text)
            return self._read(key, text)
        if default is not _UNSET:
            return default
        raise OutsideError(_NO_VARIABLE.format(key=key, capitals=key.upper()))


class Variables:
    """`var`.

    Attributes:
        value: the variables as texts.
        json: the variables as what their JSON says.
    """

    def __init__(self, outside: Outside, secrets: Secrets | None = None) -> None:
        secrets = secrets or Secrets()
        self.value = Values(outside, secrets, lambda _, text: text)
        self.json = Values(outside, secrets, _from_json)

    def __repr__(self) -> str:
        return "<var: var.value.NAME is a variable's text, var.json.NAME what its JSON says>"


class Connections:
    """`conn`: a connection as attribute, or by `get`."""

    def __init__(self, outside: Outside, secrets: Secrets | None = None) -> None:
        self._outside = outside
        self._secrets = secrets or Secrets()

    def __getattr__(self, conn_id: str) -> Connection:
        """The connection `conn_id`.

        Raises:
            OutsideError: there is none.
            ValueError: what stands there is no connection.
        """
        if conn_id.startswith("_"):
            raise AttributeError(conn_id)  # asked by pickle, IPython and their like
        found = self.get(conn_id)
        if found is None:
            raise OutsideError(_NO_CONNECTION.format(conn_id=conn_id, capitals=conn_id.upper()))
        return found

    def get(self, conn_id: str, default_conn: Connection | None = None) -> Connection | None:
        """The connection `conn_id`, or the default where there is none."""
        text = os.environ.get(f"NBFLOW_CONN_{conn_id.upper()}")
        if text is None:
            text = self._outside.connection(conn_id)
        if text is None:
            return default_conn
        found = Connection.read(conn_id, text)
        self._secrets.keep_connection(found)
        return found

    def __repr__(self) -> str:
        return "<conn: conn.NAME is a connection, with .host .login .password .port .schema .extra_dejson>"


def _from_json(key: str, text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise OutsideError(_NO_JSON.format(key=key, error=error)) from None
