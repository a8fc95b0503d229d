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
from verifier.language.points.domains import Domain, domain
from verifier.language.points.drawing import (
    DRAW_BITS,
    Draw,
    _quantile,
    draw,
    every,
    uniform,
)
from verifier.language.points.scalars import scalar

any_format = pytest.mark.parametrize("format_", FORMATS.values(), ids=FORMATS)


def is_negative_zero(value: float) -> bool:
    return value == 0 and math.copysign(1, value) < 0


def draw_one(
    text: str, count: int, format_: Format, seed: int = 0, how: Draw = Draw.VALUES
) -> list[float]:
    drawn = draw({"x": domain(text)}, count, format_, seed=seed, name="case", how=how)
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
def test_uniform_numbers_are_stratified_over_the_values(count: int, seed: int) -> None:
    drawn = uniform(domain("[-3, 100]"), count, BINARY64, f"{seed}")
    found = parts([Fraction(x) for x in drawn], Fraction(-3), Fraction(100))
    assert found == list(range(count))


@pytest.mark.parametrize("text", ["[-3, 100]", "(0, inf)"])
@pytest.mark.parametrize("count", [1, 2, 8, 64])
def test_floats_are_stratified_over_the_ordinals(text: str, count: int) -> None:
    drawn = draw_one(text, count, BINARY32, how=Draw.FLOATS)
    inside = domain(text).ordinals(BINARY32)
    ordinals = [Fraction(floats.ordinal(x, BINARY32)) for x in drawn]
    found = parts(ordinals, Fraction(inside.start), Fraction(inside.stop))
    assert found == list(range(count))


def test_floats_include_subnormal_numbers() -> None:
    # Of the 31 · 2^10 numbers from 0 on, 2^10 are subnormal: one in 31.
    drawn = draw_one("[0, inf)", 310, BINARY16, how=Draw.FLOATS)
    assert sum(1 for x in drawn if 0 < x < 2**-14) == pytest.approx(10, abs=1)


@pytest.mark.parametrize("how", Draw)
def test_where_an_end_is_infinite_all_draws_are_by_ordinal(how: Draw) -> None:
    # 1.0 has the ordinal 127 · 2^23 of 255 · 2^23: about half of all numbers are
    # smaller.
    drawn = draw_one("(0, inf)", 1024, BINARY32, how=how)
    assert sum(1 for value in drawn if value < 1) == pytest.approx(510, abs=2)


@any_format
@pytest.mark.parametrize(("text", "largest"), [("[0, 10]", 10), ("(-1000, 0]", 1000)])
def test_half_of_the_values_are_uniform_in_magnitude_over_six_decades(
    text: str, largest: int, format_: Format
) -> None:
    sizes = [abs(x) / largest for x in draw_one(text, 256, format_)]
    lowest = max(1e-6, float(format_.smallest_normal) / largest)
    decades = -math.log10(lowest)
    assert min(sizes) >= lowest * 0.999
    # All but the first decade are reached by the magnitudes, 128 of them; of the 128
    # uniform numbers by a tenth.
    below = sum(1 for size in sizes if size < 0.01)
    expected = 128 * (decades - 2) / decades + 1.28
    assert below == pytest.approx(expected, abs=4)
    assert sum(1 for size in sizes if size > 0.5) == pytest.approx(64 + 6.4, abs=4)


def test_magnitudes_have_both_signs_as_far_as_the_domain_goes() -> None:
    both = [x for x in draw_one("[-10, 10]", 256, BINARY32) if abs(x) < 0.01]
    assert sum(1 for x in both if x > 0) == pytest.approx(len(both) / 2, abs=2)
    # 128 magnitudes: six decades above 0, of which four lie below 0 too, and the
    # uniform half: a hundredth below 0.
    lopsided = draw_one("[-1, 100]", 256, BINARY32)
    negative = sum(1 for x in lopsided if x < 0)
    assert negative == pytest.approx(128 * 4 / 10 + 1.28, abs=3)


def test_magnitudes_of_a_domain_without_0_are_over_its_own_range() -> None:
    # log10(2), from 1 to 2, of log10(4), from 1 to 4: half of the magnitudes, and a
    # third of the uniform half.
    drawn = draw_one("[1, 4]", 256, BINARY64)
    assert sum(1 for x in drawn if x < 2) == pytest.approx(64 + 128 / 3, abs=2)


@pytest.mark.parametrize("text", ["[0, 1]", "normal"])
def test_variables_are_not_correlated(text: str) -> None:
    variables = {name: domain(text) for name in "xyz"}
    drawn = draw(variables, 1024, BINARY64, seed=0, name="case")
    # Ranks, so that neither tails nor magnitudes weigh more: of independent ones the
    # correlation is of order 1/32.
    ranks = {}
    for name in variables:
        order = sorted(range(1024), key=lambda index: drawn[index][name])
        ranks[name] = {index: rank for rank, index in enumerate(order)}
    for first, second in ("xy", "yz", "xz"):
        pairs = [
            (ranks[first][k] - 511.5, ranks[second][k] - 511.5) for k in range(1024)
        ]
        correlation = sum(a * b for a, b in pairs) / sum(a * a for a, _ in pairs)
        assert abs(correlation) < 0.1


