"""Case files: TOML → validated `Case`. Loading one runs no code.

Numbers keep the text that was written, so that a decimal is exact and its last digit is known. Every error is raised
once, as a `CaseFileError` or `ExpressionError` that names file, line, case, key and column; in a key, entries of
lists count from 1 (`at[2].x`). The only module that imports pydantic.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from verifier import floats
from verifier.errors import (
    CaseFileError,
    ExpressionError,
    Place,
    SelectionError,
    suggest,
)
from verifier.language import expression
from verifier.language.key_lines import Keys, key_lines
from verifier.language.points import Domain, Scalar, domain, scalar
from verifier.records import Verdict

DTYPES = ("float32", "float64")
"""The dtypes of a case that names none; it may name any of `floats.FORMATS`."""
ROUTES = {
    1: ("reverse", "forward", "func"),
    2: ("reverse-reverse", "forward-forward", "forward-reverse", "reverse-forward"),
}
"""The ways to a derivative by order; the first is that of a case that names none."""
CONVENTIONS = ("left", "right", "any")
"""What `subgradient` may demand at a kink, besides a number."""
DRAWN_POINTS = 64
"""Points drawn from a domain where a case does not say how many."""
MOST_POINTS = 1_000_000
MOST_EPOCHS = 100_000
DIFFERENCES = {v.kind: v for v in Verdict if v.family == "differ"}
"""What `accept` may name, by kind: nothing undecided ever passes, and nothing that could not be run."""
VERDICTS = ("match", "differ", "undecided", *(verdict.value for verdict in Verdict))
"""What `expect.verdict` may say: a verdict, or a family of them."""


# ── what a case is ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A number that a case expects; `half_unit` is half a unit of the last digit of a decimal, else None."""

    scalar: Scalar
    half_unit: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a case pins; `value` and each entry of `gradient` hold one number for each given point, or none."""

    value: tuple[Expected, ...] = ()
    gradient: Mapping[str, tuple[Expected, ...]] = field(default_factory=dict)
    verdict: str | None = None
    reason: str | None = None
    losses: tuple[Expected, ...] = ()
    weights: tuple[Expected, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """Gradient descent by one input from the given point."""

    parameter: str
    learning_rate: Scalar
    epochs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to verify.

    Either every table of `given` names all inputs and is a point, or there is a single one, it names those inputs
    that no domain names, and it fixes them at every drawn point (`fixed`).
    """

    name: str
    place: Place
    program: expression.Program
    wrt: tuple[str, ...]
    given: tuple[Mapping[str, Scalar], ...]
    domains: Mapping[str, Domain]
    points: int
    """How many points are drawn from the domains."""
    seed: int | None
    upstream: Scalar
    arguments: tuple[str, ...]
    """The inputs in the order in which a subject takes them. One that the formula lacks has the derivative 0."""
    subject: str | None
    """The callable to verify, `module:callable`; None means the formula itself, lowered."""
    order: int
    routes: tuple[str, ...]
    dtypes: tuple[str, ...]
    subgradient: Scalar | str | None
    """What is demanded at a kink: a number, or one of `CONVENTIONS`."""
    accept: tuple[Verdict, ...]
    """Differences that count as expected."""
    tolerance: Fraction | None
    """The relative tolerance; None means that of the dtype."""
    expectation: Expectation | None
    descent: Descent | None
    cite: str | None
    tags: tuple[str, ...]
    reason: str | None

    @property
    def id(self) -> str:
        """`FILE::NAME`, or the name alone where there is no file."""
        return f"{self.place.file}::{self.name}" if self.place.file else self.name

    @property
    def inputs(self) -> tuple[str, ...]:
        """The variables of the formula in order of first appearance."""
        return self.program.inputs

    @property
    def fixed(self) -> Mapping[str, Scalar]:
        """The inputs that have the same value at every drawn point."""
        given = self.given[0] if self.given and self.domains else {}
        return {name: given[name] for name in given if name not in self.domains}


# ── the tables of a file, as pydantic holds them ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Decimal:
    """A TOML float as it was written."""

    text: str


def _fault(
    message: str, *tail: str | int, column: int | None = None
) -> PydanticCustomError:
    """An error in our words; `tail` leads from the validated value to the one at fault."""
    context = {"message": message, "tail": tail, "column": column}
    return PydanticCustomError("verifier", "{message}", context)


def _read_scalar(value: object, *tail: str | int) -> Scalar:
    if isinstance(value, _Decimal):
        value = value.text
    if isinstance(value, (dict, list, tuple)):
        raise _fault(f"expected a number, found {_show(value)}.", *tail)
    try:
        return scalar(cast("str | int | float", value))
    except ExpressionError as error:
        raise _fault(error.message, *tail, column=error.place.column) from error


def _read_finite(value: object) -> Scalar:
    found = _read_scalar(value)
    if not found.is_finite:
        raise _fault(f"expected a finite number, found {_show(value)}.")
    return found


def _read_tolerance(value: object) -> Fraction:
    exact = _read_scalar(value).exact
    if exact is None or exact < 0:
        raise _fault(f"expected a rational number of at least 0, found {_show(value)}.")
    return exact


