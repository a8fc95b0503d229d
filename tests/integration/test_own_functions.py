"""Functions that PyTorch lacks, or has no derivative of: a backward of a user's own is
held against them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
import torch
from backwards import function
from mpmath import mp
from rows import ABSENT, WITHOUT_DERIVATIVE, differentiated, exactly, parameters_of
from witnesses import WITNESS

import verifier
from verifier.errors import VerifierError
from verifier.language.operations.table import OPERATIONS, Operation
from verifier.records import Verdict

OWN = [
    name
    for name in sorted(ABSENT | WITHOUT_DERIVATIVE)
    # A thousandth of 0 is 0.
    if not OPERATIONS[name].piecewise_constant and name != "heaviside"
]
POINT = {"ellipk": 0.375, "ellipe": 0.375, "polylog": 0.375}
POINTS = {
    "betainc": (2.5, 0.75, 0.375),
    "ellipkinc": (0.75, 0.375),
    "ellipeinc": (0.75, 0.375),
    "voigt_profile": (0.625, 1.25, 0.75),
    "wofz_real": (0.625, 1.25),
    "wofz_imag": (0.625, 1.25),
}


def point_of(row: Operation) -> tuple[float, ...]:
    return POINTS.get(row.name) or (POINT.get(row.name, 1.375),)


def bound(row: Operation) -> Callable[..., Any]:
    """The witness as a function of the tensors."""
    chosen = parameters_of(row)[-1]

    def witness(*tensors: Any) -> Any:
        unused = iter(tensors)
        return WITNESS[row.name](
            *(
                exactly(Fraction(chosen[name])) if name in chosen else next(unused)
                for name in row.operands
            )
        )

    return witness


def text_of(row: Operation) -> str:
    chosen = parameters_of(row)[-1]
    return f"{row.name}({', '.join(chosen.get(name, name) for name in row.operands)})"


Tensors = Callable[..., torch.Tensor]


def elementwise(compute: Callable[..., Any]) -> Tensors:
    """A function of mpmath's on tensors, rounded once; it is computed once a point."""

    @cache
    def rounded(*at: float) -> float:
        with mp.workdps(40):
            return float(compute(*map(mp.mpf, at)))

    def apply(*tensors: torch.Tensor) -> torch.Tensor:
        columns = [tensor.reshape(-1).tolist() for tensor in tensors]
        found = [rounded(*at) for at in zip(*columns, strict=True)]
        return torch.tensor(found, dtype=tensors[0].dtype).reshape(tensors[0].shape)

    return apply


@cache
def exact(name: str) -> tuple[Tensors, dict[str, Tensors]]:
    """The function, and its derivatives by operand."""
    row = OPERATIONS[name]
    witness = bound(row)

    def slope(at: int) -> Callable[..., Any]:
        order = tuple(int(other == at) for other in range(len(row.tensors)))
        if len(order) == 1:
            return lambda x: mp.diff(witness, x)
        return lambda *operands: mp.diff(witness, operands, order)

    by = differentiated(row)
    slopes = {
        name: elementwise(slope(at))
        for at, name in enumerate(row.tensors)
        if name in by
    }
    return elementwise(witness), slopes


def own(row: Operation, factor: float) -> Tensors:
    """The function with its derivatives times a factor."""
    forward, slopes = exact(row.name)

    def backward(grad: torch.Tensor, *inputs: torch.Tensor) -> Sequence[Any]:
        return tuple(
            factor * grad * slopes[name](*inputs) if name in slopes else None
            for name in row.tensors
        )

    return function(forward, backward)


def checked(name: str, factor: float) -> verifier.Run:
    row = OPERATIONS[name]
    return verifier.check(
        own(row, factor),
        expression=text_of(row),
        at=dict(zip(row.tensors, point_of(row), strict=True)),
        inputs=list(row.tensors),
        wrt=differentiated(row),
        dtype="float64",
    )


@pytest.mark.parametrize("name", OWN)
def test_a_true_backward_matches(name: str) -> None:
    run = checked(name, 1.0)
    (result,) = run.results
    assert run.ok, str(run)
    assert result.verdict.family == "match"
    assert result.derivations == 3  # the witness knows it too


