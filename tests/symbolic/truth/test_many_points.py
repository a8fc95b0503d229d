"""The truth at many points is the oracle's truth, and the check sees where it is
not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest
from entries import gradient, slopes
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp, mpf

from verifier.floats import (
    BFLOAT16,
    BINARY32,
    BINARY64,
    FORMATS,
    Format,
    from_ordinal,
    nearest,
    neighbour,
    ordinal,
    ulp,
)
from verifier.language.operations import table as operations
from verifier.language.programs.parsing import parse
from verifier.language.programs.program import Program
from verifier.records import VALUE, Truth, TruthStatus
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic import straight_lines as lines
from verifier.symbolic.arithmetic.nearest import Rounded, rounding
from verifier.symbolic.truth import many_points
from verifier.symbolic.truth.many_points import UNEXAMINED, BatchOracle, truth_of
from verifier.symbolic.truth.oracle import Oracle

formats = st.sampled_from(list(FORMATS.values()))
inf = math.inf


def made(text: str) -> BatchOracle:
    program = parse(text)
    return BatchOracle(Oracle(program, program.inputs))


def truths(
    program: Program,
    wrt: Sequence[str],
    points: Sequence[Mapping[str, float]],
    upstream: float,
    format_: Format,
) -> many_points.BatchTruths:
    return BatchOracle(Oracle(program, wrt)).truths(points, upstream, format_)


def line(format_: Format, count: int, **limits: float) -> list[float]:
    """Numbers spread evenly over the format's, from `low` to `high`."""
    low = ordinal(limits.get("low", -inf), format_)
    high = ordinal(limits.get("high", inf), format_)
    return [
        from_ordinal(low + (high - low) * k // (count - 1), format_)
        for k in range(count)
    ]


def exactly(rounded: Rounded) -> Fraction:
    return Fraction(rounded.nearest) + Fraction(rounded.rest) * Fraction(2) ** (
        rounded.grain
    )


# ── rounding a ball ───────────────────────────────────────────────────────────────────


@st.composite
def dyadics(draw: Callable[..., Any]) -> Fraction:
    """Exact numbers of all sizes, many of them ties or next to one."""
    mantissa = draw(st.integers(-(1 << 60), 1 << 60)) | draw(st.integers(0, 1))
    kept = draw(st.integers(1, 61))
    mantissa = (mantissa >> kept << kept) + draw(st.integers(-1, 1))
    return mantissa * Fraction(2) ** draw(st.integers(-1200, 1100))


@given(value=dyadics(), format_=formats)
@example(value=Fraction(1 - 2**54), format_=BFLOAT16)
def test_an_exact_ball_rounds_as_rational_arithmetic_does(
    value: Fraction, format_: Format
) -> None:
    found = rounding(format_)(balls.exact(value))
    assert found is not None
    assert found.nearest == nearest(value, format_)
    if not math.isinf(found.nearest):
        assert Fraction(2) ** found.grain == ulp(value, format_) or abs(
            value
        ) < format_.smallest_subnormal * Fraction(1, 2**20)
        assert abs(exactly(found) - value) <= Fraction(2) ** (found.grain - 20)


@given(value=dyadics(), third=st.integers(1, 1 << 40), format_=formats)
def test_an_inexact_ball_rounds_as_the_number_in_it_or_not_at_all(
    value: Fraction, third: int, format_: Format
) -> None:
    exact = value * Fraction(third, 3)
    with balls.workprec(96):
        found = rounding(format_)(balls.exact(exact))
    if found is not None and not math.isinf(found.nearest):
        assert abs(exactly(found) - exact) <= Fraction(2) ** (found.grain - 18)
    assert found is None or found.nearest == nearest(exact, format_)


@pytest.mark.parametrize("format_", FORMATS.values(), ids=FORMATS)
def test_a_ball_across_a_tie_is_left_open(format_: Format) -> None:
    tie = 1 + Fraction(1, 2**format_.precision_bits)
    wide = balls.around(balls.exact(tie), balls.dyadic(-90))
    assert rounding(format_)(wide) is None
    assert rounding(format_)(balls.exact(tie)).nearest == 1.0  # to even


@pytest.mark.parametrize("format_", FORMATS.values(), ids=FORMATS)
def test_a_number_of_the_format_within_a_thin_ball_is_settled(format_: Format) -> None:
    """As tanh x ≈ x is, far below 1."""
    number = Fraction(neighbour(2.0**-10, 5, format_))
    thin = balls.around(balls.exact(number), balls.dyadic(-120))
    assert rounding(format_)(thin).nearest == float(number)


@pytest.mark.parametrize("format_", FORMATS.values(), ids=FORMATS)
def test_what_lies_beyond_the_range_overflows_and_what_is_next_to_nothing_vanishes(
    format_: Format,
) -> None:
    rounded = rounding(format_)
    with balls.workprec(96):
        huge = balls.OPERATIONS["exp"](balls.exact(1e38))
        assert rounded(huge).nearest == inf
        assert rounded(-huge).nearest == -inf
        assert rounded(1 / huge)[:3] == (0.0, rounded(balls.zero()).grain, 0.0)
        assert rounded(balls.anything()) is None
        assert rounded(huge * balls.around(balls.zero(), balls.dyadic(0))) is None
    largest = format_.largest
    half = ulp(largest, format_) / 2
    assert rounded(balls.exact(largest + half)).nearest == inf
    assert rounded(balls.exact(largest + half * Fraction(63, 64))).nearest == float(
        largest
    )


@given(value=dyadics(), format_=formats, data=st.data())
def test_the_error_is_counted_in_ulps_of_the_truth(
    value: Fraction, format_: Format, data: st.DataObject
) -> None:
    entry = rounding(format_)(balls.exact(value))
    assert entry is not None
    if math.isinf(entry.nearest):
        return
    steps = data.draw(st.integers(-300, 300))
    measured = neighbour(entry.nearest, steps, format_)
    if math.isinf(measured):
        return
    error = abs(Fraction(measured) - value) / Fraction(2) ** entry.grain
    assert entry.error_ulp(measured) == pytest.approx(float(error), rel=1e-9, abs=1e-5)


def test_an_error_past_all_doubles_is_the_largest_double() -> None:
    entry = rounding(BINARY64)(balls.zero())
    assert entry is not None
    assert entry.error_ulp(1e308) > 1e308


# ── against the oracle ────────────────────────────────────────────────────────────────

UNARY = [
    row
    for row in operations.OPERATIONS.values()
    if row.arity == 1 and row.result is operations.Sort.NUMBER
]


def ends(truth: Truth) -> tuple[Fraction, Fraction]:
    assert truth.enclosure is not None
    return truth.enclosure.lower, truth.enclosure.upper


def assert_agree(
    found: many_points.RoundedTruth, truth: Truth, format_: Format
) -> None:
    if not isinstance(found, Rounded):
        assert found == truth
        return
    assert truth.status is TruthStatus.FINITE, truth
    low, high = ends(truth)
    assert nearest(low, format_) <= found.nearest <= nearest(high, format_)
    own = ends(truth_of(found))
    assert own[0] <= high
    assert low <= own[1]


@pytest.mark.parametrize("row", UNARY, ids=lambda row: row.name)
@pytest.mark.parametrize("format_", [BFLOAT16, BINARY64], ids=lambda f: f.name)
def test_every_operation_has_the_oracles_truth_at_every_kind_of_point(
    row: operations.Operation, format_: Format
) -> None:
    many = made(f"{row.name}(x)")
    inputs = [-0.0, 0.0, 1.0, -1.0, -3.0, 0.5, inf, -inf, math.nan]
    inputs += line(format_, 41)
    points = [{"x": x} for x in inputs]
    found = many.truths(points, 1.0, format_, checked_every=10_000)
    for index, point in enumerate(points):
        truth = many.oracle.at(point, 1.0, format_)
        assert_agree(found.columns[VALUE][index], truth[VALUE], format_)
        assert_agree(found.columns[gradient("x")][index], truth[gradient("x")], format_)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("max(x, y) * hypot(x, y)", [(1, 2), (2, 1), (1, 1), (0, 0), (-3, 4)]),
        ("where(x > 0, log(x), -x) + y", [(1, 2), (-1, 2), (0, 1), (1e-30, 0)]),
        ("where(x > 0 and not y < x, x*y, x - y)", [(1, 2), (2, 1), (1, 1), (0, 3)]),
        ("x**y", [(2, 3), (0.5, -0.5), (0, 2), (-2, 2), (-2, 0.5), (2, 0)]),
        ("atan2(y, x)", [(1, 1), (-1, 0), (0, 0), (-1, 2), (-1, -0.0), (3, 0)]),
        ("x**3 - y**(-2) + x**(1/2)", [(2, 3), (0, 1), (4, 0), (-1, 2)]),
        ("clamp(x, y, 2)", [(1, 0), (3, 0), (0, 0), (2, 0), (-1, 0), (5, 3)]),
        ("polygamma(1, x) * y", [(2, 1), (-2, 1), (-2.5, 1), (0, 0)]),
        ("exp(log(x)) / y", [(1, 2), (-1, 2), (1, 0)]),
        ("max(x, x) + y", [(1, 1), (0, 0)]),
    ],
)
@pytest.mark.parametrize("upstream", [1.0, -2.5])
def test_programs_of_several_operations_have_the_oracles_truth(
    text: str, points: list[tuple[float, float]], upstream: float
) -> None:
    many = made(text)
    given_ = [{"x": float(x), "y": float(y)} for x, y in points]
    for format_ in (BFLOAT16, BINARY32, BINARY64):
        found = many.truths(given_, upstream, format_)
        for index, point in enumerate(given_):
            truth = many.oracle.at(point, upstream, format_)
            assert_agree(found.columns[VALUE][index], truth[VALUE], format_)
            for name, known in slopes(truth).items():
                assert_agree(found.columns[gradient(name)][index], known, format_)
            again = found.at(index)
            assert again[VALUE].status is truth[VALUE].status
            assert {n: t.status for n, t in slopes(again).items()} == {
                n: t.status for n, t in slopes(truth).items()
            }


