"""Whole parts, remainders, signs and sums in one call: against exact rational
arithmetic and Python's own functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import pytest
import torch
from backwards import function
from entries import slopes

import verifier
from verifier.automatic import lowering
from verifier.errors import ExpressionError
from verifier.floats import FORMATS
from verifier.language.programs import rewriting
from verifier.language.programs.parsing import parse
from verifier.records import VALUE, Comparison, Truth, TruthStatus, Verdict
from verifier.symbolic.truth.oracle import Oracle

BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])
DOUBLE = FORMATS["float64"]


def truths(text: str, **point: float) -> tuple[Truth, dict[str, Truth]]:
    found = Oracle(parse(text), list(point)).at(point, 1.0, DOUBLE)
    return found[VALUE], slopes(found)


def is_number(truth: Truth, number: Fraction | int) -> bool:
    """Whether the truth is that number, known far more closely than a double is."""
    if truth.status is not TruthStatus.FINITE or truth.enclosure is None:
        return False
    ends = truth.enclosure
    slack = abs(Fraction(number)) / 2**60
    return ends.lower <= number <= ends.upper and ends.upper - ends.lower <= slack


def compared(text: str, dtype: str, **point: Any) -> dict[str, Comparison]:
    """The comparison of the value, under the empty name, and of each derivative."""
    (result,) = verifier.verify(text, at=[point], dtype=dtype).results
    return {"".join(c.wrt): c for c in result.comparisons}


def verdicts(text: str, dtype: str, **point: Any) -> dict[str, Verdict]:
    return {name: c.verdict for name, c in compared(text, dtype, **point).items()}


# ── remainders ────────────────────────────────────────────────────────────────────────

WHOLE: dict[str, Callable[[Fraction], int]] = {
    "fmod": math.trunc,
    "remainder": math.floor,
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_remainder_is_that_of_exact_division(name: str) -> None:
    """Quotients of up to 2²⁰⁰⁰, where a double has lost every digit of them."""
    random = Random(4)
    for spread in (1, 4, 60, 1000):
        for _ in range(12):
            x, y = (
                math.ldexp(random.uniform(-1, 1), random.randint(-spread, spread))
                for _ in range(2)
            )
            whole = WHOLE[name](Fraction(x) / Fraction(y))
            value, gradient = truths(f"{name}(x, y)", x=x, y=y)
            assert is_number(value, Fraction(x) - whole * Fraction(y)), (x, y)
            assert is_number(gradient["x"], 1)
            assert is_number(gradient["y"], -whole)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize(
    ("x", "y"), [(6.0, 3.0), (-6.0, 3.0), (1e300, 2.0**-900), (0.5, -(2.0**-1074))]
)
def test_a_multiple_is_told_exactly_and_has_no_derivative(
    name: str, x: float, y: float
) -> None:
    value, gradient = truths(f"{name}(x, y)", x=x, y=y)
    assert is_number(value, 0)
    statuses = {truth.status for truth in gradient.values()}
    assert statuses == {TruthStatus.UNDEFINED}


@pytest.mark.parametrize("text", ["floor(x)/10", "0.3*ceil(x)", "round(x, 1)"])
def test_a_jump_between_numbers_that_no_ball_holds_is_one(text: str) -> None:
    """On one side of 2 floor(x)/10 tends to 0.1, and not to the 0.2 that it is
    there."""
    point = 0.25 if "round" in text else 2.0
    _, gradient = truths(text, x=point)
    assert gradient["x"].status is TruthStatus.UNDEFINED


def test_a_tie_of_rationals_that_no_ball_holds_is_decided() -> None:
    """0.3/0.1 is 3 among the rationals that the text spells, and only there."""
    value, _ = truths("x*fmod(0.3, 0.1) + trunc(x*0.1)", x=30.0)
    assert is_number(value, 3)


def test_zero_is_a_multiple_without_a_jump_of_fmod_alone() -> None:
    value, gradient = truths("fmod(x, y)", x=0.0, y=3.0)
    assert is_number(value, 0)
    assert is_number(gradient["x"], 1)
    assert is_number(gradient["y"], 0)
    _, gradient = truths("remainder(x, y)", x=0.0, y=3.0)
    assert gradient["x"].status is TruthStatus.UNDEFINED


@BOTH
def test_remainders_by_zero_and_infinity(dtype: str) -> None:
    assert verdicts("fmod(x, y)", dtype, x=7, y="inf")[""] is Verdict.MATCH_EXACT
    assert compared("remainder(x, y)", dtype, x=-1, y="inf")[""].true == "inf"
    assert set(verdicts("fmod(x, y)", dtype, x=7, y=0).values()) == {
        Verdict.UNDECIDED_LIMIT
    }


# ── whole parts ───────────────────────────────────────────────────────────────────────

NUMBERS = (
    0.0,
    0.5,
    1.5,
    2.5,
    3.5,
    4.5,
    0.25,
    2.0,
    2.75,
    7.125,
    12.5,
    1e15 + 0.5,
    1e300,
)


@pytest.mark.parametrize("number", [*NUMBERS, *(-n for n in NUMBERS)])
def test_whole_parts_are_pythons(number: float) -> None:
    """`round` of a Fraction takes the even one of two; nothing of it is ours."""
    exact = Fraction(number)
    for text, expected in {
        "trunc(x)": Fraction(math.trunc(exact)),
        "fix(x)": Fraction(math.trunc(exact)),
        "frac(x)": exact - math.trunc(exact),
        "rint(x)": Fraction(round(exact)),
        "round(x)": Fraction(round(exact)),
        "round(x, decimals=1)": round(exact, 1),
        "round(x, 2)": round(exact, 2),
        "round(x, decimals=-1)": round(exact, -1),
    }.items():
        value, _ = truths(text, x=number)
        assert is_number(value, expected), text


@pytest.mark.parametrize(
    ("text", "jumps", "smooth"),
    [
        ("trunc(x)", (1, -2, 1e300), (0, 0.5, -1.5)),
        ("frac(x)", (1, -2, 1e300), (0, 0.5, -1.5)),
        ("rint(x)", (0.5, -1.5, 2.5), (0, 1, -2, 0.25, 1e300)),
        ("round(x, decimals=1)", (0.25, -0.75), (0, 0.5, 0.3)),
        ("round(x, decimals=-1)", (5, -15), (0, 10, 6)),
        ("angle(x)", (0,), (1, -1)),
        ("copysign(3, x)", (0,), (1, -1)),
    ],
)
def test_derivatives_are_undefined_at_the_jumps_alone(
    text: str, jumps: tuple[float, ...], smooth: tuple[float, ...]
) -> None:
    for point in jumps:
        _, gradient = truths(text, x=float(point))
        assert gradient["x"].status is TruthStatus.UNDEFINED, point
    for point in smooth:
        _, gradient = truths(text, x=float(point))
        assert is_number(gradient["x"], int(text == "frac(x)")), point


@pytest.mark.parametrize("text", ["round(x, decimals=1/2)", "round(x, decimals=301)"])
def test_decimals_are_an_integer(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"integer constant from -300 to 300"):
        parse(text)


def test_rounding_to_decimals_overflows_on_the_way() -> None:
    """PyTorch multiplies by 10³ first, which float32 cannot hold of 2·10³⁸."""
    found = compared("round(x, decimals=3)", "float32", x=2e38)[""]
    assert found.measured == "inf"
    assert found.verdict is Verdict.DIFFER_RANGE


# ── jumps behind what is constant beside any point ────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "floor(sign(x)/2 + 3/4)",
        "where(sign(x) > 1/2, 1, 2)",
        "max(where(x < 0, 1, 2), 3/2)",
        "sign(floor(x) + 1/2)",
        "clamp(3*sign(x), -1, 1)",
        "sign(atan2(x, -1))",
    ],
)
def test_a_jump_is_seen_through_operations_that_are_constant_there(text: str) -> None:
    """Each makes a step of a step: its local derivative is 0 at the number that stands
    at 0, yet the whole jumps."""
    _, gradient = truths(text, x=0.0)
    assert gradient["x"].status is TruthStatus.UNDEFINED
    _, gradient = truths(text, x=0.5)
    assert is_number(gradient["x"], 0)


@pytest.mark.parametrize(
    "text", ["max(sign(x), 5)", "floor(sign(x)/4 + 1/2)", "clamp(sign(x), 2, 3)"]
)
def test_a_jump_that_is_levelled_out_is_none(text: str) -> None:
    _, gradient = truths(text, x=0.0)
    assert is_number(gradient["x"], 0)


def test_the_jump_of_a_constant_moves_nothing() -> None:
    value, gradient = truths("x * sign(floor(2) - 1/2)", x=3.0)
    assert is_number(value, 3)
    assert is_number(gradient["x"], 1)


# ── signs and choices ─────────────────────────────────────────────────────────────────


@BOTH
def test_the_sign_of_a_zero_is_copied(dtype: str) -> None:
    for sign in ("0.0", "-0.0", "2", "-2"):
        found = compared("copysign(x, y)", dtype, x=3, y=sign)
        assert float(found[""].measured) == math.copysign(3.0, float(sign))
        assert found[""].verdict is Verdict.MATCH_EXACT
        assert found["x"].verdict is Verdict.MATCH_EXACT
        spurious = float(sign) == 0
        assert (found["y"].verdict is Verdict.DIFFER_SPURIOUS) == spurious


@BOTH
@pytest.mark.parametrize(
    ("text", "gradient"),
    [
        ("fmax(x, y)", (1, 0)),
        ("fmin(x, y)", (1, 0)),
        ("clamp_min(x, y)", (1, 0)),
        ("clamp_max(x, y)", (1, 0)),
        ("max(x, y)", (0.5, 0.5)),
    ],
)
def test_pytorchs_convention_at_a_tie_is_a_subgradient(
    text: str, gradient: tuple[float, float], dtype: str
) -> None:
    found = compared(text, dtype, x=2, y=2)
    assert (float(found["x"].measured), float(found["y"].measured)) == gradient
    assert {found[name].verdict for name in "xy"} == {Verdict.MATCH_SUBGRADIENT}


@BOTH
@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("nan_to_num(x)", {"x": "nan"}),
        ("nan_to_num(x)", {"x": "inf"}),
        ("nan_to_num(x)", {"x": "-inf"}),
        ("nan_to_num(x/y)", {"x": 1, "y": 0}),
        ("sin(nan_to_num(log(x)))", {"x": -1}),
        ("fmax(x, y)", {"x": "nan", "y": 1}),
        ("fmin(sqrt(x), y)", {"x": -1, "y": 1}),
    ],
)
def test_what_is_put_in_the_place_of_nan_is_left_undecided(
    text: str, point: dict[str, Any], dtype: str
) -> None:
    """It is PyTorch's documented choice, and no number of the real function: neither
    right nor wrong."""
    assert set(verdicts(text, dtype, **point).values()) == {Verdict.UNDECIDED_LIMIT}


# ── known results of PyTorch's ────────────────────────────────────────────────────────


@BOTH
def test_ldexp_leaves_the_range_where_its_result_does_not(dtype: str) -> None:
    """PyTorch computes x·pow(2, y): of 2⁻⁸⁰·2¹⁵⁰ = 2⁷⁰ in float32, the second factor is
    infinite."""
    small, large = {"float32": (-80, 150), "float64": (-600, 1100)}[dtype]
    found = compared("ldexp(x, y)", dtype, x=2.0**small, y=large)
    assert found[""].measured == "inf"
    assert found[""].verdict is Verdict.DIFFER_RANGE
    assert found["x"].verdict is not Verdict.DIFFER_WRONG


@BOTH
def test_a_remainder_lost_by_the_vector_kernel_is_found(dtype: str) -> None:
    """SLEEF's fmod gives NaN where x/y overflows, C's does not: only long batches meet
    it, and not on every machine."""
    x, y = {
        "float32": (2.0**90, 0.75 * 2.0**-90),
        "float64": (2.0**700, 0.75 * 2.0**-700),
    }[dtype]
    both = (
        torch.full((64,), number, dtype=lowering.DTYPES[dtype]) for number in (x, y)
    )
    if torch.fmod(*both).isfinite().all():
        pytest.skip("this machine's kernel is right")
    points = [{"x": x, "y": y} for _ in range(64)]
    (result,) = verifier.verify("fmod(x, y)", at=points, dtype=dtype).results
    values = {c.verdict for c in result.comparisons if c.quantity == "value"}
    assert values == {Verdict.DIFFER_NONFINITE}


def test_float_power_is_computed_in_float64_and_rounded() -> None:
    random = Random(5)
    numbers = [(random.uniform(0.1, 9), random.uniform(-5, 5)) for _ in range(200)]
    x, y = (
        torch.tensor(part, requires_grad=True) for part in zip(*numbers, strict=True)
    )
    found = lowering.Lowered(parse("float_power(x, y)"), "float32").run(
        {"x": x, "y": y}
    )
    assert torch.equal(found[-1], (x.double() ** y.double()).float())
    assert not torch.equal(found[-1], x**y)
    points = [{"x": x, "y": y} for x, y in numbers]
    (result,) = verifier.verify("float_power(x, y)", at=points, dtype="float32").results
    assert result.verdict.family == "match"
    values = [c for c in result.comparisons if c.quantity == "value"]
    assert {c.verdict for c in values} <= {Verdict.MATCH_EXACT}


# ── planted faults ────────────────────────────────────────────────────────────────────

Backward = Callable[..., tuple[torch.Tensor | None, ...]]


FAULTS: dict[str, tuple[str, Callable[..., torch.Tensor], Backward, str]] = {
    "a straight-through estimator": ("round(x)", torch.round, lambda g, x: (g,), "x"),
    "frac without a slope": ("frac(x)", torch.frac, lambda g, x: (0 * g,), "x"),
    "a quotient rounded down": (
        "fmod(x, y)", torch.fmod, lambda g, x, y: (g, -g * torch.floor(x / y)), "y",
    ),
    "a quotient rounded to 0": (
        "remainder(x, y)", torch.remainder, lambda g, x, y: (g, -g * torch.trunc(x / y)), "y",
    ),
    "the divisor forgotten": (
        "fmod(x, y)", torch.fmod, lambda g, x, y: (g, 0 * g), "y",
    ),
    "the sign forgotten": (
        "copysign(x, y)", torch.copysign, lambda g, x, y: (g, 0 * g), "x",
    ),
    "the ends swapped": (
        "lerp(x, y, 0.25)", torch.lerp, lambda g, x, y, w: (g * w, g * (1 - w), g * (y - x)), "xy",
    ),
    "degrees for radians": (
        "deg2rad(x)", torch.deg2rad, lambda g, x: (g * (180 / torch.pi),), "x",
    ),
    "the logarithm forgotten": (
        "ldexp(x, y)", torch.ldexp, lambda g, x, y: (g * 2**y, g * x * 2**y), "y",
    ),
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_backward_is_found(
    fault: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, forward, backward, wrong = FAULTS[fault]
    name = text.partition("(")[0]
    points = [{"x": -x, "y": 1.3} for x in (1.7, 3.1, 4.2)]
    if "y" not in text.partition("(")[2]:
        points = [{"x": point["x"]} for point in points]

    def differing() -> set[str]:
        (result,) = verifier.verify(text, at=points, dtype=dtype).results
        return {
            "".join(c.wrt) for c in result.comparisons if c.verdict.family == "differ"
        }

    assert differing() == set()
    if name == "round":
        forward_of = function(forward, backward)
        monkeypatch.setitem(lowering.OPERATIONS, name, lambda x, d: forward_of(x))
    else:
        monkeypatch.setitem(lowering.OPERATIONS, name, function(forward, backward))
    assert differing() == set(wrong)


def test_the_definitions_need_no_more_rows() -> None:
    """A definition is written out once, so that `round` reaches floor through rint."""
    program = rewriting.define(parse("round(x, decimals=2)"))
    used = {node.operation for node in program.nodes}
    assert "rint" not in used
    assert "floor" in used
