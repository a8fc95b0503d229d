"""What a case expects binds both sides, and a broken expectation says which of them
breaks it."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from backwards import function

import verifier
from verifier.fields import REAL
from verifier.floats import BINARY32, BINARY64, nearest
from verifier.judgement.expectation import (
    Sides,
    disagreement,
    is_expected,
    sides,
    unaccepted,
    unlike_pinned,
)
from verifier.judgement.tolerance import Tolerance
from verifier.language.casefile.case import Expectation, Expected, Pin
from verifier.language.casefile.loading import from_mapping
from verifier.language.points.scalars import scalar
from verifier.records import Enclosure, Tally, Truth, TruthStatus, Verdict, severity

TOLERANCE = Tolerance(relative=BINARY64.relative_tolerance)


def expected(value: Any) -> Expected:
    """As a case file reads it: a Python float stands for a decimal that is written so
    in TOML."""
    if isinstance(value, float):
        digits = len(repr(value).partition(".")[2])
        return Expected(
            scalar=scalar(repr(value)), half_unit=Fraction(1, 2 * 10**digits)
        )
    case = from_mapping({"expression": "x", "at": {"x": 1}, "expect": {"value": value}})
    assert case.expectation is not None
    return case.expectation.value[0]


def both(measured: float, true: Any) -> Sides:
    exact = None if true is None else Fraction(true)
    return Sides(measured=measured, true=exact, true_name="limit")


def broken(
    value: Any, measured: float, true: Any, tolerance: Tolerance = TOLERANCE
) -> str | None:
    unmet = disagreement(
        "expect.value", expected(value), both(measured, true), REAL, BINARY64, tolerance
    )
    return None if unmet is None else str(unmet)


def test_an_expectation_holds_where_both_sides_hold_it() -> None:
    assert broken(369, 369.0, 369) is None


def test_a_wrong_expectation_names_both_numbers() -> None:
    message = broken(370, 369.0, 369)
    assert (
        message
        == "expect.value: expected 370; neither PyTorch's 369.0 nor the true 369 agrees"
    )


def test_the_side_that_disagrees_is_named() -> None:
    assert (
        broken(369, 370.0, 369)
        == "expect.value: expected 369; the true 369 agrees, PyTorch's 370.0 does not"
    )
    assert (
        broken(369, 369.0, 370)
        == "expect.value: expected 369; PyTorch's 369.0 agrees, the true 370 does not"
    )


def test_an_integer_binds_to_the_tolerance() -> None:
    assert broken(1, 1 + 9e-8, 1) is None
    assert broken(1, 1 + 1.1e-7, 1) is not None


def test_a_string_binds_to_the_tolerance() -> None:
    assert broken("1/3", 1 / 3, Fraction(1, 3)) is None
    assert broken("0.3333", 1 / 3, Fraction(1, 3)) is not None


def test_a_decimal_binds_to_half_a_unit_of_its_last_digit() -> None:
    assert broken(0.3333, 1 / 3, Fraction(1, 3)) is None
    assert broken(0.333, 0.33349, "0.3335") is None
    assert broken(0.333, 0.33351, "0.33351") is not None


def test_a_tolerance_of_zero_binds_an_integer_exactly() -> None:
    assert broken(1, 1.0, 1, Tolerance(relative=Fraction(0))) is None
    assert broken(1, 1 + 2.0**-52, 1, Tolerance(relative=Fraction(0))) is not None


def test_an_expected_zero_is_zero() -> None:
    assert broken(0, 0.0, 0) is None
    assert broken(0, -0.0, 0) is None
    assert broken(0, 1e-300, 0) is not None


def test_a_finite_expectation_is_broken_where_there_is_no_truth() -> None:
    message = broken(1, 1.0, None)
    assert (
        message
        == "expect.value: expected 1; PyTorch's 1.0 agrees, the true limit does not"
    )


@pytest.mark.parametrize(
    ("text", "value"), [("inf", math.inf), ("-inf", -math.inf), ("nan", math.nan)]
)
def test_what_is_not_finite_is_expected_by_name(text: str, value: float) -> None:
    assert broken(text, value, None) is None
    assert broken(text, 1.0, None) is not None
    assert broken(text, 1.0, 1) is not None
    assert broken(1, value, 1) is not None


def test_infinity_is_expected_where_the_truth_overflows() -> None:
    """PyTorch's inf is the correctly rounded truth; an expected inf holds for both."""
    assert broken("inf", math.inf, Fraction(10) ** 400) is None


