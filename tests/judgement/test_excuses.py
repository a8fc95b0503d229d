"""What excuses an error and what does not, from the formula to the verdict; the truths
are known by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from backwards import function

import verifier
from verifier.floats import BFLOAT16, BINARY32, BINARY64
from verifier.language.programs.parsing import parse
from verifier.records import VALUE, Comparison, TruthStatus
from verifier.symbolic.truth.oracle import Oracle

Point = dict[str, float | str]


def judged(text: str, at: Point, dtype: str, wrt: str | None = None) -> Comparison:
    """The comparison of the value, or of the gradient by one input."""
    (result,) = verifier.verify(text, at=at, dtype=dtype).results
    wanted = ("value", ()) if wrt is None else ("gradient", (wrt,))
    return next(c for c in result.comparisons if (c.quantity, c.wrt) == wanted)


# ── a zero that is none ───────────────────────────────────────────────────────────────


def test_a_tiny_truth_is_no_zero() -> None:
    """The derivative by b is −2c/(√(b² − 4ac)(b + √(…))) ≈ −c/b² here, turned: (b/√ −
    1)/(2a) = 6.4487e−63."""
    a, b, c = 4.930381833125675e-32, 7004289574633472.0, 3.1637165620460383e-31
    found = judged(
        "(-b+sqrt(b*b-4*a*c))/(2*a)", {"a": a, "b": b, "c": c}, "float32", "b"
    )
    b32, c32 = float(torch.tensor(b)), float(torch.tensor(c))
    assert float(found.true) == pytest.approx(c32 / b32**2, rel=1e-6)
    assert found.verdict.value == "differ.unstable"


@pytest.mark.parametrize(
    ("text", "at", "exponent"),
    [
        ("1 - tanh(x)", {"x": 400.0}, -800 / math.log(2) + 1),
        ("exp(-x) - exp(-x - 1e-300)", {"x": 1.0}, -300 * math.log2(10) - 1.44),
        ("cosh(x) - sinh(x)", {"x": 900.0}, -900 / math.log(2)),
    ],
)
def test_more_precision_tells_a_tiny_truth(
    text: str, at: dict[str, float], exponent: float
) -> None:
    """Each as a power of two, known by hand to a bit or so."""
    truth = Oracle(parse(text), list(at)).at(at, 1.0, BINARY32)[VALUE]
    assert truth.enclosure is not None
    assert truth.enclosure.lower > 0
    size = truth.enclosure.upper
    bits = size.numerator.bit_length() - size.denominator.bit_length()
    assert bits == pytest.approx(exponent, abs=1.5)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("x/3 - x*(1/3)", {"x": 3.5}),
        ("(x + 1e30) - 1e30 - x", {"x": 3.5}),
        ("sin(x)**2 + cos(x)**2 - 1", {"x": 0.75}),
        ("lgamma(x + 1) - lgamma(x) - log(x)", {"x": 2.5}),
    ],
)
def test_a_zero_is_found_in_the_end(text: str, at: dict[str, float]) -> None:
    found = Oracle(parse(text), list(at)).at(at, 1.0, BINARY64)
    for truth in found.values():
        assert truth.status is TruthStatus.FINITE
        assert truth.enclosure is not None
        assert truth.enclosure.lower <= 0 <= truth.enclosure.upper
        assert truth.enclosure.upper - truth.enclosure.lower < Fraction(1, 2**2900)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("text", "at", "wrt"),
    [
        ("x + 1e20 - 1e20 - x", {"x": 3}, None),
        ("y*((x + 1e30) - 1e30 - x)", {"x": 123456, "y": 1}, None),
        ("y*((x + 1e30) - 1e30 - x)", {"x": 123456, "y": 1}, "y"),
    ],
)
def test_what_an_earlier_term_swallows_is_unstable(
    text: str, at: Point, wrt: str | None, dtype: str
) -> None:
    found = judged(text, at, dtype, wrt)
    assert found.verdict.value == "differ.unstable"
    assert found.error_ulp is not None
    assert found.error_ulp > 1000
    assert "the truth is 0" in (found.message or "")


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
def test_the_shift_of_a_log_sum_exp_matches(dtype: str) -> None:
    run = verifier.verify(
        "m + log(exp(x - m) + exp(y - m) + exp(z - m))",
        domain=dict.fromkeys("xyzm", "[-3, 3]"),
        points=16,
        dtype=dtype,
        boundary=False,
    )
    (result,) = run.results
    assert not [
        c for c in result.comparisons if c.wrt == ("m",) and "differ" in c.verdict.value
    ]


def test_the_error_of_a_zero_is_in_ulps_of_what_cancels() -> None:
    found = judged("cos(atan2(y, x))", {"x": -1, "y": 0}, "float32", "y")
    assert found.verdict.value == "match.rounding"
    assert found.error_ulp is not None
    # sin of the binary32 number nearest to π is −8.74e-8, 0.37 ulp of π.
    assert found.error_ulp == pytest.approx(8.742278e-8 / 2**-22, rel=0.01)


# ── conditioning ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "x", "wrt"),
    [
        ("gelu(x)", "-8.6", None),
        ("tanh(x)", "20", "x"),
        ("sigmoid(x)", "40", "x"),
        ("1 - erf(x)", "6", None),
    ],
)
def test_no_zero_is_excused_where_the_truth_is_a_normal_number(
    text: str, x: str, wrt: str | None
) -> None:
    found = judged(text, {"x": x}, "bfloat16", wrt)
    assert abs(Fraction(found.true)) > BFLOAT16.smallest_normal
    assert float(found.measured) == 0
    assert found.verdict.family == "differ"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "text",
    ["1/(1 - 3*x)", "1/(1 - 3*x)**2", "log(abs(1 - 3*x))", "x/(3*x - 1)"],
)
def test_what_holds_at_a_pole_within_two_ulps_is_true(text: str, dtype: str) -> None:
    for wrt in (None, "x"):
        found = judged(text, {"x": "1/3"}, dtype, wrt)
        assert found.verdict.family == "match"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("text", ["asin(3*x)", "acos(3*x)", "sqrt(1 - 3*x)"])
def test_what_holds_at_an_end_within_two_ulps_is_true(text: str, dtype: str) -> None:
    for wrt in (None, "x"):
        found = judged(text, {"x": "1/3"}, dtype, wrt)
        assert found.verdict.family == "match"


def test_nothing_near_nan_excuses_and_the_other_points_are_judged() -> None:
    """PyTorch's value of relu is NaN too, its gradient is not."""
    (result,) = verifier.verify(
        "relu(x)", at=[{"x": "nan"}, {"x": 2.0}], dtype="float32"
    ).results
    found = {(c.quantity, c.point["x"]): c.verdict.value for c in result.comparisons}
    assert found["value", "nan"] == "match.undefined"
    assert found["gradient", "nan"] == "differ.spurious"
    assert found["gradient", "2"] == "match.exact"


