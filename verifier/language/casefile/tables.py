"""The tables of a case file, as pydantic holds them, and the JSON Schema that they
make."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)

from verifier import floats
from verifier.language.casefile.case import (
    ALL,
    DIFFERENCES,
    LEAST_SEED,
    MOST_EPOCHS,
    MOST_POINTS,
    MOST_SEED,
    ROUTE_ALIASES,
    ROUTES,
    VERDICTS,
    Boundary,
    Expected,
    Pin,
)
from verifier.language.casefile.document import Keys
from verifier.language.casefile.readers import (
    as_list_of,
    as_tables,
    check_distinct,
    check_dtype,
    check_formulas,
    check_name,
    check_releases,
    check_route,
    check_subject,
    check_variables,
    read_accepted,
    read_at,
    read_boundary,
    read_count,
    read_domain,
    read_draw,
    read_expected_list,
    read_finite,
    read_order,
    read_per_point,
    read_pinned,
    read_relative,
    read_shapes,
    read_subgradient,
    read_tolerance,
    read_upstream,
    read_widen,
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


class Table(BaseModel):
    """A table of a case file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Releases = Annotated[
    str, AfterValidator(check_releases), WithJsonSchema({"type": "string"})
]


class ExpectTable(Table):
    """What both sides are held to."""

    torch: Releases | None = Field(
        None,
        description="The releases of PyTorch for which this table holds, as a range such as `<2.14` or `>=2.6,<2.8` "
        "(PEP 440); all where it is not given.",
    )
    value: PerPoint | None = Field(
        None,
        description="The function's value at each given point: a number, or a list with one for each.",
    )
    gradient: dict[str, PerPoint] | None = Field(
        None,
        description="The gradient by each input at each given point, times `upstream`.",
    )
    verdict: Pinned | None = Field(
        None,
        description="The verdict, or family of verdicts, of every quantity that does not match; or a table of them: "
        "`value`, `gradient` (by all inputs, or a table by input), `hessian`. What it does not name must match.",
    )
    reason: str | None = Field(
        None,
        min_length=1,
        description="Why the verdict is no match: a link to an issue, or a sentence.",
    )
    losses: Numbers | None = Field(
        None, description="The losses of a descent's first epochs, in order."
    )
    weights: Numbers | None = Field(
        None,
        description="The weights of a descent after its first epochs, in order.",
    )


class DescentTable(Table):
    """Gradient descent, every epoch verified."""

    parameter: str = Field(description="The input that is descended by.")
    learning_rate: Number = Field(description="The factor of the gradient.")
    epochs: int = Field(
        strict=True, ge=1, le=MOST_EPOCHS, description="The number of updates."
    )


class ToleranceTable(Table):
    """How far from the truth a number may be."""

    relative: Tolerated | None = Field(
        None,
        description="The largest relative error that is tolerated, by default that of "
        "`torch.testing.assert_close`; 0 tolerates none.",
    )
    absolute: Tolerated | None = Field(
        None,
        description="The largest absolute error that is tolerated, whatever it is relative to the truth; 0 by default.",
    )


