"""Numbers that balls cannot hold: their forms, against identities of arithmetic and
trigonometry."""

from __future__ import annotations

from fractions import Fraction

import pytest

from verifier.floats import BINARY64
from verifier.language.programs import rewriting
from verifier.language.programs.parsing import parse
from verifier.records import VALUE, TruthStatus
from verifier.symbolic.arithmetic import balls, exact, exact_functions
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.truth.oracle import Oracle


def _number(text: str, **point: float) -> Number:
    program = rewriting.define(parse(text, variables=list(point)))
    found: Number = exact_functions.values(program, point)[program.output]
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.3 - 3*0.1", 0),
        ("sqrt(3)*sqrt(3)", 3),
        ("sqrt(12)/sqrt(3)", 2),
        ("sqrt(2/9)*sqrt(2)", Fraction(2, 3)),
        ("sqrt(2080901068657597**2)", 2080901068657597),
        ("cbrt(2080901068657597**3)", 2080901068657597),
        ("sqrt(1.8482114227126063**2)", Fraction("1.8482114227126063")),
        ("8**(1/3)", 2),
        ("cbrt(-8)", -2),
        ("(1 + sqrt(2))**2 - 2*sqrt(2)", 3),
        ("log2(1/8)", -3),
        ("log(8)/log(2)", 3),
        ("log10(1000)", 3),
        ("log(6) - log(2) - log(3)", 0),
        ("exp(2*log(3))", 9),
        ("log(e**3)", 3),
        ("exp(1)/e", 1),
        ("cos(pi/2)", 0),
        ("sin(7*pi/6)", Fraction(-1, 2)),
        ("tan(3*pi/4)", -1),
        ("cos(pi/4)**2", Fraction(1, 2)),
        ("sin(pi/5) - sin(4*pi/5)", 0),
        ("acos(0.5)/pi", Fraction(1, 3)),
        ("asin(0.1*10)/pi", Fraction(1, 2)),
        ("pi/3 - pi*(1/3)", 0),
        ("sin(-1) + sin(1)", 0),
        ("digamma(0.3) - digamma(3/10)", 0),
        ("floor(log2(8))", 3),
        ("lgamma(2)", 0),
    ],
)
def test_a_form_knows_rational_numbers(text: str, expected: Fraction) -> None:
    with balls.workprec(100):
        number = _number(text)

        assert number.rational == expected
        assert balls.overlaps(number.ball, balls.exact(Fraction(expected)))


@pytest.mark.parametrize(
    "text",
    [
        "exp(1) - 2.718281828459045",
        "pi - 355/113",
        "sqrt(2)",
        "log(2)*log(3)",
        "e + pi",
    ],
)
def test_no_other_number_is_taken_for_a_rational_one(text: str) -> None:
    with balls.workprec(100):
        assert _number(text).rational is None


@pytest.mark.parametrize(
    "text",
    [
        "asin(2) - asin(2)",
        "acos(e)*(3 - sqrt(3)*sqrt(3))",
        "asin(sin(1)**2 + cos(1)**2) - asin(sin(1)**2 + cos(1)**2)",
        "(sin(1)**2 + cos(1)**2 - 1)/(sin(1)**2 + cos(1)**2 - 1)",
        "(0.3 - 3*0.1)/(sin(1)**2 + cos(1)**2 - 1)",
        "atan2(0, -1) + atan2(-0.0, -1)",
        "atan2(sin(1)**2 + cos(1)**2 - 1, -2) - pi",
    ],
)
def test_what_may_not_exist_or_hangs_on_the_sign_of_a_zero_is_not_known(
    text: str,
) -> None:
    """0·acos(e) and 0/0 are no numbers; atan2(±0, −1) is ±π (IEEE 754-2019, section
    9.2.1)."""
    program = rewriting.define(parse(text))
    with balls.workprec(100):
        assert exact_functions.values(program, {})[program.output] is None


def test_no_choice_is_made_by_an_angle_on_its_cut_for_the_other_sign_of_zero() -> None:
    """atan2(−0, −1) is −π, so that 3 is the value; 6 would be that of atan2(+0, −1)."""
    program = parse("where(atan2(y, -1) == -pi, x, 2*x)", variables=["x", "y"])
    truth = Oracle(program, ("x",)).at({"x": 3.0, "y": -0.0}, 1.0, BINARY64)

    known = truth[VALUE]
    assert known.status is TruthStatus.PRECISION or (
        known.enclosure is not None and known.enclosure.lower == 3
    )


def test_a_pole_at_a_multiple_of_pi_is_told() -> None:
    with balls.workprec(100):
        angle = _number("pi*x", x=2.5)
        with pytest.raises(exact.Pole):
            exact_functions.apply("tan", [angle])


def test_an_input_that_is_a_ball_cancels_with_itself_alone() -> None:
    with balls.workprec(100):
        wide = balls.around(balls.exact(2.0), balls.dyadic(-20))
        x, y = exact.variable("x", wide), exact.variable("y", wide)

        assert (x * x - x * x).is_zero
        assert (
            exact_functions.apply("exp", [x + y])
            - exact_functions.apply("exp", [y + x])
        ).is_zero
        assert not (x - y).is_zero
        assert (x - y).sign() is None


def test_a_broken_power_of_a_square_keeps_its_sign_open() -> None:
    """√(x²) is |x|, not x."""
    with balls.workprec(100):
        wide = balls.around(balls.exact(-2.0), balls.dyadic(-20))
        x = exact.variable("x", wide)

        root = exact_functions.apply("sqrt", [x * x])
        assert not (root - x).is_zero
        assert (root + x).is_zero
        assert root.ball > 0
