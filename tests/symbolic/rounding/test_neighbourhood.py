"""What the truth is within a few ulps of a point: the ranges are known by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from entries import gradient

import verifier
from verifier.floats import BFLOAT16, BINARY32, BINARY64, Format, nearest, neighbour
from verifier.language.programs.parsing import parse
from verifier.records import VALUE, Entry
from verifier.symbolic.rounding.complex_neighbourhood import ComplexNeighbourhood
from verifier.symbolic.rounding.neighbourhood import Neighbourhood
from verifier.symbolic.truth.complex_oracle import ComplexOracle
from verifier.symbolic.truth.oracle import Oracle

STEPS = 8


def about(
    text: str, point: dict[str, float], format_: Format, wrt: str | None = None
) -> Neighbourhood:
    oracle = Oracle(parse(text), list(point))
    entry = VALUE if wrt is None else gradient(wrt)
    return Neighbourhood(
        lambda inputs: oracle.over(inputs, 1.0, entry),
        point,
        format_,
        by_interval=wrt is not None,
    )


def holds(
    nearby: Neighbourhood, number: float, steps: int = STEPS, relative: float = 0.0
) -> bool:
    return nearby.holds(
        number, steps, relative=Fraction(relative), absolute=Fraction(0)
    )


@pytest.mark.parametrize("format_", [BFLOAT16, BINARY32, BINARY64])
def test_the_range_of_a_line_is_that_of_its_ends(format_: Format) -> None:
    nearby = about("2*x", {"x": 1.5}, format_)
    for steps in (-STEPS, -3, 0, 7, STEPS):
        assert holds(nearby, 2 * neighbour(1.5, steps, format_))
    for steps in (-STEPS - 1, STEPS + 1):
        outside = 2 * neighbour(1.5, steps, format_)
        assert not holds(nearby, outside)
        assert holds(nearby, outside, relative=0.01)


def test_the_tolerance_is_that_of_the_truth_which_comes_near() -> None:
    nearby = about("2*x", {"x": 1.5}, BINARY32)
    upper = 2 * neighbour(1.5, STEPS, BINARY32)
    assert holds(nearby, upper * 1.25, relative=0.26)
    assert not holds(nearby, upper * 1.25, relative=0.24)
    assert nearby.holds(
        upper * 1.25, STEPS, relative=Fraction(0), absolute=Fraction(4, 5)
    )


def test_every_input_moves_at_once() -> None:
    nearby = about("x - y", {"x": 1.5, "y": 1.5}, BINARY32)
    unit = 2.0**-23
    assert holds(nearby, 2 * STEPS * unit)
    assert holds(nearby, -2 * STEPS * unit)
    assert not holds(nearby, (2 * STEPS + 1) * unit)


def test_a_minimum_between_the_ends_is_in_the_range() -> None:
    """(x − 1)² + y² next to (1, 0): 0 is true at its root, and nothing below."""
    point = {"x": neighbour(1.0, 3, BINARY32), "y": 1e-30}
    nearby = about("(x - 1)**2 + y**2", point, BINARY32)
    assert holds(nearby, 0.0)
    assert not holds(nearby, -1e-16)


@pytest.mark.parametrize("x", [5.0, 20.0, 44.0])
def test_the_derivative_of_tanh_is_nowhere_zero(x: float) -> None:
    nearby = about("tanh(x)", {"x": x}, BFLOAT16, "x")
    assert not holds(nearby, 0.0, relative=0.016)
    true = 1 / math.cosh(neighbour(x, 5, BFLOAT16)) ** 2
    assert holds(nearby, nearest(Fraction(true), BFLOAT16), relative=0.016)


def test_gelu_far_out_is_nowhere_zero() -> None:
    nearby = about("gelu(x)", {"x": nearest(Fraction(-86, 10), BFLOAT16)}, BFLOAT16)
    assert not holds(nearby, 0.0, relative=0.016)


def test_about_a_root_a_number_of_either_sign_is_true() -> None:
    """ψ has a root at 1.46163214496836234126… (DLMF 5.4.20), and a slope of 0.967672
    there."""
    x = nearest(Fraction("1.46163214496836234126"), BINARY64)
    nearby = about("digamma(x)", {"x": x}, BINARY64)
    reach = 8 * 2.0**-52 * 0.967672
    assert holds(nearby, 0.0)
    assert holds(nearby, 0.9 * reach)
    assert holds(nearby, -0.9 * reach)
    assert not holds(nearby, 1.2 * reach)


# ── edges ─────────────────────────────────────────────────────────────────────────────

THIRD = nearest(Fraction(1, 3), BINARY32)
NEAR = 2


def test_beyond_a_pole_what_is_true_there_is_true() -> None:
    nearby = about("1/(1 - 3*x)", {"x": THIRD}, BINARY32)
    assert nearby.ends(NEAR)
    # Two ulps of x on either side: 1 − 3x is −1/2²⁵ ± 3·2⁻²⁴.
    assert holds(nearby, 5e7, NEAR)
    assert holds(nearby, -5e7, NEAR)
    assert holds(nearby, 1e30, NEAR)
    assert not holds(nearby, 5.0, NEAR)
    assert not holds(nearby, -1e3, NEAR)


def test_a_pole_farther_away_is_none() -> None:
    nearby = about("1/(1 - 3*x)", {"x": neighbour(THIRD, 4, BINARY32)}, BINARY32)
    assert not nearby.ends(NEAR)
    assert nearby.ends(STEPS)


def test_at_an_even_pole_the_truth_has_one_sign() -> None:
    nearby = about("1/(1 - 3*x)**2", {"x": THIRD}, BINARY32)
    assert nearby.ends(NEAR)
    assert holds(nearby, 1e30, NEAR)
    assert not holds(nearby, -1e30, NEAR)


def test_the_domain_ends_where_what_is_beyond_is_undefined() -> None:
    nearby = about("asin(3*x)", {"x": THIRD}, BINARY32)
    assert nearby.ends(NEAR)
    assert holds(nearby, nearest(Fraction(math.pi / 2), BINARY32), NEAR, 1e-6)
    assert not holds(nearby, 1.5, NEAR, 1e-6)
    root = about("sqrt(1 - 3*x)", {"x": THIRD}, BINARY32)
    assert holds(root, 0.0, NEAR)
    assert not holds(root, 1.0, NEAR)


def test_a_logarithm_has_no_bound_at_its_end() -> None:
    nearby = about("log((1 - 3*x)**2)", {"x": THIRD}, BINARY32)
    assert nearby.ends(NEAR)
    assert not holds(nearby, 3.0, NEAR)


def test_a_kink_is_no_end_and_every_slope_between_is_true() -> None:
    slope = about("abs(1 - 3*x)", {"x": THIRD}, BINARY32, "x")
    assert not slope.ends(NEAR)
    for number in (-3.0, 0.0, 2.5, 3.0):
        assert holds(slope, number, NEAR)
    assert not holds(slope, 3.5, NEAR)
    root = about("sqrt((1 - 3*x)**2)", {"x": THIRD}, BINARY32, "x")
    assert not root.ends(NEAR)


def test_along_a_line_of_poles_what_is_true_on_no_side_is_not_true() -> None:
    """The derivative of x¹⁺ⁿ/(1 + n) is xⁿ, next to n = −1 too."""
    nearby = about("x**(1 + n)/(1 + n)", {"x": 7.25, "n": -1.0}, BINARY32, "x")
    assert holds(nearby, 1 / 7.25, NEAR, 1e-6)
    assert not holds(nearby, 0.0, NEAR, 1e-6)


def test_of_a_jump_both_sides_are_true_and_nothing_between() -> None:
    nearby = about("where(3*x > 1, 2, 5)", {"x": THIRD}, BINARY32)
    assert not nearby.ends(NEAR)
    assert holds(nearby, 2.0, NEAR)
    assert holds(nearby, 5.0, NEAR)
    assert not holds(nearby, 3.0, NEAR)


def test_where_the_truth_is_nowhere_known_no_number_is_true() -> None:
    assert not holds(about("x + 0*y", {"x": 1.0, "y": math.inf}, BINARY32), 5.0)


@pytest.mark.parametrize("text", ["y*relu(x)", "max(x, y)", "y*where(x > 0, x, 2)"])
@pytest.mark.parametrize("wrt", [None, "x"])
def test_about_nan_nothing_is_true(text: str, wrt: str | None) -> None:
    nearby = about(text, {"x": math.nan, "y": 2.0}, BINARY32, wrt)
    assert not holds(nearby, 2.0)
    assert not holds(nearby, 0.0)


def test_a_truth_beyond_every_double_is_compared_too() -> None:
    """−1/x within 8 ulps of 0 is no closer to 0 than 2⁻³/2⁻¹⁰⁷⁴, which no double
    holds."""
    nearby = about("-log(x)", {"x": 0.0}, BINARY64, "x")
    assert not holds(nearby, -1e12)


def test_no_search_depends_on_those_before_it() -> None:
    point, numbers = {"x": 0.5, "y": 2.0}, (0.25, 0.2500001, 2.0, -1.0)
    for text in ("x*x*y", "x - 1/y", "abs(x - 0.5) + y"):
        fresh = [holds(about(text, point, BINARY32), number) for number in numbers]
        again = about(text, point, BINARY32)
        assert [holds(again, number) for number in numbers] == fresh
        assert [holds(again, number) for number in reversed(numbers)] == fresh[::-1]


# ── the plane ─────────────────────────────────────────────────────────────────────────


def about_complex(
    text: str, point: dict[str, complex], entry: Entry = VALUE
) -> ComplexNeighbourhood:
    oracle = ComplexOracle(parse(text), ["z"])
    return ComplexNeighbourhood(
        lambda inputs: oracle.over(inputs, 1 + 0j, entry), point, BINARY32
    )


def complex_holds(
    nearby: ComplexNeighbourhood, number: complex, relative: float = 1e-7
) -> bool:
    return nearby.holds(
        number, STEPS, relative=Fraction(relative), absolute=Fraction(0)
    )


def test_the_range_of_a_square_is_a_square() -> None:
    unit = 2.0**-23
    nearby = about_complex("2*z", {"z": 1 + 1j})
    assert complex_holds(nearby, 2 + 2j + 14 * unit)
    assert complex_holds(nearby, 2 + 2j - 14j * unit + 14 * unit)
    assert not complex_holds(nearby, 2 + 2j + 20 * unit)
    assert complex_holds(nearby, 2 + 2j + 20 * unit, 1e-5)


def test_about_a_complex_root_zero_is_true_and_about_an_exponential_never() -> None:
    assert complex_holds(about_complex("z**2 + 1", {"z": 1e-9 + 1j}), 0j)
    assert not complex_holds(about_complex("exp(z)", {"z": -80 + 1j}), 0j)


@pytest.mark.parametrize("entry", [VALUE, gradient("z")], ids=["value", "gradient"])
def test_a_complex_pole_within_two_ulps(entry: Entry) -> None:
    third = nearest(Fraction(1, 3), BINARY32)
    nearby = about_complex("1/(1 - 3*z)", {"z": complex(third, 0)}, entry)
    assert nearby.ends(NEAR)
    away = about_complex("1/(1 - 3*z)", {"z": complex(third, 1e-3)}, entry)
    assert not away.ends(NEAR)


def test_a_slope_that_a_constant_bounds_is_no_pole():
    """log1p(−min(p, 0.999999)) falls with at most 10⁶: its −∞ at 1 in bfloat16 is no
    number of the neighbourhood."""
    run = verifier.verify("log1p(-min(p, 0.999999))", at={"p": 1}, dtype="bfloat16")

    verdicts = {c.quantity: str(c.verdict) for c in run.results[0].comparisons}
    assert verdicts["gradient"] == "differ.nonfinite"
    pole = verifier.verify("1/(1 - 3*x)", at={"x": "1/3"}, dtype="float64")
    assert pole.results[0].verdict == "match.conditioning"