def test_two_variables_do_not_line_up() -> None:
    unit = domain("[0, 1]")
    drawn = draw({"x": unit, "y": unit}, 512, BINARY64, seed=0, name="case")
    quarters = [0] * 16
    for point in drawn:
        quarters[int(4 * point["x"]) * 4 + int(4 * point["y"])] += 1
    # Either is in the first quarter at 7 of 12 points or so, in another at one of 8 and
    # more.
    assert min(quarters) >= 3
    assert quarters[0] < 512 / 2


# ── the normal distribution ───────────────────────────────────────────────────────────


@any_format
def test_normal_numbers_are_finite_numbers_of_the_format(format_: Format) -> None:
    drawn = draw_one("normal", 512, format_)
    assert all(floats.is_number(x, format_) and math.isfinite(x) for x in drawn)
    assert not any(is_negative_zero(x) for x in drawn)


def test_normal_numbers_have_their_distribution_with_zeros_and_wide_tails() -> None:
    drawn = draw_one("normal", 4096, BINARY64)
    assert sum(1 for x in drawn if x == 0) == 256  # one in 16

    def below(level: float) -> float:
        """Of the mixture: 10 times N(0, 1), 3 times three-fold, twice ten-fold, one
        zero, of 16."""
        cdf = [0.5 * math.erfc(-level / scale / math.sqrt(2)) for scale in (1, 3, 10)]
        return (10 * cdf[0] + 3 * cdf[1] + 2 * cdf[2] + (level >= 0)) / 16

    for level in (-20, -8, -3, -1.5, -0.5, 0.5, 1, 2, 5, 12, 25):
        share = sum(1 for x in drawn if x <= level) / len(drawn)
        assert share == pytest.approx(below(level), abs=0.01)


@pytest.mark.parametrize(
    ("share", "quantile"),  # DLMF 7.17; Abramowitz and Stegun, table 26.5
    [("0.5", 0.0), ("0.75", 0.6744897502), ("0.975", 1.9599639845), ("0.001", -3.0902323062)],
)  # fmt: skip
def test_a_normal_quantile_is_the_tabulated_one(share: str, quantile: float) -> None:
    place = int(Fraction(share) * 2**DRAW_BITS)
    assert float(_quantile(place)) == pytest.approx(quantile, abs=3e-9)


def test_a_normal_quantile_has_more_digits_than_machines_agree_on() -> None:
    found = [_quantile(place << 64 | 12345) for place in range(1, 2**64, 2**60)]
    assert all(x.denominator > 2**40 for x in found)
    assert found == sorted(found)


# ── the same for whatever is drawn ────────────────────────────────────────────────────

intervals = st.one_of(
    st.tuples(st.fractions(-1000, 1000), st.fractions(Fraction(1, 100), 2000)).map(
        lambda ends: f"[{ends[0]}, {ends[0] + ends[1]}]"
    ),
    st.integers(-300, 300).map(lambda power: f"[0, 1e{power}]"),
    st.integers(-300, 300).map(lambda power: f"(-1e{power}, 2e{power}]"),
    st.sampled_from(["(0, inf)", "(-inf, 5]", "(-inf, inf)", "normal"]),
)


@settings(derandomize=True, max_examples=300)
@given(
    intervals,
    st.sampled_from(list(FORMATS.values())),
    st.sampled_from(Draw),
    st.integers(0, 5),
    st.integers(1, 40),
)
def test_draws_are_inside_the_same_each_time_and_stay_when_more_are_asked_for(
    text: str, format_: Format, how: Draw, seed: int, count: int
) -> None:
    if not domain(text).ordinals(format_):
        return
    drawn = draw_one(text, count, format_, seed, how)
    assert drawn == draw_one(text, count, format_, seed, how)
    assert drawn == draw_one(text, 3 * count, format_, seed, how)[:count]
    for value in drawn:
        assert domain(text).contains(value)
        assert floats.is_number(value, format_)


@settings(derandomize=True, max_examples=100)
@given(st.integers(-20, 20), st.integers(0, 5), st.sampled_from([BINARY32, BINARY64]))
def test_values_spread_over_the_domain_and_over_its_magnitudes(
    power: int, seed: int, format_: Format
) -> None:
    drawn = draw_one(f"[0, 1e{power}]", 128, format_, seed)
    sizes = sorted(Fraction(x) / Fraction(10) ** power for x in drawn)
    # Tenths of the domain, each with a tenth of 64 but the first, which has the five
    # decades below as well.
    for tenth in range(1, 10):
        share = [x for x in sizes if tenth <= 10 * x < tenth + 1]
        assert 5 <= len(share) <= 11
    # Decades, each with a sixth of 64; the first two have numbers of the uniform half
    # as well.
    for decade in range(3, 7):
        share = [x for x in sizes if 1 <= 10**decade * x < 10]
        assert 9 <= len(share) <= 13


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


# ── all numbers ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("format_", "count"),
    [(BINARY16, 2 * 31 * 2**10), (BFLOAT16, 2 * 255 * 2**7)],
    ids=["float16", "bfloat16"],
)
def test_every_number_of_a_format_is_every_bit_pattern_but_nan(
    format_: Format, count: int
) -> None:
    # Two signs × exponents but the one of infinities and NaN × fractions, and the
    # infinities.
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