def test_ordinary_points_are_settled_without_the_oracle() -> None:
    """But not those at an edge."""
    inputs = [-0.0, 0.0, -1.0, 1e-38, 0.75, 3.0, inf]
    found = made("sqrt(x)").truths([{"x": x} for x in inputs], 1.0, BINARY32)
    assert found.settled == [False, False, False, True, True, True, False]
    assert [entry.__class__ for entry in found.columns[gradient("x")]] == [
        Truth if x <= 0 else Rounded for x in inputs
    ]


def test_the_oracle_is_asked_of_no_more_edges_than_allowed() -> None:
    points = [{"x": float(k)} for k in range(100)] + [{"x": -0.0}]
    found = made("floor(x)").truths(points, 1.0, BINARY32, most_asked=10)
    left = [entry is UNEXAMINED for entry in found.columns[gradient("x")]]
    assert sum(left) == 90
    assert not any((left[0], left[99], left[100]))


def test_there_may_be_no_points() -> None:
    found = truths(parse("exp(x)"), ["x"], [], 1.0, BINARY32)
    assert (found.columns, found.checked) == ({VALUE: [], gradient("x"): []}, 0)


# ── against mpmath ────────────────────────────────────────────────────────────────────

CLOSED_FORMS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sigmoid": (
        lambda x: 1 / (1 + mp.exp(-x)),
        lambda x: mp.exp(-x) / (1 + mp.exp(-x)) ** 2,
    ),
    "tanh": (mp.tanh, lambda x: mp.sech(x) ** 2),
    "expm1": (mp.expm1, mp.exp),
    "atan": (mp.atan, lambda x: 1 / (1 + x * x)),
    "asinh": (mp.asinh, lambda x: 1 / mp.sqrt(1 + x * x)),
    "erf": (mp.erf, lambda x: 2 * mp.exp(-x * x) / mp.sqrt(mp.pi)),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), lambda x: 1 / (1 + mp.exp(-x))),
    "sin": (mp.sin, mp.cos),
    "lgamma": (lambda x: mp.log(abs(mp.gamma(x))), mp.digamma),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