@pytest.mark.parametrize("name", OWN)
def test_a_backward_that_is_off_by_a_thousandth_is_wrong(name: str) -> None:
    (result,) = checked(name, 1.001).results
    assert result.verdict is Verdict.DIFFER_WRONG
    wrong = {c.wrt for c in result.comparisons if c.verdict is Verdict.DIFFER_WRONG}
    assert wrong == {(by,) for by in differentiated(OPERATIONS[name])}


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_without_a_subject_it_is_said_that_pytorch_lacks_it(name: str) -> None:
    row = OPERATIONS[name]
    point = dict(zip(row.tensors, point_of(row), strict=True))
    run = verifier.verify(text_of(row), at=point, wrt=differentiated(row))
    for result in run.results:
        assert result.verdict is Verdict.DIFFER_UNSUPPORTED
        assert f"PyTorch has no function `{name}`" in (result.message or "")
        assert "`subject`" in (result.message or "")


@pytest.mark.parametrize(
    ("text", "operand"),
    [
        ("gammainc(x, 2)", "a"),
        ("gammainc(exp(x), y)", "a"),
        ("zeta(x)", "x"),
        ("betainc(2, x, 1/2)", "b"),
        ("uppergamma(x, 1)", "a"),
    ],
)
def test_what_has_no_derivative_by_an_operand_is_refused(
    text: str, operand: str
) -> None:
    message = f"is not differentiated by `{operand}`.* Leave `x` out of `wrt`"
    with pytest.raises(VerifierError, match=message):
        verifier.verify(text, at={name: 2 for name in "xy" if name in text})


@pytest.mark.parametrize(
    ("text", "point", "wrt", "gradient"),
    [
        # e⁻ˣ, −e⁻ˣ and −2·ζ(3)
        ("gammainc(a, x)", {"a": 1, "x": 0.75}, "x", 0.4723665527410147),
        ("gammaincc(a, x)", {"a": 1, "x": 0.75}, "x", -0.4723665527410147),
        ("zeta(s, q)", {"s": 2, "q": 1}, "q", -2.4041138063191886),
    ],
)
@pytest.mark.parametrize("route", ["reverse", "func", "vmap"])
def test_pytorch_differentiates_by_one_operand(
    text: str, point: dict[str, float], wrt: str, gradient: float, route: str
) -> None:
    run = verifier.verify(text, at=point, wrt=[wrt], routes=[route], dtype="float64")
    (result,) = run.results
    assert result.verdict.family == "match"
    (found,) = (c for c in result.comparisons if c.quantity == "gradient")
    assert float(found.true) == pytest.approx(gradient, rel=1e-15)


INF = float("inf")


