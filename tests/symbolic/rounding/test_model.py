"""What rounding may do contains what PyTorch does, contains the truth, and is no wider
than it must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
from entries import gradient, slopes, step
from hypothesis import given, settings
from hypothesis import strategies as st
from random_programs import texts

import verifier
from verifier.automatic import routes
from verifier.floats import BINARY32, BINARY64, FORMATS, Format, nearest, ulp
from verifier.language.programs.parsing import parse, parse_steps
from verifier.records import VALUE, Enclosure, Entry, TruthStatus
from verifier.symbolic.rounding.model import RoundingModel
from verifier.symbolic.rounding.program_model import Mode
from verifier.symbolic.rounding.real_arithmetic import REORDERING_ULP
from verifier.symbolic.truth.oracle import Oracle

# Without digamma, lgamma and polygamma, in which PyTorch 2.13 is no faithful
# implementation (see test_operations).
UNARY = (
    "exp", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "sigmoid", "softplus", "erf",
    "erfc", "abs", "square", "reciprocal", "sqrt", "log", "log1p", "cbrt", "relu", "sec", "neg", "exp2", "log2",
    "log10", "rsqrt", "acosh", "atanh", "asin", "acos", "sech", "coth",
)  # fmt: skip
BINARY = ("add", "sub", "mul", "div", "max", "min", "hypot", "atan2")


def spread(
    text: str,
    point: Mapping[str, float],
    *,
    upstream: float = 1.0,
    format_: Format = BINARY32,
    limited_range: bool = False,
    mode: Mode = Mode.REVERSE,
) -> Mapping[Entry, Enclosure | None]:
    program = parse_steps(text) if "\n" in text else parse(text)
    return (
        RoundingModel(
            program, program.inputs, format_, limited_range=limited_range, mode=mode
        )
        .spread(point, upstream)
        .reach
    )


def measured(
    text: str,
    point: Mapping[str, float],
    dtype: str,
    upstream: float = 1.0,
    mode: Mode = Mode.REVERSE,
) -> dict[str, float]:
    program = parse_steps(text) if "\n" in text else parse(text)
    found = routes.measure(
        program,
        [point],
        upstream,
        dtype=dtype,
        wrt=program.inputs,
        route=mode.value,
    )
    assert found.failure is None, found.failure
    return {
        "": found.values[0],
        **{name: found.gradient[name][0] for name in program.inputs},
    }


def contains(enclosure: Enclosure | None, value: Fraction | float) -> bool:
    return enclosure is None or enclosure.lower <= Fraction(value) <= enclosure.upper


def radius_ulp(enclosure: Enclosure | None, format_: Format) -> Fraction:
    assert enclosure is not None
    middle = (enclosure.lower + enclosure.upper) / 2
    return (enclosure.upper - enclosure.lower) / 2 / ulp(middle, format_)


# ── PyTorch stays inside ──────────────────────────────────────────────────────────────

benign = st.one_of(st.floats(0.125, 3), st.floats(-3, -0.125)).map(
    lambda v: nearest(Fraction(v), BINARY32)
)
dtypes = st.sampled_from(["float32", "float64"])


@pytest.mark.parametrize("mode", Mode)
@settings(derandomize=True, deadline=None, max_examples=400)
@given(
    texts(UNARY, BINARY, 5), benign, benign, dtypes, st.sampled_from([1.0, -3.0, 0.375])
)
def test_pytorch_and_the_truth_lie_inside_the_spread(
    mode: Mode, text: str, x: float, y: float, dtype: str, upstream: float
) -> None:
    text, point, format_ = text + " + 0*x + 0*y", {"x": x, "y": y}, FORMATS[dtype]
    free = spread(text, point, upstream=upstream, format_=format_, mode=mode)
    limited = spread(
        text, point, upstream=upstream, format_=format_, limited_range=True, mode=mode
    )
    program = parse(text)
    truth = Oracle(program, program.inputs).at(point, upstream, format_)
    found = measured(text, point, dtype, upstream, mode)
    for name in ("", *program.inputs):
        inside = free[gradient(name)] if name else free[VALUE]
        widest = limited[gradient(name)] if name else limited[VALUE]
        true = truth[gradient(name)] if name else truth[VALUE]
        if true.status is TruthStatus.FINITE and true.enclosure is not None:
            if inside is not None:
                assert inside.lower <= true.enclosure.upper, (name, "truth")
                assert true.enclosure.lower <= inside.upper, (name, "truth")
            if math.isfinite(found[name]):
                assert contains(widest, found[name]), (name, found[name], widest)
        # Where underflow is possible, only the model of a limited range has to hold it.
        if (
            math.isfinite(found[name])
            and not contains(inside, found[name])
            and true.status is TruthStatus.FINITE
        ):
            assert widest is None or widest.upper - widest.lower > 2 * _width(inside), (
                name,
                found[name],
                inside,
            )


def _width(enclosure: Enclosure | None) -> Fraction:
    return Fraction(0) if enclosure is None else enclosure.upper - enclosure.lower


@pytest.mark.parametrize("mode", Mode)
@settings(derandomize=True, deadline=None, max_examples=150)
@given(texts(UNARY, BINARY, 4), benign, benign, dtypes)
def test_a_limited_range_only_ever_widens(
    mode: Mode, text: str, x: float, y: float, dtype: str
) -> None:
    text, point = text + " + 0*x + 0*y", {"x": x, "y": y}
    free = spread(text, point, format_=FORMATS[dtype], mode=mode)
    limited = spread(text, point, format_=FORMATS[dtype], limited_range=True, mode=mode)
    pairs = [
        (free[VALUE], limited[VALUE]),
        *((free[e], limited[e]) for e in free if e.quantity == "gradient"),
    ]
    for narrow, wide in pairs:
        if wide is None:
            continue
        assert narrow is not None
        # Ball arithmetic is not monotone to the last bit of its own 48 guard bits.
        slack = (wide.upper - wide.lower + abs(wide.upper)) / 2**20
        assert wide.lower - slack <= narrow.lower
        assert narrow.upper <= wide.upper + slack


POLYNOMIALS = [
    ("(a + 2) * 3", {"a": 100.0}),
    ("x*x - y*y + 3*x*y", {"x": 1.1, "y": -0.7}),
    ("(1 - x)**2 + 100*(y - x**2)**2", {"x": -1.2, "y": 1.0}),
    ("((x + 1)*x - y)/(x*x + 1)", {"x": 0.3, "y": 17.0}),
    ("sqrt(x*x + y*y) / (x + y)", {"x": 3.1, "y": 4.7}),
    ("1/x + 3/(x*y)", {"x": 3.1, "y": 4.7}),
]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("text", "point"), POLYNOMIALS)
def test_basic_arithmetic_stays_inside_and_the_spread_is_narrow(
    text: str, point: dict[str, float], dtype: str, mode: Mode
) -> None:
    format_ = FORMATS[dtype]
    point = {name: nearest(Fraction(value), format_) for name, value in point.items()}
    inside = spread(text, point, format_=format_, mode=mode)
    for name, value in measured(text, point, dtype, mode=mode).items():
        ends = inside[gradient(name)] if name else inside[VALUE]
        assert contains(ends, value)
        assert radius_ulp(ends, format_) < 200


# ── exactness ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("(a + 2) * 3", {"a": 100.0}),
        ("(3*(a + 2) - 290)**2", {"a": 100.0}),
        ("x*x - y*y", {"x": 3.0, "y": 5.0}),
        ("max(x, y) * min(x, y)", {"x": 3.0, "y": 5.0}),
        ("abs(x) + relu(y) - -x", {"x": -3.0, "y": 5.0}),
        ("where(x < y, x, y) / 4", {"x": 3.0, "y": 5.0}),
        ("x**3 + y**-1", {"x": 3.0, "y": 4.0}),
    ],
)
def test_exact_arithmetic_has_radius_zero(
    text: str, point: dict[str, float], mode: Mode
) -> None:
    found = spread(text, point, mode=mode)
    for ends in (found[VALUE], *slopes(found).values()):
        assert ends is not None
        assert ends.lower == ends.upper


@pytest.mark.parametrize("text", ["exp2(x)", "x**10", "log2(x)", "exp(x - 3)"])
def test_a_function_that_need_not_be_correctly_rounded_is_not_taken_as_exact(
    text: str,
) -> None:
    """2³ = 8 is a number, but `forward_ulp` allows an implementation its neighbours; e⁰
    = 1 is exact everywhere."""
    ends = spread(text, {"x": 3.0})[VALUE]
    assert ends is not None
    if text == "exp(x - 3)":
        assert ends.lower == ends.upper == 1
    else:
        assert ends.lower < ends.upper


def test_a_decimal_constant_is_rounded_once() -> None:
    found = spread("0.1 * x", {"x": 1.0})
    unit = ulp(Fraction(1, 10), BINARY32)
    # On either side, half an ulp for the constant and half for the product; its
    # backward may reorder besides.
    for ends, allowed in (
        (found[VALUE], 1),
        (found[gradient("x")], 1 + REORDERING_ULP),
    ):
        assert ends is not None
        assert contains(ends, nearest(Fraction(1, 10), BINARY32))
        assert contains(ends, Fraction(1, 10))
        assert (ends.upper - ends.lower) / 2 <= (allowed + Fraction(1, 100)) * unit


def test_a_number_over_a_tensor_is_a_reciprocal_and_a_product() -> None:
    """`Tensor.__rtruediv__`: 3/x in float32 may differ from the quotient by the second
    rounding."""
    differing = 0
    for n in range(1, 400):
        x = float(n)
        found = measured("3/x", {"x": x}, "float32")
        inside = spread("3/x", {"x": x})
        for name, value in found.items():
            assert contains(inside[gradient(name)] if name else inside[VALUE], value), (
                n,
                name,
            )
        differing += found[""] != nearest(Fraction(3, n), BINARY32)
    assert differing > 0  # so a model of one rounding would have been too narrow


def test_a_reciprocal_that_overflows_on_the_way_is_only_excused_by_the_limited_range() -> (
    None
):
    tiny = 2.0**-140
    assert measured("x / (1/y)", {"x": 1.0, "y": tiny}, "float32")
    free = spread("2**-30 / x", {"x": tiny})
    limited = spread("2**-30 / x", {"x": tiny}, limited_range=True)
    assert measured("2**-30 / x", {"x": tiny}, "float32")[""] == math.inf
    assert free[VALUE] is not None
    assert limited[VALUE] is None


# ── accumulation ──────────────────────────────────────────────────────────────────────


def test_three_shares_may_be_added_in_any_order() -> None:
    """x reaches the sum by three ways: 2²⁵, −2²⁵ and 1 give 1 or 0, as they are
    added."""
    text = "x*a + x*b + x*c"
    point = {"x": 1.0, "a": 2.0**25, "b": -(2.0**25), "c": 1.0}
    ends = spread(text, point)[gradient("x")]
    assert contains(ends, 0)
    assert contains(ends, 1)
    assert contains(ends, measured(text, point, "float32")["x"])


def test_two_exact_shares_add_exactly() -> None:
    ends = spread("x*3 + x*5", {"x": 7.0})[gradient("x")]
    assert ends == Enclosure(lower=Fraction(8), upper=Fraction(8))


def test_an_input_without_a_share_has_the_exact_zero() -> None:
    ends = spread("x + 0*sign(y)", {"x": 7.0, "y": 3.0})[gradient("y")]
    assert ends == Enclosure(lower=Fraction(0), upper=Fraction(0))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-8, 8, width=32), min_size=3, max_size=8),
    st.floats(-4, 4, width=32),
)
def test_many_shares_stay_inside(coefficients: list[float], x: float) -> None:
    names = [f"c{n}" for n in range(len(coefficients))]
    text = " + ".join(f"sin(x*{name})" for name in names)
    point = dict(zip(names, coefficients, strict=True)) | {"x": x}
    ends = spread(text, point)[gradient("x")]
    assert contains(ends, measured(text, point, "float32")["x"])


# ── range ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("sqrt(x*x)", 1e-25),
        ("x*x", 1e-25),
        ("exp(-x)", 95.0),
        ("x / 3", 1e-44),
        ("(x*x)/x", 3e-23),
        ("exp(x)/exp(x)", 80.0),
    ],
)
def test_underflow_is_explained_by_the_limited_range(text: str, x: float) -> None:
    x = nearest(Fraction(x), BINARY32)
    limited = spread(text, {"x": x}, limited_range=True)
    for name, value in measured(text, {"x": x}, "float32").items():
        if math.isfinite(value):
            assert contains(
                limited[gradient(name)] if name else limited[VALUE], value
            ), (
                name,
                value,
            )


@pytest.mark.parametrize(
    ("text", "x"), [("x*x", 1e25), ("exp(x)", 100.0), ("log(1 + exp(x))", 100.0)]
)
def test_overflow_is_anywhere_in_the_limited_range_and_finite_without(
    text: str, x: float
) -> None:
    x = nearest(Fraction(x), BINARY32)
    assert spread(text, {"x": x})[VALUE] is not None
    assert spread(text, {"x": x}, limited_range=True)[VALUE] is None
    assert measured(text, {"x": x}, "float32")[""] == math.inf


def test_the_largest_number_does_not_overflow() -> None:
    largest = float(BINARY32.largest)
    ends = spread("x*1", {"x": largest}, limited_range=True)[VALUE]
    assert ends == Enclosure(lower=BINARY32.largest, upper=BINARY32.largest)


def test_what_underflows_altogether_is_not_excused_without_a_limited_range() -> None:
    free = spread("x*x", {"x": 1e-30}, format_=BINARY32)[VALUE]
    limited = spread("x*x", {"x": 1e-30}, format_=BINARY32, limited_range=True)[VALUE]
    assert not contains(free, 0)
    assert contains(limited, 0)


# ── faults stay outside ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("format_", "shift"), [(BINARY32, 20), (BINARY64, 40)])
@pytest.mark.parametrize(
    "text", ["sin(x)*y", "exp(-x*x)*y", "x/(1 + y*y)", "atan(x) + exp(y)", "x**2.5 * y"]
)
def test_a_factor_that_is_wrong_in_the_last_bits_lies_outside(
    text: str, format_: Format, shift: int
) -> None:
    point = {"x": 0.75, "y": 1.5}
    program = parse(text)
    truth = Oracle(program, program.inputs).at(point, 1.0, format_)
    found = spread(text, point, format_=format_)
    for name in program.inputs:
        ends: Any = truth[gradient(name)].enclosure
        wrong = (ends.lower + ends.upper) / 2 * (1 + Fraction(1, 2**shift))
        if abs(wrong) * Fraction(1, 2**shift) > 8 * ulp(wrong, format_):
            assert not contains(found[gradient(name)], wrong), name


def test_steps_have_spreads_of_their_own() -> None:
    found = spread("b = a + 2\ny_pred = b * 3\nloss = (y_pred - 290)**2", {"a": 100.0})
    assert found[step("y_pred")] == Enclosure(lower=Fraction(32), upper=Fraction(32))
    assert found[step("b")] == Enclosure(lower=Fraction(96), upper=Fraction(96))


def test_a_tangent_that_underflows_on_the_way_is_range_at_any_upstream_gradient():
    """x·y·z/w by z is x·y/w = −1.4e−9; at an upstream gradient of 2⁻¹⁶ as the tangent,
    y times it is subnormal."""
    run = verifier.verify(
        "x*y*z/w",
        at={"x": 1.2e-22, "y": -1e-16, "z": 9.4e-35, "w": 8.5e-30},
        dtype="float32",
        routes="forward",
    )

    (result,) = run.results
    verdicts = {str(c.verdict) for c in result.comparisons if c.wrt == ("z",)}
    assert verdicts == {"match.exact"}
    assert result.verdict == "differ.range"
