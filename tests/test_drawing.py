"""Points drawn from domains, and all of their numbers."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier import floats
from verifier.errors import ExpressionError
from verifier.floats import BFLOAT16, BINARY16, BINARY32, BINARY64, FORMATS, Format
from verifier.language.drawing import draw, every
from verifier.language.points import Domain, domain, scalar

any_format = pytest.mark.parametrize("format_", FORMATS.values(), ids=FORMATS)


def is_negative_zero(value: float) -> bool:
    return value == 0 and math.copysign(1, value) < 0


def draw_one(text: str, count: int, format_: Format, seed: int = 0) -> list[float]:
    drawn = draw({"x": domain(text)}, count, format_, seed=seed, name="case")
    return [point["x"] for point in drawn]


@any_format
@pytest.mark.parametrize(
    "text",
    ["[-10, 10]", "(0, 1)", "[0.1, 0.3]", "(-pi, e]", "(0, inf)", "(-inf, -1]",
     "(-inf, inf)", "(-1e-6, 1e-6)", "(60000, 1e400)", "(1, 1.02)"],
)  # fmt: skip
def test_drawn_numbers_are_of_the_format_and_inside(text: str, format_: Format) -> None:
    for value in draw_one(text, 200, format_):
        assert domain(text).contains(value)
        assert floats.is_number(value, format_)
        assert not is_negative_zero(value)


@settings(derandomize=True, max_examples=200)
@given(
    st.fractions(-100, 100),
    st.fractions(Fraction(1, 100), 10),
    st.booleans(),
    st.booleans(),
    st.integers(0, 10),
)
def test_drawn_numbers_never_leave_their_interval(
    lower: Fraction, width: Fraction, left: bool, right: bool, seed: int
) -> None:
    found = Domain(
        lower=scalar(lower),
        upper=scalar(lower + width),
        lower_closed=left,
        upper_closed=right,
    )
    if not found.ordinals(BFLOAT16):
        return
    drawn = draw({"x": found}, 20, BFLOAT16, seed=seed, name="")
    assert all(found.contains(point["x"]) for point in drawn)


def test_an_interval_between_two_numbers_draws_none() -> None:
    with pytest.raises(
        ExpressionError,
        match=r"domain\.x: expected a domain that holds a number of float32, "
        r"found \(0, 1e-50\), which holds none",
    ):
        draw_one("(0, 1e-50)", 1, BINARY32)
    with pytest.raises(ExpressionError, match="holds none"):
        draw_one("(1e39, inf)", 1, BINARY32)
    assert draw_one("(0, 1e-50)", 1, BINARY64)[0] > 0


def test_an_interval_of_a_single_number_draws_that() -> None:
    assert draw_one("[1, 1.0000001)", 3, BINARY32) == [1.0, 1.0, 1.0]
    assert set(draw_one("(0, 2e-45)", 3, BINARY32)) == {2.0**-149}


def parts(numbers: list[Fraction], first: Fraction, last: Fraction) -> list[int]:
    """The part, of as many equal ones as there are numbers, in which each lies."""
    count = len(numbers)
    return sorted(
        min(count - 1, math.floor((x - first) / (last - first) * count))
        for x in numbers
    )


@pytest.mark.parametrize("count", [1, 2, 8, 64])
@pytest.mark.parametrize("seed", range(5))
def test_every_second_draw_is_stratified_over_the_values(count: int, seed: int) -> None:
    drawn = draw_one("[-3, 100]", 2 * count, BINARY64, seed)[0::2]
    found = parts([Fraction(x) for x in drawn], Fraction(-3), Fraction(100))
    assert found == list(range(count))


@pytest.mark.parametrize("text", ["[-3, 100]", "(0, inf)"])
@pytest.mark.parametrize("count", [1, 2, 8, 64])
def test_the_other_half_is_stratified_over_the_ordinals(text: str, count: int) -> None:
    drawn = draw_one(text, 2 * count, BINARY32)[1::2]
    inside = domain(text).ordinals(BINARY32)
    ordinals = [Fraction(floats.ordinal(x, BINARY32)) for x in drawn]
    found = parts(ordinals, Fraction(inside.start), Fraction(inside.stop))
    assert found == list(range(count))


def test_where_an_end_is_infinite_all_draws_are_by_ordinal() -> None:
    # 1.0 has the ordinal 127 · 2^23 of 255 · 2^23: about half of all numbers are smaller.
    drawn = draw_one("(0, inf)", 1024, BINARY32)
    for half in (drawn[0::2], drawn[1::2]):
        assert sum(1 for value in half if value < 1) == pytest.approx(255, abs=2)


def test_two_variables_do_not_line_up() -> None:
    unit = domain("[0, 1]")
    drawn = draw({"x": unit, "y": unit}, 512, BINARY64, seed=0, name="case")[0::2]
    quarters = [0] * 16
    for point in drawn:
        quarters[int(4 * point["x"]) * 4 + int(4 * point["y"])] += 1
    # Each of the 16 squares expects 16 of 256.
    assert min(quarters) >= 6
    assert max(quarters) <= 28


def test_more_points_change_none_that_were_drawn_before() -> None:
    many = draw_one("[-3, 100]", 300, BINARY32)
    for count in (1, 2, 3, 64, 65):
        assert draw_one("[-3, 100]", count, BINARY32) == many[:count]


def test_draws_depend_on_seed_name_and_variable_alone() -> None:
    x, y = domain("[0, 1]"), domain("(0, inf)")
    alone = draw({"x": x}, 5, BINARY64, seed=1, name="case")
    both = draw({"y": y, "x": x}, 8, BINARY64, seed=1, name="case")
    assert [point["x"] for point in both[:5]] == [point["x"] for point in alone]
    assert draw({"x": x}, 5, BINARY64, seed=2, name="case") != alone
    assert draw({"x": x}, 5, BINARY64, seed=1, name="other") != alone
    twins = draw({"a": x, "b": x}, 5, BINARY64, seed=1, name="case")
    assert all(point["a"] != point["b"] for point in twins)


def test_draws_leave_the_global_generator_alone() -> None:
    before = random.getstate()
    draw_one("(0, inf)", 3, BINARY32)
    assert random.getstate() == before


def test_no_variables_draw_empty_points() -> None:
    assert draw({}, 2, BINARY32, seed=0, name="case") == [{}, {}]
    assert draw_one("[0, 1]", 0, BINARY32) == []


# ── all numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("format_", "count"),
    [(BINARY16, 2 * 31 * 2**10), (BFLOAT16, 2 * 255 * 2**7)],
    ids=["float16", "bfloat16"],
)
def test_every_number_of_a_format_is_every_bit_pattern_but_nan(
    format_: Format, count: int
) -> None:
    # Two signs × exponents but the one of infinities and NaN × fractions, and the infinities.
    found = list(every(None, format_))
    assert len(found) == count + 2
    assert len({(x, math.copysign(1, x)) for x in found}) == count + 2
    assert found == sorted(found)
    assert (found[0], found[-1]) == (-math.inf, math.inf)
    assert all(floats.is_number(x, format_) for x in found)


def test_every_number_of_a_domain_has_both_zeros_if_0_is_inside() -> None:
    # From 0 to 1 there are fifteen binades of 1024, and 1 itself.
    found = list(every(domain("[0, 1]"), BINARY16))
    assert len(found) == 15 * 1024 + 1
    assert not any(is_negative_zero(x) for x in found)
    found = list(every(domain("[-1e-7, 1]"), BINARY16))
    assert len(found) == 15 * 1024 + 3
    assert [is_negative_zero(x) for x in found[:3]] == [False, True, False]
    assert list(every(domain("(0, 2e-7)"), BINARY16)) == [2**-24, 2**-23, 3 * 2**-24]