def _read_point(value: object, *tail: int) -> dict[str, Scalar]:
    if not isinstance(value, Mapping) or not value:
        found = _show(value) if value != {} else "an empty one"
        raise _fault(
            f"expected a table of values such as {{ x = 1 }}, found {found}.", *tail
        )
    for name in value:
        if not isinstance(name, str):
            raise _fault(f"expected names of variables, found {_show(name)}.", *tail)
    return {name: _read_scalar(entry, *tail, name) for name, entry in value.items()}


def _read_at(value: object) -> tuple[dict[str, Scalar], ...]:
    if not isinstance(value, (list, tuple)):
        return (_read_point(value),)
    if not value:
        raise _fault("expected at least one point, found an empty list.")
    return tuple(_read_point(entry, index) for index, entry in enumerate(value))


def _read_domain(value: object) -> Domain:
    if not isinstance(value, str):
        raise _fault(
            f"expected an interval such as `[-1, 1]` in quotes, found {_show(value)}."
        )
    try:
        return domain(value)
    except ExpressionError as error:
        raise _fault(error.message, column=error.place.column) from error


def _read_expected(value: object, *tail: int) -> Expected:
    half_unit = _half_unit(value.text) if isinstance(value, _Decimal) else None
    return Expected(scalar=_read_scalar(value, *tail), half_unit=half_unit)


