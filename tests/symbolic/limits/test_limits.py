"""Limits from each side, against calculus done by hand."""

from __future__ import annotations

import math

import pytest
from entries import gradient as by
from entries import of, slopes, step

from verifier.floats import BINARY32, BINARY64
from verifier.language.programs.parsing import parse, parse_steps
from verifier.records import VALUE, PointTruth, Truth, TruthStatus
from verifier.symbolic.truth.hessian import HessianOracle
from verifier.symbolic.truth.oracle import Oracle

INF = math.inf
PI = math.pi


def _at(text: str, point: dict[str, float]) -> PointTruth:
    program = parse(text, variables=list(point))
    oracle = Oracle(program, program.inputs)
    return oracle.at({name: float(v) for name, v in point.items()}, 1.0, BINARY64)


def _said(truth: Truth) -> object:
    """A number, (left, right) at a kink, an infinity, or the status."""
    if truth.status is TruthStatus.FINITE and truth.enclosure is not None:
        return float((truth.enclosure.lower + truth.enclosure.upper) / 2)
    if truth.status is TruthStatus.KINK:
        return tuple(
            (INF if end.lower > 0 else -INF)
            if abs(end.lower) > 2**2000
            else float(end.lower)
            for end in truth.sides
        )
    if truth.status is TruthStatus.INFINITE:
        return truth.sign * INF
    return truth.status.value


