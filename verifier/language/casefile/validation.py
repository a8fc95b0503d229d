"""A table of a case file checked by its model, and pydantic's errors in our words and
at their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from verifier.errors import did_you_mean, listed
from verifier.language.casefile.document import Keys
from verifier.language.casefile.places import Origin, show
from verifier.language.casefile.tables import INNER_TABLES, Table

_T = TypeVar("_T", bound=Table)


def validate(model: type[_T], data: Mapping[str, object], origin: Origin) -> _T:
    """The table, or its first error in the order of the file, in our words."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False)

    def rank(fault: ErrorDetails) -> tuple[bool, int]:
        # A key that is absent may be one that is misspelt: that one is reported first.
        return fault["type"] == "missing", origin.line_of(_keys(fault, data)) or 0

    first = min(faults, key=rank)
    column = first.get("ctx", {}).get("column")
    origin.fail(_explain(first, model), *_keys(first, data), column=column)


def _keys(fault: ErrorDetails, data: object) -> Keys:
    """The way to what is at fault in what was written, where a single value may stand
    for a list of one."""
    keys: Keys = ()
    for key in (*fault["loc"], *fault.get("ctx", {}).get("tail", ())):
        if isinstance(key, str):
            data = data.get(key) if isinstance(data, Mapping) else None
        elif isinstance(data, (list, tuple)):
            data = data[key]
        else:
            continue
        keys = (*keys, key)
    return keys


_EXPECTED = {
    "string_type": "text in quotes",
    "string_too_short": "some text",
    "int_type": "an integer",
    "bool_type": "`true` or `false`",
    "tuple_type": "a list in square brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "too_short": "at least one entry",
    "greater_than_equal": "an integer of at least {ge}",
    "less_than_equal": "an integer of at most {le}",
}


def _explain(fault: ErrorDetails, model: type[Table]) -> str:
    keys, context = fault["loc"], fault.get("ctx", {})
    if fault["type"] == "verifier":
        return str(context["message"])
    if fault["type"] == "extra_forbidden":
        return unknown_key(str(keys[-1]), INNER_TABLES.get(keys[:-1], model))
    if fault["type"] == "missing":
        return f"expected a key `{keys[-1]}`, found none. Add it."
    expected = _EXPECTED.get(fault["type"], fault["msg"]).format(**context)
    if expected == "text in quotes" and keys[0] in ("steps", "expression"):
        expected = "a formula in quotes"
    return f"expected {expected}, found {show(fault['input'])}."


def unknown_key(key: str, table: type[Table]) -> str:
    known = list(table.model_fields)
    return (
        f"unknown key `{key}`.{did_you_mean(key, known, f'Known are {listed(known)}.')}"
    )