def _read_expected_list(value: object) -> tuple[Expected, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise _fault(f"expected a list of numbers, found {_show(value)}.")
    return tuple(_read_expected(entry, index) for index, entry in enumerate(value))


def _read_held(value: object) -> Expected | tuple[Expected, ...]:
    if isinstance(value, (list, tuple)):
        return _read_expected_list(value)
    return _read_expected(value)


def _half_unit(text: str) -> Fraction | None:
    """Half a unit of the last digit written in the mantissa of a decimal; None for infinities and NaN."""
    mantissa, _, exponent = text.replace("_", "").lower().partition("e")
    if not mantissa[-1].isdigit():
        return None
    places = len(mantissa.partition(".")[2])
    if abs(int(exponent or 0)) > expression.LARGEST_CONSTANT_BITS:
        return None  # refused as a number
    return Fraction(10) ** (int(exponent or 0) - places) / 2


def _check_name(name: str) -> str:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise _fault(
            "expected a name of printable characters, without blanks at its ends, "
            f"found {_show(name)}."
        )
    if "::" in name:
        raise _fault(
            f"expected a name without `::`, which ends the file in `FILE::CASE`, found {_show(name)}."
        )
    return name


def _check_known(name: str, known: Iterable[str]) -> str:
    names = list(known)
    if name in names:
        return name
    near = suggest(name, names)
    hint = f" Did you mean `{near}`?" if near else ""
    raise _fault(f"expected one of {_join(names)}, found `{name}`.{hint}")


def _check_dtype(name: str) -> str:
    return _check_known(name, floats.FORMATS)


def _check_route(name: str) -> str:
    return _check_known(name, (route for routes in ROUTES.values() for route in routes))


def _read_order(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in ROUTES:
        return value
    raise _fault(f"expected 1 (the gradient) or 2 (the Hessian), found {_show(value)}.")


def _check_subject(text: str) -> str:
    module, colon, name = text.partition(":")
    if colon and all(part.isidentifier() for part in (f"{module}.{name}").split(".")):
        return text
    package, dot, last = text.rpartition(".")
    is_dotted = dot and all(part.isidentifier() for part in text.split("."))
    example = f"{package}:{last}" if is_dotted else "mylib.activations:swish"
    hint = f"Did you mean `{example}`?" if is_dotted else f"Write it as `{example}`."
    raise _fault(f"expected `module:callable`, found {_show(text)}. {hint}")


def _read_subgradient(value: object) -> Scalar | str:
    if isinstance(value, str) and value in CONVENTIONS:
        return value
    try:
        return _read_finite(value)
    except PydanticCustomError as error:
        near = suggest(value, CONVENTIONS) if isinstance(value, str) else None
        hint = f" Did you mean `{near}`?" if near else ""
        raise _fault(
            f"expected a finite number, {_join(CONVENTIONS)}, found {_show(value)}.{hint}"
        ) from error


def _read_accepted(value: object) -> Verdict:
    if not isinstance(value, str):
        raise _fault(f"expected text in quotes, found {_show(value)}.")
    found = DIFFERENCES.get(value.removeprefix("differ."))
    if found is not None:
        return found
    if any(value in (verdict.value, verdict.kind) for verdict in Verdict):
        raise _fault(
            f"expected a kind of difference, found `{value}`. "
            "Only differences can be accepted; pin another verdict with `expect = { verdict = … }`."
        )
    near = suggest(value, [*DIFFERENCES, *DIFFERENCES.values()])
    hint = f" Did you mean `{near}`?" if near else ""
    raise _fault(
        f"expected one of {_join(sorted(DIFFERENCES))}, found `{value}`.{hint}"
    )


def _check_verdict(name: str) -> str:
    if name in VERDICTS:
        return name
    near = suggest(name, VERDICTS) or suggest(f"differ.{name}", VERDICTS)
    hint = f"Did you mean `{near}`?" if near else f"Known are {_join(VERDICTS)}."
    raise _fault(f"expected a verdict, found `{name}`. {hint}")


def _check_distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise _fault(f"expected each name once, found `{name}` twice.", index)
    return names


def _as_list_of(kind: str) -> Callable[[object], object]:
    """What makes a list of the kind of thing of which a case may also give one alone."""

    def as_list(value: object) -> object:
        if isinstance(value, (list, tuple)):
            return value
        if isinstance(value, str):
            return [value]
        raise _fault(f"expected a {kind} or a list of {kind}s, found {_show(value)}.")

    return as_list


def _one_or_more(schema: dict[str, Any]) -> WithJsonSchema:
    several = {"type": "array", "items": schema, "minItems": 1}
    return WithJsonSchema({"anyOf": [schema, several]})


_NUMBER_SCHEMA: dict[str, Any] = {"type": ["number", "string"]}
_NUMBERS_SCHEMA = {"type": "array", "items": _NUMBER_SCHEMA, "minItems": 1}
_POINT_SCHEMA = {
    "type": "object",
    "additionalProperties": _NUMBER_SCHEMA,
    "minProperties": 1,
}
_NAMES_SCHEMA = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_DTYPE_SCHEMA = {"type": "string", "enum": list(floats.FORMATS)}
_ROUTE_SCHEMA = {"type": "string", "enum": [*ROUTES[1], *ROUTES[2]]}
_ACCEPT_SCHEMA = {"type": "string", "enum": [*DIFFERENCES, *DIFFERENCES.values()]}

Number = Annotated[Scalar, PlainValidator(_read_finite), WithJsonSchema(_NUMBER_SCHEMA)]
Relative = Annotated[
    Fraction, PlainValidator(_read_tolerance), WithJsonSchema(_NUMBER_SCHEMA)
]
Points = Annotated[
    tuple[dict[str, Scalar], ...],
    PlainValidator(_read_at),
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
    Domain, PlainValidator(_read_domain), WithJsonSchema({"type": "string"})
]
Held = Annotated[
    Expected | tuple[Expected, ...],
    PlainValidator(_read_held),
    WithJsonSchema({"anyOf": [_NUMBER_SCHEMA, _NUMBERS_SCHEMA]}),
]
Numbers = Annotated[
    tuple[Expected, ...],
    PlainValidator(_read_expected_list),
    WithJsonSchema(_NUMBERS_SCHEMA),
]
Names = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    AfterValidator(_check_distinct),
    WithJsonSchema(_NAMES_SCHEMA),
]
Dtypes = Annotated[
    tuple[Annotated[str, AfterValidator(_check_dtype)], ...],
    BeforeValidator(_as_list_of("dtype")),
    Field(min_length=1),
    AfterValidator(_check_distinct),
    _one_or_more(_DTYPE_SCHEMA),
]
Routes = Annotated[
    tuple[Annotated[str, AfterValidator(_check_route)], ...],
    BeforeValidator(_as_list_of("route")),
    Field(min_length=1),
    AfterValidator(_check_distinct),
    _one_or_more(_ROUTE_SCHEMA),
]
Accepted = Annotated[
    tuple[Annotated[Verdict, PlainValidator(_read_accepted)], ...],
    BeforeValidator(_as_list_of("kind")),
    Field(min_length=1),
    _one_or_more(_ACCEPT_SCHEMA),
]
Order = Annotated[
    int,
    PlainValidator(_read_order),
    WithJsonSchema({"type": "integer", "enum": list(ROUTES)}),
]
SubjectName = Annotated[
    str,
    AfterValidator(_check_subject),
    WithJsonSchema({"type": "string", "pattern": r"^[^:\s]+:[^:\s]+$"}),
]
Subgradient = Annotated[
    Scalar | str, PlainValidator(_read_subgradient), WithJsonSchema(_NUMBER_SCHEMA)
]
VerdictName = Annotated[
    str,
    AfterValidator(_check_verdict),
    WithJsonSchema({"type": "string", "enum": list(VERDICTS)}),
]
CaseName = Annotated[str, AfterValidator(_check_name)]


class _Table(BaseModel):
    """A table of a case file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ExpectTable(_Table):
    """What both sides are held to."""

    value: Held | None = Field(
        None,
        description="The function's value at each given point: a number, or a list with one for each.",
    )
    gradient: dict[str, Held] | None = Field(
        None,
        description="The gradient by each input at each given point, times `upstream`.",
    )
    verdict: VerdictName | None = Field(
        None,
        description="The verdict, or family of verdicts, that the case must get.",
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


class DescentTable(_Table):
    """Gradient descent, every epoch verified."""

    parameter: str = Field(description="The input that is descended by.")
    learning_rate: Number = Field(description="The factor of the gradient.")
    epochs: int = Field(
        strict=True, ge=1, le=MOST_EPOCHS, description="The number of updates."
    )


class ToleranceTable(_Table):
    """How far from the truth a number may be."""

    relative: Relative = Field(
        description="The largest relative error that is tolerated; 0 tolerates none."
    )


class DefaultsTable(_Table):
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
    domain: dict[str, Interval] | None = Field(
        None,
        min_length=1,
        description="The interval of each variable from which points are drawn, such as `(0, inf)`.",
    )
    points: int | None = Field(
        None,
        strict=True,
        ge=1,
        le=MOST_POINTS,
        description="How many points are drawn from the domain.",
    )
    seed: int | None = Field(
        None, strict=True, description="The seed of the drawn points."
    )
    upstream: Number | None = Field(
        None, description="The upstream gradient (cotangent); 1 where it is not given."
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
    inputs: Names | None = Field(
        None,
        description="The subject's arguments in order; those of first appearance where it is not given.",
    )
    subgradient: Subgradient | None = Field(
        None,
        description="What is demanded at a kink: a number, `left`, `right`, or `any` of the Clarke interval.",
    )
    accept: Accepted | None = Field(
        None,
        description="A kind of difference that counts as expected, or a list of kinds.",
    )
    expect: ExpectTable | None = Field(
        None, description="What both sides are held to, besides each other."
    )
    descent: DescentTable | None = Field(
        None, description="Gradient descent from the given point, every epoch verified."
    )
    tolerance: ToleranceTable | None = Field(
        None, description="How far from the truth a number may be."
    )
    cite: str | None = Field(None, description="Where the formula is taken from.")
    tags: Names | None = Field(None, description="Words by which cases are selected.")
    reason: str | None = Field(None, description="Why this case exists.")


class CaseTable(DefaultsTable):
    """One case."""

    name: CaseName = Field(description="The case's name, unique in its file.")


class CaseFile(_Table):
    """A case file of verifier."""

    defaults: DefaultsTable | None = Field(
        None, description="Keys for every case of the file that does not give its own."
    )
    case: tuple[CaseTable, ...] = Field(min_length=1, description="The cases.")


_INNER_TABLES: dict[Keys, type[_Table]] = {
    ("expect",): ExpectTable,
    ("descent",): DescentTable,
    ("tolerance",): ToleranceTable,
}


# ── the doors ────────────────────────────────────────────────────────────────────────────────────────────────────


def load(path: Path) -> list[Case]:
    """The cases of one file, in order. Raises the first error that it finds."""
    file = path.as_posix()
    text = _read_text(path, file)
    document = _parse(text, file)
    _check_top_level(document)
    return _cases(document)


def load_paths(paths: Sequence[Path]) -> list[Case]:
    """The cases of files, and of all `*.toml` files in folders and their folders, sorted; each file once."""
    files: dict[Path, Path] = {}
    for path in paths:
        for file in _files(path):
            files.setdefault(file.resolve(), file)
    if not files:
        found = ", ".join(f"`{path}`" for path in paths) or "no path"
        raise SelectionError(
            f"expected at least one case file (`*.toml`), found none in {found}. Name a file or a folder that has some."
        )
    return [case for file in files.values() for case in load(file)]


def from_mapping(
    data: Mapping[str, object], *, file: str | None = None, line: int | None = None
) -> Case:
    """The case that a mapping with the keys of a case describes; keys that are None are absent.

    Floats are the binary numbers that they hold. A name that is absent is the expression itself.
    """
    given = {key: value for key, value in data.items() if value is not None}
    given.setdefault("name", _name_for(given))
    origin = _Origin(file=file, line=line, name=_name_of(given))
    for key in given:
        if not isinstance(key, str):
            origin.fail(f"expected keys that are text, found {_show(key)}.")
    return _case(given, origin)


def schema() -> dict[str, Any]:
    """The JSON Schema of a case file (draft 2020-12); TOML floats are its numbers."""
    found = _tidy(CaseFile.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _tidy(node: Any) -> Any:
    """The schema without pydantic's titles, and without `null`, which TOML does not have."""
    if isinstance(node, list):
        return [_tidy(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: {name: _tidy(entry) for name, entry in value.items()}
        if key in ("properties", "$defs")
        else _tidy(value)
        for key, value in node.items()
        if key != "title" and not (key == "default" and value is None)
    }
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del kept["anyOf"]
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*.toml") if file.is_file())
    if not path.exists():
        raise SelectionError(f"expected a case file or a folder, found no `{path}`.")
    return [path]


def _name_for(data: Mapping[str, object]) -> str:
    text = data.get("expression", data.get("steps"))
    words = " ".join(text.split()) if isinstance(text, str) else ""
    return (words if len(words) <= 60 else f"{words[:57]}...") or "unnamed"


def _name_of(data: Mapping[str, object]) -> str | None:
    name = data.get("name")
    return name if isinstance(name, str) and name.isprintable() and name else None


# ── a file ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """A file that is TOML, with the line of each of its keys."""

    file: str
    data: dict[str, object]
    lines: Mapping[Keys, int]

    def fail(self, message: str, *keys: str) -> NoReturn:
        place = Place(
            file=self.file, line=self.lines.get(keys), key=".".join(keys) or None
        )
        raise CaseFileError(message, place=place)


def _read_text(path: Path, file: str) -> str:
    place = Place(file=file)
    try:
        text = path.read_bytes().decode("utf-8")
    except IsADirectoryError as error:
        message = "expected a case file, found a folder. Give a file of it."
        raise CaseFileError(message, place=place) from error
    except OSError as error:
        message = f"expected a case file, found none that can be read: {error.strerror}. Check the path."
        raise CaseFileError(message, place=place) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"expected UTF-8, found the byte 0x{error.object[error.start]:02x}. Save the file as UTF-8."
        raise CaseFileError(message, place=Place(file=file, line=line)) from error
    if text.startswith("\ufeff"):
        message = "expected TOML, found a byte order mark (U+FEFF) before it. Save the file as UTF-8 without one."
        raise CaseFileError(message, place=Place(file=file, line=1, column=1))
    return text.replace("\r\n", "\n")


_TOML_MENDS = {
    "Invalid value": "Text stands in quotes.",
    "Cannot overwrite": "Write each key once.",
    "Cannot declare": "Write each table once.",
    "Expected '=' after a key": "Write `key = value`.",
}
_TOML_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)")


def _parse(text: str, file: str) -> _Document:
    try:
        data = tomllib.loads(text, parse_float=_Decimal)
        return _Document(file=file, data=data, lines=key_lines(text))
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(str(error), text, file) from error
    except RecursionError as error:
        message = "expected TOML of few levels, found it nested too deeply."
        raise CaseFileError(message, place=Place(file=file)) from error
    except ValueError as error:  # an integer of more digits than Python converts
        message = f"expected shorter numbers: {error}"
        raise CaseFileError(message, place=Place(file=file)) from error


def _not_toml(message: str, text: str, file: str) -> CaseFileError:
    found = _TOML_PLACE.fullmatch(message)
    detail = found[1] if found else message
    lines = text.split("\n")
    line = int(found[2]) if found and found[2] else len(lines)
    column = int(found[3]) if found and found[3] else None
    mends = (mend for start, mend in _TOML_MENDS.items() if detail.startswith(start))
    mend = next(mends, "Mend the line.")
    shown = f"expected TOML, found none: {detail.replace(chr(39), '`')}. {mend}"
    if column is not None:
        start = max(0, column - 40)  # a long line is shown around the place
        excerpt = lines[line - 1][start : start + 80]
        shown += f"\n    {excerpt}\n    {' ' * (column - 1 - start)}^"
    return CaseFileError(shown, place=Place(file=file, line=line, column=column))


def _check_top_level(document: _Document) -> None:
    for key in document.data:
        if key in CaseFile.model_fields:
            continue
        if key in CaseTable.model_fields:
            document.fail(
                f"expected `[[case]]` before the keys of a case, found `{key}` first.",
                key,
            )
        document.fail(_unknown(key, CaseFile), key)
    if not isinstance(document.data.get("defaults", {}), dict):
        found = _show(document.data["defaults"])
        document.fail(f"expected a table `[defaults]`, found {found}.", "defaults")
    cases = document.data.get("case")
    if cases is None:
        document.fail("expected at least one `[[case]]`, found none.")
    if not isinstance(cases, list):
        document.fail(f"expected `[[case]]`, found {_show(cases)}.", "case")
    for case in cases:
        if not isinstance(case, dict):
            document.fail(f"expected `[[case]]`, found {_show(case)}.", "case")


def _cases(document: _Document) -> list[Case]:
    tables = cast("list[dict[str, object]]", document.data["case"])
    if not tables:
        document.fail("expected at least one `[[case]]`, found an empty list.", "case")
    defaults = cast("dict[str, object]", document.data.get("defaults", {}))
    root: Keys = ("defaults",)
    origin = _Origin(
        file=document.file,
        line=document.lines.get(root),
        root=root,
        lines=document.lines,
    )
    _validate(DefaultsTable, defaults, origin)
    cases: list[Case] = []
    seen: dict[str, int | None] = {}
    for index, own in enumerate(tables):
        origin = _origin(document, index, own, defaults)
        case = _case({**_inherit(defaults, own), **own}, origin)
        if case.name in seen:
            origin.fail(
                f"expected names that are unique in the file, found `{case.name}` on line {seen[case.name]} "
                f"and on line {origin.line}. Rename one.",
                "name",
            )
        seen[case.name] = origin.line
        cases.append(case)
    return cases


def _inherit(
    defaults: Mapping[str, object], own: Mapping[str, object]
) -> dict[str, object]:
    """The defaults that a case does not replace; `expression` and `steps` replace each other."""
    replaced = {*own}
    if not replaced.isdisjoint(("expression", "steps")):
        replaced |= {"expression", "steps"}
    return {key: value for key, value in defaults.items() if key not in replaced}


def _origin(
    document: _Document,
    index: int,
    own: Mapping[str, object],
    defaults: Mapping[str, object],
) -> _Origin:
    root: Keys = ("case", index)
    return _Origin(
        file=document.file,
        line=document.lines.get(root),
        name=_name_of(own),
        root=root,
        lines=document.lines,
        inherited=frozenset(_inherit(defaults, own)),
    )


# ── places and errors ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """Where a case was written; `inherited` are the keys that it has from `[defaults]`."""

    file: str | None
    line: int | None
    name: str | None = None
    root: Keys = ()
    lines: Mapping[Keys, int] = field(default_factory=dict)
    inherited: frozenset[str] = frozenset()

    def place(self, *keys: str | int, column: int | None = None) -> Place:
        shown = (*self.root, *keys) if self.root == ("defaults",) else keys
        return Place(
            file=self.file,
            line=self.line_of(keys),
            case=self.name,
            key=_dotted(shown) or None,
            column=column,
        )

    def line_of(self, keys: Keys) -> int | None:
        """The line of the key, or of the nearest table around it that is known."""
        inherited = bool(keys) and keys[0] in self.inherited
        root: Keys = ("defaults",) if inherited else self.root
        for end in range(len(keys), 0, -1):
            line = self.lines.get((*root, *keys[:end]))
            if line is not None:
                return line
        return self.line

    def fail(
        self, message: str, *keys: str | int, column: int | None = None
    ) -> NoReturn:
        raise CaseFileError(message, place=self.place(*keys, column=column))


def _dotted(keys: Keys) -> str:
    parts = (f"[{key + 1}]" if isinstance(key, int) else f".{key}" for key in keys)
    return "".join(parts).removeprefix(".")


_T = TypeVar("_T", bound=_Table)


def _validate(model: type[_T], data: Mapping[str, object], origin: _Origin) -> _T:
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
    """The way to what is at fault in what was written, where a single value may stand for a list of one."""
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
    "tuple_type": "a list in square brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "too_short": "at least one entry",
    "greater_than_equal": "an integer of at least {ge}",
    "less_than_equal": "an integer of at most {le}",
}