def test_nan_at_a_kink_within_two_ulps_is_still_wrong() -> None:
    found = judged("sqrt((1 - 3*x)**2)", {"x": "1/3"}, "float32", "x")
    assert found.measured == "nan"
    assert found.verdict.value == "differ.nonfinite"


@pytest.mark.parametrize(
    ("text", "x", "dtype"),
    [
        ("digamma(x)", "1.4616321449683622", "float64"),  # DLMF 5.4.20
        ("digamma(x)", "1.4616321", "float32"),
        ("lgamma(x)", "-2.4570247382208006", "float64"),  # DLMF 5.4(iii) has its kin
    ],
)
def test_the_roots_of_gamma_functions_are_ill_conditioned(
    text: str, x: str, dtype: str
) -> None:
    assert judged(text, {"x": x}, dtype).verdict.family == "match"


# ── edges ─────────────────────────────────────────────────────────────────────────────


def test_at_an_edge_lost_digits_are_unstable() -> None:
    found = judged("1/(1 + 1/x) + (1 + y) - 1", {"x": 0, "y": 1e-9}, "float32")
    assert found.measured == "0.0"
    assert found.verdict.value == "differ.unstable"
    assert "bits" in (found.message or "")


def test_at_an_edge_an_overflow_is_range() -> None:
    found = judged("1/(1 + 1/x) + 1/(1 + y**(-4))", {"x": 0, "y": 3.5e-11}, "float32")
    assert found.measured == "0.0"
    assert found.verdict.value == "differ.range"


# ── the plane ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("factor", "family"), [(1.0, "match"), (1 + 2e-5, "differ")])
def test_a_complex_factor_is_no_conditioning(factor: float, family: str) -> None:
    off = function(torch.exp, lambda grad, z: grad * torch.exp(z).conj() * factor)
    run = verifier.check(off, expression="exp(z)", at={"z": "60+1j"}, dtype="complex64")
    assert run.results[0].verdict.family == family


@pytest.mark.parametrize("bad", [complex("-inf"), complex("nan"), complex("nan+nanj")])
def test_not_every_infinity_is_what_a_complex_truth_overflows_to(bad: complex) -> None:
    off = function(torch.exp, lambda grad, z: torch.full_like(grad, bad))
    run = verifier.check(off, expression="exp(z)", at={"z": "90+1j"}, dtype="complex64")
    assert run.results[0].verdict.family == "differ"


def test_a_complex_zero_is_measured_against_what_cancels() -> None:
    (result,) = verifier.verify(
        "z + 1e20 - 1e20 - z", at={"z": "3+1j"}, dtype="complex64"
    ).results
    assert result.verdict.value == "differ.unstable"