def test_sides_take_the_middle_of_a_finite_truth_alone() -> None:
    ends = Enclosure(lower=Fraction(1), upper=Fraction(3))
    assert sides(2.0, Truth(status=TruthStatus.FINITE, enclosure=ends), REAL).true == 2
    assert (
        sides(2.0, Truth(status=TruthStatus.PRECISION, enclosure=ends), REAL).true
        is None
    )
    assert sides(2.0, Truth(status=TruthStatus.LIMIT), REAL).true_name == "limit"


def test_the_measured_number_is_spelled_in_its_own_dtype() -> None:
    tenth = nearest(Fraction(1, 10), BINARY32)
    unmet = disagreement(
        "k", expected(1), both(tenth, Fraction(1, 10)), REAL, BINARY32, TOLERANCE
    )
    assert str(unmet) == "k: expected 1; neither PyTorch's 0.1 nor the true 0.1 agrees"


# ── pinned verdicts ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verdict", Verdict)
def test_without_a_pinned_verdict_only_a_match_is_as_expected(verdict: Verdict) -> None:
    assert is_expected(verdict, []) is (verdict.family == "match")


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize(
    "pinned", ["differ.unstable", "differ", "match", "undecided.limit"]
)
def test_a_pinned_verdict_is_expected_and_nothing_else(
    verdict: Verdict, pinned: str
) -> None:
    holds = verdict.value == pinned or verdict.family == pinned
    found = unlike_pinned(verdict, [tally(verdict)], Expectation(verdict=pinned))
    assert found == (None if holds else f"expected {pinned}, found {verdict}")


def test_a_broken_number_is_never_as_expected() -> None:
    assert not is_expected(Verdict.MATCH_EXACT, ["expect.value: …"])
    pin = {"verdict": "differ.unstable", "reason": "1 - cos(x) cancels."}
    asked = {"expression": "1 - cos(x)", "at": {"x": 1e-9}, "dtype": "float64"}
    assert verifier.verify(**asked, expect=pin).ok
    assert not verifier.verify(**asked, expect={**pin, "value": 3}).ok


def tally(*verdicts: str, quantity: str = "gradient", wrt: str | None = "x") -> Tally:
    counts = {str(verdict): 1 for verdict in verdicts}
    names = () if wrt is None else (wrt,)
    return Tally(quantity=quantity, wrt=names, counts=counts, max_error_ulp=None)


EXACT, WRONG, LOST, LIMIT = (
    "match.exact",
    "differ.wrong",
    "differ.unstable",
    "undecided.limit",
)