@pytest.mark.parametrize(
    ("text", "x", "value", "slope"),
    [
        # removable singularities
        ("sin(x)/x", 0, 1, 0),
        ("(exp(x)-1)/x", 0, 1, 0.5),
        ("(1-cos(x))/x**2", 0, 0.5, 0),
        ("(tan(x)-sin(x))/x**3", 0, 0.5, 0),
        ("x/tanh(x)", 0, 1, 0),
        ("1/(1/x)", 0, 0, 1),
        ("where(x == 0, 1, sin(pi*x)/(pi*x))", 0, 1, 0),
        ("cos(sqrt(x))", 0, 1, -0.5),
        ("sqrt(x**4)", 0, 0, 0),
        ("x**0.5 * x**0.5", 0, 0, 1),
        ("abs(x)**1.5", 0, 0, 0),
        ("x*abs(x)", 0, 0, 0),
        ("x**0", 0, 1, 0),
        ("exp(-1/x**2)", 0, 0, 0),
        # infinite derivatives, ends of the domain, poles
        ("sqrt(x)", 0, 0, INF),
        ("cbrt(x)", 0, 0, INF),
        ("x*log(x)", 0, 0, -INF),
        ("x**x", 0, 1, -INF),
        ("log(x)", 0, -INF, INF),
        ("log1p(x)", -1, -INF, INF),
        ("asin(x)", 1, PI / 2, INF),
        ("asin(x)", -1, -PI / 2, INF),
        ("acos(x)", -1, PI, -INF),
        ("acosh(x)", 1, 0, INF),
        ("atanh(x)", 1, INF, INF),
        ("lgamma(x)", 0, INF, "undefined"),
        ("digamma(x)", -1, "undefined", INF),
        ("digamma(x)", -1e30, "undefined", INF),
        ("1/x", 0, "undefined", -INF),
        ("1/x**2", 0, INF, "undefined"),
        ("-x*log(x) - (1-x)*log(1-x)", 0, 0, INF),
        # outside the domain
        ("log(x)", -1, "undefined", "undefined"),
        ("sqrt(x)", -1, "undefined", "undefined"),
        ("asin(x)", 2, "undefined", "undefined"),
        ("exp(log(x))", -1, "undefined", "undefined"),
        ("x", math.nan, "undefined", "undefined"),
        # kinks: (left, right)
        ("abs(x)", 0, 0, (-1, 1)),
        ("relu(x)", 0, 0, (0, 1)),
        ("min(max(x, 0), 6)", 6, 6, (1, 0)),
        ("clamp(x, -1, 1)", 1, 1, (1, 0)),
        ("sqrt(x**2)", 0, 0, (-1, 1)),
        ("where(x > 0, x, x/10)", 0, 0, (0.1, 1)),
        ("where(x > 0, sqrt(x), 0)", 0, 0, "undefined"),
        ("abs(sin(x))", 0, 0, (-1, 1)),
        ("max(sqrt(x), 1)", 0, 1, 0),
        # ties of numbers that are not dyadic
        ("clamp(0.2*x + 0.5, 0, 1)", 2.5, 1, (0.2, 0)),
        ("relu(1 - 0.1*x)", 10, 0, (-0.1, 0)),
        ("min((x + 3)/6, 1)", 3, 1, (1 / 6, 0)),
        ("relu(x/7 - 3/7)", 3, 0, (0, 1 / 7)),
        ("max(x + 0.1, 0.1 + x)", 1, 1.1, 1),
        ("max(x/3, 2/3 - x/3)", 1, 1 / 3, (-1 / 3, 1 / 3)),
        ("where(x/3 > 1/3, x, 2*x - 1)", 1, 1, (2, 1)),
        ("floor(x*0.1)", 20, 2, "undefined"),
        ("sqrt(abs(x))", 0, 0, "undefined"),
        # jumps
        ("sign(x)", 0, 0, "undefined"),
        ("x + where(x > 0, 1, 0)", 0, 0, "undefined"),
        ("floor(x)", 2, 2, "undefined"),
        ("x/abs(x)", 0, "undefined", "undefined"),
        ("x*where(x > 0, 1, 0) + 1", 0, 1, (0, 1)),
        ("floor(x)", 2.5, 2, 0),
        ("ceil(x)", 2.5, 3, 0),
        # at infinity
        ("sigmoid(x)", INF, 1, 0),
        ("sigmoid(x)", -INF, 0, 0),
        ("tanh(x)", INF, 1, 0),
        ("atan(x)", -INF, -PI / 2, 0),
        ("erf(x)", INF, 1, 0),
        ("x*erfc(x)", INF, 0, 0),
        ("x*exp(-x)", INF, 0, 0),
        ("x**2", INF, INF, INF),
        ("x**3", -INF, -INF, INF),
        ("exp(x)", -INF, 0, 0),
        ("log(1+exp(x))", INF, INF, 1),
        ("softplus(x)", INF, INF, 1),
        ("log(cosh(x))", INF, INF, 1),
        ("sqrt(1+x**2)", -INF, INF, -1),
        ("sqrt(x+1)-sqrt(x)", INF, 0, 0),
        ("(1+1/x)**x", INF, math.e, 0),
        ("log(x)/x", INF, 0, 0),
        ("x/(1+abs(x))", -INF, -1, 0),
        ("asinh(x)", -INF, -INF, 0),
        ("lgamma(x)", INF, INF, INF),
        ("exp(x)/(exp(x)+exp(-x))", INF, 1, 0),
        ("x*(1+erf(x/sqrt(2)))/2", -INF, 0, 0),
    ],
)
def test_the_value_and_the_slope_are_those_of_calculus(text, x, value, slope):
    found = _at(text, {"x": x})

    assert _close(value, _said(found[VALUE]))
    assert _close(slope, _said(found[by("x")]))


def _close(expected: object, found: object) -> bool:
    return found == (
        pytest.approx(expected) if not isinstance(expected, str) else expected
    )


