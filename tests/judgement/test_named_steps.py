"""A named step is judged by what it hands on: lost digits that can move no gradient
asked for are rounding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import mpmath
import pytest
from backwards import function

import verifier
from verifier.automatic import lowering
from verifier.floats import BINARY64
from verifier.judgement.steps import by_what_it_hands_on
from verifier.judgement.tolerance import Tolerance
from verifier.language.programs.parsing import parse_steps
from verifier.records import Judgement, Result, Verdict
from verifier.symbolic.calculus.complex_chain import ComplexChain
from verifier.symbolic.calculus.slopes import slopes


def iterate(form: str, count: int, first: str) -> str:
    """Steps u0, u1, … of a recurrence in the previous one, `u`."""
    lines = [f"u0 = {first}"]
    lines += [f"u{k} = {form.replace('{u}', f'u{k - 1}')}" for k in range(1, count + 1)]
    return "\n".join(lines)


def result(
    steps: str, at: Mapping[str, object], dtype: str, **options: object
) -> Result:
    (found,) = verifier.verify(steps=steps, at=at, dtype=dtype, **options).results
    return found


def shifted(found: Result) -> list[str]:
    """The steps that matched by what they hand on alone."""
    return [c.wrt[0] for c in found.comparisons if "moves no" in (c.message or "")]


HERON = "({u} + a/{u})/2"
ITERATIONS = {
    "square root": (iterate(HERON, 5, "(1 + a)/2"), {"a": 2}),
    "square root of a large number": (iterate(HERON, 9, "a"), {"a": 300}),
    "square root by Halley": (
        iterate("{u}*({u}*{u} + 3*a)/(3*{u}*{u} + a)", 4, "a"),
        {"a": 7},
    ),
    "cube root": (iterate("(2*{u} + a/({u}*{u}))/3", 6, "a"), {"a": 3}),
    "reciprocal": (iterate("{u}*(2 - a*{u})", 6, "1/8 + 0*a"), {"a": 5}),
    "reciprocal square root": (
        iterate("{u}*(1.5 - 0.5*a*{u}*{u})", 6, "0.5 + 0*a"),
        {"a": 2.2},
    ),
    "Kepler's equation": (
        iterate("{u} - ({u} - k*sin({u}) - m)/(1 - k*cos({u}))", 5, "m"),
        {"k": 0.3, "m": 1.1},
    ),
    "Lambert's W": (
        iterate("{u} - ({u}*exp({u}) - z)/(exp({u})*(1 + {u}))", 6, "log(1 + z)"),
        {"z": 2},
    ),
    "logarithm": (
        iterate("{u} + 2*(x - exp({u}))/(x + exp({u}))", 4, "x - 1"),
        {"x": 1.7},
    ),
    "arithmetic-geometric mean": (
        "a1 = (x + y)/2\nb1 = sqrt(x*y)\na2 = (a1 + b1)/2\nb2 = sqrt(a1*b1)\n"
        "a3 = (a2 + b2)/2\nb3 = sqrt(a2*b2)\na4 = (a3 + b3)/2",
        {"x": 1, "y": 2},
    ),
    "fixed point": (iterate("cos(c*{u})", 40, "c"), {"c": 1}),
    "continued fraction": (iterate("1 + x/{u}", 40, "x"), {"x": 1}),
    "Horner": (iterate("1 + x*{u}/7", 20, "1 + 0*x"), {"x": 0.4}),
    "logistic map": (iterate("r*{u}*(1 - {u})", 40, "0.3 + 0*r"), {"r": 2.7}),
    "pipe friction": (
        iterate("-2*log10(d/3.7 + 2.51*{u}/re)", 8, "4 + 0*re"),
        {"d": 1e-4, "re": 1e5},
    ),
}
CONVERGED = ("square root", "square root by Halley", "reciprocal", "Lambert's W")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ITERATIONS)
def test_an_iteration_matches_in_all_its_steps(name: str, dtype: str) -> None:
    found = result(*ITERATIONS[name], dtype)
    assert found.verdict.family == "match"
    if name in CONVERGED:
        assert shifted(found)


def test_the_root_and_its_derivative_are_those_of_the_square_root() -> None:
    found = result(*ITERATIONS["square root"], "float64")
    numbers = {c.wrt: float(c.measured) for c in found.comparisons}
    assert math.isclose(numbers[()], math.sqrt(2), rel_tol=1e-15)
    slope = float(mpmath.diff(mpmath.sqrt, 2))
    assert math.isclose(numbers["a",], slope, rel_tol=1e-15)


def test_an_error_is_told_in_ulps_of_the_gradient_that_it_moves() -> None:
    found = result(*ITERATIONS["square root"], "float64")
    (one,) = [c for c in found.comparisons if c.wrt == ("u0",)]
    assert one.verdict is Verdict.MATCH_ROUNDING
    assert one.error_ulp is not None
    assert one.error_ulp < 1e-9
    assert "ulp moves no gradient by more than" in (one.message or "")
    assert found.max_error_ulp is not None
    assert found.max_error_ulp < 4


COMPLEX = {
    "square root": (iterate("({u} + z/{u})/2", 6, "(1 + z)/2"), {"z": "-1+2j"}),
    "reciprocal": (iterate("{u}*(2 - z*{u})", 7, "0.3 + 0*z"), {"z": "1.5+0.5j"}),
    "cube root": (iterate("(2*{u} + z/({u}*{u}))/3", 6, "z"), {"z": "1+1j"}),
    "Lambert's W": (
        iterate("{u} - ({u}*exp({u}) - z)/(exp({u})*(1 + {u}))", 6, "log(1 + z)"),
        {"z": "1+1j"},
    ),
}


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", COMPLEX)
def test_the_same_of_complex_iterations(name: str, dtype: str) -> None:
    found = result(*COMPLEX[name], dtype)
    assert found.verdict.family == "match"
    if name == "square root":
        assert shifted(found)


# ── what stays a difference ───────────────────────────────────────────────────────────


def test_a_step_that_moves_a_gradient_stays_a_difference() -> None:
    """The start of an iteration hardly matters; who asks for the gradient by it gets
    lost digits, from every step."""
    steps = iterate(HERON, 5, "s").partition("\n")[2].replace("u0", "s")
    found = result(steps, {"a": 2, "s": 1}, "float64")
    kinds = {c.wrt: c.verdict for c in found.comparisons}
    assert kinds["s",] is Verdict.DIFFER_UNSTABLE
    assert kinds["u2",] is Verdict.DIFFER_UNSTABLE
    alone = result(steps, {"a": 2, "s": 1}, "float64", wrt=["a"])
    assert alone.verdict is Verdict.MATCH_ROUNDING


def test_a_step_that_reaches_no_input_asked_for_is_judged_by_itself() -> None:
    steps = iterate(HERON, 5, "1 + 0*a") + "\ny = u5*c"
    found = result(steps, {"a": 2, "c": 3}, "float64", wrt=["c"])
    kinds = {c.wrt: c.verdict for c in found.comparisons}
    assert kinds["u3",] is Verdict.DIFFER_UNSTABLE


def test_a_wrong_derivative_stays_wrong_in_step_and_gradient(monkeypatch) -> None:
    wrong = function(lambda x: x * x, lambda grad, x: grad * x * 2.001)
    monkeypatch.setitem(lowering.OPERATIONS, "square", wrong)
    found = result("u = x + 1\nv = square(u)\ny = v*3", {"x": 2}, "float64")
    kinds = {c.wrt: c.verdict for c in found.comparisons}
    assert kinds["u",] is kinds["x",] is Verdict.DIFFER_WRONG


# ── the rule ──────────────────────────────────────────────────────────────────────────

UNSTABLE = Judgement(verdict=Verdict.DIFFER_UNSTABLE, error_ulp=1e9, message="why")
TOLERANCE = Tolerance(relative=Fraction(1, 2**20))


def judged(
    judgement: Judgement = UNSTABLE,
    *,
    error: Fraction = Fraction(1, 2**20),
    slopes: Mapping[str, Fraction | None] | None = None,
    gradient: Mapping[str, Fraction | None] | None = None,
    tolerance: Tolerance = TOLERANCE,
) -> Judgement:
    found = {"x": Fraction(1)} if slopes is None else slopes
    sizes = {"x": Fraction(1), "y": Fraction(1)} if gradient is None else gradient
    return by_what_it_hands_on(
        judgement, error, lambda: found, sizes, BINARY64, tolerance
    )


def test_the_border_is_the_tolerance_of_each_gradient() -> None:
    assert judged().verdict is Verdict.MATCH_ROUNDING
    assert judged(error=Fraction(1, 2**20) + Fraction(1, 2**60)) == UNSTABLE
    both = {"x": Fraction(1), "y": Fraction(3, 2)}
    assert judged(slopes=both) == UNSTABLE
    sizes = {"x": Fraction(1), "y": Fraction(3, 2)}
    found = judged(slopes=both, gradient=sizes)
    assert found.verdict is Verdict.MATCH_ROUNDING
    # 2⁻²⁰ in ulps of 2⁻⁵²; 3/2 has the same ulp.
    assert found.error_ulp == 1.5 * 2**32
    assert found.bits_lost == math.log2(1.5 * 2**32)


def test_what_is_not_known_excuses_nothing() -> None:
    assert judged(slopes={"x": None}) == UNSTABLE
    assert judged(slopes={"x": Fraction(1)}, gradient={"x": None}) == UNSTABLE
    assert judged(slopes={}) == UNSTABLE


def test_no_tolerance_allows_nothing_that_moves() -> None:
    assert judged(tolerance=Tolerance(relative=Fraction(0))) == UNSTABLE
    still = judged(tolerance=Tolerance(relative=Fraction(0)), slopes={"x": Fraction(0)})
    assert (still.verdict, still.error_ulp) == (Verdict.MATCH_ROUNDING, 0.0)


@pytest.mark.parametrize(
    "verdict", [v for v in Verdict if v.kind not in ("unstable", "range")]
)
def test_only_what_rounding_and_range_explain_is_excused(verdict: Verdict) -> None:
    other = Judgement(verdict=verdict, error_ulp=1e9)
    assert judged(other) == other


def test_the_slopes_are_those_of_the_step() -> None:
    program = parse_steps("u = x**3/y\nv = sign(z)*x\ny2 = u*v*w")
    point = {"x": 2.0, "y": 4.0, "z": 1.0, "w": 5.0}
    found = slopes(program, "u", ["x", "y", "z", "w"], point, BINARY64)
    assert {n: float(s) for n, s in found.items()} == {"x": 3.0, "y": 0.5}
    found = slopes(program, "v", ["x", "y", "z"], point, BINARY64)
    assert {n: float(s) for n, s in found.items()} == {"x": 1.0, "z": 0.0}


def test_a_step_at_an_edge_has_no_slope() -> None:
    program = parse_steps("u = abs(x)\ny = u*x")
    assert slopes(program, "u", ["x"], {"x": 0.0}, BINARY64) == {"x": None}


def test_complex_slopes_are_magnitudes() -> None:
    program = parse_steps("u = z**2\ny = u*w")
    at = {"z": 3 + 4j, "w": 1j}
    found = slopes(program, "u", ["z", "w"], at, BINARY64, ComplexChain)
    assert list(found) == ["z"]
    assert abs(float(found["z"] or 0) - 10) < 1e-12
    at = {"z": 0j, "w": 1j}
    root = parse_steps("u = sqrt(z)\ny = u*w")
    found = slopes(root, "u", ["z"], at, BINARY64, ComplexChain)
    assert found == {"z": None}