@pytest.mark.parametrize(
    ("value", "x", "y", "pinned", "message"),
    [
        (EXACT, WRONG, EXACT, "differ.wrong", None),
        (WRONG, WRONG, WRONG, "differ.wrong", None),
        (LOST, WRONG, EXACT, "differ", None),
        (LOST, WRONG, EXACT, "differ.wrong", "expected differ.wrong, found differ.unstable of value as well"),
        (LOST, WRONG, LOST, "differ.wrong", "differ.unstable of value, differ.unstable of gradient y as well"),
        (LIMIT, WRONG, EXACT, "differ", "expected differ, found undecided.limit of value as well"),
        (EXACT, EXACT, EXACT, "differ", "expected differ, found match.exact"),
        (EXACT, WRONG, EXACT, {"gradient": "differ.wrong"}, None),
        (EXACT, WRONG, WRONG, {"gradient": "differ.wrong"}, None),
        (EXACT, WRONG, EXACT, {"gradient": {"x": "differ.wrong"}}, None),
        (EXACT, WRONG, WRONG, {"gradient": {"x": "differ.wrong"}}, "found differ.wrong of gradient y as well"),
        (LOST, WRONG, EXACT, {"gradient": "differ.wrong"},
         "expected gradient differ.wrong alone, found differ.unstable of value as well"),
        (LOST, WRONG, EXACT, {"value": "differ.unstable", "gradient": "differ.wrong"}, None),
        (LOST, WRONG, EXACT, {"value": "differ", "gradient": {"x": "differ"}}, None),
        (EXACT, WRONG, LOST, {"gradient": "differ.wrong"},
         "expected gradient differ.wrong, found differ.unstable of gradient y as well"),
        (EXACT, WRONG, LOST, {"gradient": {"x": "differ.wrong", "y": "differ.unstable"}}, None),
        (EXACT, EXACT, WRONG, {"gradient": {"x": "differ.wrong"}},
         "found differ.wrong of gradient y as well; expected gradient x differ.wrong, found match.exact"),
        (EXACT, EXACT, EXACT, {"value": "differ.wrong"}, "expected value differ.wrong, found match.exact"),
        (EXACT, LIMIT, EXACT, {"gradient": {"x": "undecided"}}, None),
    ],
)  # fmt: skip
def test_a_pin_covers_the_quantities_that_it_names(
    value: str, x: str, y: str, pinned: Any, message: str | None
) -> None:
    quantities = [tally(value, quantity="value", wrt=None), tally(x), tally(y, wrt="y")]
    pins = {"verdict": pinned, "reason": "known"}
    case = from_mapping({"expression": "x*y", "at": {"x": 1, "y": 1}, "expect": pins})
    assert case.expectation is not None
    worst = max(map(Verdict, (value, x, y)), key=severity)
    found = unlike_pinned(worst, quantities, case.expectation)
    assert (found is None) if message is None else (found or "").endswith(message)


def test_what_is_accepted_needs_no_pin() -> None:
    quantities = [tally(LOST, quantity="value", wrt=None), tally(WRONG)]
    pinned = Expectation(verdict="differ.wrong")
    lost, wrong = Verdict.DIFFER_UNSTABLE, Verdict.DIFFER_WRONG
    assert unlike_pinned(wrong, quantities, pinned) is not None
    assert unlike_pinned(wrong, quantities, pinned, [lost]) is None
    # But it does not hide a worse one of the same quantity.
    both = [tally(LOST, WRONG, quantity="value", wrt=None), tally(WRONG)]
    assert (
        unlike_pinned(wrong, both, Expectation(verdict="differ.wrong"), [lost]) is None
    )
    alone = Expectation(pins=(Pin(quantity="gradient", verdict="differ.wrong"),))
    assert unlike_pinned(wrong, both, alone, [lost]) is not None


def test_a_pin_of_one_gradient_does_not_cover_another_that_starts_to_differ() -> None:
    fault = 0.0
    off = function(
        lambda x, y: x * y, lambda grad, x, y: (2 * y * grad, (x + fault) * grad)
    )

    def ok(**verdict: Any) -> bool:
        return verifier.check(
            off, 3, 4, expression="x*y", dtype="float32",
            expect={"reason": "twice the derivative", **verdict},
        ).ok  # fmt: skip

    assert ok(verdict={"gradient": {"x": "differ.wrong"}})
    assert ok(verdict="differ.wrong")
    fault = 1.0
    assert not ok(verdict={"gradient": {"x": "differ.wrong"}})
    assert ok(verdict="differ.wrong")


def test_an_accepted_difference_hides_no_other() -> None:
    spurious, unstable = Verdict.DIFFER_SPURIOUS, Verdict.DIFFER_UNSTABLE
    match, undecided = Verdict.MATCH_EXACT, Verdict.UNDECIDED_LIMIT
    assert unaccepted(spurious, [match, spurious, unstable], [spurious]) is unstable
    assert unaccepted(spurious, [match, spurious, undecided], [spurious]) is spurious
    assert unaccepted(spurious, [match, spurious, unstable], []) is spurious
    assert unaccepted(match, [match], [spurious]) is match