def _explain(fault: ErrorDetails, model: type[_Table]) -> str:
    keys, context = fault["loc"], fault.get("ctx", {})
    if fault["type"] == "verifier":
        return str(context["message"])
    if fault["type"] == "extra_forbidden":
        return _unknown(str(keys[-1]), _INNER_TABLES.get(keys[:-1], model))
    if fault["type"] == "missing":
        return f"expected a key `{keys[-1]}`, found none. Add it."
    expected = _EXPECTED.get(fault["type"], fault["msg"]).format(**context)
    if expected == "text in quotes" and keys[0] in ("steps", "expression"):
        expected = "a formula in quotes"
    return f"expected {expected}, found {_show(fault['input'])}."


def _unknown(key: str, table: type[_Table]) -> str:
    known = list(table.model_fields)
    near = suggest(key, known)
    hint = f"Did you mean `{near}`?" if near else f"Known are {_join(known)}."
    return f"unknown key `{key}`. {hint}"


def _join(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"


def _show(value: object) -> str:
    """A value as a message names it."""
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case _Decimal():
            return f"`{value.text}`"
        case str():
            return f'"{value if len(value) <= 40 else value[:37] + "..."}"'
        case dict() | Mapping():
            return "a table" if value else "an empty table"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case int() if value.bit_length() > 128:
            return f"an integer of {value.bit_length()} bits"
    return f"`{value}`"


# ── tables → case ────────────────────────────────────────────────────────────────────────────────────────────────


def _case(data: Mapping[str, object], origin: _Origin) -> Case:
    table = _validate(CaseTable, data, origin)
    named = table.domain or {}
    if table.descent is not None and "domain" in origin.inherited:
        named = {}  # a default that a descent has no use for
    variables = dict.fromkeys(name for point in table.at or () for name in point)
    declared = {**variables, **dict.fromkeys(named)}
    program = _program(table, declared, origin)
    arguments = _arguments(table, program, declared, origin)
    given = _occurring_points(table.at or (), arguments, origin)
    domains = _occurring(named, arguments, origin, "domain")
    _check_cover(given, domains, origin)
    order = _order(table, origin)
    return Case(
        name=table.name,
        place=origin.place(),
        program=program,
        wrt=_wrt(table, arguments, origin),
        given=given,
        domains=domains,
        points=_points(table, domains, origin),
        seed=table.seed,
        upstream=scalar(1) if table.upstream is None else table.upstream,
        arguments=arguments,
        subject=_subject(table, origin),
        order=order,
        routes=_routes(table, order, origin),
        dtypes=table.dtype or DTYPES,
        subgradient=table.subgradient,
        accept=tuple(dict.fromkeys(table.accept or ())),
        tolerance=None if table.tolerance is None else table.tolerance.relative,
        expectation=_expectation(table, arguments, given, origin),
        descent=_descent(table, program, given, domains, origin),
        cite=table.cite,
        tags=table.tags or (),
        reason=table.reason,
    )


def _program(
    table: CaseTable, variables: Iterable[str], origin: _Origin
) -> expression.Program:
    if table.expression is not None and table.steps is not None:
        origin.fail("expected `expression` or `steps`, found both. Drop one.", "steps")
    if table.steps is not None:
        program = _parsed(
            expression.parse_steps, table.steps, variables, origin, "steps"
        )
    elif table.expression is not None:
        program = _parsed(
            expression.parse, table.expression, variables, origin, "expression"
        )
    else:
        origin.fail("expected `expression` or `steps`, found neither. Add one.")
    if not program.inputs:
        key = "steps" if table.expression is None else "expression"
        found = "none of those in `at` and `domain`" if list(variables) else "none"
        origin.fail(
            f"expected at least one variable, found {found}: nothing to differentiate.",
            key,
        )
    return program


def _parsed(
    parse: Callable[..., expression.Program],
    text: str,
    variables: Iterable[str],
    origin: _Origin,
    key: str,
) -> expression.Program:
    try:
        return parse(text, variables=variables)
    except ExpressionError as error:
        raise error.at(origin.place(key)) from error


def _arguments(
    table: CaseTable,
    program: expression.Program,
    declared: Collection[str],
    origin: _Origin,
) -> tuple[str, ...]:
    """The inputs in the order of `inputs`: every variable of the formula, and others that have a value."""
    if table.inputs is None:
        return program.inputs
    for index, name in enumerate(table.inputs):
        if name not in declared:
            near = suggest(name, declared)
            hint = f"Did you mean `{near}`?" if near else "Give it one, or drop it."
            origin.fail(
                f"expected names that have a value in `at` or `domain`, found `{name}`. {hint}",
                *("inputs", index),
            )
    for name in program.inputs:
        if name not in table.inputs:
            origin.fail(
                f"expected every variable of the formula among them, found no `{name}`. Add it.",
                "inputs",
            )
    return table.inputs


def _order(table: CaseTable, origin: _Origin) -> int:
    if table.descent is None or table.order in (None, 1):
        return table.order or 1
    if "order" not in origin.inherited:
        origin.fail(
            "a descent follows the gradient: expected `order = 1`, found 2. Drop one of them.",
            "order",
        )
    return 1  # a default that a descent has no use for


def _routes(table: CaseTable, order: int, origin: _Origin) -> tuple[str, ...]:
    """The routes of the order; of defaults, those that fit."""
    known = ROUTES[order]
    given = table.routes or ()
    unfit = [route for route in given if route not in known]
    if unfit and "routes" not in origin.inherited:
        origin.fail(
            f"expected a route of order {order}: one of {_join(known)}, found `{unfit[0]}`. "
            f"Choose one of those, or set `order = {3 - order}`.",
            "routes",
        )
    return tuple(route for route in given if route in known) or known[:1]


def _subject(table: CaseTable, origin: _Origin) -> str | None:
    if table.subject is None or table.descent is None:
        return table.subject
    if "subject" not in origin.inherited:
        origin.fail(
            "a descent follows the formula: expected no `subject`, found one. Drop it, or the `descent`.",
            "subject",
        )
    return None  # a default that a descent has no use for


_V = TypeVar("_V")


def _occurring(
    named: Mapping[str, _V], arguments: Sequence[str], origin: _Origin, *keys: str
) -> dict[str, _V]:
    """The entries of variables that occur; one that does not is likely misspelt, unless it is a default."""
    if keys[0] not in origin.inherited:
        for name in named:
            if name not in arguments:
                origin.fail(_unused(name, named, arguments), *keys, name)
    return {name: named[name] for name in named if name in arguments}


def _unused(name: str, named: Iterable[str], arguments: Sequence[str]) -> str:
    near = suggest(name, [known for known in arguments if known not in named])
    hint = f"Did you mean `{near}`?" if near else "Drop it."
    return f"`{name}` does not occur in the formula, whose inputs are {_join(arguments)}. {hint}"


def _occurring_points(
    given: Sequence[Mapping[str, Scalar]], arguments: Sequence[str], origin: _Origin
) -> tuple[Mapping[str, Scalar], ...]:
    points = tuple(_occurring(point, arguments, origin, "at") for point in given)
    names = [name for name in arguments if any(name in p for p in points)]
    for index, point in enumerate(points):
        for name in names:
            if name not in point:
                origin.fail(
                    f"expected a value of `{name}` in every table, found none. Add it.",
                    *("at", index),
                )
    return tuple(point for point in points if point)


def _check_cover(
    given: Sequence[Mapping[str, Scalar]],
    domains: Mapping[str, Domain],
    origin: _Origin,
) -> None:
    """That `at` and `domain` together give every input a value in one way."""
    if not given or not domains or given[0].keys() == domains.keys():
        return
    both = [name for name in given[0] if name in domains]
    if both:
        origin.fail(
            f"expected `at` and `domain` to name the same variables or none in common, found `{both[0]}` in both. "
            "Drop it from one.",
            *("domain", both[0]),
        )
    if len(given) > 1:
        origin.fail(
            f"expected a single table, which fixes {_join(given[0])} while the others are drawn from `domain`, "
            f"found {len(given)}. Give one, or every variable in each.",
            "at",
        )


def _points(table: CaseTable, domains: Mapping[str, Domain], origin: _Origin) -> int:
    if domains:
        return DRAWN_POINTS if table.points is None else table.points
    if table.points is not None and "points" not in origin.inherited:
        origin.fail(
            f"expected a `domain` from which to draw {table.points} points, found none. Add one, or drop `points`.",
            "points",
        )
    return 0


def _check_input(
    name: str, inputs: Sequence[str], origin: _Origin, *keys: str | int
) -> None:
    if name in inputs:
        return
    near = suggest(name, inputs)
    hint = f" Did you mean `{near}`?" if near else ""
    origin.fail(
        f"expected one of the inputs {_join(inputs)}, found `{name}`.{hint}",
        *keys,
    )


def _wrt(
    table: CaseTable, arguments: tuple[str, ...], origin: _Origin
) -> tuple[str, ...]:
    if table.wrt is None:
        return arguments if table.descent is None else (table.descent.parameter,)
    for index, name in enumerate(table.wrt):
        _check_input(name, arguments, origin, "wrt", index)
    if table.descent is not None and table.descent.parameter not in table.wrt:
        origin.fail(
            f"expected the descent's parameter `{table.descent.parameter}` among them, found {_join(table.wrt)}. "
            "Add it.",
            "wrt",
        )
    return table.wrt


def _descent(
    table: CaseTable,
    program: expression.Program,
    given: Sequence[Mapping[str, Scalar]],
    domains: Mapping[str, Domain],
    origin: _Origin,
) -> Descent | None:
    found = table.descent
    if found is None:
        return None
    _check_input(found.parameter, program.inputs, origin, "descent", "parameter")
    if domains:
        origin.fail(
            "a descent starts from the single point in `at`: expected no `domain`, found one. Drop it.",
            "domain",
        )
    if len(given) != 1:
        origin.fail(
            f"a descent starts from a single point: expected one in `at`, found {len(given)}.",
            "at",
        )
    return Descent(
        parameter=found.parameter,
        learning_rate=found.learning_rate,
        epochs=found.epochs,
    )


# ── expectations ─────────────────────────────────────────────────────────────────────────────────────────────────


def _expectation(
    table: CaseTable,
    arguments: tuple[str, ...],
    given: Sequence[Mapping[str, Scalar]],
    origin: _Origin,
) -> Expectation | None:
    found = table.expect
    if found is None:
        return None
    _check_reason(found, origin)
    wrt = _wrt(table, arguments, origin)
    for name in found.gradient or {}:
        _check_differentiated(name, wrt, arguments, origin)
    is_complete = bool(given) and given[0].keys() == set(arguments)
    count = len(given) if is_complete else 0
    gradient = (found.gradient or {}).items()
    return Expectation(
        value=_held(found.value, count, origin, "value"),
        gradient={n: _held(held, count, origin, "gradient", n) for n, held in gradient},
        verdict=found.verdict,
        reason=found.reason,
        losses=_epochs(found.losses, table.descent, origin, "losses"),
        weights=_epochs(found.weights, table.descent, origin, "weights"),
    )


def _check_reason(found: ExpectTable, origin: _Origin) -> None:
    if found.verdict is None or found.verdict.partition(".")[0] == "match":
        return
    if found.reason is None or not found.reason.strip():
        origin.fail(
            f"expected a `reason` for the verdict `{found.verdict}`, found none. "
            "Say why it is no match: a link to an issue, or a sentence.",
            *("expect", "verdict"),
        )


def _check_differentiated(
    name: str, wrt: Sequence[str], arguments: Sequence[str], origin: _Origin
) -> None:
    _check_input(name, arguments, origin, "expect", "gradient", name)
    if name not in wrt:
        origin.fail(
            f"expected a gradient by one of {_join(wrt)}, found `{name}`. Add it to `wrt`, or drop it.",
            *("expect", "gradient", name),
        )


def _held(
    held: Expected | tuple[Expected, ...] | None,
    count: int,
    origin: _Origin,
    *keys: str,
) -> tuple[Expected, ...]:
    """One number for each of the `count` given points."""
    if held is None:
        return ()
    if count == 0:
        origin.fail(
            "expected points in `at`, with every input, for the numbers in `expect`, found none. Add them.",
            *("expect", *keys),
        )
    if isinstance(held, Expected):
        return (held,) * count
    if len(held) != count:
        origin.fail(
            f"expected {_numbers(count)}, one for each point in `at`, found {len(held)}.",
            *("expect", *keys),
        )
    return held


def _epochs(
    numbers: tuple[Expected, ...] | None,
    descent: DescentTable | None,
    origin: _Origin,
    key: str,
) -> tuple[Expected, ...]:
    if numbers is None:
        return ()
    if descent is None:
        origin.fail(
            f"expected a `descent` for the {key}, found none. Add one.", "expect", key
        )
    if len(numbers) > descent.epochs:
        origin.fail(
            f"expected at most {_numbers(descent.epochs)}, one an epoch, found {len(numbers)}.",
            *("expect", key),
        )
    return numbers
