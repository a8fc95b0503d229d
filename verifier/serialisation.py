"""Records to JSON and back, and the JSON Schema of both, from their one definition.

pydantic reads the annotations of the records, the docstrings below their fields, and
the fields' metadata: `exclude` for what JSON leaves out, `ge` for the least number,
`json_schema_extra` for what the schema says besides. Where JSON spells a field
otherwise than pydantic would, its annotation is `As` a row of `SPELLINGS`.

Numbers that JSON does not have (NaN, infinity) never appear as bare tokens.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from types import GenericAlias
from typing import Annotated, Any, Generic, NoReturn, TypeVar

from pydantic import (
    AllowInfNan,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import ErrorDetails, SchemaValidator, core_schema

from verifier.errors import BaselineError, Place, did_you_mean_kind

MOST_SHOWN = 60
"""Characters of what was found that an error quotes."""
_NONFINITE = ("nan", "inf", "-inf")
_T = TypeVar("_T")


# ── fields that JSON spells in its own way ────────────────────────────────────────────


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)


def _number_or_name(number: float) -> float | str:
    return float(number) if math.isfinite(number) else str(float(number))


def _from_number_or_name(
    value: object, validate: ValidatorFunctionWrapHandler
) -> float:
    named = isinstance(value, str) and value in _NONFINITE
    number: float = float(str(value)) if named else validate(value)
    return number


def _error() -> Any:
    """Null where it is not finite."""
    return Annotated[
        float | None,
        Field(ge=0),
        AllowInfNan(False),
        PlainSerializer(_finite),
        WithJsonSchema({"type": ["number", "null"], "minimum": 0}),
    ]


def _seconds() -> Any:
    """With six decimals."""
    return Annotated[
        float,
        Field(ge=0),
        AllowInfNan(False),
        PlainSerializer(lambda seconds: round(float(seconds), 6)),
        WithJsonSchema({"type": "number", "minimum": 0}),
    ]


def _number() -> Any:
    """By name where it is not finite."""
    return Annotated[
        float,
        AllowInfNan(False),
        WrapValidator(_from_number_or_name),
        PlainSerializer(_number_or_name),
        WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": list(_NONFINITE)}]}),
    ]


def _counts(keys: type[StrEnum]) -> Any:
    """By some of the keys, in their alphabetical order."""
    return Annotated[
        GenericAlias(dict, (keys, Annotated[int, Field(ge=0)])),
        PlainSerializer(
            lambda counts: {str(key): counts[key] for key in sorted(counts)}
        ),
        WithJsonSchema(
            {
                "type": "object",
                "propertyNames": {"enum": [key.value for key in keys]},
                "additionalProperties": {"type": "integer", "minimum": 0},
            }
        ),
    ]


SPELLINGS: Mapping[str, Callable[..., Any]] = {
    "error": _error,
    "seconds": _seconds,
    "number": _number,
    "counts": _counts,
}
"""What pydantic is to take the annotation of a field for."""


# ── records ───────────────────────────────────────────────────────────────────────────


class Codec(Generic[_T]):
    """Records of one type as JSON. `mend` says how the user gets a file that can be
    read.

    Fields that have their default are left out, unless the record is to be written
    `whole`. Keys that the record does not have are ignored when it is read: a later
    version may have added them.
    """

    def __init__(self, record: type[_T], *, mend: str, whole: bool = False) -> None:
        self._record, self._mend, self._whole = record, mend, whole

    @cached_property
    def _adapter(self) -> TypeAdapter[_T]:
        return TypeAdapter(self._record)

    @cached_property
    def _validator(self) -> SchemaValidator:
        return SchemaValidator(_exact(self._adapter.core_schema))

    def write(self, record: _T) -> dict[str, Any]:
        """What `json.dumps` makes the text of."""
        data: dict[str, Any] = self._adapter.dump_python(
            record, mode="json", exclude_defaults=not self._whole
        )
        return data

    def read(self, data: object, at: str = "") -> _T:
        """The record that decoded JSON holds; `at` is where it stands in its file."""
        try:
            record: _T = self._validator.validate_python(data)
        except ValidationError as error:
            raise _complaint(error.errors()[0], at, self._mend) from error
        return record

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the record (draft 2020-12)."""
        return self._adapter.json_schema(
            schema_generator=_SchemaOfWhole if self._whole else _SchemaOfRest
        )