class _OneOrMore:
    """Of a list: JSON Schema allows a single entry in its place."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        """What pydantic asks an annotation for."""
        entry = handler(core)["items"]
        return {"anyOf": [entry, {"type": "array", "items": entry, "minItems": 1}]}


Expectations = Annotated[
    tuple[ExpectTable, ...],
    BeforeValidator(as_tables),
    Field(min_length=1),
    _OneOrMore(),
]
Tolerances = Annotated[
    ToleranceTable,
    BeforeValidator(read_relative),
]


class DefaultsTable(Table):
    """Keys for every case of the file that does not give its own."""

    expression: str | None = Field(
        None, description="The formula to verify; or else give `steps`."
    )
    steps: str | None = Field(
        None,
        description="Named steps, one `name = expression` a line; the last is the output.",
    )
    at: Points | None = Field(
        None,
        description="The point at which to verify, or a list of points: a value for each variable.",
    )
    domain: Annotated[dict[str, Interval], BeforeValidator(check_variables)] | None = (
        Field(
            None,
            min_length=1,
            description="The interval of each variable from which points are drawn, such as `(0, inf)`, or `normal`; "
            "or a list of its two ends, which belong to it.",
        )
    )
    where: str | None = Field(
        None,
        description="A condition in the inputs that every point satisfies, such as `sigma > 1/100 and x < y`.",
    )
    points: Count | None = Field(
        None,
        description="How many points are drawn from the domain; `all` takes every number of a 16-bit dtype.",
    )
    draw: Drawn | None = Field(
        None,
        description="How points are drawn from a bounded domain: half of the `values` uniform, half uniform in "
        "magnitude over six decades, the default; or uniform over the `floats`, as from one without an end.",
    )
    boundary: Edges | None = Field(
        None,
        description="Whether the points that mathematics names are added: ends of the domain, kinks, poles, zeros. "
        "`machine` adds those of the format as well: where inner values overflow, underflow or saturate.",
    )
    seed: int | None = Field(
        None,
        strict=True,
        ge=LEAST_SEED,
        le=MOST_SEED,
        description="The seed of the drawn points.",
    )
    upstream: Upstreams | None = Field(
        None,
        description="The upstream gradient (cotangent): a number, a list with one for each point, or `random`, "
        "`zeros`, `huge` or `tiny`; 1 where it is not given.",
    )
    wrt: Names | None = Field(
        None, description="The inputs to differentiate by; all where it is not given."
    )
    order: Order | None = Field(
        None, description="1 for the gradient, 2 for the Hessian too; 1 by default."
    )
    routes: Routes | None = Field(
        None,
        description="How PyTorch is to differentiate, or a list of ways, which fit the order.",
    )
    dtype: Dtypes | None = Field(None, description="The dtype, or a list of dtypes.")
    subject: SubjectName | None = Field(
        None,
        description="A callable to verify against the formula, as `module:callable`.",
    )
    shapes: Shapes | None = Field(
        None,
        description="Of a subject of tensors: the shape of each argument in order, such as `{ x = [64, 256] }`; each "
        "is drawn from its `domain`, which may also be `positive`, `simplex`, or integers such as `0..9`; `points` are "
        "the draws.",
    )
    reference: SubjectName | None = Field(
        None,
        description="Plain PyTorch that says what a subject of tensors should compute, as `module:callable`; without "
        "it and `expression`, its own forward.",
    )
    gradient: Formulas | None = Field(
        None,
        description="By input, the formula that the subject's backward is meant to be, times the upstream gradient, "
        "where that is not the derivative: a surrogate, a straight-through estimator.",
    )
    widen: Factors | None = Field(
        None,
        description="By what factors inputs of tensors without ends are widened: 1, 3 and 10 where it is not given.",
    )
    inputs: Names | None = Field(
        None,
        description="The subject's arguments in order; those of first appearance where it is not given.",
    )
    elementwise: bool | None = Field(
        None,
        strict=True,
        description="Whether the subject takes many points as one tensor; `false` where it takes single numbers alone.",
    )
    subgradient: Subgradient | None = Field(
        None,
        description="What is demanded at a kink: a number, `left`, `right`, or `any` of the Clarke interval.",
    )
    accept: Accepted | None = Field(
        None,
        description="A kind of difference that counts as expected, or a list of kinds.",
    )
    expect: Expectations | None = Field(
        None,
        description="What both sides are held to, besides each other: a table, or a list of them of which the first "
        "counts that holds for the installed PyTorch.",
    )
    descent: DescentTable | None = Field(
        None, description="Gradient descent from the given point, every epoch verified."
    )
    tolerance: Tolerances | None = Field(
        None,
        description="How far from the truth a number may be; a plain number is the relative tolerance.",
    )
    cite: str | None = Field(None, description="Where the formula is taken from.")
    tags: Names | None = Field(None, description="Words by which cases are selected.")
    reason: str | None = Field(None, description="Why this case exists.")


class CaseTable(DefaultsTable):
    """One case."""

    name: CaseName = Field(description="The case's name, unique in its file.")


class CaseFile(Table):
    """A case file of verifier."""

    defaults: DefaultsTable | None = Field(
        None, description="Keys for every case of the file that does not give its own."
    )
    case: tuple[CaseTable, ...] = Field(min_length=1, description="The cases.")


INNER_TABLES: dict[Keys, type[Table]] = {
    ("expect",): ExpectTable,
    ("descent",): DescentTable,
    ("tolerance",): ToleranceTable,
}


def schema() -> dict[str, Any]:
    """The JSON Schema of a case file (draft 2020-12); TOML floats are its numbers."""
    schema = _tidy(CaseFile.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _tidy(node: Any) -> Any:
    """The schema without pydantic's titles, and without `null`, which TOML does not
    have."""
    if isinstance(node, list):
        return [_tidy(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    tidied = {
        key: {name: _tidy(entry) for name, entry in value.items()}
        if key in ("properties", "$defs")
        else _tidy(value)
        for key, value in node.items()
        if key != "title" and not (key == "default" and value is None)
    }
    choices = [
        choice for choice in tidied.get("anyOf", ()) if choice != {"type": "null"}
    ]
    if len(choices) == 1:
        del tidied["anyOf"]
        return {**choices[0], **tidied}
    return {**tidied, "anyOf": choices} if choices else tidied
