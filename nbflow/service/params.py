"""Parameters: from `-p`, `-y`, `-f` and `date_param` to the values a run gets."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING

from nbflow.errors import ParameterError
from nbflow.model.run import run_label
from nbflow.parse.dag_params import misfit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from nbflow.model.dag import DagSpec

_UNKNOWN = "{dag_id} has no parameter {name!r}{guess} {known}"
_MISFIT = "{dag_id}: parameter {name!r} is {value!r}: {why}.{hint}"
_AS_TEXT = " To give it as text: -r {name} {value}"
_NONE = 'It has none at all: tag a cell "parameters", or write a [params] table in %%dag.'


def check_params(dag: DagSpec, given: Mapping[str, object]) -> None:
    """Accept parameters that the notebook has, with values that fit their types and limits.

    Raises:
        ParameterError: one is unknown (the message suggests what was meant), or its value doesn't fit.
    """
    for name, value in given.items():
        if name in dag.params:
            _check_value(dag, name, value)
            continue
        known = f"Its parameters: {', '.join(dag.params)}." if dag.params else _NONE
        raise ParameterError(
            _UNKNOWN.format(dag_id=dag.dag_id, name=name, guess=guess(name, dag.params), known=known)
        )


def _check_value(dag: DagSpec, name: str, value: object) -> None:
    param = dag.params[name]
    why = misfit(param, value)
    if why is None:
        return
    text_fits = not isinstance(value, str) and misfit(param, str(value)) is None
    hint = _AS_TEXT.format(name=name, value=value) if text_fits else ""
    raise ParameterError(_MISFIT.format(dag_id=dag.dag_id, name=name, value=value, why=why, hint=hint))


def guess(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that names something unknown: «; did you mean 'clean'?», or a full stop."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else "."


def run_params(dag: DagSpec, given: Mapping[str, object], logical_date: datetime) -> dict[str, object]:
    """The values that replace the defaults in one run: `date_param` gets its date unless it was given."""
    dated = {dag.date_param: run_label(logical_date, dag.timezone)[:10]} if dag.date_param else {}
    return {**dated, **given}


def stored_params(given: Mapping[str, object]) -> dict[str, object]:
    """The values as a run keeps them: in JSON's types, anything else (a date of YAML, say) as its text.

    A run is given these from its first try on, so that it goes on later with the values it began with.
    """
    return json.loads(json.dumps(given, default=str))


def same_params(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two runs' stored values are the same; a NaN is the same as itself, 1 is not True."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
