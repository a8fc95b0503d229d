"""The culprit and the cause of a difference."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from fractions import Fraction

import pytest
import torch
from backwards import function
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.automatic import lowering
from verifier.floats import FORMATS, ulp
from verifier.language.points.scalars import scalar
from verifier.language.programs.parsing import parse, parse_steps
from verifier.traces import Cause, Diagnosis
from verifier.verification.culprits import investigate


def diagnosed(
    text: str,
    point: Mapping[str, str | float],
    dtype: str = "float32",
    wrt: str | None = "x",
) -> Diagnosis:
    numbers = {n: scalar(v).nearest(FORMATS[dtype]) for n, v in point.items()}
    read = parse_steps if "\n" in text else parse
    return investigate(read(text), numbers, 1.0, dtype=dtype, wrt=wrt)


# ── the causes ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", [None, "x"])
def test_cancellation_names_the_difference_and_its_factor(
    dtype: str, wrt: str | None
) -> None:
    found = diagnosed("(exp(x) - 1)/x", {"x": "1e-7"}, dtype, wrt)
    assert found.cause is Cause.CANCELLATION
    assert found.culprit == "`exp(x) - 1` (sub, column 2)"
    assert found.amplification == pytest.approx(1e7, rel=0.01)
    assert "cancels, so the rounding of" in found.message
    assert "×1e+07" in found.message


def test_an_intermediate_that_overflows_is_the_culprit() -> None:
    for wrt in (None, "x"):
        found = diagnosed("log(1 + exp(x))", {"x": 100}, wrt=wrt)
        assert found.cause is Cause.OVERFLOW
        assert found.culprit == "`exp(x)` (exp, column 9)"
        assert found.measured == math.inf
        assert "2.68812e+43" in found.message


def test_an_intermediate_that_underflows_is_the_culprit() -> None:
    for wrt in (None, "x", "y"):
        found = diagnosed("x/sqrt(x*x + y*y)", {"x": "1e-25", "y": "1e-25"}, wrt=wrt)
        assert found.cause is Cause.UNDERFLOW
        assert found.culprit == "`x*x` (mul, column 8)"


def test_an_overflow_that_only_loses_the_tail_is_found() -> None:
    found = diagnosed("1/(1 + exp(-x))", {"x": -89})
    assert found.cause is Cause.OVERFLOW
    assert found.culprit == "`exp(-x)` (exp, column 8)"


@pytest.mark.parametrize(
    ("text", "x", "culprit"),
    [
        ("where(x > 0, sqrt(x), 0)", -1, "`sqrt(x)` (sqrt, column 14)"),
        ("where(x > 0, sqrt(x), 0)", 0, "`sqrt(x)` (sqrt, column 14)"),
        ("where(x > 0, x*log(x), 0)", -1, "`x*log(x)` (mul, column 14)"),
        ("where(x > 0, x*log(x), 0)", 0, "`x*log(x)` (mul, column 14)"),
    ],
)
def test_a_masked_branch_that_hands_back_nan_is_named(
    text: str, x: float, culprit: str
) -> None:
    found = diagnosed(text, {"x": x})
    assert found.cause is Cause.ZERO_TIMES_INFINITY
    assert found.culprit == culprit
    assert found.backward
    assert f"the branch that `{text}` leaves out" in found.message


def test_zero_times_infinity_without_a_mask_is_named() -> None:
    found = diagnosed("cos(sqrt(x))", {"x": 0})
    assert found.cause is Cause.ZERO_TIMES_INFINITY
    assert found.culprit == "`sqrt(x)` (sqrt, column 5)"


def test_an_infinite_adjoint_over_a_zero_derivative_names_what_made_it_infinite() -> (
    None
):
    found = diagnosed("sqrt(x**4)", {"x": 0})
    assert found.cause is Cause.ZERO_TIMES_INFINITY
    assert found.culprit == "`sqrt(x**4)` (sqrt, column 1)"


@pytest.mark.parametrize("wrt", [None, "x"])
def test_a_removable_singularity_is_met_head_on(wrt: str | None) -> None:
    found = diagnosed("sin(x)/x", {"x": 0}, wrt=wrt)
    assert found.cause is Cause.SINGULARITY
    assert found.culprit == "`sin(x)/x` (div, column 1)"
    assert found.message.startswith("0/0")


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("sqrt(x) - sqrt(x)", 0),
        ("1/x - 1/x", 0),
        ("log(x) - log(x)", 0),
        ("x**(1/3) - 2*x**(1/3)", 0),
        ("sqrt(x) - sqrt(x) + exp(x - 200)", 0),
    ],
)
def test_infinities_that_meet_in_an_input_are_named_as_a_sum(
    text: str, x: float
) -> None:
    found = diagnosed(text, {"x": x})
    assert found.cause is Cause.SINGULARITY
    assert (found.culprit or "").startswith("`x` (accumulation, ")
    assert found.message == (
        "inf − inf, summed of what flows back, gives nan: a singularity met head-on"
    )


ROUNDED_ONTO_AN_EDGE = [
    ("log1p(-0.99999999999)*x", None, "-0.99999999999", "-1.0"),
    ("x*log1p(-(1 - 1e-9))", None, "-(1 - 1e-9)", "-1.0"),
    ("log1p(-0.9999999999*x)", None, "-0.9999999999", "-1.0"),
    ("atanh(0.999999999999)*x", "x", "0.999999999999", "1.0"),
    ("atanh(x*0.99999999999)", None, "0.99999999999", "1.0"),
    ("asin(x*0.99999999999)", "x", "0.99999999999", "1.0"),
    ("logit(0.99999999999*x)", None, "0.99999999999", "1.0"),
    ("erfinv(0.99999999999*x)", None, "0.99999999999", "1.0"),
    ("ndtri(0.99999999999)*x", None, "0.99999999999", "1.0"),
    ("digamma(1e-12 - x)", None, "1e-12 - x", "-1.0"),
]


@pytest.mark.parametrize(("text", "wrt", "culprit", "rounded"), ROUNDED_ONTO_AN_EDGE)
def test_a_number_that_rounds_onto_an_edge_is_the_culprit(
    text: str, wrt: str | None, culprit: str, rounded: str
) -> None:
    found = diagnosed(text, {"x": 1}, wrt=wrt)
    assert found.cause is Cause.SINGULARITY
    assert (found.culprit or "").startswith(f"`{culprit}` (")
    assert found.message.startswith(f"rounds to {rounded} where ")
    assert found.message.endswith(" there")
    assert found.measured == float(rounded)


@pytest.mark.parametrize(
    ("text", "constant"),
    [
        ("log(1 - 1e-10)*x", "1 - 1e-10"),
        ("log(0.99999999999)*x", "0.99999999999"),
        ("acosh(1.00000000001)*x", "1.00000000001"),
        ("x*(x - 0.99999999999)", "0.99999999999"),
    ],
)
def test_a_constant_whose_rounding_is_amplified_is_told_with_what_it_rounds_to(
    text: str, constant: str
) -> None:
    found = diagnosed(text, {"x": 1}, wrt=None)
    assert f"the rounding of `{constant}` to 1.0 grows ×" in found.message


def test_an_edge_of_the_true_numbers_is_the_operations_own() -> None:
    found = diagnosed("log1p(-1)*x", {"x": 1}, wrt=None)
    assert found.culprit == "`log1p(-1)` (log1p, column 1)"


def test_what_a_number_rounds_to_and_where_that_leads_is_said() -> None:
    found = diagnosed("log1p(-0.9999999999*x)", {"x": 1}, wrt=None)
    assert found.message == (
        "rounds to -1.0 where -0.9999999999 is true, by which `-0.9999999999*x` becomes -1.0; "
        "`log1p(-0.9999999999*x)` is -inf there"
    )


@pytest.mark.parametrize(
    ("text", "x", "dtype"),
    [
        ("tanh(x)", "9", "float32"),
        ("tanh(x)", "18", "float64"),
        ("sigmoid(x)", "20", "float32"),
        ("asin(x)", "0.99980002", "float32"),
        ("asin(x)", "0.9999999999", "float64"),
    ],
)
def test_an_operation_own_backward_formula_is_the_culprit(
    text: str, x: str, dtype: str
) -> None:
    found = diagnosed(text, {"x": x}, dtype)
    assert found.cause is Cause.FORMULA
    assert found.backward
    assert found.culprit == f"`{text}` ({text[:-3]}, column 1)"
    assert "as its formula `" in found.message
    assert found.error_ulp is not None
    assert found.error_ulp > 4


def test_a_tail_is_found_inside_a_longer_program() -> None:
    found = diagnosed("a = 2*x\nb = tanh(a) + x/1e9\nc = b*3", {"x": 9}, "float32", "a")
    assert found.cause is Cause.FORMULA
    assert found.culprit == "`tanh(a)` (tanh, line 2, column 5)"


def test_a_kernel_inaccurate_near_its_root_is_the_culprit() -> None:
    found = diagnosed("digamma(x)", {"x": "1.4616"}, wrt=None)
    assert found.cause is Cause.KERNEL
    assert found.culprit == "`digamma(x)` (digamma, column 1)"
    assert not found.backward
    assert found.error_ulp is not None
    assert found.error_ulp > 1000


def test_amplification_without_cancellation_names_the_steep_operation() -> None:
    found = diagnosed("exp(x*100)", {"x": "0.7123"}, wrt=None)
    assert found.cause is Cause.AMPLIFICATION
    assert found.culprit == "`exp(x*100)` (exp, column 1)"
    assert found.amplification == pytest.approx(71.23, rel=0.01)


def test_the_quotient_rule_cancels_where_the_gradient_is_accumulated() -> None:
    found = diagnosed("x/(x + 1)", {"x": "1e10"})
    assert found.cause is Cause.CANCELLATION
    assert found.culprit == "`x` (accumulation, column 1)"


def test_a_kink_is_named_with_its_convention() -> None:
    found = diagnosed("relu(x) - relu(-x)", {"x": 0})
    assert found.cause is Cause.KINK
    assert "relu" in (found.culprit or "")
    assert "convention: 0 at 0" in found.message


def test_a_finite_number_outside_the_domain_is_named() -> None:
    found = diagnosed("log(x)", {"x": -1})
    assert found.cause is Cause.DOMAIN
    assert found.culprit == "`log(x)` (log, column 1)"


def test_a_composition_is_diagnosed_by_what_pytorch_runs() -> None:
    found = diagnosed("x + 0*sec(y)", {"x": 1, "y": 1}, wrt="x")
    assert found.cause is Cause.NONE


def test_what_is_right_is_not_blamed() -> None:
    found = diagnosed("x*x", {"x": 3})
    assert found.cause is Cause.NONE
    assert found.culprit is None


def test_what_pytorch_raises_is_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("not implemented for Half")

    monkeypatch.setitem(lowering.OPERATIONS, "tanh", refuse)
    found = diagnosed("tanh(x)", {"x": 1})
    assert found.cause is Cause.FAILURE
    assert found.message == "RuntimeError: not implemented for Half"


# ── planted faults ────────────────────────────────────────────────────────────────────


FACTOR = 1.0 + 2.0**-18
wrong_tanh = function(
    torch.tanh, lambda grad, x: grad * (1 - torch.tanh(x) * torch.tanh(x)) * FACTOR
)
wrong_exp = function(
    lambda x: torch.exp(x) * FACTOR, lambda grad, x: grad * (torch.exp(x) * FACTOR)
)


def test_a_planted_backward_is_named_with_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(lowering.OPERATIONS, "tanh", wrong_tanh)
    text = "sin(x) * tanh(x + 1) + exp(x)"
    found = diagnosed(text, {"x": "0.3"})
    assert found.cause is Cause.FORMULA
    assert found.culprit == "`tanh(x + 1)` (tanh, column 10)"
    assert "no rounding of its formula" in found.message


def test_a_planted_forward_is_named_for_value_and_gradient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(lowering.OPERATIONS, "exp", wrong_exp)
    found = diagnosed("u = x*2\nv = exp(u)\nw = v*v + x", {"x": "0.3"}, wrt=None)
    assert found.cause is Cause.KERNEL
    assert found.culprit == "`exp(u)` (exp, line 2, column 5)"
    found = diagnosed("u = x*2\nv = exp(u)\nw = v*v + x", {"x": "0.3"}, wrt="x")
    assert found.culprit == "`exp(u)` (exp, line 2, column 5)"


# ── anything at all ───────────────────────────────────────────────────────────────────

TEXTS = (
    "log(exp(x) + exp(y))",
    "x**y / (x - y)",
    "where(x > y, sqrt(x - y), cbrt(x*y))",
    "atan2(x, y) * hypot(x, y)",
    "max(x, y) + min(x, abs(y))",
    "lgamma(x) - digamma(y)",
    "acosh(1 + x**2) / tanh(y)",
    "sec(x) + softplus(y)**0.5",
    "sign(x)*y**3 - 1/x",
)
HARD = (0.0, -0.0, 1.0, -1.0, 1e-30, 1e30, -1e30, 3e38, math.inf, -math.inf, math.nan)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    text=st.sampled_from(TEXTS),
    x=st.sampled_from(HARD) | st.floats(width=16),
    y=st.sampled_from(HARD) | st.floats(width=16),
    dtype=st.sampled_from(list(FORMATS)),
    wrt=st.sampled_from([None, "x", "y"]),
)
def test_every_point_of_the_line_has_a_diagnosis(
    text: str, x: float, y: float, dtype: str, wrt: str | None
) -> None:
    found = diagnosed(text, {"x": x, "y": y}, dtype, wrt)
    assert found.message
    assert "\n" not in found.message
    assert (found.culprit is None) == (found.cause in (Cause.NONE, Cause.FAILURE))
    if found.error_ulp is not None:
        assert found.error_ulp >= 0
    if found.error_ulp == math.inf:  # more ulps than the largest double
        assert found.measured is not None
        assert found.true is not None
        true = Fraction(found.true)
        ulps = abs(Fraction(found.measured) - true) / ulp(true, FORMATS[dtype])
        assert ulps > Fraction(sys.float_info.max)