@pytest.mark.parametrize("format_", FORMATS.values(), ids=FORMATS)
def test_value_and_gradient_are_those_of_mpmath(name: str, format_: Format) -> None:
    inputs = [x for x in line(format_, 61, low=-600.0, high=600.0) if x > 0 or x % 1]
    found = made(f"{name}(x)").truths([{"x": x} for x in inputs], 1.0, format_)
    with mp.workprec(300 if name == "lgamma" else 3000):
        for index, x in enumerate(inputs):
            for entry, form in zip(
                (found.columns[VALUE][index], found.columns[gradient("x")][index]),
                CLOSED_FORMS[name],
                strict=True,
            ):
                assert isinstance(entry, Rounded)
                sign, mantissa, power, _ = form(mpf(x))._mpf_
                exact = (-1) ** sign * mantissa * Fraction(2) ** max(power, -9000)
                assert entry.nearest == nearest(exact, format_), (x, exact)


# ── the check can fail ────────────────────────────────────────────────────────────────

POINTS = [{"x": x} for x in (0.5, 1.25, -3.0)]


def disputed(many: BatchOracle, format_: Format = BINARY32) -> list[bool]:
    found = many.truths(POINTS, 1.0, format_, checked_every=1)
    assert found.checked == len(POINTS)
    columns = found.columns.values()
    return [
        any(e.status is TruthStatus.ORACLE for e in entries if isinstance(e, Truth))
        for entries in zip(*columns, strict=True)
    ]


