"""A table of a case file checked by its model, and pydantic's errors in our words and
at their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from verifier.errors import CaseFileError, did_you_mean, fail_together, listed
from verifier.language.casefile.document import Keys
from verifier.language.casefile.number_readers import ARRAYS
from verifier.language.casefile.places import Origin, show
from verifier.language.casefile.tables import INNER_TABLES, Table

_T = TypeVar("_T", bound=Table)


def validate(model: type[_T], data: Mapping[str, object], origin: Origin) -> _T:
    """The table, or all that is wrong with it, in the order of the file and in our
    words."""
    try:
        return model.model_validate(data, context={ARRAYS: "shapes" in data})
    except ValidationError as error:
        faults = error.errors(include_url=False)
    faults = [fault for fault in faults if not _is_misspelt(fault, faults)]

    def rank(fault: ErrorDetails) -> tuple[bool, int]:
        return fault["type"] == "missing", origin.line_of(_keys(fault, data)) or 0

    fail_together(
        [_error(fault, model, data, origin) for fault in sorted(faults, key=rank)]
    )


def _is_misspelt(fault: ErrorDetails, faults: Sequence[ErrorDetails]) -> bool:
    """Whether a key is missing because it is another one, misspelt."""
    if fault["type"] != "missing":
        return False
    *table, key = fault["loc"]
    return any(
        other["type"] == "extra_forbidden"
        and [*other["loc"][:-1]] == table
        and did_you_mean(str(other["loc"][-1]), [str(key)])
        for other in faults
    )


def _error(
    fault: ErrorDetails, model: type[Table], data: object, origin: Origin
) -> CaseFileError:
    column = fault.get("ctx", {}).get("column")
    place = origin.place(*_keys(fault, data), column=column)
    return CaseFileError(_explain(fault, model), place=place)


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
    "invalid_key": "keys that are text",
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
        table = tuple(key for key in keys[:-1] if isinstance(key, str))
        return unknown_key(str(keys[-1]), INNER_TABLES.get(table, model))
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
