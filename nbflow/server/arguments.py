"""What a request asks with: its query, or the JSON of its body, read by name and kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nbflow.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MISSING = "{route} needs {name}: {what}."
_NO_NUMBER = "{name} is a whole number; {route} was given {found}."
_NO_TEXT = "{name} is a text; {route} was given {found}."
_NO_TEXTS = "{name} is a JSON list of texts, as []; {route} was given {found}."
_NO_OBJECT = "{name} is a JSON object, as {{}}; {route} was given {found}."
_LARGEST = 2**53  # beyond it JavaScript's numbers aren't whole any more
_LONGEST = 60  # characters of what was given that an error repeats


class Arguments:
    """The arguments of one request; every reader raises `OptionError`, in words for whoever wrote the request.

    Args:
        route: its name, for messages.
        given: as they came: texts from a query, any JSON from a body.
    """

    def __init__(self, route: str, given: Mapping[str, object]) -> None:
        self._route = route
        self._given = given

    def text(self, name: str, what: str) -> str:
        """A text that must be there; `what` says what it is."""
        found = self.text_or_none(name)
        if not found:
            raise OptionError(_MISSING.format(route=self._route, name=name, what=what))
        return found

    def text_or_none(self, name: str) -> str | None:
        """A text; None where it isn't given."""
        found = self._given.get(name)
        if found is None or isinstance(found, str):
            return found
        raise OptionError(_NO_TEXT.format(name=name, route=self._route, found=_short(found)))

    def number(self, name: str, default: int) -> int:
        """A whole number; `default` where it isn't given."""
        found = self.number_or_none(name)
        return default if found is None else found

    def number_or_none(self, name: str) -> int | None:
        """A whole number; None where it isn't given (or is empty, or `null`)."""
        found = self._given.get(name)
        if found is None or found in ("", "null"):
            return None
        try:
            if isinstance(found, str | int) and not isinstance(found, bool):
                number = int(found)
                if abs(number) <= _LARGEST:
                    return number
        except ValueError:
            pass
        raise OptionError(_NO_NUMBER.format(name=name, route=self._route, found=_short(found)))

    def texts_or_none(self, name: str) -> Sequence[str] | None:
        """A list of texts; in a query it is written as JSON. None where it isn't given."""
        found = self._json(name)
        if found is None:
            return None
        if isinstance(found, list) and all(isinstance(one, str) for one in found):
            return found
        raise OptionError(_NO_TEXTS.format(name=name, route=self._route, found=_short(self._given[name])))

    def mapping(self, name: str) -> Mapping[str, object]:
        """A JSON object; in a query it is written as JSON. Empty where it isn't given."""
        found = self._json(name)
        if found is None:
            return {}
        if isinstance(found, dict):
            return found
        raise OptionError(_NO_OBJECT.format(name=name, route=self._route, found=_short(self._given[name])))

    def _json(self, name: str) -> object:
        """What stands there, read if it is a text; the text itself where that is no JSON; None where nothing does."""
        found = self._given.get(name)
        if not isinstance(found, str):
            return found
        try:
            return json.loads(found) if found else None
        except ValueError:
            return found


def _short(found: object) -> str:
    text = repr(found)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
