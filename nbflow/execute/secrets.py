"""Secrets that a try was given stay out of its outputs, its log and its reason (semantics.md, Values)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nbflow.model.secret import MASK, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbflow.model.connection import Connection

SHORTEST = 4  # characters; anything shorter would garble what has nothing to do with it


class Secrets:
    """The secrets this process knows, and the one way out of it: the session its messages go through.

    Args:
        session: jupyter_client's session of the kernel, or None where nothing is to be masked (by hand).
    """

    def __init__(self, session: Any = None) -> None:  # noqa: ANN401 jupyter_client's own, or a child's
        self._session = session
        self._texts: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def keep_connection(self, connection: Connection) -> None:
        """Mask its password, and extras whose names say that they are secret."""
        self._keep(connection.password)
        for text in _secret_values(connection.extra_dejson):
            self._keep(text)

    def keep_variable(self, key: str, text: str) -> None:
        """Mask a variable whose name says that it is secret."""
        if is_secret(key):
            self._keep(text)

    def masked(self, value: Any) -> Any:  # noqa: ANN401 whatever JSON holds
        """The value with every secret in its texts replaced."""
        if self._pattern is None:
            return value
        match value:
            case str():
                return self._pattern.sub(MASK, value)
            case dict():
                return {name: self.masked(inner) for name, inner in value.items()}
            case list() | tuple():
                return [self.masked(inner) for inner in value]
            case _:
                return value

    def _keep(self, text: str | None) -> None:
        if self._session is None or text is None or len(text) < SHORTEST:
            return
        if not self._texts:
            self._watch()
        self._texts |= {text, quote(text, safe=""), repr(text)[1:-1]}
        longest_first = sorted(self._texts, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def _watch(self) -> None:
        send = self._session.send

        def masked_send(
            stream: object,
            msg_or_type: dict[str, Any] | str,
            content: dict[str, Any] | None = None,
            *rest: Any,  # noqa: ANN401 as the session's own
            **more: Any,  # noqa: ANN401
        ) -> object:
            if isinstance(msg_or_type, dict):
                msg_or_type = {**msg_or_type, "content": self.masked(msg_or_type["content"])}
            return send(stream, msg_or_type, self.masked(content), *rest, **more)

        self._session.send = masked_send


def _secret_values(found: object, *, secret: bool = False) -> Iterator[str]:
    """The texts below names that say so, however deep."""
    match found:
        case str() if secret:
            yield found
        case dict():
            for name, inner in found.items():
                yield from _secret_values(inner, secret=secret or is_secret(str(name)))
        case list():
            for inner in found:
                yield from _secret_values(inner, secret=secret)
        case _:
            return
