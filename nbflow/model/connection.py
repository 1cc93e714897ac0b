"""A connection: where a database or service is, and how to log in; Airflow's fields and its URI."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXTRA = "__extra__"  # the query's name for extras that aren't all texts, as JSON
_NO_URI = (
    "connection {conn_id!r} is no URI: write TYPE://LOGIN:PASSWORD@HOST:PORT/SCHEMA?NAME=VALUE, with special "
    "characters as %-escapes (`urllib.parse.quote`), or a JSON object with Airflow's fields"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connection. Its password isn't part of its `repr`.

    Attributes:
        conn_id: its name.
        conn_type: `postgres`, `http`, `aws`, ...
        host, login, password, schema: texts; None where there is none.
        port: a number, None where there is none.
        extra: what else there is, as the text of a JSON object, or "".
    """

    conn_id: str
    conn_type: str = ""
    host: str | None = None
    login: str | None = None
    password: str | None = None
    port: int | None = None
    schema: str | None = None
    extra: str = ""

    @classmethod
    def read(cls, conn_id: str, text: str) -> Connection:
        """The connection that a URI, or Airflow's JSON form of it, describes.

        Raises:
            ValueError: it is neither; the message doesn't show it.
        """
        if text.lstrip().startswith("{"):
            return cls._from_fields(conn_id, text)
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise ValueError(_NO_URI.format(conn_id=conn_id)) from None
        if not parts.scheme:
            raise ValueError(_NO_URI.format(conn_id=conn_id))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        extra = query.pop(_EXTRA, "") or (json.dumps(query) if query else "")
        kind = parts.scheme.replace("-", "_")
        return cls(
            conn_id=conn_id,
            conn_type={"postgresql": "postgres"}.get(kind, kind),
            host=_told(_host_of(parts.netloc)),
            login=_told(parts.username),
            password=_told(parts.password),
            port=port,
            schema=_told(parts.path.removeprefix("/")),
            extra=extra,
        )

    @classmethod
    def _from_fields(cls, conn_id: str, text: str) -> Connection:
        try:
            fields = json.loads(text)
            extra = fields.get("extra") or ""
            return cls(
                conn_id=conn_id,
                conn_type=str(fields.get("conn_type") or ""),
                host=fields.get("host"),
                login=fields.get("login"),
                password=fields.get("password"),
                port=None if fields.get("port") in (None, "") else int(fields["port"]),
                schema=fields.get("schema"),
                extra=extra if isinstance(extra, str) else json.dumps(extra),
            )
        except (ValueError, TypeError):
            raise ValueError(_NO_URI.format(conn_id=conn_id)) from None

    @property
    def extra_dejson(self) -> dict[str, object]:
        """`extra` as a dict; an empty one where it is no JSON object."""
        try:
            found = json.loads(self.extra or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def get_uri(self) -> str:
        """The URI that `read` reads as this connection."""
        kind = (self.conn_type or "").lower().replace("_", "-")
        user = "" if self.login is None else quote(self.login, safe="")
        if self.password is not None:
            user += f":{quote(self.password, safe='')}"
        place = f"{user}@" if user else ""
        place += "" if self.host is None else quote(self.host, safe="")
        place += "" if self.port is None else f":{self.port}"
        path = "" if self.schema is None else f"/{quote(self.schema, safe='')}"
        return f"{kind}://{place}{path or '/'}{_query_of(self.extra, self.extra_dejson)}"

    def __repr__(self) -> str:
        place = f"{self.host or ''}{'' if self.port is None else f':{self.port}'}"
        return f"<connection {self.conn_id}: {self.conn_type}://{place}/{self.schema or ''}>"


def _host_of(place: str) -> str:
    """The host in a URI's place, in the case in which it is written."""
    host = place.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _told(text: str | None) -> str | None:
    return unquote(text) if text else None


def _query_of(extra: str, fields: Mapping[str, object]) -> str:
    if not extra:
        return ""
    if fields and all(isinstance(value, str) for value in fields.values()) and _EXTRA not in fields:
        return "?" + urlencode({name: str(value) for name, value in fields.items()})
    return "?" + urlencode({_EXTRA: extra})
