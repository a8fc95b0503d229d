"""Limits of several inputs and at exact points, against mpmath at 200 digits on ways of
many speeds into the point."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from entries import gradient, slopes
from mpmath import mp, mpf

from tests.witnesses import WITNESS
from verifier.floats import BINARY64
from verifier.language.programs.parsing import parse
from verifier.language.programs.program import Program
from verifier.records import VALUE, Truth, TruthStatus
from verifier.symbolic.truth.oracle import Oracle

DIGITS = 300
WAYS = 24
FARAWAY = 4
"""Of an infinite limit: 10⁻²⁴ from the point even a logarithm is beyond this."""

PROVED: list[tuple[str, dict[str, float]]] = [
    # finance
    (
        "s*ndtr(log(s/k)/(v*sqrt(t)) + v*sqrt(t)/2) - k*ndtr(log(s/k)/(v*sqrt(t)) - v*sqrt(t)/2)",
        {"s": 2, "k": 1, "v": 0.25, "t": 0},
    ),
    ("p*r/(1 - (1 + r)**(-n))", {"p": 100, "r": 0, "n": 12}),
    ("(exp(a*t) - exp(b*t))/(a - b)", {"a": 1, "b": 1, "t": 2}),
    # physics
    ("2*h*f**3/(exp(h*f/(k*t)) - 1)", {"h": 1, "f": 0, "k": 1, "t": 2}),
    ("exp(-(x-y)**2/(4*k*t))/sqrt(4*pi*k*t)", {"x": 1, "y": 0, "k": 1, "t": 2**-9}),
    ("m*g/k*(1 - exp(-k*t/m))", {"m": 2, "g": 9.75, "k": 0, "t": 1}),
    ("sin(n*a/2)**2/sin(a/2)**2", {"n": 3, "a": 0}),
    ("1/sqrt((x-a)**2 + (y-b)**2)", {"x": 1, "a": 1, "y": 2, "b": 2}),
    ("k1/(k2 - k1)*(exp(-k1*t) - exp(-k2*t))", {"k1": 1, "k2": 1, "t": 1}),
    ("(a*exp(-b*t) - b*exp(-a*t))/(a - b)", {"a": 1, "b": 1, "t": 1}),
    ("x**3/(exp(x/t) - 1)", {"x": 0, "t": 2}),
    ("1/tanh(x) - 1/x", {"x": 0}),
    ("besselj(1, r)/r", {"r": 0}),
    # statistics
    ("((x + 1)**l - 1)/l", {"x": 1, "l": 0}),
    ("(1 + k*z)**(-1/k)", {"k": 0, "z": 1}),
    ("(x**q - y**q)/q", {"x": 2, "y": 3, "q": 0}),
    ("-log(-log(u))", {"u": 1}),
    ("log(-log(p))", {"p": 0}),
    ("(x - y)/(log(x) - log(y))", {"x": 2, "y": 2}),
    ("(x*log(x/y) - x + y)/(x - y)**2", {"x": 2, "y": 2}),
    ("lgamma(x) + log(x)", {"x": 0}),
    ("digamma(x) + 1/x", {"x": 0}),
    ("polygamma(1, x) - 1/x**2", {"x": 0}),
    ("log(erfc(t/sqrt(2))/2)", {"t": 64}),
    # rotations and Chebyshev polynomials
    ("sin((1-t)*acos(d))/sin(acos(d))", {"t": 0.25, "d": 1}),
    ("acos(d)/sqrt(1 - d**2)", {"d": 1}),
    ("acos((w-1)/2)**2", {"w": 3}),
    ("cos(5*acos(x))", {"x": 1}),
    ("cos(acos(x)/3)", {"x": 1}),
    ("sin(6*acos(x))/sin(acos(x))", {"x": 1}),
    ("atan2(abs(x), -1)", {"x": 0}),
    ("c*atan(sqrt(x**2+y**2))/sqrt(x**2+y**2)*a", {"x": 0, "y": 0, "a": 2, "c": 3}),
    # kernels and splines
    (
        "(1+sqrt(5)*abs(x-y)/l+5*(x-y)**2/(3*l**2))*exp(-sqrt(5)*abs(x-y)/l)",
        {"x": 1, "y": 1, "l": 0.7},
    ),
    ("(1 + 0.7*abs(x))*exp(-0.7*abs(x))", {"x": 0}),
    ("(x**2 + y**2)*log(x**2 + y**2)", {"x": 0, "y": 0}),
    ("exp(-abs(x-y)/0.3)", {"x": 1, "y": 1}),
    ("(exp(x) - exp(y))/(x - y)", {"x": 1, "y": 1}),
    ("(sin(x) - sin(y))/(x - y)", {"x": 1, "y": 1}),
    ("(exp(x) - exp(y) - (x-y)*exp(y))/(x-y)**2", {"x": 1, "y": 1}),
    # exact points
    ("clamp(0.1*x, 0, 0.3)", {"x": 3}),
    ("asin(0.1*x)", {"x": 10}),
    ("sqrt(1 - x/10*10)", {"x": 1}),
    ("(0.1*x - 0.3)/(x - 3)", {"x": 3}),
    ("sin(pi*x)/(x - 1)", {"x": 1}),
    ("(1 - cos(2*pi*x))/(x - 1)**2", {"x": 1}),
    ("cos(pi*x)/(1 - 2*x)", {"x": 0.5}),
    ("log(abs(sin(pi*x)))", {"x": 1}),
    ("abs(tan(pi*x/4) - 1)", {"x": 1}),
    ("abs(cbrt(x) - 2)", {"x": 8}),
    ("abs(log2(x) - 5)", {"x": 32}),
    ("max(sqrt(x), 3)", {"x": 9}),
    ("relu(exp2(x) - 8)", {"x": 3}),
    # compositions
    ("1/(x-y)**2", {"x": 1, "y": 1}),
    ("1/(x**2-y**2)**2", {"x": 1, "y": -1}),
    ("exp(-1/(x-y)**2)", {"x": 1, "y": 1}),
    ("exp(-w)*l**exp(w)", {"w": 1, "l": 0}),
    ("x**pi/x", {"x": 0}),
]


@pytest.mark.parametrize(("text", "point"), PROVED)
def test_what_is_claimed_holds_on_ways_of_many_speeds(
    text: str, point: dict[str, float]
) -> None:
    program = parse(text, variables=list(point))
    truth = Oracle(program, program.inputs).at(
        {name: float(value) for name, value in point.items()}, 1.0, BINARY64
    )
    assert truth[VALUE].status in (TruthStatus.FINITE, TruthStatus.INFINITE)
    checked = 0
    with mp.workdps(DIGITS):
        for way in _ways(point):
            value = _evaluated(program, way)
            if value is None:
                continue
            checked += 1
            assert _is_near(truth[VALUE], value), (way, value)
            for name, known in slopes(truth).items():
                slope = _slope(program, way, name)
                assert slope is None or _is_near(known, slope), (name, way, slope)
    assert checked >= WAYS // 6


def _ways(point: dict[str, float]) -> list[dict[str, Any]]:
    """Points 10⁻²⁴ to 10⁻⁴⁸ from that one, each input at a distance of its own."""
    draw = random.Random(7)
    return [
        {
            name: mpf(value)
            + draw.choice((1, -1))
            * mpf(draw.uniform(0.5, 1))
            * mpf(10) ** -draw.choice((24, 30, 36, 48))
            for name, value in point.items()
        }
        for _ in range(WAYS)
    ]


def _evaluated(program: Program, way: dict[str, Any]) -> Any:
    """The program by mpmath; None outside of its domain."""
    done: list[Any] = []
    for node in program.nodes:
        if node.operation == "variable":
            done.append(way[node.name or ""])
        elif node.operation == "constant":
            named = {"pi": +mp.pi, "e": +mp.e}
            number = node.number
            done.append(
                named[node.name or ""]
                if number is None
                else mpf(number.numerator) / number.denominator
            )
        else:
            operands = [done[index] for index in node.arguments]
            try:
                result = WITNESS[node.operation](*operands)
            except (ValueError, ZeroDivisionError):
                return None
            if isinstance(result, mp.mpc) or not mp.isfinite(result):
                return None
            done.append(result)
    return done[program.output]


def _slope(program: Program, way: dict[str, Any], name: str) -> Any:
    step = mpf(10) ** -90
    ends = [
        _evaluated(program, way | {name: way[name] + side * step}) for side in (1, -1)
    ]
    return None if None in ends else (ends[0] - ends[1]) / (2 * step)


def _is_near(truth: Truth, value: Any) -> bool:
    """Whether a number beside the point is near what is claimed at it, or between the
    sides of a kink."""
    if truth.status is TruthStatus.INFINITE:
        return bool(value * truth.sign > FARAWAY)
    if truth.enclosure is None:
        return True  # no number is claimed
    lower, upper = (
        mpf(end.numerator) / end.denominator
        for end in (truth.enclosure.lower, truth.enclosure.upper)
    )
    slack = mpf(10) ** -3 * max(1, abs(upper))
    return bool(lower - slack <= value <= upper + slack)


@pytest.mark.parametrize("way", [1e8, 1e16])
def test_the_logarithm_of_a_normal_tail_is_known_far_out(way: float) -> None:
    """log Φ(−t) = −t²/2 − log(t√(2π)) + O(t⁻²) (DLMF 7.12.1)."""
    program = parse("log(erfc(t/sqrt(2))/2)")
    truth = Oracle(program, ("t",)).at({"t": way}, 1.0, BINARY64)
    with mp.workdps(60):
        expected = -(mpf(way) ** 2) / 2 - mp.log(way * mp.sqrt(2 * mp.pi))

    assert truth[VALUE].enclosure is not None
    assert float(truth[VALUE].enclosure.lower) == float(expected)
    slope = truth[gradient("t")].enclosure
    assert slope is not None
    assert math.isclose(float(slope.lower), -way - 1 / way, rel_tol=1e-15)


@pytest.mark.parametrize(
    ("text", "x", "value", "slope"),
    [
        ("tan(pi*x)", 0.5, "undefined", "infinite"),
        ("floor(log2(x))", 8, "finite", "undefined"),
        ("floor(log10(x))", 1000, "finite", "undefined"),
        ("ceil(sqrt(x))", 16, "finite", "undefined"),
        ("floor(6*asin(x)/pi)", 0.5, "finite", "undefined"),
        ("1/sin(pi*x)", 3, "undefined", "infinite"),
        ("1/(0.1*x - 0.3)", 3, "undefined", "infinite"),
    ],
)
def test_jumps_and_poles_at_exact_points_are_seen(
    text: str, x: float, value: str, slope: str
) -> None:
    program = parse(text)
    found = Oracle(program, ("x",)).at({"x": float(x)}, 1.0, BINARY64)

    assert found[VALUE].status == value
    assert found[gradient("x")].status == slope
