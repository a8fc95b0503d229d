"""Balls contain the truth, and shrink with precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from verifier.fields import LARGEST_EXPONENT
from verifier.records import Enclosure
from verifier.symbolic.arithmetic import balls


def rational(value: Any) -> Fraction:
    """The exact value of an mpmath number."""
    sign, mantissa, power, _ = mp.mpf(value)._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** power


def ends(ball: Any) -> Enclosure:
    with balls.workprec(2_000):
        return balls.enclosure(ball)


# name, witness, where it may be asked
UNARY: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "exp": (mp.exp, -50, 50),
    "expm1": (mp.expm1, -1, 1),
    "log": (mp.log, 1e-9, 1e9),
    "log1p": (mp.log1p, -0.99, 5),
    "sin": (mp.sin, -100, 100),
    "tan": (mp.tan, -1.5, 1.5),
    "asin": (mp.asin, -1, 1),
    "acosh": (mp.acosh, 1, 100),
    "tanh": (mp.tanh, -20, 20),
    "erf": (mp.erf, -5, 5),
    "erfc": (mp.erfc, -5, 25),
    "lgamma": (lambda x: mp.log(abs(mp.gamma(x))), 0.01, 60),
    "digamma": (mp.digamma, 0.01, 60),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), -9, 9),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), -60, 60),
}


@pytest.mark.parametrize("name", sorted(UNARY))
@settings(derandomize=True, deadline=None, max_examples=25)
@given(data=st.data())
def test_a_ball_contains_the_truth_and_shrinks_with_precision(
    name: str, data: Any
) -> None:
    witness, lower, upper = UNARY[name]
    x = data.draw(st.floats(lower, upper).filter(lambda x: x == 0 or abs(x) > 1e-10))
    with mp.workprec(700):
        true = rational(witness(mp.mpf(x)))
    widths = []
    for bits in (30, 60, 120, 480):
        with balls.workprec(bits):
            ball = balls.OPERATIONS[name](balls.exact(x))
        if not balls.is_finite(ball):  # acosh so near to 1 needs more bits
            assert bits < 100
            continue
        found = ends(ball)
        slack = abs(true) / 2**600
        assert found.lower - slack <= true <= found.upper + slack
        widths.append(found.upper - found.lower)
    assert widths[0] == 0 or widths[-1] < widths[0]
    assert widths[-1] <= (abs(true) + Fraction(1, 2**400)) / 2**300


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.floats(-8, 8),
    st.floats(0, 2),
    st.integers(-4, 6),
    st.floats(0, 1),
)
def test_the_power_of_a_wide_ball_contains_the_power_of_each_of_its_numbers(
    middle: float, radius: float, power: int, share: float
) -> None:
    x = Fraction(middle) + Fraction(radius) * (2 * Fraction(share) - 1)
    ball = balls.around(balls.exact(middle), balls.exact(radius))
    found = balls.OPERATIONS["pow"](ball, balls.exact(power))
    if not balls.is_finite(found):
        assert power < 0
        return
    assert ends(found).lower <= x**power <= ends(found).upper


def test_an_even_power_of_a_ball_about_zero_is_not_negative() -> None:
    ball = balls.around(balls.exact(0), balls.exact(3))
    found = ends(balls.OPERATIONS["square"](ball))
    # A ball's own midpoint and radius are rounded, by far less than this.
    assert -Fraction(1, 10**6) <= found.lower <= 0
    assert 9 <= found.upper < 9 + Fraction(1, 10**6)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.floats(0.1, 5),
    st.floats(0, 0.05),
    st.floats(-3, 3),
    st.floats(0, 0.2),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_real_power_contains_the_power_of_each_pair(
    x: float, rx: float, y: float, ry: float, s: float, t: float
) -> None:
    a = Fraction(x) + Fraction(rx) * (2 * Fraction(s) - 1)
    b = Fraction(y) + Fraction(ry) * (2 * Fraction(t) - 1)
    with balls.workprec(80):
        base = balls.around(balls.exact(x), balls.exact(rx))
        power = balls.around(balls.exact(y), balls.exact(ry))
        found = ends(balls.OPERATIONS["pow"](base, power))
    with mp.workprec(200):
        true = rational(
            mp.power(
                mp.mpf(a.numerator) / a.denominator, mp.mpf(b.numerator) / b.denominator
            )
        )
    assert found.lower <= true * (1 + Fraction(1, 2**150))
    assert true * (1 - Fraction(1, 2**150)) <= found.upper


# ── numbers ───────────────────────────────────────────────────────────────────────────


@settings(derandomize=True, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_its_own_exact_ball(value: float) -> None:
    found = ends(balls.exact(value))
    assert found.lower == found.upper == Fraction(value)


@settings(derandomize=True, deadline=None)
@given(st.fractions(), st.sampled_from([24, 53, 300]))
def test_a_rational_lies_in_its_ball(value: Fraction, bits: int) -> None:
    with balls.workprec(bits):
        found = ends(balls.exact(value))
    assert found.lower <= value <= found.upper
    assert found.upper - found.lower <= abs(value) / 2 ** (bits - 2)


def test_a_dyadic_number_is_exact_at_any_precision() -> None:
    long = Fraction(3**400, 2**300)
    with balls.workprec(20):
        assert balls.exact(long).is_exact()
    assert ends(balls.exact(long)).lower == long


def test_the_precision_is_restored() -> None:
    before = balls.precision_bits()
    with balls.workprec(777):
        assert balls.precision_bits() == 777
    assert balls.precision_bits() == before


@pytest.mark.parametrize(
    ("value", "exponent"),
    [(1, 0), (-1, 0), (0.75, -1), (8, 3), (9, 3), (2.0**-1074, -1074)],
)
def test_the_top_exponent_is_that_of_the_largest_magnitude(
    value: float, exponent: int
) -> None:
    assert balls.top_exponent(balls.exact(value)) == exponent


def test_zero_has_no_top_exponent() -> None:
    assert balls.top_exponent(balls.zero()) is None


def test_what_is_known_to_some_bits_is_told() -> None:
    with balls.workprec(60):
        third = balls.exact(Fraction(1, 3))
    assert balls.is_known_to(third, 55)
    assert not balls.is_known_to(third, 65)
    assert balls.is_known_to(balls.zero(), 10_000)
    assert not balls.is_known_to(balls.anything(), 1)


def test_the_ball_that_says_nothing_is_not_finite_and_overlaps_everything() -> None:
    assert not balls.is_finite(balls.anything())
    assert balls.overlaps(balls.anything(), balls.exact(3))
    assert math.isnan(balls.midpoint(balls.anything()))
    assert balls.midpoint(balls.exact(3)) == 3.0


def test_disjoint_balls_do_not_overlap() -> None:
    wide = balls.around(balls.exact(1), balls.exact(Fraction(1, 4)))
    assert balls.overlaps(wide, balls.exact(1.25))
    assert not balls.overlaps(wide, balls.exact(1.5))


# ── enclosures beyond every format ────────────────────────────────────────────────────

LIMIT = Fraction(2) ** LARGEST_EXPONENT


def test_a_number_beyond_every_format_is_cut_off() -> None:
    with balls.workprec(100):
        tower = balls.exact(30).exp().exp()
        assert balls.enclosure(tower) == Enclosure(lower=LIMIT, upper=LIMIT)
        assert balls.enclosure(-tower) == Enclosure(lower=-LIMIT, upper=-LIMIT)


def test_a_number_below_every_format_is_between_zero_and_the_grain() -> None:
    with balls.workprec(100):
        tiny = (-balls.exact(30).exp()).exp()
        assert balls.enclosure(tiny) == Enclosure(lower=Fraction(0), upper=1 / LIMIT)
        assert balls.enclosure(-tiny) == Enclosure(lower=-1 / LIMIT, upper=Fraction(0))


def test_a_ball_from_tiny_to_huge_is_cut_off_at_both_ends() -> None:
    with balls.workprec(100):
        wide = balls.exact(2) + arb(0, arb(1).exp() ** 100_000)
        found = balls.enclosure(wide)
    assert found.lower == -LIMIT
    assert found.upper == LIMIT


# ── conditions ────────────────────────────────────────────────────────────────────────

ONE, TWO = balls.exact(1), balls.exact(2)
WIDE = balls.around(balls.exact(1), balls.exact(Fraction(1, 2)))


@pytest.mark.parametrize(
    ("name", "x", "y", "expected"),
    [
        ("lt", ONE, TWO, True),
        ("lt", TWO, ONE, False),
        ("lt", ONE, ONE, False),
        ("lt", WIDE, ONE, None),
        ("lt", WIDE, TWO, True),
        ("le", ONE, ONE, True),
        ("le", WIDE, ONE, None),
        ("le", TWO, WIDE, False),
        ("gt", TWO, WIDE, True),
        ("ge", ONE, ONE, True),
        ("ge", WIDE, WIDE, None),
        ("eq", ONE, ONE, True),
        ("eq", ONE, TWO, False),
        ("eq", WIDE, WIDE, None),
        ("eq", WIDE, TWO, False),
        ("ne", ONE, ONE, False),
        ("ne", ONE, TWO, True),
        ("ne", WIDE, ONE, None),
    ],
)
def test_a_relation_is_only_what_the_balls_prove(
    name: str, x: Any, y: Any, expected: bool | None
) -> None:
    assert balls.OPERATIONS[name](x, y) is expected


@pytest.mark.parametrize("p", [True, False, None])
@pytest.mark.parametrize("q", [True, False, None])
def test_connectives_are_kleenes(p: bool | None, q: bool | None) -> None:
    """Strong three-valued logic: S. C. Kleene, Introduction to Metamathematics, section
    64."""
    both = False if False in (p, q) else None if None in (p, q) else True
    either = True if True in (p, q) else None if None in (p, q) else False
    assert balls.OPERATIONS["logical_and"](p, q) is both
    assert balls.OPERATIONS["logical_or"](p, q) is either
    assert balls.OPERATIONS["logical_not"](p) is (None if p is None else not p)


def test_an_undecided_choice_encloses_both_branches() -> None:
    found = ends(balls.OPERATIONS["where"](None, ONE, TWO))
    assert found.lower <= 1
    assert found.upper >= 2
    above = ends(balls.OPERATIONS["above"](WIDE, ONE))
    assert above.lower <= 0
    assert above.upper >= 1


# ── values of the tables ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        # DLMF 3.12.1 and 4.2.11, 40 decimals.
        ("pi", "3.1415926535897932384626433832795028841971"),
        ("e", "2.7182818284590452353602874713526624977572"),
    ],
)
def test_constants_are_those_of_the_tables(name: str, digits: str) -> None:
    with balls.workprec(200):
        found = ends(balls.constant(name, None))
    assert abs(found.lower - Fraction(digits)) < Fraction(1, 10**39)
    assert abs(found.upper - Fraction(digits)) < Fraction(1, 10**39)


EULER = "0.57721566490153286060651209008240243104"  # DLMF 5.2.3
KNOWN = [
    # DLMF 5.4.12: ψ(1) = −γ; 5.4.13: ψ(1/2) = −γ − 2 ln 2.
    ("digamma", [1], "-" + EULER),
    # DLMF 5.15.1 and 25.6.1: ψ′(1) = π²/6.
    ("polygamma", [1, 1], "1.6449340668482264364724151666460251892"),
    # DLMF 5.4.6: Γ(1/2) = √π, so log Γ(1/2) = (log π)/2.
    ("lgamma", [0.5], "0.5723649429247000870717136756765293558"),
    # |Γ(−1/2)| = 2√π.
    ("lgamma", [-0.5], "1.2655121234846453964889457971347059239"),
    # OEIS A099286.
    ("erf", [1], "0.8427007929497148693412206350826092593"),
    ("asin", [1], "1.5707963267948966192313216916397514421"),
    ("atan2", [0, -1], "3.1415926535897932384626433832795028842"),
    ("hypot", [3, 4], "5"),
    ("hypot", [0, 0], "0"),
    ("cbrt", [-27], "-3"),
    ("cbrt", [0], "0"),
    ("sign", [-3], "-1"),
    ("relu", [-3], "0"),
    ("sigmoid", [0], "0.5"),
    ("pow", [0, 0], "1"),
    ("pow", [4, -1.5], "0.125"),
    ("pow", [-2, -3], "-0.125"),
    ("pow", [0, 2.5], "0"),
    ("exp2", [10], "1024"),
    ("log2", [1024], "10"),
    ("log10", [1000], "3"),
]


@pytest.mark.parametrize(("name", "operands", "digits"), KNOWN)
def test_values_are_those_of_the_tables(
    name: str, operands: list[float], digits: str
) -> None:
    with balls.workprec(200):
        found = ends(balls.OPERATIONS[name](*map(balls.exact, operands)))
    for end in (found.lower, found.upper):
        assert abs(end - Fraction(digits)) < Fraction(1, 10**36)