@pytest.mark.parametrize(
    ("text", "point", "expected"),
    [
        ("sqrt(x**2+y**2)", {"x": 0, "y": 0}, {"x": (-1, 1), "y": (-1, 1)}),
        ("hypot(x, y)", {"x": 0, "y": 0}, {"x": (-1, 1), "y": (-1, 1)}),
        ("max(x, y)", {"x": 1, "y": 1}, {"x": (0, 1), "y": (0, 1)}),
        ("max(x, y, z)", {"x": 1, "y": 1, "z": 1}, dict.fromkeys("xyz", (0, 1))),
        ("abs(x-y)/2", {"x": 1, "y": 1}, {"x": (-0.5, 0.5), "y": (-0.5, 0.5)}),
        ("x*abs(y)", {"x": 3, "y": 0}, {"x": 0, "y": (-3, 3)}),
        ("x**y", {"x": 0, "y": 2}, {"x": 0, "y": 0}),
        ("x**y", {"x": 0, "y": 0.5}, {"x": INF, "y": 0}),
        ("x/sqrt(x**2+y**2)", {"x": 0, "y": 0}, dict.fromkeys("xy", "undefined")),
        # both partial derivatives along the axes are 0, yet no value makes it
        # continuous
        ("x*y/(x**2+y**2)", {"x": 0, "y": 0}, dict.fromkeys("xy", "undefined")),
        ("where(x == 0, 0, x*log(1+y))", {"x": 0, "y": -1}, {"y": 0}),
        ("x+y", {"x": INF, "y": 1}, {"x": 1, "y": 1}),
        ("x-y", {"x": INF, "y": INF}, {"x": 1, "y": -1}),
        ("x*y", {"x": INF, "y": 2}, {"x": 2, "y": INF}),
    ],
)
def test_several_inputs_have_a_limit_along_each(text, point, expected):
    found = _at(text, point)

    for name, wanted in expected.items():
        assert _close(wanted, _said(found[by(name)]))


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("x/sqrt(y)", {"x": 0, "y": 0}),  # 0 along y, 1 along x = √y
        ("x**2/y", {"x": 0, "y": 0}),  # 1 along y = x²
        ("x**2/(y*z)", {"x": 0, "y": 0, "z": 0}),
        ("x*log(y)", {"x": 0, "y": 0}),  # −1 along y = exp(−1/x)
        ("x*exp(-x/y)", {"x": 0, "y": 0}),  # infinite along y = −x²
        ("exp(-x**2/(2*v))", {"x": 0, "v": 0}),
        ("ndtr(x/sqrt(y))", {"x": 0, "y": 0}),  # Black-Scholes' d₁ at expiry
        ("(x-1)/acosh(y)", {"x": 1, "y": 1}),
        ("x*y**3", {"x": INF, "y": 0}),  # 1 along y = x^(−1/3)
        ("x/y**3", {"x": INF, "y": INF}),
        ("x**2*y/(x**4+y**2)", {"x": 0, "y": 0}),  # 0 along lines, 1/2 along y = x²
        ("x*y**2/(x**2+y**4)", {"x": 0, "y": 0}),
        ("log(x)/log(y)", {"x": 0, "y": 0}),
        ("x**y", {"x": INF, "y": 0}),
        ("atan2(y, x)", {"x": INF, "y": INF}),
        ("m*v/(m**2 + v**2)", {"m": INF, "v": INF}),
        ("exp(-e/(k*t))", {"e": 0, "k": 1, "t": 0}),  # Boltzmann at 0 K
        ("1/log(x+y)", {"x": 0.5, "y": 0.5}),
    ],
)
def test_two_ways_with_different_limits_refute_a_limit(text, point):
    found = _at(text, point)

    assert found[VALUE].status is TruthStatus.UNDEFINED
    if INF not in point.values():
        for slope in slopes(found).values():
            assert slope.status in (TruthStatus.UNDEFINED, TruthStatus.INFINITE)


@pytest.mark.parametrize("text", ["x**5*y/(x**10+y**2)", "x*tanh(y/x)"])
def test_a_point_that_two_inputs_leave_is_undecided_without_a_proof(text):
    found = _at(text, {"x": 0, "y": 0})

    assert found[VALUE].status is TruthStatus.LIMIT
    assert found[by("x")].status is TruthStatus.LIMIT


