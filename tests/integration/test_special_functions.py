"""Special functions through the whole verifier: their ends and singular points, and
gradients that are wrong."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from backwards import function
from mpmath import mp

import verifier
from verifier.errors import VerifierError
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.expansions import field, terms

INF = math.inf
HALF = Fraction(1, 2)


def told(run: verifier.Run) -> dict[str, tuple[str, str]]:
    return {
        comparison.quantity: (str(comparison.true), str(comparison.verdict))
        for comparison in run.results[0].comparisons
    }


@pytest.mark.parametrize(
    ("text", "x", "value", "gradient"),
    [
        # DLMF 7.17: erfinv has vertical tangents at ±1, and ndtri and erfcinv are made
        # of it.
        ("erfinv(x)", 1, "inf", "inf"),
        ("erfinv(x)", -1, "-inf", "inf"),
        ("erfinv(x)", 1.5, "undefined", "undefined"),
        ("erfcinv(x)", 0, "inf", "-inf"),
        ("erfcinv(x)", 2, "-inf", "-inf"),
        ("ndtri(x)", 0, "-inf", "inf"),
        ("ndtri(x)", 1, "inf", "inf"),
        ("ndtri(x)", -1, "undefined", "undefined"),
        # ε·√(−log ε) tends to 0 with an infinite slope
        ("x*ndtri(x)", 0, "0", "-inf"),
        ("erfcinv(exp(-1/x**2))*abs(x)", 0, "1", "0"),
        ("sqrt(log(x))", INF, "inf", "0"),
        ("sqrt(log(x))/log(x)", INF, "0", "0"),
        ("ndtr(x)", INF, "1", "0"),
        ("ndtr(x)", -INF, "0", "0"),
        ("log_ndtr(x)", -INF, "-inf", "inf"),
        ("erfcx(x)", INF, "0", "0"),
        ("x*erfcx(x)*sqrt(pi)", INF, "1", "0"),
        ("i0e(x)", INF, "0", "0"),
        ("i0e(x)", 0, "1", "[-1, 1]"),
        ("sqrt(x)*i0e(x)*sqrt(2*pi)", INF, "1", "0"),
        ("i1e(x)", 0, "0", "0.5"),
        ("i0(x)", -INF, "inf", "-inf"),
        ("besselk(0, x) + x", 0, "inf", "-inf"),
        ("x*besselk(1, x) + x", 0, "1", "1"),
        ("x*bessely(1, x)*pi + x", 0, "-2", "1"),
        ("bessely(0, x) + x", 0, "-inf", "inf"),
        (
            "sqrt(x)*scaled_modified_bessel_k0(x) + 1/x",
            INF,
            "1.2533141373155002512",
            "0",
        ),
        ("sinc(x)", 0, "1", "0"),
        ("spherical_bessel_j0(x) + x", 0, "1", "1"),
        ("entr(x)", 0, "0", "inf"),
        ("gamma(x)", 0, "undefined", "-inf"),
    ],
)
def test_limits(text: str, x: float, value: str, gradient: str) -> None:
    found = told(verifier.verify(text, at={"x": x}, dtype="float64"))
    assert (found["value"][0], found["gradient"][0]) == (value, gradient)


def test_what_is_not_expanded_is_undecided() -> None:
    """The derivative of exp(erfinv x) at 1 would need erfinv to O(1)."""
    found = told(verifier.verify("exp(erfinv(x))", at={"x": 1}, dtype="float64"))
    assert found["gradient"][1] == "undecided.limit"


def test_a_wave_that_falls_towards_infinity_has_a_limit() -> None:
    """J₀ is O(x^(−1/2)) (DLMF 10.17.3), and sinc is O(1/x)."""
    bessel = told(verifier.verify("besselj(0, x) + x", at={"x": INF}, dtype="float64"))
    assert bessel["value"][0] == "inf"
    sinc = told(verifier.verify("sinc(x)", at={"x": INF}, dtype="float64"))
    assert tuple(sinc["value"]) == ("0", "differ.nonfinite")


def test_an_exponential_of_a_root_of_a_logarithm_is_not_taken_for_a_power() -> None:
    root = field.power(field.logarithm(terms.monomial(balls.exact(1.0), -1)), HALF)
    with pytest.raises(terms.Unresolved):
        field.exponential(root)


@pytest.mark.parametrize(
    ("factor", "family"), [(1.0, "match"), (1.0001, "differ"), (-1.0, "differ")]
)
def test_a_backward_of_ones_own_is_held_against_a_bessel_function(
    factor: float, family: str
) -> None:
    own = function(
        torch.special.bessel_j0,
        lambda grad, x: -factor * grad * torch.special.bessel_j1(x),
    )
    run = verifier.check(own, 0.75, expression="besselj(0, x)", dtype="float32")
    assert {verdict.split(".")[0] for _, verdict in told(run).values()} == {
        family,
        "match",
    }


@pytest.mark.parametrize(
    "text", ["besselj(x, x)", "bessely(2000, x)", "besseli(-2000, x)"]
)
def test_the_order_of_a_bessel_function_is_a_constant(text: str) -> None:
    with pytest.raises(VerifierError, match="a constant from -1000 to 1000"):
        verifier.verify(text, at={"x": 1})


@pytest.mark.parametrize("order", [-1, 2, 7])
def test_an_order_that_pytorch_lacks_is_said_to_be_lacking(order: int) -> None:
    run = verifier.verify(f"besselj({order}, x)", at={"x": 1}, dtype="float64")
    assert run.results[0].verdict == "differ.unsupported"
    message = f"PyTorch has no Bessel function J of order {order}"
    assert message in (run.results[0].message or "")


@pytest.mark.parametrize("name", ["gamma", "beta", "i0", "entr"])
def test_a_variable_may_have_the_name_of_a_special_function(name: str) -> None:
    run = verifier.verify(f"2*{name} + 1", at={name: 3}, dtype="float64")
    assert run.ok
    steps = verifier.verify(steps=f"{name} = x*x\ny = {name} + 1", at={"x": 3})
    assert steps.ok


@pytest.mark.parametrize("x", [0.125, 3.0, 11.0, 17.5, 40.0, 143.75])
@pytest.mark.parametrize("kind", ["besselj", "bessely", "besseli", "besselk"])
@pytest.mark.parametrize("order", [0, 1, 4])
@pytest.mark.parametrize("width", [0.0, 2.0**-60])
def test_bessel_functions_of_balls_keep_their_digits(
    kind: str, order: int, x: float, width: float
) -> None:
    """Arb's connection formulas lose all digits of K and of Y at moderate arguments."""
    with balls.workprec(77), mp.workdps(60):
        ball = balls.around(balls.exact(x), balls.exact(width))
        found = balls.OPERATIONS[kind](balls.exact(order), ball)
        for move in (-width, 0.0, width):
            value = getattr(mp, kind)(order, mp.mpf(x) + mp.mpf(move))
            with balls.workprec(300):
                exact = balls.exact(int(mp.nint(value * 2**250))) / 2**250
                near = balls.around(exact, balls.exact(2.0**-240))
            assert found.overlaps(near)
        assert balls.is_known_to(found, 40)


@pytest.mark.parametrize(
    ("text", "x", "dtype"),
    [
        ("log_ndtr(x)", -344.05203, "float32"),
        ("ndtr(x)", -6.0, "float32"),
        ("erfcx(x)", 8801.5, "float32"),
        ("sinc(x)", 0.00034, "float32"),
        ("i0e(x)", 1e6, "float32"),
        ("i1e(x)", 1e6, "float32"),
    ],
)
def test_digits_that_pytorchs_formulas_lose_are_reported(
    text: str, x: float, dtype: str
) -> None:
    found = told(verifier.verify(text, at={"x": x}, dtype=dtype))
    assert "differ.unstable" in {verdict for _, verdict in found.values()}


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("text", ["gamma(x)", "beta(x, 2)", "beta(2, x)"])
def test_the_composition_of_gamma_has_the_sign_of_a_zero(
    text: str, zero: float
) -> None:
    # Γ is odd about its pole at 0: its derivative, -1/x² to first order, is -inf on
    # either side.
    run = verifier.verify(text, at={"x": zero})

    assert told(run)["gradient"][0] == "-inf"
    assert all(result.verdict.family == "match" for result in run.results)
