"""From the values that a case file may hold to numbers, points, arrays, shapes and
intervals; pydantic calls them.

Every error is pydantic's, in our words (`fault`), so that it reaches the place of what
is at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from math import prod
from typing import TypeVar, cast

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from verifier.errors import ExpressionError, did_you_mean, listed
from verifier.language.casefile.case import (
    ALL,
    CONVENTIONS,
    MOST_POINTS,
    ROUTES,
    Expected,
)
from verifier.language.casefile.document import WrittenFloat
from verifier.language.casefile.faults import all_of, fault
from verifier.language.casefile.places import show
from verifier.language.casefile.tensor_case import MOST_ELEMENTS, UPSTREAM_WORDS
from verifier.language.casefile.word_readers import check_variables
from verifier.language.points.arrays import Array, RaggedError, read_array
from verifier.language.points.domains import (
    NORMAL,
    Domain,
    between,
    interval_or_rectangle,
)
from verifier.language.points.scalars import Scalar, ends_in_j, real_or_complex, scalar
from verifier.language.points.tensor_domains import (
    POSITIVE,
    SIMPLEX,
    TensorDomain,
    is_of_tensors,
    tensor_domain,
)
from verifier.language.points.upstream import WORDS, Upstream
from verifier.language.programs.constants import LARGEST_CONSTANT_BITS

_T = TypeVar("_T")


ARRAYS = "arrays"
"""What tells, in the context of a validation, that the case's inputs have shapes, so that
their numbers may be lists of lists."""


def _read_scalar(
    value: object, *tail: str | int, accept_complex: bool = False
) -> Scalar:
    if isinstance(value, WrittenFloat):
        value = value.text
    if isinstance(value, (dict, list, tuple)):
        raise fault(f"expected a number, found {show(value)}.", *tail)
    try:
        read = real_or_complex if accept_complex else scalar
        return read(cast("str | int | float", value))
    except ExpressionError as error:
        raise fault(error.message, *tail, column=error.place.column) from error


def read_finite(value: object, *tail: int, accept_complex: bool = False) -> Scalar:
    number = _read_scalar(value, *tail, accept_complex=accept_complex)
    if not number.is_finite:
        raise fault(f"expected a finite number, found {show(value)}.", *tail)
    return number


def read_upstream(value: object) -> Upstream | tuple[str, ...]:
    if isinstance(value, str) and value in (*WORDS, *UPSTREAM_WORDS):
        return value
    if isinstance(value, (list, tuple)):
        if not value:
            raise fault("expected at least one number, found an empty list.")
        if all(word in UPSTREAM_WORDS for word in value if isinstance(word, str)):
            words = tuple(word for word in value if isinstance(word, str))
            if len(words) == len(value):
                return words
        return all_of(
            partial(read_finite, entry, index, accept_complex=True)
            for index, entry in enumerate(value)
        )
    try:
        return read_finite(value, accept_complex=True)
    except PydanticCustomError as error:
        if not isinstance(value, str) or ends_in_j(value):
            raise
        raise fault(
            f"expected a finite number, or one of {listed(WORDS)}, found {show(value)}.{did_you_mean(value, WORDS)}"
        ) from error


def read_tolerance(value: object) -> Fraction:
    exact = _read_scalar(value).exact
    if exact is None or exact < 0:
        raise fault(f"expected a rational number of at least 0, found {show(value)}.")
    return exact


def read_relative(value: object) -> object:
    """A plain number is the relative tolerance."""
    if isinstance(value, Mapping):
        if not value:
            raise fault("expected `relative` or `absolute`, found an empty table.")
        return value
    return {"relative": read_tolerance(value)}


Point = dict[str, Scalar | Array[Scalar]]


def _read_point(value: object, *tail: int, of_arrays: bool) -> Point:
    if not isinstance(value, Mapping) or not value:
        found = show(value) if value != {} else "an empty one"
        raise fault(
            f"expected a table of values such as {{ x = 1 }}, found {found}.", *tail
        )
    check_variables(value, *tail)
    read = _read_one_or_array if of_arrays else _read_any
    numbers = all_of(partial(read, entry, *tail, name) for name, entry in value.items())
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
        raise fault(str(error), *tail, *error.where) from error


def _is_of_arrays(info: ValidationInfo) -> bool:
    return bool((info.context or {}).get(ARRAYS))


def read_at(value: object, info: ValidationInfo) -> tuple[Point, ...]:
    read = partial(_read_point, of_arrays=_is_of_arrays(info))
    if not isinstance(value, (list, tuple)):
        return (read(value),)
    if not value:
        raise fault("expected at least one point, found an empty list.")
    return all_of(partial(read, entry, index) for index, entry in enumerate(value))


def read_domain(value: object) -> Domain | TensorDomain:
    if isinstance(value, str) and is_of_tensors(value):
        try:
            return tensor_domain(value)
        except ExpressionError as error:
            raise fault(error.message) from error
    if isinstance(value, (list, tuple)) and len(value) == 2:
        ends = all_of(
            partial(_read_scalar, end, index) for index, end in enumerate(value)
        )
        try:
            return between(*ends)
        except ExpressionError as error:
            raise fault(error.message) from error
    if not isinstance(value, str):
        raise fault(
            f"expected an interval such as `[-1, 1]`, or `{NORMAL}`, in quotes, found {show(value)}."
        )
    try:
        return interval_or_rectangle(value)
    except ExpressionError as error:
        near = did_you_mean(value, (NORMAL, POSITIVE, SIMPLEX))
        raise fault(error.message + near, column=error.place.column) from error


def _read_expected(value: object, *tail: str | int) -> Expected:
    half_unit = _half_unit(value.text) if isinstance(value, WrittenFloat) else None
    read = _read_scalar(value, *tail, accept_complex=True)
    return Expected(scalar=read, half_unit=half_unit)


def read_expected_list(value: object) -> tuple[Expected, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise fault(f"expected a list of numbers, found {show(value)}.")
    return all_of(
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


def read_order(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in ROUTES:
        return value
    raise fault(f"expected 1 (the gradient) or 2 (the Hessian), found {show(value)}.")


def read_count(value: object) -> int | str:
    if value == ALL:
        return ALL
    if not isinstance(value, int) or isinstance(value, bool):
        near = did_you_mean(value, (ALL,)) if isinstance(value, str) else ""
        raise fault(f'expected an integer or "{ALL}", found {show(value)}.{near}')
    if value < 1:
        raise fault(f"expected an integer of at least 1, found {show(value)}.")
    if value > MOST_POINTS:
        raise fault(
            f"expected an integer of at most {MOST_POINTS}, found {show(value)}."
        )
    return value


def read_shapes(value: object) -> dict[str, tuple[int, ...]]:
    """The shape of each input, of a whole number for each dimension."""
    if not isinstance(value, Mapping):
        raise fault(
            f"expected a table of shapes such as {{ x = [64, 256] }}, found {show(value)}."
        )
    check_variables(value)
    shapes = all_of(partial(_read_shape, entry, name) for name, entry in value.items())
    return dict(zip(value, shapes, strict=True))


def _read_shape(value: object, *tail: str) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)):
        raise fault(
            f"expected a shape such as [64, 256], or [] of a single number, found {show(value)}.",
            *tail,
        )
    for index, size in enumerate(value):
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise fault(
                f"expected a size that is an integer of at least 0, found {show(size)}.",
                *tail,
                index,
            )
    shape = tuple(size for size in value if isinstance(size, int))
    if prod(shape) > MOST_ELEMENTS:
        raise fault(
            f"expected at most {MOST_ELEMENTS} numbers, found {prod(shape)}.", *tail
        )
    return shape


def read_widen(value: object) -> tuple[int, ...]:
    """Factors by which inputs are widened."""
    values = value if isinstance(value, (list, tuple)) else [value]
    for index, factor in enumerate(values):
        if not isinstance(factor, int) or isinstance(factor, bool) or factor < 1:
            raise fault(
                f"expected factors that are integers of at least 1, found {show(factor)}.",
                index,
            )
    return tuple(factor for factor in values if isinstance(factor, int))


def read_subgradient(value: object) -> Scalar | str:
    if isinstance(value, str) and value in CONVENTIONS:
        return value
    try:
        return read_finite(value)
    except PydanticCustomError as error:
        near = did_you_mean(value, CONVENTIONS) if isinstance(value, str) else ""
        raise fault(
            f"expected a finite number, {listed(CONVENTIONS)}, found {show(value)}.{near}"
        ) from error
