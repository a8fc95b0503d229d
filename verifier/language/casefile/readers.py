"""From the values that a case file may hold to numbers, points, intervals and names;
pydantic calls them.

Every error is pydantic's, in our words (`_fault`), so that it reaches the place of what
is at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache, partial
from importlib.machinery import PathFinder
from math import prod
from typing import TypeVar, cast

from pydantic import ValidationInfo
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from verifier import floats
from verifier.errors import ExpressionError, did_you_mean, listed, writable
from verifier.language.casefile.case import (
    ALL,
    CONVENTIONS,
    DIFFERENCES,
    MOST_POINTS,
    QUANTITIES,
    ROUTE_ALIASES,
    ROUTES,
    VERDICTS,
    Boundary,
    Expected,
    Pin,
)
from verifier.language.casefile.document import WrittenFloat
from verifier.language.casefile.places import show
from verifier.language.casefile.tensor_case import MOST_ELEMENTS, UPSTREAM_WORDS
from verifier.language.points.arrays import Array, RaggedError, read_array
from verifier.language.points.domains import (
    NORMAL,
    Domain,
    between,
    interval_or_rectangle,
)
from verifier.language.points.drawing import Draw
from verifier.language.points.scalars import Scalar, ends_in_j, real_or_complex, scalar
from verifier.language.points.tensor_domains import (
    POSITIVE,
    SIMPLEX,
    TensorDomain,
    is_of_tensors,
    tensor_domain,
)
from verifier.language.points.upstream import WORDS, Upstream
from verifier.language.programs import parsing
from verifier.language.programs.constants import LARGEST_CONSTANT_BITS
from verifier.records import Verdict
from verifier.releases import check_range

_T = TypeVar("_T")
ARRAYS = "arrays"
"""What tells, in the context of a validation, that the case's inputs have shapes, so that
their numbers may be lists of lists."""


def _fault(
    message: str, *tail: str | int, column: int | None = None
) -> PydanticCustomError:
    """An error in our words; `tail` leads from the validated value to the one at
    fault."""
    return _of_context({"message": writable(message), "tail": tail, "column": column})


def _of_context(context: dict[str, object]) -> PydanticCustomError:
    return PydanticCustomError("verifier", "{message}", context)


def _all(reads: Iterable[Callable[[], _T]]) -> tuple[_T, ...]:
    """What is read, part by part, or the faults of all parts."""
    values: list[_T] = []
    faults: list[PydanticCustomError] = []
    for read in reads:
        try:
            values.append(read())
        except PydanticCustomError as fault:
            faults.append(fault)
        except ValidationError as several:
            faults += (_of_context(fault["ctx"]) for fault in several.errors())
    if faults:
        details = [InitErrorDetails(type=fault, input=None) for fault in faults]
        raise ValidationError.from_exception_data("", details)
    return tuple(values)


def _read_scalar(
    value: object, *tail: str | int, accept_complex: bool = False
) -> Scalar:
    if isinstance(value, WrittenFloat):
        value = value.text
    if isinstance(value, (dict, list, tuple)):
        raise _fault(f"expected a number, found {show(value)}.", *tail)
    try:
        read = real_or_complex if accept_complex else scalar
        return read(cast("str | int | float", value))
    except ExpressionError as error:
        raise _fault(error.message, *tail, column=error.place.column) from error


def read_finite(value: object, *tail: int, accept_complex: bool = False) -> Scalar:
    number = _read_scalar(value, *tail, accept_complex=accept_complex)
    if not number.is_finite:
        raise _fault(f"expected a finite number, found {show(value)}.", *tail)
    return number


def read_upstream(value: object) -> Upstream | tuple[str, ...]:
    if isinstance(value, str) and value in (*WORDS, *UPSTREAM_WORDS):
        return value
    if isinstance(value, (list, tuple)):
        if not value:
            raise _fault("expected at least one number, found an empty list.")
        if all(word in UPSTREAM_WORDS for word in value if isinstance(word, str)):
            words = tuple(word for word in value if isinstance(word, str))
            if len(words) == len(value):
                return words
        return _all(
            partial(read_finite, entry, index, accept_complex=True)
            for index, entry in enumerate(value)
        )
    try:
        return read_finite(value, accept_complex=True)
    except PydanticCustomError as error:
        if not isinstance(value, str) or ends_in_j(value):
            raise
        raise _fault(
            f"expected a finite number, or one of {listed(WORDS)}, found {show(value)}.{did_you_mean(value, WORDS)}"
        ) from error


def read_tolerance(value: object) -> Fraction:
    exact = _read_scalar(value).exact
    if exact is None or exact < 0:
        raise _fault(f"expected a rational number of at least 0, found {show(value)}.")
    return exact


def read_relative(value: object) -> object:
    """A plain number is the relative tolerance."""
    if isinstance(value, Mapping):
        if not value:
            raise _fault("expected `relative` or `absolute`, found an empty table.")
        return value
    return {"relative": read_tolerance(value)}


def read_draw(value: object) -> Draw:
    if isinstance(value, str) and value in tuple(Draw):
        return Draw(value)
    near = did_you_mean(value, list(Draw)) if isinstance(value, str) else ""
    raise _fault(f"expected {_either(*Draw)}, found {show(value)}.{near}")


def read_boundary(value: object) -> Boundary:
    if isinstance(value, bool):
        return Boundary.NAMED if value else Boundary.NONE
    if value == Boundary.MACHINE:
        return Boundary.MACHINE
    near = did_you_mean(value, (Boundary.MACHINE,)) if isinstance(value, str) else ""
    raise _fault(
        f'expected `true`, `false` or "{Boundary.MACHINE}", found {show(value)}.{near}'
    )


def _either(*words: str) -> str:
    return " or ".join(f'"{word}"' for word in words)


Point = dict[str, Scalar | Array[Scalar]]


def _read_point(value: object, *tail: int, of_arrays: bool) -> Point:
    if not isinstance(value, Mapping) or not value:
        found = show(value) if value != {} else "an empty one"
        raise _fault(
            f"expected a table of values such as {{ x = 1 }}, found {found}.", *tail
        )
    check_variables(value, *tail)
    read = _read_one_or_array if of_arrays else _read_any
    numbers = _all(partial(read, entry, *tail, name) for name, entry in value.items())
    return dict(zip(value, numbers, strict=True))


def _read_any(value: object, *tail: str | int) -> Scalar:
    return _read_scalar(value, *tail, accept_complex=True)


def _read_one_or_array(value: object, *tail: str | int) -> Scalar | Array[Scalar]:
    if isinstance(value, (list, tuple)) and value:
        return _read_array(value, _read_any, *tail)
    return _read_any(value, *tail)


def _read_array(value: object, read: Callable[..., _T], *tail: str | int) -> Array[_T]:
    """An array of what `read` reads of each entry, whose place follows it."""
    try:
        return read_array(value, lambda entry, where: read(entry, *tail, *where))
    except RaggedError as error:
        raise _fault(str(error), *tail, *error.where) from error


def check_variables(value: object, *tail: int) -> object:
    """The value, whose keys are names of variables where it is a table."""
    for name in value if isinstance(value, Mapping) else ():
        if not isinstance(name, str):
            raise _fault(f"expected names of variables, found {show(name)}.", *tail)
        if not _is_variable(name):
            raise _fault(
                "expected names that a formula can contain, such as `x` or `sigma_1`, "
                f"found {show(name)}.",
                *tail,
            )
    return value


@cache
def _is_variable(name: str) -> bool:
    try:
        return list(parsing.parse(name, variables=(name,)).inputs) == [name]
    except ExpressionError:
        return False


def _is_of_arrays(info: ValidationInfo) -> bool:
    return bool((info.context or {}).get(ARRAYS))


def read_at(value: object, info: ValidationInfo) -> tuple[Point, ...]:
    read = partial(_read_point, of_arrays=_is_of_arrays(info))
    if not isinstance(value, (list, tuple)):
        return (read(value),)
    if not value:
        raise _fault("expected at least one point, found an empty list.")
    return _all(partial(read, entry, index) for index, entry in enumerate(value))


def read_domain(value: object) -> Domain | TensorDomain:
    if isinstance(value, str) and is_of_tensors(value):
        try:
            return tensor_domain(value)
        except ExpressionError as error:
            raise _fault(error.message) from error
    if isinstance(value, (list, tuple)) and len(value) == 2:
        ends = _all(
            partial(_read_scalar, end, index) for index, end in enumerate(value)
        )
        try:
            return between(*ends)
        except ExpressionError as error:
            raise _fault(error.message) from error
    if not isinstance(value, str):
        raise _fault(
            f"expected an interval such as `[-1, 1]`, or `{NORMAL}`, in quotes, found {show(value)}."
        )
    try:
        return interval_or_rectangle(value)
    except ExpressionError as error:
        near = did_you_mean(value, (NORMAL, POSITIVE, SIMPLEX))
        raise _fault(error.message + near, column=error.place.column) from error


def _read_expected(value: object, *tail: str | int) -> Expected:
    half_unit = _half_unit(value.text) if isinstance(value, WrittenFloat) else None
    read = _read_scalar(value, *tail, accept_complex=True)
    return Expected(scalar=read, half_unit=half_unit)


def read_expected_list(value: object) -> tuple[Expected, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise _fault(f"expected a list of numbers, found {show(value)}.")
    return _all(
        partial(_read_expected, entry, index) for index, entry in enumerate(value)
    )


def read_per_point(
    value: object, info: ValidationInfo
) -> Expected | tuple[Expected, ...] | Array[Expected]:
    if isinstance(value, (list, tuple)):
        if value and _is_of_arrays(info):
            return _read_array(value, _read_expected)
        return read_expected_list(value)
    return _read_expected(value)


def _half_unit(text: str) -> Fraction | None:
    """Half a unit of the last digit written in the mantissa of a decimal; None for
    infinities and NaN."""
    mantissa, _, exponent = text.replace("_", "").lower().partition("e")
    if not mantissa[-1].isdigit():
        return None
    places = len(mantissa.partition(".")[2])
    if abs(int(exponent or 0)) > LARGEST_CONSTANT_BITS:
        return None  # refused as a number
    return Fraction(10) ** (int(exponent or 0) - places) / 2


def check_name(name: str) -> str:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise _fault(
            "expected a name of printable characters, without blanks at its ends, "
            f"found {show(name)}."
        )
    if "::" in name:
        raise _fault(
            f"expected a name without `::`, which ends the file in `FILE::CASE`, found {show(name)}."
        )
    return name


def _check_known(name: str, known: Iterable[str]) -> str:
    names = list(known)
    if name in names:
        return name
    raise _fault(
        f"expected one of {listed(names)}, found `{name}`.{did_you_mean(name, names)}"
    )


def check_dtype(name: str) -> str:
    return _check_known(name, floats.DTYPES)


def check_route(name: str) -> str:
    if name in ROUTE_ALIASES:
        return ROUTE_ALIASES[name]
    return _check_known(name, (route for routes in ROUTES.values() for route in routes))


def read_order(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in ROUTES:
        return value
    raise _fault(f"expected 1 (the gradient) or 2 (the Hessian), found {show(value)}.")


def read_count(value: object) -> int | str:
    if value == ALL:
        return ALL
    if not isinstance(value, int) or isinstance(value, bool):
        near = did_you_mean(value, (ALL,)) if isinstance(value, str) else ""
        raise _fault(f'expected an integer or "{ALL}", found {show(value)}.{near}')
    if value < 1:
        raise _fault(f"expected an integer of at least 1, found {show(value)}.")
    if value > MOST_POINTS:
        raise _fault(
            f"expected an integer of at most {MOST_POINTS}, found {show(value)}."
        )
    return value


def read_shapes(value: object) -> dict[str, tuple[int, ...]]:
    """The shape of each input, of a whole number for each dimension."""
    if not isinstance(value, Mapping):
        raise _fault(
            f"expected a table of shapes such as {{ x = [64, 256] }}, found {show(value)}."
        )
    check_variables(value)
    shapes = _all(partial(_read_shape, entry, name) for name, entry in value.items())
    return dict(zip(value, shapes, strict=True))


def _read_shape(value: object, *tail: str) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)):
        raise _fault(
            f"expected a shape such as [64, 256], or [] of a single number, found {show(value)}.",
            *tail,
        )
    for index, size in enumerate(value):
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise _fault(
                f"expected a size that is an integer of at least 0, found {show(size)}.",
                *tail,
                index,
            )
    shape = tuple(size for size in value if isinstance(size, int))
    if prod(shape) > MOST_ELEMENTS:
        raise _fault(
            f"expected at most {MOST_ELEMENTS} numbers, found {prod(shape)}.", *tail
        )
    return shape


def read_widen(value: object) -> tuple[int, ...]:
    """Factors by which inputs are widened."""
    values = value if isinstance(value, (list, tuple)) else [value]
    for index, factor in enumerate(values):
        if not isinstance(factor, int) or isinstance(factor, bool) or factor < 1:
            raise _fault(
                f"expected factors that are integers of at least 1, found {show(factor)}.",
                index,
            )
    return tuple(factor for factor in values if isinstance(factor, int))


def check_formulas(value: object) -> object:
    """A table of formulas by input."""
    if not isinstance(value, Mapping) or not value:
        raise _fault(
            f'expected a table of formulas such as {{ x = "1/(1 + x**2)" }}, found {show(value)}.'
        )
    check_variables(value)
    for name, text in value.items():
        if not isinstance(text, str):
            raise _fault(f"expected a formula in quotes, found {show(text)}.", name)
        try:
            parsing.parse(text)
        except ExpressionError as error:
            raise _fault(error.message, name, column=error.place.column) from error
    return value


def check_subject(text: str) -> str:
    module, colon, name = text.partition(":")
    if colon and all(part.isidentifier() for part in (f"{module}.{name}").split(".")):
        return text
    parts = text.split(".")
    is_dotted = len(parts) > 1 and all(part.isidentifier() for part in parts)
    example = _as_reference(parts) if is_dotted else "mylib.activations:swish"
    mend = f"Did you mean `{example}`?" if is_dotted else f"Write it as `{example}`."
    raise _fault(f"expected `module:callable`, found {show(text)}. {mend}")


def _as_reference(parts: Sequence[str]) -> str:
    """A dotted name as `module:callable`: the module ends where no file goes on, else
    before a class. Runs no code."""
    end = len(parts) - 1
    known, folders = 0, None
    while known < end:
        spec = PathFinder.find_spec(".".join(parts[: known + 1]), folders)
        if spec is None:
            break
        known, folders = known + 1, spec.submodule_search_locations
        if folders is None:
            break
    classes = (i for i, part in enumerate(parts[1:end], 1) if part[0].isupper())
    split = known or next(classes, end)
    return f"{'.'.join(parts[:split])}:{'.'.join(parts[split:])}"


def read_subgradient(value: object) -> Scalar | str:
    if isinstance(value, str) and value in CONVENTIONS:
        return value
    try:
        return read_finite(value)
    except PydanticCustomError as error:
        near = did_you_mean(value, CONVENTIONS) if isinstance(value, str) else ""
        raise _fault(
            f"expected a finite number, {listed(CONVENTIONS)}, found {show(value)}.{near}"
        ) from error


def read_accepted(value: object) -> Verdict:
    if not isinstance(value, str):
        raise _fault(f"expected text in quotes, found {show(value)}.")
    verdict = DIFFERENCES.get(value.removeprefix("differ."))
    if verdict is not None:
        return verdict
    if any(value in (verdict.value, verdict.kind) for verdict in Verdict):
        raise _fault(
            f"expected a kind of difference, found `{value}`. "
            "Only differences can be accepted; pin another verdict with `expect = { verdict = … }`."
        )
    near = did_you_mean(value, [*DIFFERENCES, *DIFFERENCES.values()])
    raise _fault(
        f"expected one of {listed(sorted(DIFFERENCES))}, found `{value}`.{near}"
    )


def check_verdict(name: str) -> str:
    if name in VERDICTS:
        return name
    near = did_you_mean(name, VERDICTS) or did_you_mean(
        f"differ.{name}", VERDICTS, f"Known are {listed(VERDICTS)}."
    )
    raise _fault(f"expected a verdict, found `{name}`.{near}")


def read_pinned(value: object) -> str | tuple[Pin, ...]:
    """A verdict for all, or a table of verdicts by quantity."""
    if isinstance(value, str):
        return check_verdict(value)
    if not isinstance(value, Mapping) or not value:
        raise _fault(
            'expected a verdict in quotes, or a table of verdicts such as { gradient = "differ.wrong" }, '
            f"found {show(value)}."
        )
    pins = _all(partial(_read_pins, key, entry) for key, entry in value.items())
    return tuple(pin for of_quantity in pins for pin in of_quantity)


def _read_pins(quantity: object, value: object) -> tuple[Pin, ...]:
    if not isinstance(quantity, str):
        raise _fault(f"expected one of {listed(QUANTITIES)}, found {show(quantity)}.")
    if quantity not in QUANTITIES:
        near = did_you_mean(quantity, QUANTITIES)
        raise _fault(
            f"expected one of {listed(QUANTITIES)}, found `{quantity}`.{near}",
            quantity,
        )
    if quantity not in ("gradient", "formula") or not isinstance(value, Mapping):
        return (Pin(quantity=quantity, verdict=_read_verdict(value, quantity)),)
    if not value:
        raise _fault("expected the names of inputs, found an empty table.", quantity)
    verdicts = _all(
        partial(_read_verdict, entry, quantity, name) for name, entry in value.items()
    )
    return tuple(
        Pin(quantity=quantity, wrt=name, verdict=verdict)
        for name, verdict in zip(value, verdicts, strict=True)
    )


def _read_verdict(value: object, *tail: str) -> str:
    if not isinstance(value, str):
        raise _fault(f"expected a verdict in quotes, found {show(value)}.", *tail)
    try:
        return check_verdict(value)
    except PydanticCustomError as error:
        raise _fault(error.message(), *tail) from error


def check_distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise _fault(f"expected each name once, found `{name}` twice.", index)
    return names


def as_list_of(kind: str) -> Callable[[object], object]:
    """What makes a list of the kind of thing of which a case may also give one
    alone."""

    def as_list(value: object) -> object:
        if isinstance(value, (list, tuple)):
            return value
        if isinstance(value, str):
            return [value]
        raise _fault(f"expected a {kind} or a list of {kind}s, found {show(value)}.")

    return as_list


def as_tables(value: object) -> object:
    """A table as a list of one; a list as it is."""
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, (list, tuple)):
        return value
    raise _fault(f"expected a table or a list of tables, found {show(value)}.")


def check_releases(text: str) -> str:
    """A range of releases."""
    try:
        return check_range(text)
    except ValueError as error:
        number = text.strip()
        mend = f" It {error}."
        if number[:1].isdigit():
            mend = f" Did you mean `=={number}.*`?"
        raise _fault(
            'expected a range of releases such as "<2.14" or ">=2.6,<2.8", '
            f"found {show(text)}.{mend}"
        ) from error