@pytest.mark.parametrize(
    ("text", "point", "value", "gradient"),
    [
        ("sin(x*y)/y", {"x": 2, "y": 0}, 2, {"x": 1, "y": 0}),
        ("(1-exp(-x*y))/y", {"x": 2, "y": 0}, 2, {"x": 1, "y": -2}),
        ("sin(x)/x*y + abs(z)", {"x": 0, "y": 3, "z": 0}, 3, {"y": 1, "z": (-1, 1)}),
        (
            "(x**y - 1)/y",  # Box and Cox, 1964: log x, its found 1/x and (log x)²/2
            {"x": 2, "y": 0},
            math.log(2),
            {"x": 0.5, "y": math.log(2) ** 2 / 2},
        ),
        ("log1p(x*y)/x", {"x": 0, "y": 3}, 3, {"x": -4.5, "y": 1}),
        ("x*y/tanh(y)", {"x": 3, "y": 0}, 3, {"x": 1, "y": 0}),
        ("1/(x-y)**2", {"x": 1, "y": 1}, INF, {}),
        ("1/(x**2-y**2)**2", {"x": 1, "y": -1}, INF, {}),
        ("z + log(abs(x - y))", {"x": 2, "y": 2, "z": 5}, -INF, {}),
        ("exp(-x - y)", {"x": INF, "y": INF}, 0, {"x": 0, "y": 0}),
        ("exp(-x)/(1 + y)", {"x": INF, "y": INF}, 0, {}),
        ("x*y", {"x": INF, "y": -INF}, -INF, {}),
        (  # of a negative b the other root: −c/2b and its found
            "(-b - sqrt(b*b - a*c))/a",
            {"a": 0, "b": -4.5, "c": 6.5},
            6.5 / 9,
            {"a": 6.5**2 / (8 * 4.5**3), "b": 6.5 / (2 * 4.5**2), "c": 1 / 9},
        ),
        ("sqrt((x*y)**2)/y", {"x": -3, "y": 0}, "undefined", {}),
        ("sqrt((x*y)**2)/abs(y)", {"x": -3, "y": 0}, 3, {"x": -1, "y": 0}),
        (  # −c/b and its found; the square of b has more digits than a double
            "(-b + sqrt(b*b - 4*a*c))/(2*a)",
            {"a": 0, "b": 1.8482114227126063, "c": -6.5},
            6.5 / 1.8482114227126063,
            {
                "a": -(6.5**2) / 1.8482114227126063**3,
                "b": -6.5 / 1.8482114227126063**2,
                "c": -1 / 1.8482114227126063,
            },
        ),
        ("tanh(x*y) + z", {"x": INF, "y": 2, "z": 1}, 2, {"z": 1, "y": 0}),
        (  # the last of many quantities, most of them written alike, leaves the point alone
            "n*(x*c)**4*(1 - 4/(tanh(x*c*s)*tanh(x*c*s))"
            " + 3/(tanh(x*c*s)*tanh(x*c*s)*tanh(x*c*s)*tanh(x*c*s)))",
            {"x": 0, "c": -8, "s": 2.5, "n": -0.5},
            -0.5 * 3 / 2.5**4,
            {"n": 3 / 2.5**4, "x": 0, "s": 0.5 * 12 / 2.5**5},
        ),
    ],
)
def test_a_limit_is_proved_along_every_way(text, point, value, gradient):
    found = _at(text, point)

    assert _close(value, _said(found[VALUE]))
    for name, slope in gradient.items():
        assert _close(slope, _said(found[by(name)]))


def test_an_impossible_class_adds_nothing_to_the_cross_entropy():
    """0 · log 0 is 0 in an entropy (Cover and Thomas, 2.1): of y = 1 the loss is −log
    x, of y = 0 −log(1 − x)."""
    for x, slope in ((1, -1), (0, 1)):
        truth = _at("binary_cross_entropy(x, y)", {"x": x, "y": x})
        assert _said(truth[VALUE]) == 0
        assert _said(truth[by("x")]) == slope
        assert _said(truth[by("y")]) == "undefined"  # inf beside the point
    assert _said(_at("binary_cross_entropy(x, y)", {"x": 0, "y": 1})[VALUE]) == INF


def test_infinity_times_zero_has_no_value():
    assert _said(_at("x*y", {"x": INF, "y": 0})[VALUE]) == "undefined"


