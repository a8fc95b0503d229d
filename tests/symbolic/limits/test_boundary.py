"""Boundary points: where programs turn, vanish and leave the range, by published
numbers and by mpmath."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import mpmath  # type: ignore[import-untyped]
import pytest
from rows import call

from verifier import floats
from verifier.floats import BFLOAT16, BINARY16, BINARY32, BINARY64, FORMATS, Format
from verifier.language.operations import table as operations
from verifier.language.points.domains import domain
from verifier.language.points.drawing import draw
from verifier.language.programs.parsing import parse, parse_steps
from verifier.symbolic.limits import boundary, watches

any_format = pytest.mark.parametrize("format_", FORMATS.values(), ids=FORMATS)


def found(
    text: str, format_: Format = BINARY32, *, count: int = 4, **domains: str
) -> list[Mapping[str, float]]:
    intervals = {name: domain(interval) for name, interval in domains.items()}
    drawn = draw(intervals, count, format_, seed=0, name="case")
    program = parse(text, variables=intervals)
    return boundary.points(program, intervals, drawn, format_)


def of_x(text: str, interval: str, format_: Format = BINARY32) -> list[float]:
    return [point["x"] for point in found(text, format_, x=interval)]


def beside(value: float, format_: Format) -> set[float]:
    return {floats.neighbour(value, step, format_) for step in (-1, 0, 1)}


# ── inputs ────────────────────────────────────────────────────────────────────────────


def test_the_ends_of_a_domain_and_what_is_beside_them_inside() -> None:
    values = set(of_x("x", "[1, 2)"))
    assert {1.0, 1 + 2**-23, 2 - 2**-23, 2 - 2**-22} == values


@any_format
def test_zeros_and_the_smallest_numbers(format_: Format) -> None:
    values = of_x("x", "[-1, 1]", format_)
    normal, subnormal = (
        float(format_.smallest_normal),
        float(format_.smallest_subnormal),
    )
    for sign in (1, -1):
        assert beside(sign * normal, format_) <= set(values)
        assert beside(sign * subnormal, format_) <= set(values)
    signs = [math.copysign(1, value) for value in values if value == 0]
    assert sorted(signs) == [-1, 1]


# ── thresholds, by mpmath ─────────────────────────────────────────────────────────────


def overflow(format_: Format) -> Fraction:
    """From here on what is rounded to nearest is infinite (IEEE 754-2019, section
    4.3.1)."""
    return format_.largest + floats.ulp(format_.largest, format_) / 2


def pair_at(root: mpmath.mpf, format_: Format) -> set[float]:
    """The numbers of the format on both sides of an irrational one."""
    exact = Fraction(*mpmath.libmp.to_rational(root._mpf_))
    near = floats.nearest(exact, format_)
    return {near, floats.neighbour(near, 1 if Fraction(near) < exact else -1, format_)}


def real(value: Fraction) -> mpmath.mpf:
    return mpmath.mpf(value.numerator) / value.denominator


@any_format
def test_where_exp_leaves_the_range(format_: Format) -> None:
    values = set(of_x("exp(x)", "[-2000, 2000]", format_))
    with mpmath.workdps(60):
        assert pair_at(mpmath.log(real(overflow(format_))), format_) <= values
        assert pair_at(mpmath.log(real(format_.smallest_normal)), format_) <= values
        half = real(format_.smallest_subnormal) / 2
        assert pair_at(mpmath.log(half), format_) <= values


def test_the_published_thresholds_of_expf_and_exp() -> None:
    # glibc 2.39, sysdeps/ieee754/flt-32/e_expf.c: x > 0x1.62e42ep6f overflows; fdlibm,
    # e_exp.c: o_threshold.
    single = of_x("exp(x)", "[0, 100]", BINARY32)
    assert float.fromhex("0x1.62e42ep6") in single
    assert float.fromhex("0x1.62e430p6") in single
    double = of_x("exp(x)", "[0, 1000]", BINARY64)
    assert 7.09782712893383973096e02 in double
    assert math.nextafter(7.09782712893383973096e02, math.inf) in double


def test_overflow_begins_half_an_ulp_above_the_largest_number() -> None:
    # 8 ulps below the largest float32, the sum is exactly there: a tie, which goes to
    # infinity.
    place = float(BINARY32.largest) - 2.0**107
    assert beside(place, BINARY32) <= set(of_x("x + (2**103 + 2**107)", "[1, 1e39]"))


def test_an_inner_value_counts_and_not_the_result_alone() -> None:
    values = set(of_x("log(1 + exp(x))", "[-80, 100]"))
    assert float.fromhex("0x1.62e42ep6") in values


def test_where_tanh_rounds_to_one() -> None:
    with mpmath.workdps(40):
        root = mpmath.atanh(1 - mpmath.mpf(2) ** -25)
        assert pair_at(root, BINARY32) <= set(of_x("tanh(x)", "[0, 40]"))
        assert pair_at(-root, BINARY32) <= set(of_x("tanh(x)", "[-40, 0]"))


def test_a_zero_of_an_inner_value_and_a_pole_without_a_row() -> None:
    with mpmath.workdps(40):
        assert pair_at(+mpmath.pi, BINARY64) <= set(of_x("sin(x)", "[3, 4]", BINARY64))
        assert pair_at(mpmath.pi / 2, BINARY64) <= set(
            of_x("tan(x)", "[1, 2]", BINARY64)
        )


# ── where operations turn ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "interval", "places"),
    [
        ("abs(x - 1)", "[-3, 5]", [1.0]),
        ("relu(2*x + 3)", "[-3, 5]", [-1.5]),
        ("1/(x - 1/4)", "[-3, 5]", [0.25]),
        ("sqrt(x + 2)", "[-3, 5]", [-2.0]),
        ("log(3 - x)", "[-3, 5]", [3.0]),
        ("asin(x/2)", "[-3, 5]", [-2.0, 2.0]),
        ("acosh(x)", "[-3, 5]", [1.0]),
        ("atanh(x)", "[-3, 5]", [-1.0, 1.0]),
        ("softplus(x)", "[0, 100]", [20.0]),
        ("clamp(x, -1, 2)", "[-3, 5]", [-1.0, 2.0]),
        ("where(x > 2, x, 1)", "[-3, 5]", [2.0]),
        ("max(x**2, 4)", "[-3, 5]", [-2.0, 2.0]),
        ("max(0.2*x + 0.5, 1)", "[-3, 5]", [2.5]),  # no ball holds 0.2
        ("(x - 1)**-2", "[-3, 5]", [1.0]),
        ("(x - 1)**1.5", "[-3, 5]", [1.0]),
        ("floor(x)", "[0.5, 1.5]", [1.0]),
        ("ceil(x)", "[-1.5, -0.5]", [-1.0]),
        ("lgamma(x)", "[-1.5, -0.5]", [-1.0]),
        ("digamma(x)", "[-0.5, 3]", [0.0]),
        ("cbrt(x - 1)", "[-3, 5]", [1.0]),
        ("csc(x)", "[-3, 3]", [0.0]),
    ],
)
@pytest.mark.parametrize(
    "format_", [BINARY32, BINARY64, BFLOAT16], ids=lambda f: f.name
)
def test_where_an_operation_turns_and_one_ulp_to_each_side(
    text: str, interval: str, places: list[float], format_: Format
) -> None:
    values = set(of_x(text, interval, format_))
    for place in places:
        assert beside(place, format_) <= values


def test_a_tie_of_two_inputs_is_found_along_each() -> None:
    ties = [p for p in found("max(x, y)", x="[-1, 1]", y="[-1, 1]") if p["x"] == p["y"]]
    drawn = draw({n: domain("[-1, 1]") for n in "xy"}, 4, BINARY32, seed=0, name="case")
    bases = drawn[: boundary.LINES]
    for base in bases:
        assert {"x": base["x"], "y": base["x"]} in ties
        assert {"x": base["y"], "y": base["y"]} in ties


def test_every_row_of_the_table_can_be_watched() -> None:
    turning = {
        name for name, row in operations.OPERATIONS.items() if watches._turns(row)
    }
    told = {
        name
        for name, row in operations.OPERATIONS.items()
        if (row.kinks or row.jumps or row.poles) and row.definition is None
    }
    assert told - turning == {"where"}  # its condition's comparisons tell


@pytest.mark.parametrize(
    "row", operations.OPERATIONS.values(), ids=lambda row: row.name
)
def test_points_are_found_for_every_operation(row: operations.Operation) -> None:
    if operations.Sort.CONDITION in (*row.sorts, row.result):
        pytest.skip("a condition is no value")
    variables = dict.fromkeys("xyz"[: len(row.tensors)], "[-3, 3]")
    found_ = found(call(row, "xyz"), BINARY16, **variables)
    assert 4 <= len(found_) <= boundary.MOST_POINTS


# ── which points, and how many ────────────────────────────────────────────────────────


LONG = "*".join(f"sin({k}*x)*cos(y + {k})" for k in range(1, 9))


def test_points_are_inside_new_and_few() -> None:
    intervals = {"x": domain("(0, 3]"), "y": domain("[-1, 1)")}
    drawn = draw(intervals, 8, BINARY32, seed=0, name="case")
    points = boundary.points(parse(LONG), intervals, drawn, BINARY32)
    assert len(points) == boundary.MOST_POINTS
    keys = [tuple(value.hex() for value in point.values()) for point in points]
    assert len(set(keys)) == len(keys)
    for point in points:
        assert point not in drawn
        for name, interval in intervals.items():
            assert interval.contains(point[name])
            assert floats.is_number(point[name], BINARY32)


def test_each_kind_has_its_share_of_a_full_house() -> None:
    points = found(f"abs(x)*exp(40*x) + {LONG}", x="[-3, 3]", y="[-1, 1]")
    values = {point["x"] for point in points}
    assert len(points) == boundary.MOST_POINTS
    assert {-3.0, 3.0, 0.0, 2.0**-126} <= values  # ends, kink, smallest normal
    with mpmath.workdps(40):  # overflow of exp(40 x)
        root = mpmath.log(real(overflow(BINARY32))) / 40
        assert pair_at(root, BINARY32) <= values


def test_what_is_not_allowed_is_left_out() -> None:
    intervals = {"x": domain("[-3, 3]")}
    drawn = draw(intervals, 4, BINARY32, seed=0, name="case")
    points = boundary.points(
        parse("abs(x)"), intervals, drawn, BINARY32, allowed=lambda p: p["x"] > 0
    )
    assert points
    assert all(point["x"] > 0 for point in points)


def test_the_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = 0
    apply = boundary._apply

    def counted(operation: str, operands: list[object]) -> object:
        nonlocal spent
        spent += 1
        return apply(operation, operands)

    monkeypatch.setattr(boundary, "_apply", counted)
    steps = [f"s{k} = s{k - 1} + sin({k}*x)" for k in range(1, 3000)]
    program = parse_steps("s0 = x\n" + "\n".join(steps))
    intervals = {"x": domain("[-100, 100]")}
    drawn = draw(intervals, 4, BINARY32, seed=0, name="case")
    points = boundary.points(program, intervals, drawn, BINARY32)
    # The grid may take all of the work, and overdraw it by one evaluation.
    assert boundary.MOST_WORK // 2 < spent <= boundary.MOST_WORK + 12_000
    assert {-100.0, 100.0, 0.0} <= {point["x"] for point in points}