@pytest.mark.parametrize(
    ("text", "x", "value", "gradient"),
    [
        # Values and slopes at the ends, from DLMF 6.6, 6.12, 7.5, 7.12, 8.4, 8.7, 8.17,
        # 8.19, 9.7, 10.7, 10.30, 11.2, 18.5, 19.5, 19.12, 25.11 and 25.12
        ("gammainc(1/2, x)", 0, "0", "inf"),
        ("gammainc(1, x)", 0, "0", "1"),
        ("gammainc(2, x)/x**2", 0, "1/2", "-1/3"),
        ("gammaincc(3, x)", INF, "0", "0"),
        ("betainc(2, 3, x)", 0, "0", "0"),
        ("betainc(1/2, 3, x)", 0, "0", "inf"),
        ("betainc(2, 1, x)", 1, "1", "2"),
        ("zeta(2, x)", 0, "inf", "-inf"),
        ("x*zeta(2, x)", INF, "1", "0"),
        ("polylog(2, x)", 0, "0", "1"),
        ("(1 - x)*polylog(0, x)", 1, "1", "1"),
        ("polylog(2, x)", 1, "1.6449340668482264365", "inf"),
        ("lambertw(x)", 0, "0", "1"),
        ("lambertw(x)/log(x)", INF, "1", "0"),
        ("lambertw(x, -1)", 0, "-inf", "-inf"),
        ("lambertw(x)", -1, "undefined", "undefined"),
        ("expi(x)", 0, "-inf", "undefined"),
        ("x*exp(-x)*expi(x)", INF, "1", "0"),
        ("Si(x)/x", 0, "1", "0"),
        ("Si(x)", INF, "1.5707963267948966192", "0"),
        ("Ci(x) - log(x)", 0, "0.57721566490153286061", "0"),
        ("Ci(x)", -1, "undefined", "undefined"),
        ("Chi(x)/Shi(x)", INF, "1", "0"),
        ("expn(2, x)", 0, "1", "-inf"),
        ("expn(3, x)", 0, "1/2", "-1"),
        ("erfi(x)/x", 0, "1.1283791670955125739", "0"),
        ("x*dawsn(x)", INF, "1/2", "0"),
        ("fresnels(x)/x**3", 0, "0.52359877559829887308", "0"),
        ("fresnels(x)", INF, "1/2", "undefined"),
        ("ellipk(x)", 0, "1.5707963267948966192", "0.39269908169872415481"),
        ("ellipe(x)", 0, "1.5707963267948966192", "-0.39269908169872415481"),
        ("ellipk(x)", 1, "inf", "inf"),
        ("ellipe(x)", 1, "1", "-inf"),
        ("ellipk(x)", 2, "undefined", "undefined"),
        ("airy_ai(x)", INF, "0", "0"),
        ("airy_bi(x)", INF, "inf", "inf"),
        ("besselj(1/2, x)", 0, "0", "inf"),
        ("besselj(3/2, x)", 0, "0", "0"),
        ("besselj(1/2, x)", -1, "undefined", "undefined"),
        ("x**(1/3)*besselk(1/3, x)", INF, "0", "0"),
        ("struve(0, x)", 0, "0", "0.63661977236758134308"),
        ("struve(1/2, x)", 0, "0", "0"),
        ("spherical_jn(1, x)/x", 0, "1/3", "0"),
        ("x*spherical_yn(0, x)", 0, "-1", "0"),
        ("eval_legendre(3, x)/x**3", INF, "5/2", "0"),
        ("li(x)", 1, "-inf", "undefined"),
    ],
)
def test_what_is_true_at_an_end_or_a_pole(
    text: str, x: float, value: str, gradient: str
) -> None:
    found = truths(text, x)
    for quantity, expected in (("value", value), ("gradient", gradient)):
        numerator, _, denominator = expected.partition("/")
        if denominator:
            shown = float(found[quantity])
            assert shown == pytest.approx(int(numerator) / int(denominator), rel=1e-15)
        else:
            assert found[quantity] == expected


def test_a_limit_beyond_all_exponents_is_undecided() -> None:
    """Γ(10³⁰⁸) has more digits than Arb's exponents count."""
    run = verifier.verify(
        "uppergamma(a, x)", at={"a": 1e308, "x": 0}, wrt=["x"], dtype="float64"
    )
    (result,) = run.results
    assert result.verdict.family != "error"


def truths(text: str, x: float) -> dict[str, str]:
    """The true value and gradient, whatever a subject makes of it."""
    subject = function(lambda x: x * 1, lambda grad, x: grad)
    run = verifier.check(subject, expression=text, at={"x": x}, dtype="float64")
    return {c.quantity: str(c.true) for c in run.results[0].comparisons}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("formula", "written"),
    [
        ("hermite_polynomial_he(x, 3)", lambda x: x**3 - 3 * x),
        ("eval_legendre(2, x)", lambda x: (3 * x * x - 1) / 2),
        ("eval_laguerre(2, x)", lambda x: (x * x - 4 * x + 2) / 2),
        ("eval_chebyu(2, x)", lambda x: 4 * x * x - 1),
    ],
)
def test_about_a_root_no_digits_are_asked_for_that_the_input_lacks(
    formula: str, written: Any, dtype: str
) -> None:
    domain = {"x": "[1/4, 7/2]"}
    run = verifier.check(written, expression=formula, domain=domain, dtype=dtype)
    assert run.ok, run
    planted = verifier.check(
        lambda x: 1.001 * written(x), expression=formula, domain=domain, dtype=dtype
    )
    (result,) = planted.record.results
    assert result.verdict.value == "differ.wrong"


def test_a_subject_need_not_be_differentiated_by_what_its_formula_is_not() -> None:
    run = verifier.check(
        torch.special.gammainc,
        expression="gammainc(a, x)",
        at={"a": 2.5, "x": 1.5},
        wrt=["x"],
        dtype="float64",
    )
    assert run.ok, run


def test_what_is_far_off_leaves_no_range_about_roots() -> None:
    half = function(lambda x: 0 * x + 0.5, lambda g, x: 0 * g)
    run = verifier.check(
        half, expression="besselj(0, x)", at={"x": 30000}, dtype="float16"
    )
    found = {c.verdict for c in run.results[0].comparisons if c.quantity == "value"}
    assert found == {Verdict.DIFFER_WRONG}
