"""`[params]` of `%%dag`: defaults, types and limits (JSON schema) of the notebook's parameters."""

from __future__ import annotations

import ast
import re
from datetime import date, time
from typing import TYPE_CHECKING, Any, cast

from nbflow.model.dag import Param
from nbflow.parse.option import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

_OWN = ("default", "type", "help", "description")
_JSON_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_TYPES = {name: name for name in _JSON_TYPES} | {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "tuple": "array",
    "set": "array",
    "dict": "object",
    "None": "null",
    "date": "string",
    "datetime": "string",
    "time": "string",
}
"""Names of types, Python's and JSON schema's, → JSON schema's."""

_KEYWORDS = frozenset(
    {
        *("enum", "const", "format", "examples", "title"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern"),
        *("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"),
        *("properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
        *("minProperties", "maxProperties", "dependentRequired"),
        *("allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
        # Airflow's, for the form
        *("section", "values_display", "description_md"),
    }
)
"""What JSON schema knows beside `type`, `default` and `description`."""


def params_with(params: Mapping[str, Param], table: Mapping[str, Any]) -> dict[str, Param]:
    """The parameters with what `[params]` says of them: a default each, or a table.

    A parameter of the cell tagged so keeps the default it has there.

    Raises:
        ValueError: a name is none, a keyword or type is unknown, or a default doesn't fit its own schema.
    """
    found = dict(params)
    for name, given in table.items():
        if not name.isidentifier():
            msg = f"{name!r} is no Python name"
            raise ValueError(msg)
        try:
            found[name] = _param(
                found.get(name), name, given if isinstance(given, dict) else {"default": given}
            )
        except ValueError as error:
            msg = f"`{name}`: {error}"
            raise ValueError(msg) from None
    return found


def schema_of(param: Param) -> dict[str, object]:
    """The JSON schema that a parameter's values must fit: its limits, and its type where that is a known one."""
    types = _json_types(param.annotation)
    kind: dict[str, object] = {"type": types[0] if len(types) == 1 else types} if types else {}
    return {**kind, **param.schema}


def misfit(param: Param, value: object) -> str | None:
    """Why a value can't be this parameter's, in words; None when it can."""
    schema = schema_of(param)
    if not schema:
        return None
    import jsonschema  # a tenth of a second: only where there is something to check

    validator = jsonschema.Draft202012Validator(schema)
    error = next(iter(sorted(validator.iter_errors(_plain(value)), key=str)), None)
    return None if error is None else error.message


def _param(old: Param | None, name: str, table: Mapping[str, Any]) -> Param:
    schema = {key: _plain(value) for key, value in table.items() if key not in _OWN}
    known = (*_OWN, *sorted(_KEYWORDS))
    if unknown := [key for key in schema if key not in _KEYWORDS]:
        msg = f"there is no {unknown[0]}.{nearest(unknown[0], known)} There are {', '.join(known)}"
        raise ValueError(msg)
    base = old or Param(name=name, default=repr(_plain(table["default"])) if "default" in table else "None")
    param = Param(
        name=name,
        default=base.default,
        annotation=_annotation(table["type"]) if "type" in table else base.annotation,
        help=str(table.get("help", table.get("description", base.help))),
        schema={**base.schema, **schema},
    )
    _check_schema(schema)
    if old is not None or "default" in table:
        _check_default(param)
    return param


def _check_schema(schema: Mapping[str, object]) -> None:
    """Accept limits that are a JSON schema.

    Raises:
        ValueError: they are none, such as a `minimum` that is a text.
    """
    if not schema:
        return
    import jsonschema

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        key = str(error.path[0]) if error.path else "it"
        msg = f"{key} is no JSON schema: {error.message}"
        raise ValueError(msg) from None


def _check_default(param: Param) -> None:
    """Accept a default that fits; one that is an expression is known only when its cell runs."""
    try:
        value = ast.literal_eval(param.default)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return
    if why := misfit(param, value):
        msg = f"its default {param.default} doesn't fit: {why}"
        raise ValueError(msg)


def _annotation(written: object) -> str:
    """A type as written: `int`, `integer`, `str | None`, `["integer", "null"]`.

    Raises:
        ValueError: it is no type that a value given on a command line or in a form could have.
    """
    text = " | ".join(map(str, written)) if isinstance(written, list) else str(written)
    if not _json_types(text):
        msg = f"type {text!r} is none.{nearest(text, _TYPES)} There are {', '.join(_TYPES)}, with | between several"
        raise ValueError(msg)
    return text


def _json_types(annotation: str) -> list[str]:
    """`int | None` → integer, null; `list[str]` → array; empty where a part is no known type."""
    text = re.sub(r"\[[^|]*\]", "", annotation)
    found = [_TYPES.get(part.strip().rpartition(".")[2]) for part in text.split("|")]
    return [] if None in found else list(dict.fromkeys(cast("list[str]", found)))


def _plain(value: object) -> Any:  # noqa: ANN401 (any of JSON's types)
    """A value of TOML or Python in JSON's types: dates as ISO texts, tuples and sets as lists."""
    match value:
        case date() | time():
            return value.isoformat()
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(inner) for inner in value]
        case _:
            return value