def test_a_difference_of_infinities_has_no_value():
    assert _said(_at("x-y", {"x": INF, "y": INF})[VALUE]) == "undefined"


@pytest.mark.parametrize(
    ("text", "x", "value", "slope"),
    [
        ("sin(1/x)", 0, "undefined", "undefined"),
        ("cos(log(x))", 0, "undefined", "undefined"),
        ("sin(x)", INF, "undefined", "undefined"),
        ("tan(1/x)", 0, "limit", "limit"),
        ("x*sin(1/x)", 0, 0, "undefined"),
        # |x² sin(1/x)| ≤ x²: the difference quotient at 0 vanishes, though the
        # derivative beside it oscillates
        ("x**2*sin(1/x)", 0, 0, 0),
        ("exp(-1/x**2)*cos(1/x**3)", 0, 0, 0),
        ("exp(x + x**2*cos(1/x))", 0, 1, 1),
        ("sinc(x)", INF, 0, 0),
        ("sin(x)/x", -INF, 0, 0),
        ("exp(-x)*cos(x)", INF, 0, 0),  # a damped oscillator comes to rest
        ("x + sin(x)", INF, INF, "undefined"),
        ("floor(x)", INF, INF, 0),
        ("(x + cos(x))/x", INF, 1, 0),
        ("floor(x)/x", INF, "limit", "limit"),
    ],
)
def test_what_oscillates_has_a_limit_only_where_it_vanishes(text, x, value, slope):
    found = _at(text, {"x": x})

    assert _close(value, _said(found[VALUE]))
    assert _close(slope, _said(found[by("x")]))


def test_the_upstream_gradient_turns_an_interval_round():
    program = parse("relu(x)")
    found = Oracle(program, ("x",)).at({"x": 0.0}, -2.0, BINARY64)[by("x")]

    assert found.enclosure is not None
    assert (found.enclosure.lower, found.enclosure.upper) == (-2, 0)


def test_a_named_step_has_its_own_limit():
    found = _at_steps()

    assert _said(found[step("b")]) == (-1.0, 1.0)


def _at_steps() -> PointTruth:

    program = parse_steps("b = x - 1\nc = abs(b)", variables=["x"])
    return Oracle(program, ("x",)).at({"x": 1.0}, 1.0, BINARY64)


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("sin(x)/x", 0, -1 / 3),
        ("where(x == 0, 1, sin(pi*x)/(pi*x))", 0, -(PI**2) / 3),
        ("(exp(x)-1)/x", 0, 1 / 3),
        ("x**4*abs(x)", 0, 0),
        ("x*abs(x)", 0, (-2, 2)),
        ("abs(x)", 0, "undefined"),
        ("sqrt(x)", 0, -INF),
    ],
)
def test_second_derivatives_have_limits_too(text, x, expected):
    program = parse(text)
    oracle = Oracle(program, ("x",))
    point = {"x": float(x)}
    first = oracle.at(point, 1.0, BINARY64)
    hessian = HessianOracle(program, ("x",), oracle.limits)

    found = of("hessian", hessian.at(point, 1.0, BINARY64, first))["x", "x"]

    assert _close(expected, _said(found))


def test_a_mixed_second_derivative_has_a_limit():
    program = parse("sin(x*y)/x")
    oracle = Oracle(program, ("x", "y"))
    point = {"x": 0.0, "y": 2.0}
    first = oracle.at(point, 1.0, BINARY64)
    hessian = HessianOracle(program, ("x", "y"), oracle.limits)

    found = of("hessian", hessian.at(point, 1.0, BINARY64, first))

    # d/dx d/dy sin(xy)/x = d/dx cos(xy) = -y sin(xy), which is 0 at x = 0
    assert _said(found["y", "x"]) == 0


def _mixed(text, point, names):
    program = parse(text, variables=names)
    oracle = Oracle(program, names)
    first = oracle.at(point, 1.0, BINARY64)
    hessian = HessianOracle(program, names, oracle.limits)
    return of("hessian", hessian.at(point, 1.0, BINARY64, first))