@pytest.mark.parametrize("format_", FORMATS.values(), ids=FORMATS)
def test_what_is_right_is_disputed_nowhere(format_: Format) -> None:
    assert disputed(made("sigmoid(x)"), format_) == [False] * 3


@pytest.mark.parametrize("steps", [-1, 1])
def test_a_truth_off_by_an_ulp_is_disputed(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off(format_: Format) -> Callable[[Any], Any]:
        honest = rounding(format_)

        def rounded(ball: Any) -> Any:
            found = honest(ball)
            if found is None:  # a ball around several points may be too wide
                return None
            return found._replace(nearest=neighbour(found.nearest, steps, format_))

        return rounded

    monkeypatch.setattr(many_points, "rounding", off)
    assert disputed(made("sigmoid(x)")) == [True] * 3


def test_a_rest_off_by_a_hundredth_of_an_ulp_is_disputed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def off(format_: Format) -> Callable[[Any], Any]:
        honest = rounding(format_)
        return lambda ball: (f := honest(ball)) and f._replace(rest=f.rest + 0.01)

    monkeypatch.setattr(many_points, "rounding", off)
    assert disputed(made("sigmoid(x)")) == [True] * 3


def test_a_compiled_gradient_that_is_wrong_is_disputed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = {**lines.DIRECT, "mul": lambda x, y: x * y * (1 + balls.dyadic(-40))}
    monkeypatch.setattr(lines, "DIRECT", wrong)
    assert disputed(made("sigmoid(x)")) == [True] * 3


def test_a_kink_that_is_taken_for_smooth_is_disputed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "_is_smooth_everywhere", lambda row: True)
    many = made("abs(x)")
    (found,) = many.truths([{"x": 0.0}], 1.0, BINARY32, checked_every=1).columns[
        gradient("x")
    ]
    assert isinstance(found, Truth)
    assert found.status is TruthStatus.ORACLE
    assert "kink" in (found.reason or "")


