"""Every row of the table can be read by every side, and all readings say the same."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from mpmath import mp
from rows import (
    ABSENT,
    WITHOUT_DERIVATIVE,
    call,
    contains,
    differentiated,
    domain_of,
    named,
    parameters_of,
    values_of,
)
from witnesses import WITNESS

import verifier
from verifier.automatic import lowering
from verifier.floats import FORMATS, Format, nearest
from verifier.language.kernels.compositions import composition_of, expand
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.operations.table import Interval, Operation, Sort, interval
from verifier.language.programs import parsing, rewriting
from verifier.language.programs.parsing import parse
from verifier.records import Verdict
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.calculus import derivative, sympy_functions
from verifier.symbolic.calculus.chain import Standing
from verifier.symbolic.calculus.stepwise import Stepwise

ROWS = list(operations.OPERATIONS.values())
NUMBERS = [row for row in ROWS if row.result is Sort.NUMBER]
CONDITIONS = [row for row in ROWS if row.result is Sort.CONDITION]
DTYPES = ("float32", "float64")


# ── the table itself ──────────────────────────────────────────────────────────────────


DEFINED = {row.name for row in ROWS if row.definition is not None}
COMPOSED = [row for row in ROWS if composition_of(row.name) is not None]


def test_every_row_has_an_enclosure_or_a_definition() -> None:
    assert set(operations.OPERATIONS) - DEFINED == set(balls.OPERATIONS) - {"above"}


def test_every_row_that_yields_a_number_has_a_derivative_or_a_definition() -> None:
    assert {row.name for row in NUMBERS} - DEFINED == set(sympy_functions.OPERATIONS)


@named([row for row in ROWS if row.definition is not None])
def test_a_definition_is_a_program_of_operands_in_rows_that_have_none(
    row: Operation,
) -> None:
    program = rewriting.definition(row)
    assert set(program.inputs) <= set(row.operands)
    assert not {node.operation for node in program.nodes} & DEFINED


def test_every_row_is_lowered_or_composed_and_never_both() -> None:
    for name, kernel in PYTORCH.items():
        if kernel.absent:
            assert kernel.function is composition_of(name) is None
        elif kernel.function is None:
            assert composition_of(name) is not None
        else:
            assert composition_of(name) is kernel.composition is None
            assert callable(lowering.OPERATIONS[name])


def test_no_reading_has_a_key_that_is_no_row() -> None:
    assert set(balls.OPERATIONS) - set(operations.OPERATIONS) == {"above"}
    assert set(sympy_functions.OPERATIONS) - set(operations.OPERATIONS) == set()
    assert set(lowering.ADAPTED) - set(operations.OPERATIONS) == set()


@named(ROWS)
def test_a_row_agrees_with_itself(row: Operation) -> None:
    assert len(row.sorts) == row.arity
    assert len(row.domain) == sum(sort is Sort.NUMBER for sort in row.sorts)
    assert row.source
    assert row.meaning
    kernel = PYTORCH[row.name]
    assert kernel.operation == row.name
    assert kernel.forward_ulp >= 0
    if row.result is Sort.NUMBER:
        lowered = kernel.function is not None or kernel.absent
        assert lowered == (len(kernel.backward) == row.arity)
    else:
        assert kernel.backward == ()


@named(COMPOSED)
def test_a_composition_is_a_program_of_lowered_rows(row: Operation) -> None:
    form = parsing.parse_form(composition_of(row.name) or "", row)
    used = {node.operation for node in form.nodes} - {"variable", "constant"}
    assert all(PYTORCH[name].function for name in used)
    assert set(form.inputs) <= set(row.operands)


@named([row for row in ROWS if any(PYTORCH[row.name].backward)])
def test_a_backward_form_is_a_program_of_operands_result_and_grad(
    row: Operation,
) -> None:
    for form in PYTORCH[row.name].backward:
        if form is not None:
            program = parsing.parse_form(form, row)
            assert set(program.inputs) <= {*row.operands, "result", "grad"}
            assert "grad" in program.inputs


@named(ROWS)
def test_every_name_and_alias_finds_its_row(row: Operation) -> None:
    for name in (row.name, *row.aliases):
        assert operations.find(name) is row
        assert name in operations.known_names()
    if row.symbol is not None:
        assert operations.of_symbol(row.symbol) is row


def test_no_constant_is_a_row() -> None:
    assert all(operations.find(name) is None for name in operations.CONSTANTS)
    assert operations.find("no_such_operation") is None


@pytest.mark.parametrize(
    "text", ["(-inf, inf)", "[0, inf)", "(-1, 1)", "[-1, 1]", "(1/2, 3/4]"]
)
def test_an_interval_prints_as_it_was_written(text: str) -> None:
    assert str(interval(text)) == text


@pytest.mark.parametrize("text", ["", "0, 1", "[0; 1]", "[0, 1", "[0, 1, 2]"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an interval"):
        interval(text)


# ── each row through the whole verifier ───────────────────────────────────────────────

INTERIOR = ("1/3", "3/4", "5/4", "7/2", "-1/3", "-5/4", "-7/2", "40")


def text_of(row: Operation) -> str:
    """An expression whose last operation is the row, or a choice by it."""
    if row.name == "where":
        return "where(x < y, x * y, y)"
    if row.sorts[0] is Sort.CONDITION:
        operands = ("x < y", "y < 3")[: row.arity]
        condition = (
            f" {row.symbol} ".join(operands) if row.arity == 2 else f"not {operands[0]}"
        )
        return f"where({condition}, x * y, y)"
    if row.result is Sort.CONDITION:
        return f"where(x {row.symbol} y, x * y, y)"
    return call(row, "xyz")


def domains_of(row: Operation) -> tuple[Interval, ...]:
    """The domains of x, y and z in `text_of`."""
    if row.name == "where" or row.result is Sort.CONDITION:
        return (operations.LINE, operations.LINE)
    return tuple(
        domain
        for name, domain in zip(row.operands, domain_of(row), strict=True)
        if name in row.tensors
    )


def extremes(format_: Format) -> list[str]:
    """Huge, tiny and subnormal numbers, and the zeros."""
    sizes = (
        format_.largest,
        format_.largest / 2**20,
        format_.smallest_normal,
        format_.smallest_subnormal * 3,
        Fraction(0),
        Fraction(1),
    )
    numbers = [sign * float(size) for size in sizes for sign in (1, -1)]
    return [number.hex() for number in numbers]


def points_of(
    row: Operation, candidates: Sequence[str], format_: Format
) -> list[dict[str, str]]:
    found = []
    for domain in domains_of(row):
        inside = []
        for text in candidates:
            value = float.fromhex(text) if "x" in text else float(Fraction(text))
            if contains(domain, Fraction(nearest(Fraction(value), format_))):
                inside.append(text)
        found.append(inside)
    return [
        dict(zip("xyz", values, strict=False)) for values in itertools.product(*found)
    ]


def variables_of(row: Operation) -> list[str] | None:
    """The variables by which `text_of` is differentiated, where they are not all."""
    if not row.fixed:
        return None
    by = differentiated(row)
    return [name for name, of in zip("xyz", row.tensors, strict=False) if of in by]


def verified(row: Operation, points: list[dict[str, str]], dtype: str) -> Any:
    (result,) = verifier.verify(
        text_of(row), at=points, wrt=variables_of(row), dtype=dtype
    ).results
    # The second conjunct of `x < y` may be decided without it, and then y is still an
    # input.
    assert result.points == len(points)
    # At another upstream gradient a number may differ that is right at 1; it is told
    # besides.
    derivatives = len(variables_of(row) or points[0])
    assert sum(result.counts.values()) >= len(points) * (1 + derivatives)
    assert result.verdict not in (Verdict.DIFFER_UNSUPPORTED, Verdict.ERROR_RUN), (
        result.message
    )
    return result


DERIVED = [row for row in ROWS if row.name not in WITHOUT_DERIVATIVE | ABSENT]


@pytest.mark.parametrize("dtype", DTYPES)
@named([row for row in ROWS if row.name in WITHOUT_DERIVATIVE])
def test_pytorch_has_no_derivative_of_a_row_that_says_so(
    row: Operation, dtype: str
) -> None:
    names = "xy"[: len(row.tensors)]
    text, at = call(row, names), dict.fromkeys(names, 1.5) | {"x": 1.75}
    (result,) = verifier.verify(text, at=at, dtype=dtype).results
    assert result.verdict is Verdict.DIFFER_UNSUPPORTED
    # Should PyTorch mend this: take the row out of WITHOUT_DERIVATIVE.
    (result,) = verifier.verify(f"x + {text}", at=at, wrt=["x"], dtype=dtype).results
    if result.verdict is not Verdict.DIFFER_UNSUPPORTED:
        (gradient,) = (c for c in result.comparisons if c.quantity == "gradient")
        assert (gradient.verdict, gradient.measured) == (Verdict.DIFFER_WRONG, "1.0")


@pytest.mark.parametrize("dtype", DTYPES)
@named(DERIVED)
def test_a_row_is_lowered_differentiated_enclosed_and_compared(
    row: Operation, dtype: str
) -> None:
    candidates = INTERIOR if len(row.tensors) == 1 else INTERIOR[::2]
    points = points_of(row, candidates, FORMATS[dtype])
    assert points
    result = verified(row, points, dtype)
    undecided = [c for c in result.comparisons if c.verdict.family == "undecided"]
    expected = {
        "max",
        "min",
        "lt",
        "le",
        "gt",
        "ge",
        "eq",
        "ne",
        "where",
        "clamp",
    }  # ties are kinks
    if row.name not in expected and row.sorts[0] is not Sort.CONDITION:
        assert undecided == []
    assert all(c.verdict is Verdict.UNDECIDED_LIMIT for c in undecided)
    assert all(len(set(c.point.values())) < len(c.point) for c in undecided)


# What PyTorch 2.13 computes inaccurately away from every extreme, and so is rightly no
# match: its trigamma is a truncated asymptotic series, and digamma is not a faithful
# implementation.
INACCURATE = {"digamma", "polygamma", "lgamma", "mvlgamma"}
# The kernel's constant 1/6 is a float32, in float64 too.
SINGLE = {"hardsigmoid"}


JUMPS: Mapping[str, Callable[..., bool]] = {
    "rint": lambda x: x.denominator == 2,
    "round": lambda x: x.denominator == 2,
    "fmod": lambda x, y: (x / y).denominator == 1,
    "remainder": lambda x, y: (x / y).denominator == 1,
}
"""Interior points without a derivative, where PyTorch gives one by convention."""


@pytest.mark.parametrize("dtype", DTYPES)
@named([row for row in DERIVED if row.name not in INACCURATE])
def test_pytorch_is_right_about_a_row_at_interior_points(
    row: Operation, dtype: str
) -> None:
    points = points_of(row, INTERIOR[:-1], FORMATS[dtype])
    # Where x = y, a choice has a kink or jumps.
    points = [p for p in points if len(set(p.values())) == len(p)]
    if row.name in JUMPS:
        points = [p for p in points if not JUMPS[row.name](*map(Fraction, p.values()))]
    result = verified(row, points, dtype)
    differing = [c for c in result.comparisons if c.verdict.family == "differ"]
    if dtype == "float64" and row.name in SINGLE:
        assert {c.verdict for c in differing} == {Verdict.DIFFER_INACCURATE}
        return
    # For 40 and beyond, or next to a pole, digits may really be lost.
    assert [c for c in differing if c.verdict is not Verdict.DIFFER_UNSTABLE] == []


@pytest.mark.parametrize("dtype", DTYPES)
@named(DERIVED)
def test_a_row_survives_huge_tiny_and_subnormal_operands(
    row: Operation, dtype: str
) -> None:
    format_ = FORMATS[dtype]
    candidates = extremes(format_)
    if len(domains_of(row)) > 1:
        candidates = [candidates[at] for at in (0, 5, 6, 8, 11)]
    points = points_of(row, candidates, format_)
    assert points
    result = verified(row, points, dtype)
    assert not any(verdict == "undecided.oracle" for verdict in result.counts)


# ── PyTorch's own formula against SymPy's derivative ──────────────────────────────────

WIDE = tuple(
    Fraction(n, 64) for n in (-607, -211, -83, -41, -17, 9, 31, 57, 101, 263, 1019)
)
GRAD = Fraction(5, 4)
BITS = 400


def grid(row: Operation) -> list[tuple[Fraction, ...]]:
    """Points inside the domain, away from kinks."""
    axes = []
    for operand, domain in zip(row.operands, domain_of(row), strict=True):
        if operand in row.parameters:
            axes.append([Fraction(n) for n in values_of(row, operand)])
        else:
            axes.append([value for value in WIDE if contains(domain, value)])
    if len(row.tensors) == 1:
        return list(itertools.product(*axes))
    # A tie of operands may be a kink. Those of `clamp` come in every order, its ends
    # crossed too.
    return [
        values for values in itertools.product(*axes) if len(set(values)) == row.arity
    ]


def value_of_form(text: str, row: Operation, operands: Sequence[Any], grad: Any) -> Any:
    program = parsing.parse_form(text, row)
    given = dict(zip(row.operands, operands, strict=True))
    given |= {"result": evaluation.apply(row.name, operands), "grad": grad}
    done: list[Any] = []
    for node in program.nodes:
        if node.operation == "variable":
            done.append(given[node.name or ""])
        elif node.operation == "constant":
            done.append(balls.constant(node.name, node.number))
        else:
            done.append(
                evaluation.apply(node.operation, [done[i] for i in node.arguments])
            )
    return done[program.output]


def _assert_form_is_derivative(
    row: Operation,
    operand: int,
    values: Sequence[Fraction],
    exponent: Fraction | None = None,
) -> None:
    form = PYTORCH[row.name].backward[operand]
    with balls.workprec(BITS):
        operands = [balls.exact(value) for value in values]
        local = evaluation.evaluate(
            derivative.local(row.name, operand, exponent), operands
        )[0]
        if form is None:
            assert balls.is_zero(local)
            return
        found = value_of_form(form, row, operands, balls.exact(GRAD))
        wanted = balls.exact(GRAD) * local
        assert balls.overlaps(found, wanted), (values, found, wanted)
        for ball in (found, wanted):
            if balls.overlaps(ball, balls.zero()):
                ball += balls.exact(1)  # of a zero nothing is relative
            assert balls.is_known_to(ball, BITS // 2), (values, ball)


@named(
    [
        row
        for row in NUMBERS
        if PYTORCH[row.name].backward and row.name not in ("where", "softplus")
    ]
)
def test_pytorchs_backward_form_is_sympys_derivative(row: Operation) -> None:
    for values in grid(row):
        for operand in range(row.arity):
            if row.operands[operand] in differentiated(row):
                _assert_form_is_derivative(row, operand, values)


@pytest.mark.parametrize("exponent", [-3, -2, -1, 1, 2, 3, 7])
def test_the_backward_form_of_a_power_holds_for_negative_bases(exponent: int) -> None:
    row = operations.OPERATIONS["pow"]
    for base in (value for value in WIDE if value < 0):
        _assert_form_is_derivative(
            row, 0, (base, Fraction(exponent)), Fraction(exponent)
        )


def test_the_backward_form_of_softplus_holds_up_to_its_threshold() -> None:
    row = operations.OPERATIONS["softplus"]
    for value in (*WIDE, Fraction(20)):
        assert value <= 20
        _assert_form_is_derivative(row, 0, (value, Fraction(1), Fraction(20)))
        _assert_form_is_derivative(row, 0, (value, Fraction(2, 3), Fraction(20)))


def test_the_backward_form_of_softplus_is_the_identity_above_its_threshold() -> None:
    row = operations.OPERATIONS["softplus"]
    with balls.workprec(BITS):
        operands = [balls.exact(number) for number in (21, 1, 20)]
        found = value_of_form(
            PYTORCH[row.name].backward[0] or "", row, operands, balls.exact(GRAD)
        )
        assert balls.enclosure(found).lower == balls.enclosure(found).upper == GRAD
        local = evaluation.evaluate(derivative.local("softplus", 0), operands)[0]
        assert not balls.overlaps(found, balls.exact(GRAD) * local)


def test_the_backward_form_of_where_sends_the_gradient_into_the_branch_taken() -> None:
    row = operations.OPERATIONS["where"]
    x, y, grad = balls.exact(2), balls.exact(3), balls.exact(GRAD)
    for condition in (True, False):
        chosen = value_of_form(
            PYTORCH[row.name].backward[1] or "", row, [condition, x, y], grad
        )
        other = value_of_form(
            PYTORCH[row.name].backward[2] or "", row, [condition, x, y], grad
        )
        taken, left = (chosen, other) if condition else (other, chosen)
        assert balls.enclosure(taken).lower == GRAD
        assert balls.is_zero(left)


# ── an independent witness: mpmath at 50 digits ───────────────────────────────────────


def rational(value: Any) -> Fraction:
    """The exact value of an mpmath number."""
    sign, mantissa, power, _ = mpmath.mpf(value)._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** power


def _assert_near(ball: Any, witness: Any, digits: int, what: object) -> None:
    with balls.workprec(400):
        ends, true = balls.enclosure(ball), rational(witness)
    slack = abs(true) / 10**digits + Fraction(1, 10 ** (digits + 10))
    assert ends.upper - ends.lower <= slack, (what, "wide")
    assert ends.lower - slack <= true <= ends.upper + slack, (what, float(true), ball)


def test_the_witness_knows_every_row_that_yields_a_number() -> None:
    assert set(WITNESS) == {row.name for row in NUMBERS} - {"where"}


def _with_parameters(row: Operation, values: Mapping[str, str]) -> Callable[..., Any]:
    """The witness as a function of the tensors alone."""

    def witness(*tensors: Any) -> Any:
        unused = iter(tensors)
        return WITNESS[row.name](
            *(
                next(unused) if name in row.tensors else _exactly(values[name])
                for name in row.operands
            )
        )

    return witness


def _exactly(text: str) -> Any:
    value = Fraction(text)
    return mp.mpf(value.numerator) / value.denominator


def _points(row: Operation) -> list[tuple[Fraction, ...]]:
    axes = [
        [value for value in WIDE if contains(domain, value)]
        for domain in domains_of(row)
    ]
    found = [v for v in itertools.product(*axes) if len(set(v)) == len(v)]
    return found if len(axes) == 1 else found[::3]


@named([row for row in NUMBERS if row.name != "where"])
def test_value_and_derivative_of_a_row_agree_with_mpmath(row: Operation) -> None:
    texts = [
        (call(row, "xyz", values), _with_parameters(row, values))
        for values in parameters_of(row)
    ]
    points = _points(row)
    for text, witness in texts:
        stepwise = Stepwise(rewriting.define(parse(text)))
        leaves = {
            n.name: i
            for i, n in enumerate(stepwise.program.nodes)
            if n.operation == "variable"
        }
        for values in points:
            point = dict(zip("xyz", (float(value) for value in values), strict=False))
            with balls.workprec(300):
                done = stepwise.evaluate(point, 1.0)
            value = done.values[stepwise.program.output]
            assert value.standing is Standing.REGULAR
            with mp.workdps(60):
                arguments = tuple(mp.mpf(x.numerator) / x.denominator for x in values)
                _assert_near(value.ball, witness(*arguments), 45, (text, values))
                for at, name in enumerate("xyz"[: len(values)]):
                    if row.tensors[at] in row.fixed:
                        continue
                    order = tuple(int(at == other) for other in range(len(values)))
                    adjoint = done.adjoints[leaves[name]]
                    slope = (
                        mp.diff(witness, arguments, order)
                        if len(values) > 1
                        else mp.diff(witness, arguments[0])
                    )
                    if adjoint is None:
                        assert abs(slope) < mp.mpf(10) ** -40
                    else:
                        _assert_near(adjoint.ball, slope, 35, (text, values, name))


@named(COMPOSED)
def test_a_composition_has_the_value_of_its_row(row: Operation) -> None:
    """What PyTorch is given for `sec(x)` is sec(x), held against mpmath in float64."""
    given = expand(parse(call(row, "xyz")))
    program = rewriting.define(given)
    stepwise = Stepwise(program)
    for values in grid(row):
        point = dict(zip("xyz", map(float, values), strict=False))
        with balls.workprec(300):
            found = stepwise.evaluate(point, 1.0).values[program.output].ball
        with mp.workdps(60):
            exact = [mp.mpf(x.numerator) / x.denominator for x in values]
            _assert_near(found, WITNESS[row.name](*exact), 45, (row.name, values))


# PyTorch's ndtr is (1 + erf(x/√2)) / 2, which loses the left tail; for its Bessel
# functions see below.
INACCURATE_VALUES = {
    "ndtr",
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "airy_ai",
}


@pytest.mark.parametrize(
    ("name", "kind", "order"),
    [
        ("bessel_j0", mp.besselj, 0),
        ("bessel_j1", mp.besselj, 1),
        ("bessel_y0", mp.bessely, 0),
        ("bessel_y1", mp.bessely, 1),
    ],
)
def test_pytorchs_bessel_functions_have_eight_digits_in_float64(
    name: str, kind: Callable[..., Any], order: int
) -> None:
    import torch

    point = torch.tensor(4.5, dtype=torch.float64)
    found = lowering.OPERATIONS[name](point).item()
    with mp.workdps(40):
        error = float(abs(found / kind(order, mp.mpf(4.5)) - 1))
    # Should PyTorch mend this: take the row out of INACCURATE_VALUES.
    assert 1e-10 < error < 1e-6


def test_pytorchs_airy_function_has_ten_digits_in_float64() -> None:
    import torch

    point = torch.tensor(-211 / 64, dtype=torch.float64)
    found = lowering.OPERATIONS["airy_ai"](point).item()
    with mp.workdps(40):
        error = float(abs(found / mp.airyai(mp.mpf(-211) / 64) - 1))
    # Should PyTorch mend this: take the row out of INACCURATE_VALUES.
    assert 1e-11 < error < 1e-8


# Where the value is small, PyTorch's own formula for it cancels.
CANCELLING = {
    *("gelu", "gelu_tanh", "tanhshrink"),
    # cos(n · arccos x) from the degree 7 on
    *("eval_chebyt", "eval_chebyu"),
    *("chebyshev_polynomial_t", "chebyshev_polynomial_u"),
}
BY_ORDER = {"besselj", "bessely", "besseli", "besselk"}
"""PyTorch has them by other names, order by order."""


@pytest.mark.parametrize("dtype", DTYPES)
@named(
    [
        row
        for row in NUMBERS
        if row.name not in (*INACCURATE, *INACCURATE_VALUES, *CANCELLING, *BY_ORDER)
        and row.name not in ABSENT
        and row.name != "where"
        and len(row.tensors) == 1
    ]
)
def test_what_pytorch_is_given_computes_the_row(row: Operation, dtype: str) -> None:
    """The lowered function itself against mpmath, without any of our own symbolic
    side."""
    import torch

    kept = [float(value) for (value,) in _points(row) if abs(value) < 10]
    x = torch.tensor(kept, dtype=lowering.DTYPES[dtype])
    epsilon = 2.0 ** (1 - FORMATS[dtype].precision_bits)
    for values in parameters_of(row):
        lowered = lowering.Lowered(parse(call(row, "x", values)), dtype)
        witness = _with_parameters(row, values)
        found = lowered.run({"x": x})[lowered.program.output].tolist()
        for argument, measured in zip(kept, found, strict=True):
            with mp.workdps(40):
                true = float(witness(mp.mpf(argument)))
            if abs(true) > FORMATS[dtype].largest:
                true = math.copysign(math.inf, true)
            assert math.isclose(measured, true, rel_tol=16 * epsilon, abs_tol=0), (
                argument,
                values,
                measured,
                true,
            )