def _exact(node: Any) -> Any:
    """A schema of pydantic's that converts no texts and truth values to numbers, or the
    other way round."""
    if isinstance(node, list):
        return [_exact(part) for part in node]
    if not isinstance(node, dict):
        return node
    parts = {key: _exact(part) for key, part in node.items()}
    if parts.get("type") in ("int", "bool", "str"):
        return parts | {"strict": True}
    if parts.get("type") == "float":
        return {"allow_inf_nan": False} | parts | {"strict": True}
    return parts


class _Schema(GenerateJsonSchema):
    """Without titles and defaults, and of objects that have no other keys."""

    def field_is_present(self, field: Any) -> bool:
        return not field.get("serialization_exclude")

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        table = super().dataclass_schema(schema)
        del table["title"]
        for described in (table, *table["properties"].values()):
            if "description" in described:
                described["description"] = " ".join(described["description"].split())
        return table | {"additionalProperties": False}


class _SchemaOfWhole(_Schema):
    """Where every key is there."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        return True


class _SchemaOfRest(_Schema):
    """Where what has its default is left out: if that is none, the key is never
    null."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner = schema["schema"]
        return self.generate_inner(
            inner["schema"] if inner["type"] == "nullable" else inner
        )


# ── text and errors ───────────────────────────────────────────────────────────────────


def decode(text: str, *, what: str, mend: str) -> Any:
    """The data that a text of JSON holds; `what` it should be, such as `a report`."""

    def refuse(token: str) -> NoReturn:
        raise BaselineError(f"expected JSON, found the token `{token}`. {mend}")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):  # as a bad merge leaves it
            keys = [key for key, _ in pairs]
            twice = next(key for key in table if keys.count(key) > 1)
            raise BaselineError(f"expected `{twice}` once, found it twice. {mend}")
        return table

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise BaselineError(
            f"expected JSON, found at column {error.colno}: {error.msg}. {mend}",
            place=Place(line=error.lineno),
        ) from error
    except RecursionError as error:
        raise BaselineError(
            f"expected {what}, found JSON nested too deeply. {mend}"
        ) from error


_KINDS = {
    "results": "a JSON report of a run, which `verifier compare` reads",
    "entries": "a baseline, which `verifier run --baseline` reads",
    "sweeps": "a JSON report of `verifier survey`, which no command reads",
    "$schema": "a JSON Schema",
}
"""What a file of JSON is, by a key that only such files have."""


def described(data: object) -> str:
    """What decoded JSON is, as a sentence of an error says it; empty where nobody
    knows."""
    kinds = (_KINDS[key] for key in _KINDS if isinstance(data, dict) and key in data)
    return "".join(f" This is {kind}." for kind in kinds)


_EXPECTED = {
    "bool_type": "true or false",
    "dataclass_type": "an object",
    "dict_type": "an object",
    "enum": "a verdict",  # the only one that is read
    "finite_number": "a number",
    "float_type": "a number",
    "int_type": "an integer",
    "mapping_type": "an object",
    "string_type": "a string",
    "tuple_type": "a list",
}


def _complaint(error: ErrorDetails, at: str, mend: str) -> BaselineError:
    """An error of pydantic's in our words."""
    location, kind = error["loc"], error["type"]
    context = error.get("ctx", {})
    hint = ""
    if kind == "missing" and isinstance(location[-1], str):
        place = Place(key=_path(at, location))
        return BaselineError(f"is missing. {mend}", place=place)
    if kind == "missing":
        location, expected = location[:-1], "a longer list"
    elif kind == "too_long":
        expected = "a shorter list"
    elif kind == "greater_than_equal":
        expected = f"a number from {context['ge']:g}"
    else:
        expected = _EXPECTED.get(kind, error["msg"])
    if location[-1:] == ("[key]",):
        location = location[:-2]
    if kind == "enum":
        known = re.findall(r"'(.*?)'", context["expected"])
        hint = did_you_mean_kind(str(error["input"]), known)
    shown = json.dumps(error["input"])
    shown = shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}…"
    return BaselineError(
        f"expected {expected}, found {shown}.{hint} {mend}",
        place=Place(key=_path(at, location)),
    )


def _path(at: str, location: Iterable[int | str]) -> str:
    """`results[0].point.a`"""
    for part in location:
        if isinstance(part, int):
            at += f"[{part}]"
        else:
            at += f".{part}" if at else part
    return at