def test_the_witness_alone_can_dispute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the oracle shares the fault."""

    def fooled(*arguments: Any) -> Any:
        return {"x": balls.exact(0.3)}

    monkeypatch.setattr(many_points.witness, "gradient", fooled)
    found = made("sigmoid(x)").truths(POINTS, 1.0, BINARY32, checked_every=1)
    reasons = [
        entry.reason
        for entry in found.columns[gradient("x")]
        if isinstance(entry, Truth)
    ]
    assert len(reasons) == 3
    assert all(reason and "witness" in reason for reason in reasons)


# ── neighbours together ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "sigmoid(x)",
        "tanh(x)",
        "relu(x - 1)",
        "floor(x)",
        "softplus(x)",
        "mvlgamma(x, 2)",
    ],
)
def test_neighbours_that_are_settled_together_round_as_each_alone(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = made(text)
    inputs = [{"x": x} for x in line(BFLOAT16, 4081)]

    def settled() -> many_points.BatchTruths:
        return many.truths(inputs, 1.0, BFLOAT16, checked_every=None, most_asked=0)

    together = settled()
    monkeypatch.setattr(many_points, "BLOCK", 1)
    alone = settled()
    assert together.settled == alone.settled
    for ours, theirs in (
        (together.columns[VALUE], alone.columns[VALUE]),
        (together.columns[gradient("x")], alone.columns[gradient("x")]),
    ):
        for one, other in zip(ours, theirs, strict=True):
            if not isinstance(one, Rounded):
                assert one == other
                continue
            assert isinstance(other, Rounded)
            assert one.nearest == other.nearest
            if one.grain == other.grain:
                assert abs(one.rest - other.rest) <= 2.0**-19
            else:  # just below a power of two, or there: both are known to be next to nothing off
                assert abs(one.rest) + abs(other.rest) <= 2.0**-19


def test_neighbours_are_settled_together_where_a_function_stands_still() -> None:
    """Far out one ball is enough for a block of points, and a kink within a block is
    none's to share."""
    inputs = [{"x": 200.0 + k} for k in range(many_points.BLOCK)]
    found = truths(parse("sigmoid(x)"), ["x"], inputs, 1.0, BFLOAT16)
    assert len({id(entry) for entry in found.columns[VALUE]}) == 1
    mixed = [{"x": 3.0 if k == 64 else 200.0 + k} for k in range(many_points.BLOCK)]
    found = truths(parse("sigmoid(x)"), ["x"], mixed, 1.0, BFLOAT16)
    middle = found.columns[VALUE][64]
    assert isinstance(middle, Rounded)
    assert middle.nearest == nearest(1 / (1 + Fraction(math.exp(-3))), BFLOAT16) < 1
    kinked = [{"x": k - 64.5} for k in range(many_points.BLOCK)]
    found = truths(parse("relu(x)"), ["x"], kinked, 1.0, BFLOAT16)
    for entry, point in zip(found.columns[gradient("x")], kinked, strict=True):
        assert isinstance(entry, Rounded)
        assert entry.nearest == (0.0 if point["x"] < 0 else 1.0)


def test_a_choice_between_numbers_is_no_edge() -> None:
    """A comparison of constants has no neighbours at which it goes another way."""
    found = truths(
        parse("where(1 == 1, sin(x), 1/x)"),
        ["x"],
        [{"x": 0.0}, {"x": 1.0}],
        1.0,
        BINARY64,
    )
    assert found.settled == [True, True]
    for entry, true in zip(
        found.columns[gradient("x")], (1.0, math.cos(1.0)), strict=True
    ):
        assert isinstance(entry, Rounded)
        assert entry.nearest == true
    kink = truths(parse("where(x == 1, x, 2*x)"), ["x"], [{"x": 1.0}], 1.0, BINARY64)
    assert kink.settled == [False]
