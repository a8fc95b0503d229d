"""The tables of a case file, as pydantic holds them, and the JSON Schema that they
make."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)

from verifier.language.casefile.case import (
    LEAST_SEED,
    MOST_EPOCHS,
    MOST_SEED,
)
from verifier.language.casefile.document import Keys
from verifier.language.casefile.keys import (
    Accepted,
    CaseName,
    Count,
    Drawn,
    Dtypes,
    Edges,
    Factors,
    Formulas,
    Interval,
    Names,
    Number,
    Numbers,
    OneOrMore,
    Order,
    PerPoint,
    Pinned,
    Points,
    Releases,
    Routes,
    Shapes,
    Subgradient,
    SubjectName,
    Tolerated,
    Upstreams,
)
from verifier.language.casefile.number_readers import (
    read_relative,
)
from verifier.language.casefile.word_readers import (
    as_tables,
    check_variables,
)


class Table(BaseModel):
    """A table of a case file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


Expectations = Annotated[
    tuple[ExpectTable, ...],
    BeforeValidator(as_tables),
    Field(min_length=1),
    OneOrMore(),
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
