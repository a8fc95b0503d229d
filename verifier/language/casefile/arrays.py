"""What a case says in arrays: a formula at the shapes of its inputs, their numbers in
`at`, and what it expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import TypeVar

from verifier.errors import ExpressionError, Gathering, listed
from verifier.language.casefile.case import NO_PROGRAM, Expectation, Expected
from verifier.language.casefile.document import Keys
from verifier.language.casefile.expectations import chosen
from verifier.language.casefile.expectations import expectation as of_verdicts
from verifier.language.casefile.places import Origin, check_input
from verifier.language.casefile.tables import CaseTable, ExpectTable
from verifier.language.casefile.tensor_case import TensorInput
from verifier.language.points.arrays import Array
from verifier.language.points.scalars import Scalar
from verifier.language.points.tensor_domains import TensorDomain
from verifier.language.programs.arrays.parsing import parse_array_steps, parse_arrays
from verifier.language.programs.arrays.program import ArrayProgram, Shape
from verifier.language.programs.arrays.shapes import shown

_T = TypeVar("_T")
ONES = ("ones", "random")
"""The upstream gradients of a case that expects a gradient and names none."""


def program(
    table: CaseTable, inputs: Mapping[str, TensorInput], origin: Origin
) -> ArrayProgram | None:
    """The formula of a case, at the shapes of its inputs; where it gives none, its
    formula is of single numbers."""
    steps, expression = table.steps, table.expression
    if table.shapes is None or (steps is None and expression is None):
        return None
    key = "expression" if steps is None else "steps"
    shapes = {name: one.shape for name, one in inputs.items()}
    try:
        if steps is not None:
            return parse_array_steps(steps, shapes)
        return parse_arrays(expression or "", shapes)
    except ExpressionError as error:
        raise error.at(origin.place(key)) from error


# ── the inputs ────────────────────────────────────────────────────────────────────────


def settled(
    table: CaseTable,
    inputs: Mapping[str, TensorInput],
    formula: ArrayProgram | None,
    origin: Origin,
) -> dict[str, TensorInput]:
    """The inputs with the numbers of `at`, and indices with how many they may be."""
    part = Gathering()
    bounds = {} if formula is None else formula.bounds
    found = dict(inputs)
    for name, bound in bounds.items():
        found[name] = part(_index, name, inputs[name], bound, table, origin)
    if formula is not None and table.subject is None:
        for name in inputs:
            if name not in formula.inputs and "shapes" not in origin.inherited:
                part(_refuse_unused, name, formula, origin)
    part.check()
    points = table.at or ()
    if len(points) > 1:
        origin.fail(
            f"expected one table of the numbers of tensors, found {len(points)}. Make a case of each.",
            "at",
        )
    for name, numbers in points[0].items() if points else ():
        part(check_input, name, list(inputs), origin, "at", name)
        if name in found:
            found[name] = part(_given, name, found[name], numbers, table, origin)
    part.check()
    return found


def _refuse_unused(name: str, formula: ArrayProgram, origin: Origin) -> None:
    origin.fail(
        f"`{name}` does not occur in the formula, whose inputs are {listed(formula.inputs)}. Drop it.",
        "shapes",
        name,
    )


def _index(
    name: str, one: TensorInput, bound: int, table: CaseTable, origin: Origin
) -> TensorInput:
    """An input that is an index, drawn from all that it may be where nothing is said."""
    if name not in (table.domain or {}):
        return replace(one, domain=TensorDomain(integers=(0, bound - 1)))
    integers = one.domain.integers
    if integers is None or integers[0] < 0 or integers[1] >= bound:
        origin.fail(
            f"`{name}` is an index: expected integers within `0..{bound - 1}`, found `{one.domain}`.",
            "domain",
            name,
        )
    return one


def _given(
    name: str,
    one: TensorInput,
    given: Scalar | Array[Scalar],
    table: CaseTable,
    origin: Origin,
) -> TensorInput:
    """An input of the numbers that `at` has; a single one stands for all."""
    if name in (table.domain or {}) and "domain" not in origin.inherited:
        origin.fail(
            f"expected `at` or `domain` for `{name}`, found both. Drop one.", "at", name
        )
    numbers = _filled(given, one.shape, origin, ("at", name))
    domain = one.domain
    for number in numbers:
        exact = number.exact
        within = domain.integers
        if number.is_complex:
            origin.fail("expected real numbers, found complex ones.", "at", name)
        if within and (
            exact is None
            or exact.denominator != 1
            or not within[0] <= exact <= within[1]
        ):
            origin.fail(
                f"`{name}` is an index: expected integers within `{domain}`, found `{number}`.",
                *("at", name),
            )
    if domain.integers is None:
        domain = TensorDomain()
    return replace(one, domain=domain, numbers=numbers)


def _filled(
    given: _T | tuple[_T, ...] | Array[_T], shape: Shape, origin: Origin, keys: Keys
) -> tuple[_T, ...]:
    """One number for each entry of a shape."""
    if isinstance(given, Array):
        if given.shape != shape:
            origin.fail(
                f"expected numbers of shape {shown(shape)}, found {shown(given.shape)}.",
                *keys,
            )
        return given.entries
    if isinstance(given, tuple):
        return _filled(Array((len(given),), given), shape, origin, keys)
    return (given,) * prod(shape)


# ── what is expected ──────────────────────────────────────────────────────────────────


def expectation(
    table: CaseTable,
    wrt: tuple[str, ...],
    inputs: Mapping[str, TensorInput],
    formula: ArrayProgram | None,
    origin: Origin,
) -> Expectation | None:
    """What the case expects: verdicts, and of a formula at given numbers its value and
    gradients, one number for each entry."""
    tables = table.expect or ()
    bare = [e.model_copy(update={"value": None, "gradient": None}) for e in tables]
    rest = table.model_copy(update={"expect": tuple(bare) or None})
    found = of_verdicts(rest, wrt, wrt, (), NO_PROGRAM, origin)
    part = Gathering()
    numbers = [
        part(_numbers, expect, index, table, wrt, inputs, formula, origin)
        for index, expect in enumerate(tables)
    ]
    part.check()
    index = chosen(tables)
    if found is None or index is None:
        return found
    value, gradient, lines = numbers[index]
    return replace(
        found, value=value, gradient=gradient, lines={**found.lines, **lines}
    )


def _numbers(
    expect: ExpectTable,
    index: int,
    table: CaseTable,
    wrt: tuple[str, ...],
    inputs: Mapping[str, TensorInput],
    formula: ArrayProgram | None,
    origin: Origin,
) -> tuple[tuple[Expected, ...], dict[str, tuple[Expected, ...]], dict[str, int]]:
    at: Keys = ("expect",) if len(table.expect or ()) == 1 else ("expect", index)
    gradients = expect.gradient or {}
    if expect.value is None and not gradients:
        return (), {}, {}
    keys = (*at, "value" if expect.value is not None else "gradient")
    if formula is None:
        origin.fail(
            "expected an `expression` for the numbers in `expect`, found none.", *keys
        )
    if any(inputs[name].numbers is None for name in formula.inputs):
        origin.fail(
            "expected every input in `at` for the numbers in `expect`, found others. Add them.",
            *keys,
        )
    value: tuple[Expected, ...] = ()
    if expect.value is not None:
        value = _filled(expect.value, formula.shape, origin, (*at, "value"))
    if gradients and table.upstream not in (None, "ones", ("ones",)):
        origin.fail(
            'expected `upstream = "ones"` for the numbers in `expect.gradient`, found another. Drop it.',
            "upstream",
        )
    gradient = {}
    for name, given in gradients.items():
        check_input(name, wrt, origin, *at, "gradient", name)
        place = (*at, "gradient", name)
        gradient[name] = _filled(given, inputs[name].shape, origin, place)
    named: list[Keys] = [("value",), *(("gradient", name) for name in gradients)]
    lines = {key: origin.line_of((*at, *key)) for key in named}
    spelt = {
        ".".join(("expect", *map(str, key))): line
        for key, line in lines.items()
        if line
    }
    return value, gradient, spelt


def usual_upstream(expected: Expectation | None) -> tuple[str, ...]:
    """Where a gradient is expected, it is that of the sum of all outputs."""
    return ONES if expected is not None and expected.gradient else ()