RADIUS = "x*x + y*y"


@pytest.mark.parametrize("names", ["xy", "yx"])
@pytest.mark.parametrize(
    ("text", "x_then_y", "y_then_x"),
    [
        # G. Peano's example (1884): f_x(0, y) = -y, f_y(x, 0) = x
        (f"where({RADIUS} > 0, x*y*(x*x - y*y)/({RADIUS}), 0)", -1, 1),
        (f"x*y*(x*x - y*y)/({RADIUS}) + 5*x*y", 4, 6),
        # f_x(0, y) = 0, f_y(x, 0) = x
        (f"where({RADIUS} > 0, x**3*y/({RADIUS}), 0)", 0, 1),
        # f_x(0, y) = y, f_y(x, 0) = 0
        (f"where({RADIUS} == 0, 0, x*y**3/({RADIUS}))", 1, 0),
        # the same in either order, for where |y| is differentiable it is ±x
        ("x*abs(y)", (-1, 1), (-1, 1)),
        ("y*where(x > 0, x, x/10)", (0.1, 1), (0.1, 1)),
        ("abs(x)*y**2", 0, 0),
        ("x*y*relu(x)", 0, 0),
        # x² or xy: along y at x = 0 the second begins where y > 0, along x at y = 0
        # where x < 0
        ("max(x, y)*x", (0, 1), (1, 0)),
    ],
)
def test_mixed_second_derivatives_need_not_be_symmetric(
    text, x_then_y, y_then_x, names
):
    found = _mixed(text, {"x": 0.0, "y": 0.0}, tuple(names))
    assert _said(found["x", "y"]) == pytest.approx(x_then_y)
    assert _said(found["y", "x"]) == pytest.approx(y_then_x)


def test_of_a_norm_mixed_second_derivatives_are_sets_of_limits():
    # d/dz d/dx z·hypot(x, y) = x/hypot(x, y): anything from -1 to 1 near the origin
    found = _mixed("z*hypot(x, y)", {"x": 0.0, "y": 0.0, "z": 0.0}, ("x", "y", "z"))
    assert _said(found["x", "z"]) == (-1, 1)
    assert _said(found["z", "x"]) == (-1, 1)


@pytest.mark.parametrize("text", ["log(x)", "sqrt(x)", "rsqrt(x)"])
def test_at_minus_zero_a_pole_has_either_sign_if_one_side_is_outside(text: str) -> None:
    """PyTorch gives `log` the slope −inf at −0, by IEEE 754; from inside the domain it
    is +inf."""
    oracle = Oracle(parse(text), ["x"])
    for zero, either in ((-0.0, True), (0.0, False)):
        slope = oracle.at({"x": zero}, 1.0, BINARY32)[by("x")]
        assert slope.status is TruthStatus.INFINITE
        assert (slope.signed is not None) is either
        if slope.signed is not None:
            assert (slope.signed.status, slope.signed.sign) == (
                TruthStatus.INFINITE,
                -slope.sign,
            )
    both = Oracle(parse("1/x**2"), ["x"]).at({"x": -0.0}, 1.0, BINARY32)[VALUE]
    assert (both.sign, both.signed) == (1, None)


def test_sides_that_differ_by_a_hundredth_bit_are_no_limit():
    """10^-30 of the slope is 2^-99.7: two sides that agree to 64 bits are no proof of a
    limit."""
    truths = Oracle(parse("x + 1e-30*abs(x)"), ("x",)).at({"x": 0.0}, 1.0, BINARY64)
    found = truths[by("x")]
    assert found.status is TruthStatus.KINK
    assert found.enclosure is not None
    assert found.enclosure.upper - found.enclosure.lower == pytest.approx(2e-30)

    jump = parse("(x + 1e-30*abs(x))/x")
    found = Oracle(jump, ("x",)).at({"x": 0.0}, 1.0, BINARY64)[VALUE]
    assert found.status is not TruthStatus.FINITE
