"""What each key of a case file takes, as pydantic reads it, and its JSON Schema."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    WithJsonSchema,
)

from verifier import floats
from verifier.language.casefile.case import (
    ALL,
    DIFFERENCES,
    MOST_POINTS,
    ROUTE_ALIASES,
    ROUTES,
    VERDICTS,
    Boundary,
    Expected,
    Pin,
)
from verifier.language.casefile.number_readers import (
    read_at,
    read_count,
    read_domain,
    read_expected_list,
    read_finite,
    read_order,
    read_per_point,
    read_shapes,
    read_subgradient,
    read_tolerance,
    read_upstream,
    read_widen,
)
from verifier.language.casefile.word_readers import (
    as_list_of,
    check_distinct,
    check_dtype,
    check_formulas,
    check_name,
    check_releases,
    check_route,
    check_subject,
    read_accepted,
    read_boundary,
    read_draw,
    read_pinned,
)
from verifier.language.points.arrays import Array
from verifier.language.points.domains import Domain
from verifier.language.points.drawing import Draw
from verifier.language.points.scalars import Scalar
from verifier.language.points.tensor_domains import TensorDomain
from verifier.records import Verdict


def _one_or_more(schema: dict[str, Any]) -> WithJsonSchema:
    several = {"type": "array", "items": schema, "minItems": 1}
    return WithJsonSchema({"anyOf": [schema, several]})


_NUMBER_SCHEMA: dict[str, Any] = {"type": ["number", "string"]}


_NUMBERS_SCHEMA = {"type": "array", "items": _NUMBER_SCHEMA, "minItems": 1}


def _array_of(depth: int) -> dict[str, Any]:
    """Lists of lists of numbers, up to a depth."""
    inner = [_NUMBER_SCHEMA, _array_of(depth - 1)] if depth > 1 else [_NUMBER_SCHEMA]
    return {"type": "array", "items": {"anyOf": inner}, "minItems": 1}


_ARRAY_SCHEMA = _array_of(4)


_POINT_SCHEMA = {
    "type": "object",
    "additionalProperties": {"anyOf": [_NUMBER_SCHEMA, _ARRAY_SCHEMA]},
    "minProperties": 1,
}


_INTERVAL_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {**_NUMBERS_SCHEMA, "minItems": 2, "maxItems": 2},
    ]
}


_NAMES_SCHEMA = {"type": "array", "items": {"type": "string"}, "minItems": 1}


_DTYPE_SCHEMA = {"type": "string", "enum": list(floats.DTYPES)}


_ROUTE_SCHEMA = {
    "type": "string",
    "enum": [*ROUTES[1], *ROUTES[2], *ROUTE_ALIASES],
}


_ACCEPT_SCHEMA = {"type": "string", "enum": [*DIFFERENCES, *DIFFERENCES.values()]}


Number = Annotated[Scalar, PlainValidator(read_finite), WithJsonSchema(_NUMBER_SCHEMA)]


Tolerated = Annotated[
    Fraction, PlainValidator(read_tolerance), WithJsonSchema(_NUMBER_SCHEMA)
]


Points = Annotated[
    tuple[dict[str, Scalar | Array[Scalar]], ...],
    PlainValidator(read_at),
    WithJsonSchema(
        {
            "anyOf": [
                _POINT_SCHEMA,
                {"type": "array", "items": _POINT_SCHEMA, "minItems": 1},
            ]
        }
    ),
]


Interval = Annotated[
    Domain | TensorDomain,
    PlainValidator(read_domain),
    WithJsonSchema(_INTERVAL_SCHEMA),
]


Upstreams = Annotated[
    Scalar | tuple[Scalar, ...] | str | tuple[str, ...],
    PlainValidator(read_upstream),
    WithJsonSchema({"anyOf": [_NUMBER_SCHEMA, _NUMBERS_SCHEMA]}),
]


_SIZE_SCHEMA = {"type": "integer", "minimum": 0}


Shapes = Annotated[
    dict[str, tuple[int, ...]],
    PlainValidator(read_shapes),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": "array", "items": _SIZE_SCHEMA},
            "minProperties": 1,
        }
    ),
]


Factors = Annotated[
    tuple[int, ...],
    PlainValidator(read_widen),
    _one_or_more({"type": "integer", "minimum": 1}),
]


Formulas = Annotated[
    dict[str, str],
    PlainValidator(check_formulas),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "minProperties": 1,
        }
    ),
]


PerPoint = Annotated[
    Expected | tuple[Expected, ...] | Array[Expected],
    PlainValidator(read_per_point),
    WithJsonSchema({"anyOf": [_NUMBER_SCHEMA, _ARRAY_SCHEMA]}),
]


Numbers = Annotated[
    tuple[Expected, ...],
    PlainValidator(read_expected_list),
    WithJsonSchema(_NUMBERS_SCHEMA),
]


Names = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    AfterValidator(check_distinct),
    WithJsonSchema(_NAMES_SCHEMA),
]


Dtypes = Annotated[
    tuple[Annotated[str, AfterValidator(check_dtype)], ...],
    BeforeValidator(as_list_of("dtype")),
    Field(min_length=1),
    AfterValidator(check_distinct),
    _one_or_more(_DTYPE_SCHEMA),
]


Routes = Annotated[
    tuple[Annotated[str, AfterValidator(check_route)], ...],
    BeforeValidator(as_list_of("route")),
    Field(min_length=1),
    AfterValidator(check_distinct),
    _one_or_more(_ROUTE_SCHEMA),
]


Accepted = Annotated[
    tuple[Annotated[Verdict, PlainValidator(read_accepted)], ...],
    BeforeValidator(as_list_of("kind")),
    Field(min_length=1),
    _one_or_more(_ACCEPT_SCHEMA),
]


Order = Annotated[
    int,
    PlainValidator(read_order),
    WithJsonSchema({"type": "integer", "enum": list(ROUTES)}),
]


Count = Annotated[
    int | str,
    PlainValidator(read_count),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MOST_POINTS},
                {"const": ALL},
            ]
        }
    ),
]


SubjectName = Annotated[
    str,
    AfterValidator(check_subject),
    WithJsonSchema({"type": "string", "pattern": r"^[^:\s]+:[^:\s]+$"}),
]


Subgradient = Annotated[
    Scalar | str, PlainValidator(read_subgradient), WithJsonSchema(_NUMBER_SCHEMA)
]


_VERDICT_SCHEMA = {"type": "string", "enum": list(VERDICTS)}


Pinned = Annotated[
    str | tuple[Pin, ...],
    PlainValidator(read_pinned),
    WithJsonSchema(
        {
            "anyOf": [
                _VERDICT_SCHEMA,
                {
                    "type": "object",
                    "properties": {
                        "value": _VERDICT_SCHEMA,
                        "gradient": {
                            "anyOf": [
                                _VERDICT_SCHEMA,
                                {
                                    "type": "object",
                                    "additionalProperties": _VERDICT_SCHEMA,
                                    "minProperties": 1,
                                },
                            ]
                        },
                        "hessian": _VERDICT_SCHEMA,
                        "formula": _VERDICT_SCHEMA,
                    },
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ]
        }
    ),
]


Drawn = Annotated[
    Draw,
    PlainValidator(read_draw),
    WithJsonSchema({"type": "string", "enum": list(Draw)}),
]


Edges = Annotated[
    Boundary,
    PlainValidator(read_boundary),
    WithJsonSchema({"enum": [True, False, Boundary.MACHINE]}),
]


CaseName = Annotated[str, AfterValidator(check_name)]


Releases = Annotated[
    str, AfterValidator(check_releases), WithJsonSchema({"type": "string"})
]


class OneOrMore:
    """Of a list: JSON Schema allows a single entry in its place."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        """What pydantic asks an annotation for."""
        entry = handler(core)["items"]
        return {"anyOf": [entry, {"type": "array", "items": entry, "minItems": 1}]}
